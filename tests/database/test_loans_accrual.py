"""The floor of an observation, and interest off the balance sheet: what is income, and what is only owed."""

from datetime import date
from decimal import Decimal

import pytest

from journal.models import Entry
from loans import batch
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.models import Installment, LedgerLine, Loan, Position, Posting, Receipt
from loans.rules import aging
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)


def evening(day: date = DAY) -> dict[str, dict[str, int]]:
    stages = (batch.bill, batch.post_waiting_receipts, batch.age, batch.classify, batch.non_accrual)
    return {stage.__name__: stage(as_of=day, at=AT) for stage in stages}


def position(loan: Loan) -> Position:
    return Position.objects.get(pk=loan.pk)


def unpaid_interest(loan: Loan) -> Decimal:
    rows = Installment.objects.filter(loan_id=loan.pk, settled_on__isnull=True)
    return sum((row.interest - row.interest_paid for row in rows), Decimal("0.00"))


def held(loan: Loan) -> Decimal:
    """What the ledger says."""
    lines = LedgerLine.objects.filter(loan_id=loan.pk, account="INTEREST_OFF_BALANCE")
    return -sum((line.amount for line in lines), Decimal("0.00"))


def pay(loan: Loan, amount: Decimal) -> Receipt:
    post_receipts(rows=[ReceiptRow(loan.loan_note_no, amount, DAY, "CNAPS", str(amount))], by="system", at=AT)
    return Receipt.objects.get(serial=str(amount))


# ── The floor ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("days", "floor", "name"),
    [
        (0, "", "PASS"),
        (0, "SPECIAL_MENTION", "SPECIAL_MENTION"),
        (5, "SPECIAL_MENTION", "SPECIAL_MENTION"),
        (91, "SPECIAL_MENTION", "SUBSTANDARD"),
        (5, "SUBSTANDARD", "SUBSTANDARD"),
        (400, "SUBSTANDARD", "LOSS"),
        (91, "LOSS", "LOSS"),
        (0, "PASS", "PASS"),
    ],
)
def test_the_class_is_the_worse_of_days_past_due_and_the_floor(days: int, floor: str, name: str) -> None:
    assert aging.class_of(days, floor) == name


@pytest.mark.parametrize("floor", ["SPECIAL_MENTION", "SUBSTANDARD", "DOUBTFUL", "LOSS"])
@pytest.mark.parametrize("days", [0, 40, 200])
def test_a_floor_holds_the_class_and_its_end_lets_it_go(days: int, floor: str) -> None:
    loan = book_loan(days_past_due=days)
    batch.classify(as_of=DAY, at=AT)
    by_days = position(loan).five_class
    Position.objects.filter(pk=loan.pk).update(class_floor=floor)
    batch.classify(as_of=DAY, at=AT)
    assert position(loan).five_class == aging.worse_class(by_days, floor)
    assert batch.classify(as_of=DAY, at=AT) == {"changed": 0}
    Position.objects.filter(pk=loan.pk).update(class_floor="")
    batch.classify(as_of=DAY, at=AT)
    assert position(loan).five_class == by_days


def test_the_fact_names_the_floor() -> None:
    loan = book_loan()
    Position.objects.filter(pk=loan.pk).update(class_floor="SUBSTANDARD")
    batch.classify(as_of=DAY, at=AT)
    fact = Entry.objects.get(kind="loans.class_changed")
    assert fact.data == {"from": "PASS", "to": "SUBSTANDARD", "days_past_due": 0, "class_floor": "SUBSTANDARD"}


# ── Off the balance sheet ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("days", "is_off"), [(0, False), (88, False), (89, False), (90, True), (300, True)])
def test_interest_leaves_the_balance_sheet_after_90_days(days: int, is_off: bool) -> None:
    # Booked at the close of 31 October: one day more at the close of 1 November.
    loan = book_loan(days_past_due=days)
    evening()
    expected = unpaid_interest(loan) if is_off else Decimal("0.00")
    assert (position(loan).off_balance_interest, held(loan)) == (expected, expected)
    assert not is_off or expected > 0


