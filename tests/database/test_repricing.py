"""The bulk repricing run: what is previewed is what is applied, to the fen; a second person; once."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db.models import F

from config import day_end
from journal.models import Entry
from loans.actions.pricing_documents import notice_content
from loans.actions.repricing import (
    OwnRepricing,
    RepricingConflict,
    RepricingRefused,
    RepricingStale,
    cancel_repricing,
    decide_repricing,
)
from loans.batch import reprice
from loans.models import (
    Installment,
    Loan,
    Parameter,
    Position,
    Pricing,
    RepricingItem,
    RepricingRun,
    Terms,
)
from loans.queries import future_schedule, open_business_date, terms_of
from loans.rules.continuation import continuation, from_json
from people.actions import NotAllowed
from people.models import Staff
from tests import changing, factories
from tests.database.repricing_bank import (
    NEW_YEAR,
    approved,
    close_through,
    evenings_to,
    item_of,
    proposed,
    publish,
    state_of,
)
from tests.loan_books import book

pytestmark = pytest.mark.django_db

# ── E6 and what is shown ─────────────────────────────────────────────────────────────────────────


def test_what_is_told_in_the_autumn_is_billed_in_january(maker: Staff, checker: Staff, at: datetime) -> None:
    """As E6: 3.30 % becomes 3.20 % on 1 January, 360 months of 1,000,000.00 from the first one on."""
    loan = factories.book_loan(
        outstanding=Decimal("1000000.00"), annual_rate_percent=Decimal("3.3000"), matures_on=date(2056, 10, 20)
    )
    Pricing.objects.filter(loan=loan).update(spread_bp=Decimal("-30"))
    run = approved(maker, checker, at)
    item = item_of(run, loan)
    assert (item.lpr_percent, item.old_rate_percent, item.new_rate_percent) == (
        Decimal("3.5000"), Decimal("3.3000"), Decimal("3.2000"),
    )  # fmt: skip
    assert item.old_installment == Position.objects.get(pk=loan.pk).installment_amount == Decimal("4379.55")
    assert (item.first_due_on, item.regular_on) == (date(2027, 1, 20), date(2027, 2, 20))
    close_through(NEW_YEAR, at)
    assert item_of(run, loan).state == "APPLIED" and item_of(run, loan).applied_on == NEW_YEAR
    close_through(date(2027, 2, 20), at)
    billed = dict(Installment.objects.filter(loan=loan).values_list("due_on", F("principal") + F("interest")))
    assert billed[date(2026, 12, 20)] == item.old_installment
    assert billed[date(2027, 1, 20)] == item.first_amount
    assert billed[date(2027, 2, 20)] == item.new_installment
    position = Position.objects.get(pk=loan.pk)
    assert (position.annual_rate_percent, position.installment_amount) == (Decimal("3.2000"), item.new_installment)
    assert position.next_repricing_on == date(2028, 1, 1)


def test_the_notice_of_a_deferred_loan_names_what_is_paid_until_the_whole_installment(at: datetime) -> None:
    """What it says of each installment is what the evenings bill; no whole amount is promised before its day."""
    loan, who = changing.e1_loan(), changing.People()
    changing.apply(changing.signed(loan, "DEFERRAL", who, who.risk, installments="6", extend="no"), who)
    branch = factories.make_branch()
    maker, checker = factories.make_staff("OPERATIONS", branch), factories.make_staff("RISK_MANAGER", branch)
    Pricing.objects.filter(loan=loan).update(spread_bp=Decimal("-30"))
    item = item_of(approved(maker, checker, at), loan)
    assert item.regular_on and item.first_due_on and item.until_regular
    (first, last, first_on, last_on, amount, is_interest_only) = item.until_regular[0]
    assert len(item.until_regular) == 1 and is_interest_only and date.fromisoformat(last_on) < item.regular_on
    notice = notice_content(item, maker, at)
    assert notice["until_regular"] == [
        f"{first_on} 至 {last_on} 共 {last - first + 1} 期，每期只还利息 {Decimal(amount):,.2f} 元"
    ]
    assert notice["split"] == "12 天 × 3.60% + 19 天 × 3.20%"
    close_through(item.regular_on, at)
    billed = {
        row.number: (row.due_on, row.principal, row.principal + row.interest)
        for row in Installment.objects.filter(loan=loan, number__gte=item.first_number)
    }
    assert billed[item.first_number or 0] == (item.first_due_on, 0, item.first_amount)
    for number in range(first, last + 1):
        assert billed[number][1:] == (0, Decimal(amount))
    assert billed[last + 1][0] == item.regular_on and billed[last + 1][2] == item.new_installment


def test_what_is_previewed_for_a_whole_book_is_what_is_applied(maker: Staff, checker: Staff, at: datetime) -> None:
    """Bills, repricing and two more months of a random book: every terms version is the item's, every row billed."""
    book(120)
    publish("3.40", date(2026, 10, 20), maker, checker, at)
    publish("2.95", date(2026, 10, 20), maker, checker, at, tenor="Y1")
    run = approved(maker, checker, at)
    before = dict(Position.objects.values_list("loan_id", "annual_rate_percent"))
    close_through(NEW_YEAR, at)
    items = list(RepricingItem.objects.filter(run=run))
    assert {each.state for each in items} == {"APPLIED"} and len(items) > 60
    for item in items:
        terms = Terms.objects.filter(loan_id=item.loan_id).latest("version")
        assert (terms.source, terms.source_id, terms.version) == ("REPRICING", item.pk, item.terms_version + 1)
        assert (terms.schedule_sha256, terms.effective_on) == (item.schedule_sha256, NEW_YEAR)
        position = Position.objects.get(pk=item.loan_id)
        assert terms.first_number == position.next_number == (item.first_number or position.next_number)
        assert position.annual_rate_percent == item.new_rate_percent == item.lpr_percent + item.spread_bp / 100
        assert before[item.loan_id] == item.old_rate_percent
        assert position.next_repricing_on == item.next_repricing_on
        assert terms.principal == position.unbilled_principal
        now = terms_of([item.loan_id])[item.loan_id].plan()
        assert (now.sha256, now.principal_fen) == (terms.schedule_sha256, terms.principal_fen)
        first = future_schedule(Loan.objects.select_related("position").get(pk=item.loan_id), limit=1)[0]
        assert (first.amount, first.due_on) == (item.first_amount, item.first_due_on)
    close_through(date(2027, 3, 10), at)
    from journal.models import HeldBack

    assert not HeldBack.objects.exists()
    for item in items:
        row = Installment.objects.get(loan_id=item.loan_id, number=item.first_number)
        assert row.principal + row.interest == item.first_amount


