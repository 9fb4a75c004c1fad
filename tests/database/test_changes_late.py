"""A change that takes effect, or is taken back, after other things happened: the account is what its history says."""

from datetime import date
from decimal import Decimal

import pytest

from journal.models import Entry
from loans.actions.changes import ChangeIsStale, preview_of, reverse_change
from loans.actions.fees import charge_fee
from loans.actions.receipts import reverse_receipt
from loans.models import ContractChange, Loan, Pricing
from tests.changing import (
    AMOUNT,
    People,
    all_is_well,
    apply,
    e1_loan,
    open_next,
    pay,
    position,
    propose,
    sign,
    signed,
)
from tests.factories import AT, make_branch, make_staff

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 30)


def _prepaid() -> tuple[ContractChange, People]:
    loan, who = e1_loan(DAY), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    pay(loan, "200200.00", DAY, "1")
    return apply(change, who), who


def test_a_fee_charged_after_a_prepayment_is_paid_by_the_money_that_comes_back() -> None:
    change, who = _prepaid()
    operations = make_staff("OPERATIONS", make_branch())
    charge_fee(
        loan_id=change.loan_id, code="NOTARY", amount=Decimal("50.00"), reason="代垫公证费", by=operations, at=AT
    )
    assert position(change.loan).fees_due == 50
    reverse_change(change_id=change.pk, reason="客户撤回", by=who.manager, at=AT)
    after = position(change.loan)
    assert (after.suspense, after.fees_due) == (Decimal("200150.00"), 0)
    all_is_well()


def test_a_prepayment_taken_back_leaves_the_repricing_cycle_agreed_since() -> None:
    change, who = _prepaid()
    apply(signed(change.loan, "REPRICING_CYCLE", who, cycle_months="6", anchor="LOAN_DAY"), who)
    assert position(change.loan).next_repricing_on == date(2027, 4, 20)
    reverse_change(change_id=change.pk, reason="客户撤回", by=who.manager, at=AT)
    assert position(change.loan).next_repricing_on == date(2027, 4, 20)
    all_is_well()


def test_a_rate_agreed_from_a_day_behind_counts_for_what_was_paid_late_since() -> None:
    """Effective on 30 November, signed on 3 December: 1,500.00 of the 2nd had paid penalty at the rate of before."""
    loan, who = e1_loan(date(2026, 11, 1), outstanding=Decimal("982731.57")), People()
    open_next(DAY)
    change = propose(loan, "RESTRUCTURING", who, annual_rate_percent="2.0")
    open_next(date(2026, 12, 3))
    pay(loan, "1500.00", date(2026, 12, 2), "1")
    installment = loan.installments.get(number=13)
    # Twelve days at 5.40 %.
    assert (installment.penalty_paid, installment.compound_paid) == (Decimal("2.88"), Decimal("5.31"))
    apply(sign(change, who, who.risk), who)
    installment.refresh_from_db()
    # Ten days at 5.40 %, two at 3.00 %.
    assert (installment.penalty_paid, installment.compound_paid) == (Decimal("2.66"), Decimal("4.91"))
    all_is_well()


def test_a_settlement_is_not_taken_back_once_an_installment_would_have_been_due() -> None:
    """On the due day itself the evening bills it; a day later it would be late, although the money was there."""
    loan, who = e1_loan(DAY), People()
    change = signed(loan, "SETTLEMENT", who)
    pay(loan, preview_of(change).total, DAY, "1")
    apply(change, who)
    open_next(date(2026, 12, 21))
    before = position(loan)
    with pytest.raises(ChangeIsStale, match="2026-12-20"):
        reverse_change(change_id=change.pk, reason="客户撤回", by=who.manager, at=AT)
    assert position(loan) == before
    all_is_well()


def test_a_rate_agreed_by_restructuring_is_another_spread_so_that_repricing_keeps_it() -> None:
    loan, who = e1_loan(DAY), People()
    apply(signed(loan, "RESTRUCTURING", who, who.risk, annual_rate_percent="2.0"), who)
    agreed = Pricing.objects.get(loan=loan, in_force__contains=DAY)
    # 2.00 % over the LPR of 3.50 %; the cycle and the next day stay.
    assert (agreed.spread_bp, agreed.cycle_months) == (Decimal("-150.00"), 12)
    assert position(loan).next_repricing_on == date(2027, 1, 1)
    all_is_well()


def _observed_and_missed() -> tuple[Loan, ContractChange]:
    """Restructured on 30 November, observed from 20 December; January's is not paid at the close of the 21st."""
    loan, who = e1_loan(DAY), People()
    change = apply(signed(loan, "RESTRUCTURING", who, who.risk, annual_rate_percent="3.1"), who)
    open_next(date(2026, 12, 20))
    pay(loan, "6000.00", date(2026, 12, 20), "december")
    open_next(date(2027, 1, 21))
    change.refresh_from_db()
    assert change.observed_from == date(2026, 12, 20)
    open_next(date(2027, 1, 23))
    change.refresh_from_db()
    return loan, change


def _told(loan: Loan) -> list[str]:
    kinds = Entry.objects.filter(loan_id=loan.pk, kind__startswith="loans.observation_").order_by("id")
    return [kind.removeprefix("loans.observation_") for kind in kinds.values_list("kind", flat=True)]


@pytest.mark.parametrize(
    ("value_on", "since", "told"),
    [
        (date(2027, 1, 20), date(2026, 12, 20), ["restarted", "restart_undone"]),
        # At no close was the loan overdue.
        (date(2027, 1, 21), date(2026, 12, 20), ["restarted", "restart_undone"]),
        (date(2027, 1, 22), date(2027, 2, 20), ["restarted"]),
    ],
)
def test_a_restart_is_undone_when_the_payment_was_in_time_after_all(
    value_on: date, since: date, told: list[str]
) -> None:
    loan, change = _observed_and_missed()
    assert (change.observed_from, change.observed_until) == (date(2027, 2, 20), date(2028, 2, 20))
    pay(loan, "4600.00", value_on, "january")
    open_next(date(2027, 1, 25))
    change.refresh_from_db()
    assert (change.observed_from, change.observed_until) == (since, since.replace(year=since.year + 1))
    assert _told(loan) == told
    all_is_well()


def test_a_restart_stands_again_when_the_payment_that_undid_it_is_taken_back() -> None:
    loan, change = _observed_and_missed()
    pay(loan, "4600.00", date(2027, 1, 20), "january")
    open_next(date(2027, 1, 25))
    receipt = loan.receipts.get(serial="january")
    operations = make_staff("OPERATIONS", make_branch())
    reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=operations, at=AT)
    open_next(date(2027, 1, 27))
    change.refresh_from_db()
    assert (change.observed_from, change.observed_until) == (date(2027, 2, 20), date(2028, 2, 20))
    assert _told(loan) == ["restarted", "restart_undone", "restarted"]
