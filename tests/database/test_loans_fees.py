"""Fees: charged as disclosed, paid first, waived by another; refusals change nothing."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from journal.models import Entry
from loans.actions import (
    FeeNotDisclosed,
    FeeNotOpen,
    FeeWrong,
    LoanIsSettled,
    ReceiptRow,
    WaiverNeedsAnother,
    charge_fee,
    post_receipts,
    reverse_receipt,
    waive_fee,
)
from loans.actions.disbursement import disburse
from loans.actions.disclosure import ContingentFee
from loans.models import Fee, Installment, LedgerLine, Loan, Position, Posting, Receipt
from loans.queries import allocation_preview, charges_owed, loan_facts
from people.actions import NotAllowed
from people.models import Staff
from tests.contracts import contract_of, disclosed, operator
from tests.database.test_loans_penalty import DUE, at_the_close_of, e9, lines, one
from tests.database.test_loans_reversal import FIRST, broken, close, life, pay, state, twin_books
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
REASON = "补打合同副本"


@pytest.fixture
def maker(db: None) -> Staff:
    return make_staff("OPERATIONS", make_branch(), name="赵敏")


@pytest.fixture
def checker(db: None) -> Staff:
    return make_staff("OPERATIONS", make_branch(), name="钱进")


def late_loan(**given: Any) -> Loan:
    return book_loan(**{"days_past_due": 40, **given})


def charge(loan: Loan, by: Staff, amount: str = "50.00", code: str = "COPY") -> Fee:
    return charge_fee(loan_id=loan.pk, code=code, amount=Decimal(amount), reason=REASON, by=by, at=AT)


def fees_state(loan: Loan) -> Any:
    names = ("code", "amount", "paid", "waived", "waived_on", "settled_on")
    return state(loan), list(Fee.objects.filter(loan=loan).order_by("id").values(*names))


def ledger(loan: Loan, account: str) -> Decimal:
    return sum((each.amount for each in LedgerLine.objects.filter(loan_id=loan.pk, account=account)), Decimal(0))


def test_a_fee_is_owed_from_its_charge_on(maker: Staff) -> None:
    loan = late_loan()
    fee = charge(loan, maker)
    assert (fee.paid, fee.settled_on, fee.charged_on, fee.charged_by) == (0, None, FIRST, maker.staff_no)
    posting = Posting.objects.get(kind="FEE")
    assert (posting.source_id, posting.value_on, posting.loan_id) == (fee.pk, FIRST, loan.pk)
    rows = LedgerLine.objects.filter(posting_id=posting.pk).order_by("line").values_list("account", "amount")
    assert list(rows) == [("FEE_RECEIVABLE", Decimal("50.00")), ("FEE_INCOME", Decimal("-50.00"))]
    loan.refresh_from_db()
    assert (loan.position.fees_due, loan_facts(loan).fees, charges_owed(loan, FIRST).fees) == (Decimal("50.00"),) * 3
    entry = Entry.objects.get(kind="loans.fee_charged")
    assert (entry.loan_id, entry.data) == (loan.pk, {"code": "COPY", "amount": "50.00", "reason": REASON})
    assert broken() == []


def with_copies(by: Staff) -> Loan:
    """A loan whose disclosure names copies, up to 50.00 in all."""
    copies = ContingentFee("COPY", "合同副本", "本行", 5_000, "")
    return disburse(contract=disclosed(contract_of(by.branch), by, contingent=(copies,)), by=by, at=AT)


def test_e10_the_fee_comes_first() -> None:
    by = operator()
    loan, on = e9(with_copies(by)), DUE + timedelta(days=15)
    at_the_close_of(on)
    charge(loan, by)
    found = allocation_preview(loan, Decimal("3000.00"), on)
    (paid,) = found.rows
    assert (found.fees, paid.penalty, paid.compound, paid.interest, paid.principal, found.rest) == tuple(
        map(Decimal, ("50.00", "3.49", "6.74", "2939.77", "0.00", "0.00"))
    )
    receipt = one(loan, "3000.00", on, "1")
    assert lines(receipt) == [
        ("CASH", None, Decimal("3000.00")), ("FEE_RECEIVABLE", None, Decimal("-50.00")),
        ("PENALTY_INCOME", 2, Decimal("-3.49")), ("COMPOUND_INCOME", 2, Decimal("-6.74")),
        ("INTEREST_RECEIVABLE", 2, Decimal("-2939.77")),
    ]  # fmt: skip


def test_fees_are_paid_before_installments_the_oldest_first(maker: Staff) -> None:
    loan = late_loan()
    first, second = charge(loan, maker, "30.00", "COPY"), charge(loan, maker, "20.00", "POST")
    receipt = one(loan, "40.00", FIRST, "1")
    assert lines(receipt) == [("CASH", None, Decimal("40.00")), ("FEE_RECEIVABLE", None, Decimal("-40.00"))]
    for fee in (first, second):
        fee.refresh_from_db()
    assert (first.paid, first.settled_on) == (Decimal("30.00"), FIRST)
    assert (second.paid, second.settled_on) == (Decimal("10.00"), None)
    assert Position.objects.get(loan=loan).fees_due == Decimal("10.00") == ledger(loan, "FEE_RECEIVABLE")
    one(loan, "500.00", FIRST, "2")
    second.refresh_from_db()
    assert (second.paid, second.settled_on, ledger(loan, "FEE_RECEIVABLE")) == (Decimal("20.00"), FIRST, 0)
    assert broken() == []


def test_money_in_suspense_pays_a_fee_at_once(maker: Staff) -> None:
    loan = book_loan()
    one(loan, "100.00", FIRST, "1")
    fee = charge(loan, maker)
    assert (fee.paid, fee.settled_on) == (Decimal("50.00"), FIRST)
    position = Position.objects.get(loan=loan)
    assert (position.suspense, position.fees_due) == (Decimal("50.00"), 0)
    assert broken() == []


def test_a_waived_fee_need_not_be_paid_and_what_was_paid_stays_paid(maker: Staff, checker: Staff) -> None:
    loan = late_loan()
    fee = charge(loan, maker)
    one(loan, "20.00", FIRST, "1")
    fee = waive_fee(fee_id=fee.pk, reason="银行原因减免", by=checker, at=AT)
    assert (fee.paid, fee.waived, fee.waived_on, fee.settled_on) == (Decimal(20), Decimal(30), FIRST, FIRST)
    assert Position.objects.get(loan=loan).fees_due == 0 == ledger(loan, "FEE_RECEIVABLE")
    posting = Posting.objects.get(kind="WAIVER")
    assert (posting.source_id, ledger(loan, "WAIVER")) == (fee.pk, Decimal("30.00"))
    assert Entry.objects.get(kind="loans.fee_waived").data["amount"] == "30.00"
    # The receipt is taken out again: what was paid is owed again, what was waived is not.
    receipt = Receipt.objects.get(serial="1")
    reverse_receipt(receipt_id=receipt.pk, reason="划错账户", by=checker, at=AT)
    fee.refresh_from_db()
    assert (fee.paid, fee.waived, fee.settled_on) == (0, Decimal(30), None)
    assert Position.objects.get(loan=loan).fees_due == Decimal("20.00") == ledger(loan, "FEE_RECEIVABLE")
    assert broken() == []


def all_billed() -> Loan:
    """Two installments, both billed and late; the business date is 4 November."""
    loan = book_loan(outstanding=Decimal("2000.00"), matures_on=date(2026, 11, 3), due_day=3, days_past_due=10)
    for day in range(1, 4):
        close(date(2026, 11, day))
    return loan


def test_a_loan_is_settled_when_no_fee_is_owed_either(maker: Staff) -> None:
    loan, on = all_billed(), date(2026, 11, 4)
    charge(loan, maker)
    one(loan, charges_owed(loan, on).total - 50, on, "1")
    # The fee was paid first, so what is left is principal.
    assert (charges_owed(loan, on).principal, Position.objects.get(loan=loan).settled_on) == (Decimal("50.00"), None)
    one(loan, "50.00", on, "2")
    assert Position.objects.get(loan=loan).settled_on == on
    with pytest.raises(LoanIsSettled):
        charge(loan, maker)
    assert broken() == []


def test_waiving_the_last_thing_owed_settles_the_loan(maker: Staff, checker: Staff) -> None:
    loan, on = all_billed(), date(2026, 11, 4)
    fee = charge(loan, maker)
    close(on)
    # A receipt of an earlier day does not pay the fee of a later one.
    one(loan, charges_owed(loan, on - timedelta(days=1)).total - 50, on - timedelta(days=1), "1")
    left = charges_owed(loan, on)
    assert (left.total, left.fees, Position.objects.get(loan=loan).settled_on) == (Decimal(50), Decimal(50), None)
    fee = waive_fee(fee_id=fee.pk, reason="银行原因减免", by=checker, at=AT)
    assert (fee.waived, fee.settled_on) == (Decimal("50.00"), date(2026, 11, 5))
    assert Position.objects.get(loan=loan).settled_on == date(2026, 11, 5)
    assert Entry.objects.filter(kind="loans.settled", loan_id=loan.pk).count() == 1
    assert broken() == []


# ── Refusals ─────────────────────────────────────────────────────────────────────────────────────


def counts() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Fee, Posting, Entry))


def refused(error: type[Exception], call: Any, *given: Any, **named: Any) -> Any:
    before = counts()
    with pytest.raises(error) as caught, transaction.atomic():
        call(*given, **named)
    assert counts() == before
    return caught.value


def test_what_cannot_be_charged_is_refused(maker: Staff) -> None:
    loan = late_loan()
    for amount in ("0.00", "-5.00", "1.005", "NaN", "Infinity"):
        assert refused(FeeWrong, charge, loan, maker, amount).field == "amount"
    for code in ("  ", "X" * 41, "CO\u200bPY", "\u202eYPOC", "<b>", "copy", "1COPY"):
        assert refused(FeeWrong, charge, loan, maker, code=code).field == "code"
    assert refused(FeeNotDisclosed, charge, loan, maker, code="SURPRISE").field == "code"
    named = {"loan_id": loan.pk, "code": "COPY", "amount": Decimal(5), "by": maker, "at": AT}
    for reason in (" 错 ", "长" * 201, "\u200b" * 4):
        assert refused(FeeWrong, charge_fee, reason=reason, **named).field == "reason"
    refused(NotAllowed, charge, loan, make_staff("LOAN_OFFICER", make_branch()))


def test_who_charged_a_fee_does_not_waive_it_and_a_closed_one_is_not_waived(maker: Staff, checker: Staff) -> None:
    loan = late_loan()
    fee, paid = charge(loan, maker), charge(loan, maker, "1.00", "POST")
    words = {"reason": "银行原因减免", "at": AT}
    refused(WaiverNeedsAnother, waive_fee, fee_id=fee.pk, by=maker, **words)
    refused(NotAllowed, waive_fee, fee_id=fee.pk, by=make_staff("LOAN_OFFICER", make_branch()), **words)
    refused(FeeWrong, waive_fee, fee_id=fee.pk, by=checker, reason="错", at=AT)
    waive_fee(fee_id=fee.pk, by=checker, **words)
    assert refused(FeeNotOpen, waive_fee, fee_id=fee.pk, by=checker, **words).conflict
    one(loan, "1.00", FIRST, "1")
    refused(FeeNotOpen, waive_fee, fee_id=paid.pk, by=checker, **words)


def test_a_fee_that_the_cost_disclosure_does_not_name_is_refused_by_the_ledger() -> None:
    by = operator()
    loan = with_copies(by)
    for code, amount in (("VALUATION", "50.00"), ("COPY", "50.01")):
        found = refused(FeeNotDisclosed, charge, loan, by, amount, code)
        assert (found.code, found.field) == ("fee_not_disclosed", "code")
    charge(loan, by, "30.00")
    refused(FeeNotDisclosed, charge, loan, by, "20.01")
    charge(loan, by, "20.00")
    assert Position.objects.get(loan=loan).fees_due == Decimal("50.00")


def _insert_fee(loan: Loan, amount: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO loans_fee (loan_id, code, amount, paid, charged_on, reason, charged_by) "
            "VALUES (%s, 'COPY', %s, 0, %s, 'again', 'x')",
            [loan.pk, amount, FIRST],
        )


def test_what_was_paid_of_a_partly_waived_fee_stays_charged_in_the_database_too() -> None:
    """50.00 were disclosed; of 50.00 charged 20.00 came in and 30.00 were waived: no more than these 30.00 again."""
    by = operator()
    loan = with_copies(by)
    fee = charge(loan, by)
    one(loan, "20.00", FIRST, "1")
    waive_fee(fee_id=fee.pk, reason="银行原因减免", by=make_staff("OPERATIONS", by.branch), at=AT)
    with pytest.raises(DatabaseError, match="cost disclosure"):
        _insert_fee(loan, "30.01")
    refused(FeeNotDisclosed, charge, loan, by, "30.01")
    charge(loan, by, "30.00")
    with pytest.raises(DatabaseError, match="cost disclosure"):
        _insert_fee(loan, "0.01")


@pytest.mark.parametrize(
    "changed", ["amount = 50.01", "code = 'POST'", "amount = 50.02, waived = 0.01, waived_on = charged_on"]
)
def test_a_fee_does_not_grow_beyond_its_disclosure_afterwards(changed: str) -> None:
    by = operator()
    fee = charge(with_copies(by), by)
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE loans_fee SET {changed} WHERE id = %s", [fee.pk])
    assert caught.value.__cause__.diag.constraint_name == "fee_is_disclosed"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ("paid = amount + 1", "fee_paid_within_amount"),
        ("paid = -1", "fee_paid_within_amount"),
        ("waived = 1", "waived_fee_has_its_day"),
        ("waived_on = charged_on", "waived_fee_has_its_day"),
        ("waived = amount, paid = 1, waived_on = charged_on", "fee_waived_within_rest"),
        ("settled_on = charged_on", "settled_fee_is_paid"),
        ("amount = 0", "fee_amount_positive"),
    ],
)
def test_the_database_refuses_fees_that_cannot_be(maker: Staff, changed: str, constraint: str) -> None:
    charge(late_loan(), maker)
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE loans_fee SET {changed}")
    assert constraint in str(caught.value)


def test_fees_due_are_not_negative(maker: Staff) -> None:
    loan = late_loan()
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        Position.objects.filter(loan=loan).update(fees_due=Decimal("-0.01"))
    assert "fees_due_not_negative" in str(caught.value)


# ── Any life ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [41, 42])
def test_lives_with_fees_end_in_the_same_state_in_whatever_order_receipts_arrive(
    seed: int, maker: Staff, checker: Staff
) -> None:
    on_time, late = twin_books(8, seed)
    told, random = life(8, 60, seed), Random(seed)
    plan = [(random.randrange(8), random.randrange(60), f"{random.randint(1, 9000)}.50") for _n in range(14)]
    for offset in range(60):
        day = FIRST + timedelta(days=offset)
        for index, on, amount in plan:
            for book in (on_time, late):
                if on == offset and Position.objects.get(loan=book[index]).settled_on is None:
                    charge(book[index], maker, amount, "COPY")
        for n, each in enumerate(told):
            if each.value_on == day:
                pay(on_time[each.loan], each, f"A{n}")
            if each.comes_on == day:
                pay(late[each.loan], each, f"B{n}")
        close(day)
    assert Fee.objects.filter(settled_on__isnull=False).exists()
    assert [fees_state(loan) for loan in late] == [fees_state(loan) for loan in on_time]
    assert Installment.objects.exclude(compound_paid=0).exists()
    assert broken() == []


def test_one_receipt_posts_once_however_often_it_comes_with_a_fee(maker: Staff) -> None:
    loan = late_loan()
    fee = charge(loan, maker)
    row = ReceiptRow(loan.loan_note_no, Decimal("10.00"), FIRST, "CNAPS", "1")
    outcomes = post_receipts(rows=[row, row], by="system", at=AT).outcomes
    assert [each.state for each in outcomes] == ["POSTED", "DUPLICATE"]
    fee.refresh_from_db()
    assert fee.paid == Decimal("10.00")
