"""The bulk repricing run: what is previewed is what is applied, to the fen; a second person; what moved is held."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from config import day_end
from journal.models import Entry
from loans.actions import ReceiptRow, open_ledger_month, post_receipts
from loans.actions.lpr import decide_lpr, propose_lpr
from loans.actions.repricing import (
    OwnRepricing,
    RepricingConflict,
    RepricingRefused,
    RepricingStale,
    cancel_repricing,
    decide_repricing,
    make_up_for_missed,
    propose_repricing,
)
from loans.batch import bill, reprice
from loans.models import (
    BusinessDate,
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
from loans.queries.pricing import missed
from people.actions import NotAllowed
from people.models import Staff
from tests import factories
from tests.loan_books import book

pytestmark = pytest.mark.django_db
NEW_YEAR = date(2027, 1, 1)


@pytest.fixture
def maker() -> Staff:
    factories.open_bank()
    return factories.make_staff("OPERATIONS", factories.make_branch())


@pytest.fixture
def checker() -> Staff:
    return factories.make_staff("RISK_MANAGER", factories.make_branch())


def publish(percent: str, day: date, maker: Staff, checker: Staff, at: datetime, tenor: str = "Y5") -> None:
    """A new LPR, entered and approved."""
    row = propose_lpr(
        tenor=tenor, published_on=day, rate_percent=Decimal(percent), source="同业拆借中心公告", by=maker, at=at
    )
    decide_lpr(lpr_id=row.pk, approve=True, by=checker, at=at)


def proposed(maker: Staff, at: datetime, from_on: date = NEW_YEAR, to_on: date = NEW_YEAR) -> RepricingRun:
    return propose_repricing(from_on=from_on, to_on=to_on, by=maker, at=at)


def approved(maker: Staff, checker: Staff, at: datetime, **window: date) -> RepricingRun:
    run = proposed(maker, at, **window)
    return decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)


def close_through(day: date, at: datetime) -> None:
    """The evenings of the loans' own stages up to a day; the other rooms have no part in this."""
    day_end.run(through=day, at_clock=lambda: at)


def evenings_to(day: date, at: datetime) -> None:
    """Bills up to a day and opens it, without the rest of the evenings."""
    open_ledger_month(day)
    bill(as_of=day, at=at)
    BusinessDate.objects.filter(is_open=True).update(day=day)


def state_of(loan_id: int) -> dict[str, Any]:
    position: dict[str, Any] = Position.objects.filter(pk=loan_id).values().get()
    terms = list(Terms.objects.filter(loan_id=loan_id).order_by("version").values())
    return {"position": position, "terms": terms}


def item_of(run: RepricingRun, loan: Loan | int) -> RepricingItem:
    return RepricingItem.objects.get(run=run, loan_id=loan if isinstance(loan, int) else loan.pk)


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


# ── What moved since the preview is held ─────────────────────────────────────────────────────────


def moved_terms(loan: Loan, _given: Mapping[str, Any]) -> None:
    last = Terms.objects.filter(loan=loan).latest("version")
    last.pk, last.version = None, last.version + 1
    last.save(force_insert=True)


def moved_spread(loan: Loan, _given: Mapping[str, Any]) -> None:
    Pricing.objects.filter(loan=loan).update(spread_bp=Decimal("-45"))


def moved_day(loan: Loan, _given: Mapping[str, Any]) -> None:
    Position.objects.filter(pk=loan.pk).update(next_repricing_on=date(2026, 12, 1))


def moved_cycle(loan: Loan, _given: Mapping[str, Any]) -> None:
    Pricing.objects.filter(loan=loan).update(cycle_months=3)


def moved_lpr(_loan: Loan, given: Mapping[str, Any]) -> None:
    publish("3.40", date(2026, 10, 20), given["maker"], given["checker"], given["at"])


def ended(loan: Loan, _given: Mapping[str, Any]) -> None:
    Position.objects.filter(pk=loan.pk).update(accelerated_on=date(2026, 11, 1))


