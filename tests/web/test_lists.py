"""The list of loans: few statements whatever it is asked, each order complete forwards and backwards, officers offered
by branch, a search that finds by every way; a loan's page that reads each kind once."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from collateral.queries import charges_of, collateral_values, valuations_of, valuations_of_all, value_of
from config.loan_page import FUTURE_SHOWN, SHOWN_BACK
from followups.models import TaskState, VisitTask
from followups.queries import payment_strip, timeline
from followups.queries.timeline import MOST
from loans import filters
from loans.models import FiveClass, Loan, Position
from loans.queries import loan_facts, open_day, reads_of, require_business_date
from loans.views import lists
from loans.views.lists import LOAN_ORDERS, OF_FEWEST, OWN_NUMBER
from people.paging import page_of
from tests.database.test_visits import make_task
from tests.factories import book_loan, make_branch, make_party, make_staff
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of

MOST_STATEMENTS = 12
# A page may reach over all five parts of a large desk.
MOST_OF_A_LARGE_DESK = MOST_STATEMENTS + 5


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def of_many(branch: Any, officer: Any) -> list[Loan]:
    """Seven loans: three overdue, two of them since the same day, two with the same balance."""
    loans = [book_loan(branch, officer=officer) for _ in range(7)]
    for loan, since in zip(loans, (date(2026, 9, 1), date(2026, 9, 1), date(2026, 8, 1)), strict=False):
        Position.objects.filter(pk=loan.pk).update(overdue_since=since)
    Position.objects.filter(pk__in=[loans[5].pk, loans[6].pk]).update(
        principal_balance=Decimal("999999.00"), unbilled_principal=Decimal("999999.00")
    )
    return loans


def many_tasks(bank: Bank) -> None:
    """Thirty-five open tasks over all parts of the desk, some of an overdue loan."""
    loans = list(Loan.objects.filter(branch=bank.home).order_by("id"))
    Position.objects.filter(pk=loans[0].pk).update(overdue_since=date(2026, 9, 1))
    today = require_business_date()
    for number in range(35):
        make_task(
            loans[number % len(loans)], officer=bank.staff["officer"], cycle=f"M{number}",
            level=(1, 2, 3, 9)[number % 4], due_on=today + timedelta(days=number % 24 - 4),
            state=TaskState.PLANNED if number % 7 else TaskState.IN_PROGRESS,
        )  # fmt: skip


@pytest.mark.parametrize("order", LOAN_ORDERS, ids=lambda order: order.code)
def test_pages_of_any_size_give_each_loan_once_forwards_and_backwards(bank: Bank, order: Any) -> None:
    of_many(bank.home, bank.staff["officer"])
    seen = Loan.objects.select_related("position").filter(position__isnull=False)
    whole = [loan.pk for loan in page_of(seen, order).rows]
    assert len(whole) == seen.count() == 9
    for size in range(1, 9):
        page = page_of(seen, order, size=size)
        pages = [page]
        while page.next:
            page = page_of(seen, order, cursor=page.next, size=size)
            pages.append(page)
        assert [loan.pk for each in pages for loan in each.rows] == whole
        back = [page]
        while page.previous:
            page = page_of(seen, order, cursor=page.previous, size=size)
            back.append(page)
        assert [loan.pk for each in reversed(back) for loan in each.rows] == whole


def test_the_longest_overdue_come_first_and_the_rest_after_them(bank: Bank) -> None:
    of_many(bank.home, bank.staff["officer"])
    order = next(each for each in LOAN_ORDERS if each.code == "overdue")
    since = [loan.position.overdue_since for loan in page_of(Loan.objects.select_related("position"), order).rows]
    overdue = [each for each in since if each is not None]
    assert since == sorted(overdue) + [None] * (len(since) - len(overdue))
    assert len(overdue) == 5


@pytest.mark.parametrize(
    "query", ["", "sort=overdue", "sort=balance", "five_class=PASS", "q=1234", "q=ML", "q=张", "q=E1"]
)
@pytest.mark.parametrize("who", ["officer", "operations"])
def test_the_list_takes_few_statements_whatever_it_is_asked(bank: Bank, who: str, query: str) -> None:
    client = client_of(bank, who)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"{reverse('loans:list')}?{query}").status_code == 200
        counts.append(len(captured))
        of_many(bank.home, bank.staff["officer"])
    assert counts[0] == counts[1] <= MOST_STATEMENTS


def test_the_largest_balances_of_a_branch_are_those_of_the_bank_in_it(bank: Bank) -> None:
    of_many(bank.home, bank.staff["officer"])
    of_many(bank.other, bank.staff["stranger"])
    whole = page_of(Loan.objects.select_related("position"), LOAN_ORDERS[2]).rows
    here = [loan.pk for loan in whole if loan.branch_id == bank.home.pk]
    assert len(here) == 8
    for who, query in (("officer", {}), ("auditor", {"branch": bank.home.code})):
        page = client_of(bank, who).get(reverse("loans:list"), {"sort": "balance", **query})
        assert [row["loan"].pk for row in page.context["rows"]] == here


def test_a_cursor_of_the_fewest_is_one_of_all(bank: Bank) -> None:
    of_many(bank.home, bank.staff["officer"])
    seen = Loan.objects.annotate(own_number=OWN_NUMBER)
    here = [loan.pk for loan in page_of(seen, LOAN_ORDERS[0], size=6).rows]
    first = page_of(seen, OF_FEWEST, size=3)
    assert first.next == page_of(seen, LOAN_ORDERS[0], size=3).next
    rest = page_of(seen, OF_FEWEST, size=3, cursor=first.next)
    assert [loan.pk for loan in first.rows + rest.rows] == here
    assert [loan.pk for loan in page_of(seen, OF_FEWEST, cursor=rest.previous).rows] == here[:3]


@pytest.mark.parametrize("sort", ["number", "balance", "overdue"])
def test_few_loans_of_a_class_lie_as_they_do_among_all(bank: Bank, sort: str) -> None:
    of_many(bank.home, bank.staff["officer"])
    some = Position.objects.order_by("-pk")[:4]
    Position.objects.filter(pk__in=[each.pk for each in some]).update(five_class=FiveClass.LOSS)
    order = next(each for each in LOAN_ORDERS if each.code == sort)
    among = [loan.pk for loan in page_of(Loan.objects.select_related("position"), order, size=500).rows]
    wanted = [pk for pk in among if pk in {each.pk for each in some}]
    client = client_of(bank, "auditor")
    found = client.get(reverse("loans:list"), {"sort": sort, "five_class": FiveClass.LOSS}).context["rows"]
    assert [row["loan"].pk for row in found] == wanted


def test_who_sees_the_whole_bank_is_asked_for_no_list_of_branches(bank: Bank) -> None:
    assert "branch_id" not in str(Loan.objects.visible_to(bank.staff["auditor"]).values("pk").query)
    assert "branch_id" in str(Loan.objects.visible_to(bank.staff["officer"]).values("pk").query)
    assert Loan.objects.visible_to(bank.staff["auditor"]).count() == 2
    assert not Loan.objects.visible_to(bank.staff["administrator"]).exists()


def test_officers_are_offered_by_branch_once_branches_are_many(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(bank, "auditor")
    idle = make_staff("LOAN_OFFICER", make_branch())

    def offered(**query: str) -> set[str]:
        return {staff_no for staff_no, _name in client.get(reverse("loans:list"), query).context["officers"]}

    home, other = bank.staff["officer"].staff_no, bank.staff["stranger"].staff_no
    assert offered() == {home, other}
    assert idle.staff_no not in offered()
    monkeypatch.setattr(lists, "FEW_BRANCHES", 1)
    assert offered() == set()
    assert offered(branch=bank.home.code) == {home}
    assert offered(branch=bank.home.code, officer=other) == {home, other}
    assert 'name="officer"' not in client.get(reverse("loans:list")).content.decode()


@pytest.mark.parametrize("many", [0, 500])
def test_a_search_finds_by_each_way_and_only_what_one_sees(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(filters, "MANY_NUMBERS", many)
    party = make_party(name="欧阳静怡", name_initials="oyjy")
    loan = book_loan(bank.home, borrower=party, officer=bank.staff["officer"])

    def found(who: str, word: str) -> set[int]:
        return {row["loan"].pk for row in client_of(bank, who).get(reverse("loans:list"), {"q": word}).context["rows"]}

    words = [party.name, "阳静", party.id_no[-4:], party.phone[-4:], party.name_initials, loan.loan_note_no]
    words += [loan.loan_note_no.lower()[:-1], loan.external_id or loan.loan_note_no]
    for word in words:
        assert loan.pk in found("auditor", word), word
        assert loan.pk in found("officer", word), word
        assert loan.pk not in found("stranger", word), word
    assert found("auditor", "查无此人") == set()


def test_one_letter_is_no_initials_and_is_said_to_be_too_short(bank: Bank) -> None:
    party = make_party(name="卓一", name_initials="zy")
    loan = book_loan(bank.home, borrower=party, officer=bank.staff["officer"])
    client = client_of(bank, "auditor")
    short, two = (client.get(reverse("loans:list"), {"q": word}) for word in ("z", "zy"))
    assert "请至少输入两个" in short.content.decode() and short.context["rows"] == []
    assert [row["loan"].pk for row in two.context["rows"]] == [loan.pk] and two.context["search_note"] == ""
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("loans:list"), {"q": "z"})
    assert not any("name_initials" in each["sql"] for each in captured)


def test_the_beginning_of_many_numbers_is_listed_by_number_and_says_so(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_many(bank.home, bank.staff["officer"])
    word = Loan.objects.earliest("pk").loan_note_no[:5]
    client, query = client_of(bank, "auditor"), {"q": word, "sort": "balance"}
    numbers = Loan.objects.filter(loan_note_no__startswith=word).order_by("loan_note_no")
    few = client.get(reverse("loans:list"), query)
    assert few.context["order"].code == "balance" and few.context["search_note"] == ""
    monkeypatch.setattr(filters, "MANY_NUMBERS", 2)
    many = client.get(reverse("loans:list"), query)
    assert many.context["order"].code == "number" and "已按借据号排列" in many.content.decode()
    assert [row["number"] for row in many.context["rows"]] == list(numbers.values_list("loan_note_no", flat=True)[:25])
    of_one = client.get(reverse("loans:list"), {**query, "branch": bank.home.code})
    assert of_one.context["order"].code == "balance" and of_one.context["search_note"] == ""


def test_a_loans_page_reads_each_kind_once(bank: Bank) -> None:
    loan = bank.loans["home"]
    for who, may_name in (("officer", True), ("colleague", False), ("auditor", False)):
        client = client_of(bank, who)
        with CaptureQueriesContext(connection) as captured:
            page = client.get(reverse("loan_page", args=[loan.pk]))
        assert page.status_code == 200 and page.context["knows"] is may_name
        assert len(captured) <= MOST_STATEMENTS, [each["sql"][:120] for each in captured]
        dates = [each for each in captured if "loans_businessdate" in each["sql"]]
        calendars = [each for each in captured if "FROM loans_workday" in each["sql"]]
        assert len(dates) == len(calendars) == 1


def test_what_a_page_reads_once_is_what_each_part_would_read(bank: Bank) -> None:
    for kept in bank.loans.values():
        loan = Loan.objects.select_related("position", "borrower").get(pk=kept.pk)
        bank_today = open_day()
        assert bank_today is not None
        reads = reads_of(loan, bank_today, MOST)
        assert loan_facts(loan, reads) == loan_facts(loan)
        assert payment_strip(loan, 24, reads) == payment_strip(loan, 24)
        assert timeline(loan, MOST, reads.billed) == timeline(loan)
        assert payment_strip(loan, 24, reads_of(loan, bank_today, SHOWN_BACK, FUTURE_SHOWN)) == payment_strip(loan, 24)
        charges = list(charges_of(loan.pk))
        assert value_of(charges) == collateral_values([loan.pk]).get(loan.pk) is not None
        homes = valuations_of_all([charge.property_id for charge in charges])
        assert homes == {pk: list(valuations_of(pk)) for pk in homes} and homes


def test_a_home_without_a_value_leaves_the_whole_unknown(bank: Bank) -> None:
    charges = list(charges_of(bank.loans["home"].pk))
    charges[0].property.value = None
    assert value_of(charges) is value_of([]) is None


@pytest.mark.parametrize("sort", ["time", "due", "overdue", "new"])
@pytest.mark.parametrize("who", ["officer", "manager", "risk"])
def test_a_large_desk_gives_the_same_pages_as_a_small_one(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, who: str, sort: str
) -> None:
    """Walked part by part along the indexes, or sorted as a whole: the same tasks in the same order."""
    many_tasks(bank)
    client = client_of(bank, who)

    def walked(most: int) -> list[list[int]]:
        query, pages = f"?scope=branch&sort={sort}", []
        while query:
            with CaptureQueriesContext(connection) as captured:
                context = client.get(reverse("followups:desk") + query).context
            assert len(captured) <= most, [each["sql"][:120] for each in captured]
            pages.append([row.task.pk for row in context["rows"]])
            cursor = context["page"].next
            query = f"?scope=branch&sort={sort}&cursor={cursor}" if cursor else ""
        return pages

    small = walked(MOST_STATEMENTS)
    monkeypatch.setattr("followups.views.desk_page.MOST_COUNTED", 1)
    assert walked(MOST_OF_A_LARGE_DESK) == small
    assert len(small) > 1 and sum(map(len, small)) == len({pk for page in small for pk in page}) >= 30


def test_counts_beside_a_list_stop_where_they_are_told_no_further(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    many_tasks(bank)
    client = client_of(bank, "manager")
    whole = client.get(reverse("followups:desk") + "?scope=branch")
    counts = {chip["code"]: chip["count"] for chip in whole.context["chips"]}
    assert counts[None] == VisitTask.objects.visible_to(bank.staff["manager"]).still_open().count()
    assert counts["urgent"] == VisitTask.objects.visible_to(bank.staff["manager"]).filter(level__lte=2).count() > 0
    monkeypatch.setattr("people.paging.MOST_COUNTED", 3)
    capped = client.get(reverse("followups:desk") + "?scope=branch")
    assert {chip["count"] for chip in capped.context["chips"]} <= {0, 1, 2, 3, 4}
    assert "3+" in capped.content.decode() and "3+" not in whole.content.decode()
