"""Repricing of loans that moved since the preview, of runs that came late, and of days that were missed."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F

from journal.models import Entry
from loans.actions import ReceiptRow, post_receipts
from loans.actions.repricing import (
    RepricingRefused,
    decide_repricing,
    make_up_for_missed,
)
from loans.batch import reprice
from loans.models import (
    Installment,
    Loan,
    Parameter,
    Position,
    Pricing,
    Terms,
)
from loans.queries.pricing import missed
from people.actions import NotAllowed
from people.models import Staff
from tests import factories
from tests.database.repricing_bank import (
    NEW_YEAR,
    approved,
    evenings_to,
    item_of,
    proposed,
    publish,
    state_of,
)

pytestmark = pytest.mark.django_db
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


@pytest.mark.parametrize(("days_past_due", "amount"), [(40, "20000.00"), (120, "100.00")])
def test_penalty_paid_since_a_late_day_holds_the_loan(
    days_past_due: int, amount: str, maker: Staff, checker: Staff, at: datetime
) -> None:
    """It was reckoned at the old rate; another rate on those days would say otherwise when it is folded anew. So does
    principal that was paid late, which comes first after ninety days and leaves its penalty for later."""
    loan = factories.book_loan(annual_rate_percent=Decimal("3.3000"), days_past_due=days_past_due)
    Pricing.objects.update(spread_bp=Decimal("-30"))
    run = proposed(maker, at)
    day = date(2027, 1, 15)
    evenings_to(day, at)
    money = ReceiptRow(loan=loan.loan_note_no, amount=Decimal(amount), value_on=day, channel="C", serial="1")
    post_receipts(rows=[money], by="system", at=at)
    decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)
    reprice(as_of=day, at=at)
    assert item_of(run, loan).reason == "charges_since 2027-01-01"
