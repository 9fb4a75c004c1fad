"""What a dry run means for people: by officer and week, by branch and month, above the ceiling, one loan (S2.12)."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups import batch
from followups.actions import policy_file
from followups.models.policy import PolicyRun, PolicyRunLoad, PolicyRunLoan
from followups.queries.policy_load import Workload
from journal.models import Entry
from loans.models import Loan, Parameter
from people.models import Staff
from tests.database.policy_bank import AT, FROM, drafted, risk_people, try_out
from tests.database.test_policy import twice_a_year
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db


def client_of(staff: Staff) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def tried() -> tuple[PolicyRun, Staff, Staff]:
    """A run over 14 loans of one officer, with a ceiling of one visit a week; its maker and the officer."""
    officer = make_staff("LOAN_OFFICER", make_branch())
    for number in range(14):
        book_loan(branch=officer.branch, officer=officer, days_past_due=(0, 0, 40)[number % 3])
    batch.replan(as_of=FROM.replace(month=11), at=AT)
    Parameter.objects.filter(code="visit_week_ceiling").update(value=1)
    maker, _checker = risk_people()
    return try_out(drafted(maker, twice_a_year), maker), maker, officer


def address(run: PolicyRun, name: str = "followups:policy_load") -> str:
    return reverse(name, args=[run.policy_id, run.pk])


def test_the_ceiling_is_the_banks_parameter_and_who_is_above_it_is_named(tried: Any) -> None:
    run, maker, officer = tried
    assert run.summary["ceiling"] == 1
    above = Workload(run, maker).above()
    weeks = PolicyRunLoad.objects.filter(run=run, unit="W", officer_id=officer.pk)
    over = {row.starts_on: row.phone_after + row.field_after for row in weeks if row.phone_after + row.field_after > 1}
    assert over
    assert {each.monday: each.visits.after for each in above} == over
    assert all(each.officer == officer and each.over == each.visits.after - 1 for each in above)
    shown = client_of(maker).get(address(run)).content.decode()
    assert officer.name in shown and "超出上限" in shown


def test_years_of_officers_and_branches_are_the_sums_of_the_run(tried: Any) -> None:
    run, maker, officer = tried
    load = Workload(run, maker)
    (year,) = load.officers()
    assert (year.officer, year.visits.before, year.visits.after) == (
        officer, run.summary["before"]["visits"], run.summary["after"]["visits"]
    )  # fmt: skip
    assert (str(year.hours.before), str(year.hours.after)) == (
        run.summary["before"]["hours"], run.summary["after"]["hours"]
    )  # fmt: skip
    months, (branch,) = load.months()
    assert branch.branch == officer.branch and len(branch.months) == len(months) >= 2
    assert (branch.total, branch.total_in_field, branch.total_hours) == (year.visits, year.in_field, year.hours)
    assert year.in_field.after > 0
    weeks = load.weeks_of(officer.pk)
    assert sum(each.visits.after for each in weeks) == year.visits.after
    assert max(each.visits.after for each in weeks) == year.busiest.after
    assert sum(each.in_field.after for each in weeks) == year.in_field.after
    assert sum(each.hours.after for each in weeks) == year.hours.after
    shown = client_of(maker).get(address(run), {"officer": officer.staff_no}).content.decode()
    totals = (year.visits, year.in_field, year.hours)
    assert all(f"{total.before} → {total.after}" in shown for total in totals)


def test_the_page_narrows_to_a_branch_opens_a_person_and_explains_a_loan(tried: Any) -> None:
    run, maker, officer = tried
    client = client_of(maker)
    other = make_branch()
    narrowed = client.get(address(run), {"branch": other.code}).content.decode()
    assert f"officer={officer.staff_no}" in client.get(address(run)).content.decode()
    assert f"officer={officer.staff_no}" not in narrowed
    opened = client.get(address(run), {"officer": officer.staff_no}).content.decode()
    assert "每周户数、实地和工时" in opened
    row = PolicyRunLoan.objects.filter(run=run, change="EARLIER").order_by("loan_id").last()
    assert row is not None
    shown = client.get(address(run), {"loan": str(row.loan_id)}).content.decode()
    assert Loan.objects.get(pk=row.loan_id).loan_note_no in shown
    assert str(row.before_on) in shown and str(row.after_on) in shown
    assert "期初存量，6个月内摊排" in shown and "期初存量，12个月内摊排" in shown
    for odd in ("x", "-1", "9" * 18, "９"):
        assert client.get(address(run), {"loan": odd, "officer": odd, "branch": ""}).status_code == 200


def test_a_branch_that_there_is_not_or_that_one_does_not_see_is_missing_on_the_page_and_in_its_file(tried: Any) -> None:
    run, maker, officer = tried
    file = reverse("followups:policy_load_file", args=[run.policy_id, run.pk])
    head = make_staff("BRANCH_MANAGER", make_branch())
    (role,) = head.roles.all()
    role.permissions = [*role.permissions, "followups.view_policy"]
    role.save()
    own, others = head.branch.code, officer.branch.code
    for odd in ("x", "-1", "9" * 18, "９", others):
        for path in (address(run), file):
            assert client_of(head).get(path, {"branch": odd}).status_code == 404, (path, odd)
    for path in (address(run), file):
        assert client_of(head).get(path, {"branch": own}).status_code == 200
        assert client_of(head).get(path).status_code == 200
    assert Entry.objects.filter(kind="followups.policy_load_taken").count() == 2, "a refused file leaves no entry"


def test_the_page_asks_the_database_as_often_for_many_officers_as_for_one(tried: Any) -> None:
    run, maker, officer = tried
    client = client_of(maker)
    counts = []
    for more in (0, 5):
        for _n in range(more):
            extra = make_staff("LOAN_OFFICER", make_branch())
            PolicyRunLoad.objects.create(
                run=run, unit="W", branch_id=extra.branch_id, officer_id=extra.pk, starts_on=FROM, phone_before=1,
                field_before=0, off_site_before=0, phone_after=3, field_after=0, off_site_after=0,
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address(run)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 40


def test_changed_loans_are_handed_out_as_a_workbook_and_that_is_recorded(tried: Any) -> None:
    run, maker, _officer = tried
    reply = client_of(maker).get(address(run, "followups:policy_loans_xlsx"), {"change": "EARLIER"})
    assert reply.status_code == 200
    with ZipFile(BytesIO(reply.content)) as book:
        words = book.read("xl/sharedStrings.xml").decode()
    rows = PolicyRunLoan.objects.filter(run=run, change="EARLIER")
    notes = dict(Loan.objects.values_list("pk", "loan_note_no"))
    assert rows and all(notes[row.loan_id] in words for row in rows)
    entry = Entry.objects.get(kind="followups.policy_loans_taken")
    assert (entry.data["rows"], entry.actor) == (len(rows), maker.staff_no)


def test_a_list_too_long_for_a_workbook_is_refused_and_not_recorded(
    tried: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, maker, _officer = tried
    monkeypatch.setattr(policy_file, "MOST_ROWS", 2)
    reply = client_of(maker).get(address(run, "followups:policy_loans_xlsx"))
    assert reply.status_code == 422
    assert not Entry.objects.filter(kind="followups.policy_loans_taken").exists()