def test_totals_say_what_the_items_say(maker: Staff, checker: Staff, at: datetime) -> None:
    book(60)
    steady = factories.book_loan(annual_rate_percent=Decimal("3.2000"))
    publish("3.40", date(2026, 10, 20), maker, checker, at)
    publish("2.95", date(2026, 10, 20), maker, checker, at, tenor="Y1")
    Pricing.objects.filter(loan=steady).update(spread_bp=Decimal("-20"))
    run = proposed(maker, at)
    items = RepricingItem.objects.filter(run=run)
    totals = run.totals
    assert totals["count"] == items.count() == sum(each["count"] for each in totals["branches"])
    assert totals["unchanged"] == 1 and totals["held"] == 0
    assert totals["up"] == items.filter(new_rate_percent__gt=F("old_rate_percent")).count()
    assert totals["down"] == items.filter(new_rate_percent__lt=F("old_rate_percent")).count()
    change = sum((each.new_installment - each.old_installment for each in items), Decimal(0))
    assert Decimal(totals["change"]) == change
    assert {(each["tenor"], each["rate_percent"]) for each in totals["rates"]} == {
        ("Y5", "3.4000"), ("Y1", "2.9500"),
    }  # fmt: skip
    assert totals["awaits_publication"] is True
    steady_item = item_of(run, steady)
    assert steady_item.old_installment == steady_item.new_installment and steady_item.first_amount is None


def test_a_rate_that_stays_only_moves_the_next_day(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan()
    run = approved(maker, checker, at)
    before = state_of(loan.pk)
    close_through(NEW_YEAR, at)
    after = state_of(loan.pk)
    assert item_of(run, loan).state == "UNCHANGED"
    assert after["terms"] == before["terms"]
    assert after["position"]["next_repricing_on"] == date(2028, 1, 1)
    assert not Entry.objects.filter(kind="loans.repriced").exists()


def test_loans_with_something_in_the_way_are_left_out(maker: Staff, at: datetime) -> None:
    kept = factories.book_loan()
    gone = [factories.book_loan() for _ in range(4)]
    for loan, change in zip(
        gone,
        (
            {"settled_on": date(2026, 10, 31), "next_number": None, "next_due_on": None},
            {"accelerated_on": date(2026, 10, 31)},
            {"written_off_on": date(2026, 10, 31), "principal_balance": 0, "unbilled_principal": 0},
            {"next_repricing_on": None},
        ),
        strict=True,
    ):
        Position.objects.filter(pk=loan.pk).update(**change)
    run = proposed(maker, at)
    assert list(RepricingItem.objects.filter(run=run).values_list("loan_id", flat=True)) == [kept.pk]


def test_a_rate_beyond_the_products_limit_is_held_and_named(maker: Staff, at: datetime) -> None:
    loan = factories.book_loan(annual_rate_percent=Decimal("23.0000"))
    Parameter.objects.filter(code="max_rate_percent").update(value="20.0")
    Pricing.objects.filter(loan=loan).update(spread_bp=Decimal("1651"))
    run = proposed(maker, at)
    item = item_of(run, loan)
    assert (item.state, item.reason) == ("HELD", "rate_beyond_limits 20.0100 20.0000")
    assert item.new_rate_percent == item.old_rate_percent and run.totals["held"] == 1


# ── Two persons, one content ─────────────────────────────────────────────────────────────────────


def test_nobody_approves_the_own_run(at: datetime) -> None:
    factories.book_loan()
    both = factories.make_staff(["OPERATIONS", "RISK_MANAGER"], factories.make_branch())
    run = proposed(both, at)
    with pytest.raises(OwnRepricing):
        decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=both, at=at)
    assert RepricingRun.objects.get(pk=run.pk).state == "PROPOSED"


