"""More than suspense can hold is refused as an amount; what waits and cannot be posted goes back by two persons."""

from datetime import date
from decimal import Decimal

import pytest

from config.day_end import STAGES
from config.invariants import findings
from config.isolation import run_isolated
from journal.models import HeldBack
from loans import batch
from loans.actions import (
    ReceiptIsSettled,
    ReceiptResult,
    ReceiptRow,
    decide_return,
    match_receipt,
    post_receipts,
    propose_return,
)
from loans.actions.receipts import judge_receipts
from loans.models import Loan, MoneyReturn, Receipt
from loans.payments import AmountTooLarge
from people.models import Staff
from tests.changing import close, everything, position
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
OPEN, NEXT = date(2026, 11, 1), date(2026, 11, 2)
MOST = "9999999999999.99"


def row(loan: Loan, amount: str, serial: str, on: date = OPEN) -> ReceiptRow:
    return ReceiptRow(loan.loan_note_no, Decimal(amount), on, "CNAPS", serial)


def pay(*rows: ReceiptRow) -> ReceiptResult:
    return post_receipts(rows=rows, by="system", at=AT)


def people() -> tuple[Staff, Staff]:
    branch = make_branch()
    return make_staff("OPERATIONS", branch, "唐一"), make_staff("OPERATIONS", branch, "唐二")


def broken() -> list[str]:
    return [each.code for each in findings() if each.broken]


def test_what_suspense_cannot_hold_is_refused_and_named() -> None:
    loan = book_loan()
    first, over = row(loan, MOST, "1"), row(loan, "0.01", "2")
    assert pay(first).posted == 1 and position(loan).suspense == Decimal(MOST)
    before = everything()
    for outcome in (*judge_receipts(rows=[over]), *pay(over).outcomes):
        assert (outcome.state, outcome.column, outcome.reason) == ("REFUSED", "amount", "超出可记账的最大金额")
    assert pay(first).duplicate == 1 and judge_receipts(rows=[first])[0].state == "DUPLICATE"
    assert everything() == before and Receipt.objects.count() == 1
    close(OPEN)
    assert broken() == []


def test_rows_of_one_file_are_summed_and_the_others_go_through() -> None:
    loan, other = book_loan(), book_loan()
    rows = [row(loan, "6000000000000.00", "1"), row(loan, "6000000000000.00", "2"), row(other, "10.00", "3")]
    rows.append(rows[0])
    wanted = ["POSTED", "REFUSED", "POSTED", "DUPLICATE"]
    assert [each.state for each in judge_receipts(rows=rows)] == wanted
    assert [each.state for each in pay(*rows).outcomes] == wanted
    assert broken() == []


@pytest.mark.parametrize("on", [OPEN, NEXT], ids=["late", "on_time"])
def test_money_that_finds_its_loan_is_refused_too(on: date) -> None:
    loan, (teller, _checker) = book_loan(), people()
    row_of_nobody = ReceiptRow("WRONG-1", Decimal("5.00"), on, "CNAPS", "U1")
    close(OPEN)
    pay(row(loan, MOST, "1", NEXT), row_of_nobody)
    found, before = Receipt.objects.get(serial="U1"), everything()
    with pytest.raises(AmountTooLarge) as caught:
        match_receipt(receipt_id=found.pk, loan_id=loan.pk, note="回单已核对", by=teller, at=AT)
    found.refresh_from_db()
    assert (caught.value.field, found.state, everything()) == ("amount", "UNMATCHED", before)


def held_receipt() -> tuple[Loan, Receipt]:
    """A receipt told ahead for which there is no room on its day."""
    loan = book_loan()
    pay(row(loan, "6000000000000.00", "ahead", NEXT))
    pay(row(loan, "6000000000000.00", "now"))
    close(OPEN)
    evening(NEXT)
    return loan, Receipt.objects.get(serial="ahead")


def evening(day: date) -> None:
    scope = {"at": AT}
    run_isolated(
        batch.post_waiting_receipts, stage="post_waiting_receipts", as_of=day, scope=scope, after=0, up_to=None,
        takes_ids=True,
    )  # fmt: skip


def test_what_cannot_be_posted_is_held_back_with_its_reason_and_goes_back() -> None:
    loan, waiting = held_receipt()
    assert "post_waiting_receipts" in {each.name for each in STAGES}
    held = HeldBack.objects.get(subject_id=loan.pk)
    assert (waiting.state, held.reason) == ("WAITING", "AmountTooLarge: 超出可记账的最大金额")
    teller, checker = people()
    asked = propose_return(receipt_id=waiting.pk, note="金额有误，原路退回", by=teller, at=AT)
    decide_return(return_id=asked.pk, approve=True, note="", by=checker, at=AT)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.loan_id, waiting.resolved_by) == ("RETURNED", loan.pk, checker)
    evening(NEXT)
    assert not HeldBack.objects.exists() and position(loan).suspense == Decimal("6000000000000.00")
    assert broken() == []


def test_what_was_posted_meanwhile_does_not_go_back() -> None:
    loan, (teller, checker) = book_loan(), people()
    pay(row(loan, "500.00", "ahead", NEXT))
    receipt = Receipt.objects.get()
    asked = propose_return(receipt_id=receipt.pk, note="客户撤回指令", by=teller, at=AT)
    close(OPEN)
    evening(NEXT)
    before = everything()
    with pytest.raises(ReceiptIsSettled, match="已入账"):
        decide_return(return_id=asked.pk, approve=True, note="", by=checker, at=AT)
    assert everything() == before and MoneyReturn.objects.get().state == "PROPOSED"
    decide_return(return_id=asked.pk, approve=False, note="已经入账", by=checker, at=AT)
    assert MoneyReturn.objects.get().state == "REJECTED" and broken() == []
