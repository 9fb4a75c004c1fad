"""Two payments at once on a loan in arrears are one after the other; with the lock off they are not."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from loans import posting, sql
from loans.actions import ReceiptResult, ReceiptRow, charge_fee, post_receipts
from loans.models import Fee, Installment, LedgerLine, Loan, Position
from tests.database.test_loans_reversal import FIRST
from tests.database.test_visit_races import at_once
from tests.factories import AT, book_loan, make_branch, make_staff

AMOUNTS = (Decimal("900.00"), Decimal("2500.00"))


def late_loan() -> Loan:
    """Two installments in arrears, a fee, and charges for some days."""
    return book_loan(days_past_due=40, opens_on=FIRST + timedelta(days=20))


def receipts(loan: Loan, amounts: tuple[Decimal, ...]) -> list[ReceiptRow]:
    on = FIRST + timedelta(days=20)
    return [ReceiptRow(loan.loan_note_no, each, on, "CNAPS", f"{loan.pk}-{n}") for n, each in enumerate(amounts)]


def state(loan: Loan) -> Any:
    """What the loan owes and has paid; the sums of its ledger accounts."""
    names = ("number", "interest_paid", "principal_paid", "penalty_paid", "compound_paid", "settled_on",
             "late_interest_units", "late_principal_units")  # fmt: skip
    rows = list(Installment.objects.filter(loan_id=loan.pk).order_by("number").values(*names))
    position = Position.objects.values("suspense", "principal_balance", "fees_due").get(loan_id=loan.pk)
    accounts: dict[str, Decimal] = {}
    for line in LedgerLine.objects.filter(loan_id=loan.pk).exclude(account__in=("TAKEOVER", "FEE_INCOME")):
        accounts[line.account] = accounts.get(line.account, Decimal(0)) + line.amount
    return rows, position, accounts, Fee.objects.values_list("paid", flat=True).get(loan_id=loan.pk)


def twins() -> tuple[Loan, Loan]:
    staff = make_staff("OPERATIONS", make_branch())
    loans = late_loan(), late_loan()
    for loan in loans:
        charge_fee(loan_id=loan.pk, code="COPY", amount=Decimal("25.00"), reason="补打合同", by=staff, at=AT)
    return loans


def paid_at_once(loan: Loan) -> list[Any]:
    rows = receipts(loan, AMOUNTS)
    return at_once(*[lambda row=row: post_receipts(rows=[row], by="system", at=AT) for row in rows])


def test_two_payments_at_once_are_one_after_the_other(fresh_bank: Any) -> None:
    together, in_turn = twins()
    assert all(isinstance(each, ReceiptResult) for each in paid_at_once(together))
    for row in receipts(in_turn, AMOUNTS):
        post_receipts(rows=[row], by="system", at=AT)
    assert state(together) == state(in_turn)
    assert any(each["compound_paid"] for each in state(in_turn)[0])


def test_without_the_lock_one_payment_is_lost(fresh_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Barrier(2)
    load = posting._load

    def both_read(*given: Any) -> Any:
        states = load(*given)
        gate.wait(30)
        return states

    together, in_turn = twins()
    for row in receipts(in_turn, AMOUNTS):
        post_receipts(rows=[row], by="system", at=AT)
    unlocked = sql.LOCK_WITH_RECEIPTS.replace("FOR UPDATE OF p", "")
    monkeypatch.setattr(sql, "LOCK_WITH_RECEIPTS", unlocked)
    monkeypatch.setattr(posting, "_load", both_read)
    paid_at_once(together)
    assert state(together) != state(in_turn)
