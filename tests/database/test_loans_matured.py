"""Loans taken over after their maturity: in arrears all is due since then, else one installment is to come."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from loans.actions.changes import ChangeRefused, preview_change, propose_change
from loans.models import Installment, LedgerLine, Loan, Terms
from loans.queries import loan_facts
from loans.rules.signed_terms import Contract, signed_opening_days
from tests.changing import (
    PDF,
    People,
    all_is_well,
    apply,
    close,
    everything,
    open_next,
    pay,
    position,
    propose,
    rows_of,
    sign,
    signed,
)
from tests.factories import AT, book_loan

pytestmark = pytest.mark.django_db
OPEN = date(2026, 11, 1)
BALANCE = Decimal("30000.00")


def matured(days_past_due: int = 0, matures_on: date = date(2026, 8, 20), **given: Any) -> Loan:
    """Due on the 20th, taken over at the close of 2026-10-31."""
    return book_loan(matures_on=matures_on, outstanding=BALANCE, days_past_due=days_past_due, **given)


def installments(loan: Loan) -> list[tuple[date, date, Decimal, Decimal]]:
    rows = Installment.objects.filter(loan_id=loan.pk).order_by("number")
    return [(row.due_on, row.overdue_from, row.principal, row.interest) for row in rows]


# ── In arrears ───────────────────────────────────────────────────────────────────────────────────


def test_in_arrears_the_whole_balance_is_due_since_the_maturity() -> None:
    """Two installments since 2026-07-20: 3.60 % of 30,000.00 and of what the first leaves."""
    loan = matured(days_past_due=103)
    assert installments(loan) == [
        (date(2026, 7, 20), date(2026, 7, 20), Decimal("14977.53"), Decimal("90.00")),
        (date(2026, 8, 20), date(2026, 8, 20), Decimal("15022.47"), Decimal("45.07")),
    ]
    now = position(loan)
    assert (now.principal_balance, now.unbilled_principal) == (BALANCE, 0)
    assert (now.next_number, now.next_due_on, now.next_repricing_on) == (None, None, None)
    assert (now.overdue_since, now.five_class) == (date(2026, 7, 20), "SUBSTANDARD")
    facts = loan_facts(Loan.objects.select_related("position").get(pk=loan.pk))
    assert (facts.unpaid_amount, facts.installments_left, facts.days_past_due) == (Decimal("30135.07"), 0, 104)
    opening = {(each.account, each.installment_number): each.amount for each in LedgerLine.objects.all()}
    assert opening == {
        ("PRINCIPAL", None): BALANCE, ("TAKEOVER", None): -BALANCE,
        ("INTEREST_RECEIVABLE", 42): Decimal("90.00"), ("INTEREST_RECEIVABLE", 43): Decimal("45.07"),
        ("INTEREST_OFF_BALANCE", None): Decimal("-135.07"),
    }  # fmt: skip
    close(OPEN)
    all_is_well()


@pytest.mark.parametrize(
    ("days_past_due", "since"), [(10, date(2026, 10, 21)), (72, date(2026, 8, 20)), (80, date(2026, 8, 12))]
)
def test_the_tapes_word_counts_for_the_days_and_the_maturity_for_the_debt(days_past_due: int, since: date) -> None:
    loan = matured(days_past_due)
    assert installments(loan) == [(date(2026, 8, 20), since, BALANCE, Decimal("90.00"))]
    assert position(loan).overdue_since == since
    all_is_well()


def test_paid_to_the_fen_it_is_settled() -> None:
    loan = matured(days_past_due=72)
    open_next(date(2026, 11, 3))
    facts = loan_facts(Loan.objects.select_related("position").get(pk=loan.pk))
    pay(loan, facts.owed - Decimal("0.01"), date(2026, 11, 3), "1")
    close(date(2026, 11, 3))
    assert position(loan).settled_on is None
    pay(loan, "0.01", date(2026, 11, 3), "2")
    assert position(loan).settled_on == date(2026, 11, 3) and position(loan).principal_balance == 0
    all_is_well()


def test_it_can_be_written_off_and_there_is_nothing_left_to_accelerate() -> None:
    loan, who = matured(days_past_due=400), People()
    before = everything()
    with pytest.raises(ChangeRefused) as caught:
        propose(loan, "ACCELERATION", who)
    assert caught.value.code == "nothing_left_to_bill" and everything() == before
    change = propose_change(
        loan_id=loan.pk, kind="WRITE_OFF", asked={}, reason="法院终结执行", evidence=("裁定书.pdf", PDF),
        by=who.officer, at=AT,
    )  # fmt: skip
    apply(sign(change, who, who.risk), who)
    assert position(loan).principal_balance == 0
    all_is_well()


def test_a_book_signed_while_such_a_loan_had_an_installment_to_come_keeps_its_days() -> None:
    contract = Contract(date(2026, 10, 31), 72, date(2023, 1, 20), 20, date(2026, 8, 20))
    assert signed_opening_days(contract, 1) == (date(2026, 8, 20),)
    assert signed_opening_days(contract, 2) == (date(2026, 8, 20), date(2026, 11, 20))


# ── With an installment to come ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("matures_on", [date(2026, 8, 20), date(2026, 10, 9), date(2026, 10, 31)])
def test_without_arrears_one_installment_is_to_come_and_is_billed(matures_on: date) -> None:
    loan = matured(matures_on=matures_on)
    assert [row[1:] for row in rows_of(loan)] == [(date(2026, 11, 20), BALANCE, Decimal("90.00"))]
    open_next(date(2026, 11, 23))
    assert installments(loan) == [(date(2026, 11, 20), date(2026, 11, 20), BALANCE, Decimal("90.00"))]
    all_is_well()


@pytest.mark.parametrize("matures_on", [date(2026, 8, 20), date(2026, 10, 9), date(2026, 10, 31)])
def test_past_its_maturity_it_can_be_settled(matures_on: date) -> None:
    """Interest to the day: 30,000.00 at 3.60 % for the 16 days since 2026-10-20 is 48.00."""
    loan, who = matured(matures_on=matures_on), People()
    open_next(date(2026, 11, 5))
    shown = preview_change(loan_id=loan.pk, kind="SETTLEMENT", asked={}, by=who.officer, at=AT)
    assert (shown.principal, shown.interest, shown.total) == (BALANCE, Decimal("48.00"), Decimal("30048.00"))
    assert shown.before.matures_on == date(2026, 11, 20) and shown.after.installments_left == 0
    pay(loan, shown.needed, date(2026, 11, 5), "1")
    apply(signed(loan, "SETTLEMENT", who), who)
    now = position(loan)
    assert (now.settled_on, now.principal_balance, now.suspense) == (date(2026, 11, 5), 0, 0)
    close(date(2026, 11, 5))
    all_is_well()


@pytest.mark.parametrize("matures_on", [date(2026, 8, 20), date(2026, 10, 9), date(2026, 10, 31)])
def test_past_its_maturity_it_can_be_accelerated(matures_on: date) -> None:
    loan, who = matured(matures_on=matures_on), People()
    open_next(date(2026, 11, 5))
    apply(signed(loan, "ACCELERATION", who, who.risk), who)
    assert installments(loan) == [(date(2026, 11, 5), date(2026, 11, 5), BALANCE, Decimal("48.00"))]
    now = position(loan)
    assert (now.next_number, now.unbilled_principal, now.accelerated_on) == (None, 0, date(2026, 11, 5))
    open_next(date(2026, 11, 25))
    assert Terms.objects.filter(loan_id=loan.pk).count() == 2
    all_is_well()


@pytest.mark.parametrize("kind", ["SETTLEMENT", "ACCELERATION"])
def test_on_the_day_of_its_last_installment_it_is_too_late(kind: str) -> None:
    loan, who = matured(), People()
    open_next(date(2026, 11, 6))
    before = everything()
    with pytest.raises(ChangeRefused) as caught:
        propose(loan, kind, who, effective_on="2026-11-20")
    assert caught.value.code == "effective_after_maturity" and everything() == before


def test_it_can_be_extended_past_its_last_installment() -> None:
    loan, who = matured(), People()
    apply(signed(loan, "EXTENSION", who, installments="3"), who)
    assert [row[1] for row in rows_of(loan)] == [date(2026, 11, 20), date(2026, 12, 20), date(2027, 1, 20)]
    assert Loan.objects.get(pk=loan.pk).matures_on == date(2027, 1, 20)
    open_next(date(2026, 12, 22))
    all_is_well()