def nothing_left(loan: Loan, _given: Mapping[str, Any]) -> None:
    Position.objects.filter(pk=loan.pk).update(next_number=None, next_due_on=None)


def other_balance(loan: Loan, _given: Mapping[str, Any]) -> None:
    Position.objects.filter(pk=loan.pk).update(unbilled_principal=F("unbilled_principal") - 1)


def other_split(_loan: Loan, _given: Mapping[str, Any]) -> None:
    Parameter.objects.filter(code="rate_split_variant").update(value="NEXT_PERIOD")


def lower_limit(_loan: Loan, _given: Mapping[str, Any]) -> None:
    Parameter.objects.filter(code="max_rate_percent").update(value="3.0")


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        (moved_terms, "terms_changed 1 2"),
        (moved_spread, "spread_changed -30.00 -45.00"),
        (moved_day, "day_moved 2027-01-01 2026-12-01"),
        (moved_cycle, "cycle_changed 2028-01-01 2027-04-01"),
        (moved_lpr, "lpr_changed 3.5000 3.4000"),
        (ended, "loan_ended"),
        (nothing_left, "loan_ended"),
        (other_balance, "plan_differs"),
        (other_split, "plan_differs"),
        (lower_limit, "rate_beyond_limits 3.2000 3.0000"),
    ],
)
def test_what_moved_since_the_preview_is_held_with_its_reason(
    moves: Any, reason: str, maker: Staff, checker: Staff, at: datetime
) -> None:
    loan, still = (factories.book_loan(annual_rate_percent=Decimal("3.3000")) for _ in range(2))
    Pricing.objects.update(spread_bp=Decimal("-30"))
    run = approved(maker, checker, at)
    evenings_to(NEW_YEAR, at)
    moves(loan, {"maker": maker, "checker": checker, "at": at})
    before = state_of(loan.pk)
    counts = reprice(as_of=NEW_YEAR, at=at)
    assert (item_of(run, loan).state, item_of(run, loan).reason) == ("HELD", reason)
    assert state_of(loan.pk) == before
    assert counts["repricing_held"] >= 1 and sum(counts.values()) == 2
    assert Entry.objects.filter(kind="loans.repricing_held", loan_id=loan.pk, data__reason=reason).count() == 1
    if moves not in (moved_lpr, other_split, lower_limit):
        assert item_of(run, still).state == "APPLIED"


def test_a_loan_whose_billing_is_behind_is_held(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan(annual_rate_percent=Decimal("3.3000"))
    Pricing.objects.update(spread_bp=Decimal("-30"))
    run = approved(maker, checker, at)
    reprice(as_of=NEW_YEAR, at=at)
    assert item_of(run, loan).reason == "billing_behind 2026-11-20"


def test_a_run_approved_late_applies_while_nothing_was_billed_since(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan(annual_rate_percent=Decimal("3.3000"))
    Pricing.objects.update(spread_bp=Decimal("-30"))
    run = proposed(maker, at)
    evenings_to(date(2027, 1, 15), at)
    decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)
    assert list(missed(Loan.objects.all(), date(2027, 1, 15))) == [loan]
    reprice(as_of=date(2027, 1, 15), at=at)
    item = item_of(run, loan)
    assert (item.state, item.applied_on) == ("APPLIED", date(2027, 1, 15))
    assert Terms.objects.filter(loan=loan).latest("version").effective_on == NEW_YEAR
    evenings_to(date(2027, 1, 20), at)
    row = Installment.objects.get(loan=loan, due_on=date(2027, 1, 20))
    assert row.principal + row.interest == item.first_amount


def test_a_run_approved_too_late_is_held_and_stays_on_the_list(maker: Staff, checker: Staff, at: datetime) -> None:
    loan = factories.book_loan(annual_rate_percent=Decimal("3.3000"))
    Pricing.objects.update(spread_bp=Decimal("-30"))
    run = proposed(maker, at)
    evenings_to(date(2027, 1, 25), at)
    decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)
    before = state_of(loan.pk)
    reprice(as_of=date(2027, 1, 25), at=at)
    assert item_of(run, loan).reason == "billed_since 2027-01-20"
    assert state_of(loan.pk) == before
    assert list(missed(Loan.objects.all(), date(2027, 1, 25))) == [loan]
    again = proposed(maker, at)
    assert (item_of(again, loan).state, item_of(again, loan).reason) == ("HELD", "billed_since 2027-01-20")