def test_a_non_performing_class_is_enough() -> None:
    loan = book_loan(days_past_due=40)
    Position.objects.filter(pk=loan.pk).update(class_floor="SUBSTANDARD")
    assert evening()["non_accrual"] == {"taken_off": 1, "taken_back": 0}
    assert position(loan).off_balance_interest == unpaid_interest(loan) > 0
    Position.objects.filter(pk=loan.pk).update(class_floor="")
    assert evening()["non_accrual"] == {"taken_off": 0, "taken_back": 1}
    assert (position(loan).off_balance_interest, held(loan)) == (0, 0)


def test_income_is_turned_back_and_the_debt_stays() -> None:
    loan = book_loan(days_past_due=90)
    debt = unpaid_interest(loan)
    evening()
    posting = Posting.objects.get(kind="NON_ACCRUAL")
    lines = LedgerLine.objects.filter(posting_id=posting.pk).order_by("line")
    assert [(line.account, line.installment_number, line.amount) for line in lines] == [
        ("INTEREST_INCOME", None, debt), ("INTEREST_OFF_BALANCE", None, -debt)
    ]  # fmt: skip
    assert (posting.value_on, posting.business_date, unpaid_interest(loan)) == (DAY, DAY, debt)


def test_run_twice_it_writes_nothing() -> None:
    book_loan(days_past_due=90)
    evening()
    before = Posting.objects.count(), LedgerLine.objects.count()
    assert batch.non_accrual(as_of=DAY, at=AT) == {"taken_off": 0, "taken_back": 0}
    assert (Posting.objects.count(), LedgerLine.objects.count()) == before


def test_a_payment_and_its_reversal_are_made_good_in_the_evening() -> None:
    branch = make_branch()
    loan = book_loan(branch=branch, days_past_due=120)
    evening()
    whole = position(loan).off_balance_interest
    receipt = pay(loan, Decimal("4000.00"))
    batch.non_accrual(as_of=DAY, at=AT)
    assert position(loan).off_balance_interest == held(loan) == unpaid_interest(loan)
    reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=make_staff("OPERATIONS", branch), at=AT)
    batch.non_accrual(as_of=DAY, at=AT)
    assert position(loan).off_balance_interest == held(loan) == unpaid_interest(loan) == whole


def test_a_chunk_leaves_other_loans_alone() -> None:
    first, second = book_loan(days_past_due=90), book_loan(days_past_due=90)
    batch.non_accrual(as_of=DAY, at=AT, after=0, up_to=first.pk)
    assert (held(first) > 0, held(second)) == (True, 0)
    batch.non_accrual(as_of=DAY, at=AT, loan_ids=[second.pk])
    assert held(second) > 0


def test_interest_taken_over_off_the_balance_sheet_was_no_income_here() -> None:
    loan = book_loan(days_past_due=91)
    debt = unpaid_interest(loan)
    assert (position(loan).off_balance_interest, held(loan)) == (debt, debt) and debt > 0
    lines = LedgerLine.objects.filter(loan_id=loan.pk).exclude(account="INTEREST_RECEIVABLE").order_by("line")
    assert [(line.account, line.amount) for line in lines] == [
        ("PRINCIPAL", Decimal("900000.00")),
        ("TAKEOVER", Decimal("-900000.00")),
        ("INTEREST_OFF_BALANCE", -debt),
    ]
    assert evening()["non_accrual"] == {"taken_off": 0, "taken_back": 0}
    # Paid, it is income of the day on which it comes in.
    pay(loan, Decimal("8000.00"))
    batch.non_accrual(as_of=DAY, at=AT)
    earned = LedgerLine.objects.filter(loan_id=loan.pk, account="INTEREST_INCOME")
    assert position(loan).off_balance_interest == held(loan) == unpaid_interest(loan)
    assert -sum(line.amount for line in earned) == debt - unpaid_interest(loan) > 0