def test_each_step_has_its_permission(maker: Staff, checker: Staff, at: datetime) -> None:
    factories.book_loan()
    with pytest.raises(NotAllowed):
        proposed(checker, at)
    run = proposed(maker, at)
    with pytest.raises(NotAllowed):
        decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=maker, at=at)
    with pytest.raises(NotAllowed):
        cancel_repricing(run_id=run.pk, reason="不再需要", by=checker, at=at)


def test_only_the_content_that_was_seen_is_approved(maker: Staff, checker: Staff, at: datetime) -> None:
    factories.book_loan(annual_rate_percent=Decimal("3.3000"))
    run = proposed(maker, at)
    with pytest.raises(RepricingConflict):
        decide_repricing(run_id=run.pk, approve=True, note="", content_sha256="0" * 64, by=checker, at=at)
    done = decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)
    assert (done.state, done.decided_by) == ("APPROVED", checker)
    with pytest.raises(RepricingConflict):
        decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)


def test_a_run_of_yesterdays_rate_is_not_approved(maker: Staff, checker: Staff, at: datetime) -> None:
    factories.book_loan()
    run = proposed(maker, at)
    publish("3.40", date(2026, 10, 20), maker, checker, at)
    with pytest.raises(RepricingStale, match="3.4"):
        decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)
    assert RepricingRun.objects.get(pk=run.pk).state == "PROPOSED"