def test_a_missed_loan_is_made_up_for_on_a_new_day(maker: Staff, checker: Staff, at: datetime) -> None:
    """What was billed stays; from the new day on the loan bears the rate of that day, then its own days again."""
    loan, other = (factories.book_loan(annual_rate_percent=Decimal("3.3000")) for _ in range(2))
    Pricing.objects.update(spread_bp=Decimal("-30"))
    Position.objects.filter(pk=other.pk).update(next_repricing_on=date(2027, 7, 1))
    day = date(2027, 1, 25)
    evenings_to(day, at)
    assert make_up_for_missed(to_on=date(2027, 2, 1), reason="批次漏跑", by=maker, at=at) == 1
    assert Position.objects.get(pk=other.pk).next_repricing_on == date(2027, 7, 1)
    assert not missed(Loan.objects.all(), day).exists()
    fact = Entry.objects.get(kind="loans.repricing_day_moved", loan_id=loan.pk)
    assert (fact.actor, fact.data["from"], fact.data["to"]) == (maker.staff_no, "2027-01-01", "2027-02-01")
    run = approved(maker, checker, at, from_on=date(2027, 2, 1), to_on=date(2027, 2, 1))
    evenings_to(date(2027, 2, 1), at)
    assert reprice(as_of=date(2027, 2, 1), at=at)["repriced"] == 1
    assert Position.objects.get(pk=loan.pk).next_repricing_on == date(2028, 1, 1)
    assert item_of(run, loan).first_due_on == date(2027, 2, 20)


@pytest.mark.parametrize(
    ("to_on", "reason", "field"),
    [
        (date(2027, 1, 24), "批次漏跑", "to_on"),
        (date(2027, 2, 26), "批次漏跑", "to_on"),
        (date(2027, 2, 1), "漏", "note"),
    ],
)
def test_making_up_needs_a_day_ahead_and_a_reason(
    to_on: date, reason: str, field: str, maker: Staff, checker: Staff, at: datetime
) -> None:
    loan = factories.book_loan()
    evenings_to(date(2027, 1, 25), at)
    before = state_of(loan.pk)
    with pytest.raises(RepricingRefused) as refused:
        make_up_for_missed(to_on=to_on, reason=reason, by=maker, at=at)
    assert refused.value.field == field
    with pytest.raises(NotAllowed):
        make_up_for_missed(to_on=date(2027, 2, 1), reason="批次漏跑", by=checker, at=at)
    assert state_of(loan.pk) == before


def test_a_missed_loan_that_waits_in_a_run_is_left_to_it(maker: Staff, at: datetime) -> None:
    factories.book_loan()
    proposed(maker, at)
    evenings_to(date(2027, 1, 25), at)
    with pytest.raises(RepricingRefused):
        make_up_for_missed(to_on=date(2027, 2, 1), reason="批次漏跑", by=maker, at=at)


def test_penalty_paid_since_a_late_day_holds_the_loan(maker: Staff, checker: Staff, at: datetime) -> None:
    """It was reckoned at the old rate; another rate on those days would say otherwise when it is folded anew."""
    loan = factories.book_loan(annual_rate_percent=Decimal("3.3000"), days_past_due=40)
    Pricing.objects.update(spread_bp=Decimal("-30"))
    run = proposed(maker, at)
    day = date(2027, 1, 15)
    evenings_to(day, at)
    money = ReceiptRow(loan=loan.loan_note_no, amount=Decimal("20000.00"), value_on=day, channel="C", serial="1")
    post_receipts(rows=[money], by="system", at=at)
    decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)
    reprice(as_of=day, at=at)
    assert item_of(run, loan).reason == "charges_since 2027-01-01"


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