def test_a_rejected_run_frees_its_loans(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan()
    run = proposed(maker, at)
    with pytest.raises(RepricingRefused):
        decide_repricing(run_id=run.pk, approve=False, note="", content_sha256="", by=checker, at=at)
    decide_repricing(run_id=run.pk, approve=False, note="利率与公告不符", content_sha256="", by=checker, at=at)
    assert (item_of(run, loan).state, item_of(run, loan).reason) == ("HELD", "run_rejected")
    again = proposed(maker, at)
    assert item_of(again, loan).state == "PENDING"


def test_an_approved_run_can_be_stopped_before_its_day(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan()
    Pricing.objects.update(spread_bp=Decimal("5"))
    run = approved(maker, checker, at)
    cancel_repricing(run_id=run.pk, reason="等待十二月公布", by=maker, at=at)
    before = state_of(loan.pk)
    close_through(NEW_YEAR, at)
    assert state_of(loan.pk)["terms"] == before["terms"]
    with pytest.raises(RepricingConflict):
        cancel_repricing(run_id=run.pk, reason="再撤回一次", by=maker, at=at)


def test_a_run_that_is_wholly_applied_is_not_taken_back(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan()
    Pricing.objects.update(spread_bp=Decimal("5"))
    run = approved(maker, checker, at)
    close_through(NEW_YEAR, at)
    with pytest.raises(RepricingConflict, match="无需撤回"):
        cancel_repricing(run_id=run.pk, reason="等待十二月公布", by=maker, at=at)
    assert (RepricingRun.objects.get(pk=run.pk).state, item_of(run, loan).state) == ("APPROVED", "APPLIED")


def test_two_runs_that_overlap_take_each_loan_once(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan()
    proposed(maker, at)
    other = factories.book_loan()
    second = proposed(maker, at, to_on=date(2027, 1, 31))
    assert list(second.items.values_list("loan_id", flat=True)) == [other.pk]
    assert second.totals["elsewhere"] == 1
    with pytest.raises(RepricingRefused, match="2"):
        proposed(maker, at)
    assert RepricingItem.objects.filter(loan=loan).count() == 1


@pytest.mark.parametrize(
    ("from_on", "to_on", "field"),
    [
        (date(2027, 1, 2), NEW_YEAR, "to_on"),
        (NEW_YEAR, date(2027, 12, 31), "to_on"),
        (date(2025, 1, 1), NEW_YEAR, "from_on"),
        (date(2026, 12, 1), date(2026, 12, 31), "from_on"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(
    from_on: date, to_on: date, field: str, maker: Staff, at: datetime
) -> None:
    factories.book_loan()
    before = Entry.objects.count()
    with pytest.raises(RepricingRefused) as refused:
        proposed(maker, at, from_on, to_on)
    assert refused.value.field == field
    assert not RepricingRun.objects.exists() and Entry.objects.count() == before


# ── Once, whatever happens ───────────────────────────────────────────────────────────────────────


def test_a_second_evening_writes_nothing(maker: Staff, checker: Staff, at: datetime) -> None:
    book(20)
    publish("3.40", date(2026, 10, 20), maker, checker, at)
    approved(maker, checker, at)
    evenings_to(NEW_YEAR, at)
    first = reprice(as_of=NEW_YEAR, at=at)
    assert first["repriced"] > 10
    seen = list(Terms.objects.order_by("id").values()), list(Position.objects.order_by("loan_id").values())
    entries = Entry.objects.count()
    assert sum(reprice(as_of=NEW_YEAR + timedelta(days=1), at=at).values()) == 0
    assert seen == (list(Terms.objects.order_by("id").values()), list(Position.objects.order_by("loan_id").values()))
    assert Entry.objects.count() == entries


def test_chunks_of_one_give_what_one_chunk_gives(maker: Staff, checker: Staff, at: datetime) -> None:
    book(12)
    publish("3.40", date(2026, 10, 20), maker, checker, at)
    approved(maker, checker, at)
    day_end.run(through=NEW_YEAR, at_clock=partial(lambda: at), chunk=1)
    assert not RepricingItem.objects.filter(state="PENDING").exists()
    assert open_business_date() == NEW_YEAR + timedelta(days=1)


def test_a_quarterly_contract_is_repriced_every_quarter(maker: Staff, checker: Staff, at: datetime) -> None:
    """The second repricing starts from the stored request of the first."""
    loan = factories.book_loan(annual_rate_percent=Decimal("3.3000"), due_day=31, disbursed_on=date(2023, 1, 31))
    Pricing.objects.filter(loan=loan).update(spread_bp=Decimal("-30"), cycle_months=3, anchor="LOAN_DAY")
    days = [date(2027, 1, 31), date(2027, 4, 30), date(2027, 7, 31)]
    Position.objects.filter(pk=loan.pk).update(next_repricing_on=days[0])
    for day, percent, published in zip(
        days, ("3.40", "3.30", "3.35"), (date(2026, 12, 21), date(2027, 4, 20), date(2027, 7, 20)), strict=True
    ):
        evenings_to(published, at)
        publish(percent, published, maker, checker, at)
        run = approved(maker, checker, at, from_on=day, to_on=day)
        evenings_to(day, at)
        assert reprice(as_of=day, at=at)["repriced"] == 1
        assert item_of(run, loan).new_rate_percent == Decimal(percent) - Decimal("0.30")
    assert Position.objects.get(pk=loan.pk).next_repricing_on == date(2027, 10, 31)
    evenings_to(date(2027, 12, 31), at)
    assert [each.version for each in Terms.objects.filter(loan=loan).order_by("version")] == [1, 2, 3, 4]
    assert Installment.objects.filter(loan=loan, due_on=date(2027, 12, 31)).exists()


def test_once_all_is_met_a_standing_without_its_request_goes_on_as_with_it(
    maker: Staff, checker: Staff, at: datetime
) -> None:
    """A repriced contract is plain months again from its second installment on, and is then read as such."""
    book(30)
    Pricing.objects.update(spread_bp=F("spread_bp") - 10)
    approved(maker, checker, at)
    evenings_to(NEW_YEAR, at)
    reprice(as_of=NEW_YEAR, at=at)
    evenings_to(date(2027, 4, 1), at)
    signed = {terms.loan_id: terms for terms in Terms.objects.filter(source="REPRICING")}
    plain = {pk: terms.standing for pk, terms in terms_of(signed).items() if terms.standing.request is None}
    assert len(plain) > 5
    for loan_id in plain:
        terms = signed[loan_id]
        assert terms.request is not None
        whole = replace(plain[loan_id], request=from_json(terms.request), request_number=terms.first_number)
        assert continuation(whole) == continuation(plain[loan_id])
