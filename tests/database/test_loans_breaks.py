"""The break queue: money finds its loan or goes back, rows are closed with a note; each once."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from config.invariants import findings
from journal.models import Entry
from loans.actions import (
    BreakHoldsMoney,
    BreakIsClosed,
    FileRow,
    NoteNeeded,
    ReceiptIsSettled,
    ReceiptRow,
    ReturnIsDecided,
    ReturnIsOpen,
    ReturnNeedsSecondPerson,
    ValueDateTooEarly,
    close_break,
    close_business_date,
    decide_return,
    finish_file,
    make_debits,
    match_receipt,
    post_receipts,
    propose_return,
    receive_file,
    take_chunk,
)
from loans.models import (
    DebitInstruction,
    Installment,
    LedgerLine,
    MoneyReturn,
    Position,
    Posting,
    Receipt,
    ReceiptBreak,
)
from loans.rules.debit_file import Answer, parse_answer
from people.actions import NotAllowed
from people.models import Staff
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)
NOTE = "付款附言写错借据号"


@pytest.fixture
def clerk() -> Staff:
    return make_staff("OPERATIONS", make_branch())


@pytest.fixture
def checker() -> Staff:
    return make_staff("OPERATIONS", make_branch(), "沈二")


def returned(receipt: Receipt, reason: str, clerk: Staff, checker: Staff) -> Receipt:
    """Money that one proposed to send back and another let go."""
    asked = propose_return(receipt_id=receipt.pk, note=reason, by=clerk, at=AT)
    decide_return(return_id=asked.pk, approve=True, note="", by=checker, at=AT)
    return Receipt.objects.get(pk=receipt.pk)


def take(kind: str, *rows: FileRow) -> None:
    file = receive_file(kind=kind, name="f.csv", sha256=f"{len(rows):064d}", by="system", at=AT)
    take_chunk(file_id=file.pk, rows=rows, by="system", at=AT)
    finish_file(file_id=file.pk, by="system", at=AT)


def unmatched(amount: str = "500.00", value_on: date = DAY, serial: str = "U1") -> Receipt:
    """Money for a number that no loan of ours has, from a file."""
    row = ReceiptRow("WRONG-1", Decimal(amount), value_on, "CNAPS", serial)
    take("RECEIPTS", FileRow(2, {"loan": "WRONG-1", "amount": amount, "serial": serial}, row))
    return Receipt.objects.get(serial=serial)


def state() -> tuple[Any, ...]:
    models = (Receipt, ReceiptBreak, MoneyReturn, Posting, Position, DebitInstruction, Entry)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def figures(loan: Any) -> tuple[Any, ...]:
    """Position and installments without ids."""
    position = Position.objects.filter(loan=loan).values("principal_balance", "suspense", "overdue_since").get()
    rows = Installment.objects.filter(loan=loan).order_by("number")
    return position, list(rows.values("number", "principal_paid", "interest_paid", "settled_on"))


def test_unmatched_money_is_posted_to_the_loan_it_was_meant_for(clerk: Staff) -> None:
    loan, receipt = book_loan(days_past_due=40), unmatched()
    done = match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=clerk, at=AT)
    assert (done.state, done.loan_id, done.posted_on) == ("POSTED", loan.pk, DAY)
    assert (done.resolved_by, done.resolution) == (clerk, NOTE)
    assert done.loan_ref == "WRONG-1"
    closed = ReceiptBreak.objects.get()
    assert (closed.state, closed.resolved_by, closed.resolution) == ("RESOLVED", clerk, NOTE)
    paid = LedgerLine.objects.filter(loan_id=loan.pk, posting_id=Posting.objects.get(receipt=done).pk)
    assert {line.account: line.amount for line in paid}["CASH"] == Decimal("500.00")
    assert Entry.objects.get(kind="loans.receipt_matched").loan_id == loan.pk
    assert [each.code for each in findings() if each.broken] == []


def test_money_that_found_its_loan_late_leaves_the_loan_as_if_it_had_come_on_time(clerk: Staff) -> None:
    given: dict[str, Any] = {"days_past_due": 40, "disbursed_on": date(2023, 1, 20)}
    late, on_time = book_loan(**given), book_loan(**given)
    receipt = unmatched("800.00")
    post_receipts(rows=[ReceiptRow(on_time.loan_note_no, Decimal("800.00"), DAY, "CNAPS", "T1")], by="system", at=AT)
    close_business_date(day=DAY, at=AT)
    second = date(2026, 11, 2)
    for loan in (late, on_time):
        row = ReceiptRow(loan.loan_note_no, Decimal("300.00"), second, "CNAPS", f"L{loan.pk}")
        post_receipts(rows=[row], by="system", at=AT)
    close_business_date(day=second, at=AT)
    match_receipt(receipt_id=receipt.pk, loan_id=late.pk, note=NOTE, by=clerk, at=AT)
    assert figures(late) == figures(on_time)
    assert [each.code for each in findings() if each.broken] == []


def test_money_of_a_day_to_come_waits_for_it(clerk: Staff) -> None:
    loan, receipt = book_loan(days_past_due=40), unmatched(value_on=date(2026, 11, 5))
    done = match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=clerk, at=AT)
    assert (done.state, done.posted_on) == ("WAITING", None)
    assert not Posting.objects.filter(receipt=done).exists()


def test_what_came_back_went_to_its_sender_by_two_persons_word_and_touches_no_loan(
    clerk: Staff, checker: Staff
) -> None:
    loan, receipt = book_loan(days_past_due=40), unmatched()
    before = figures(loan)
    asked = propose_return(receipt_id=receipt.pk, note="原路退回付款行", by=clerk, at=AT)
    receipt.refresh_from_db()
    assert (asked.state, receipt.state, ReceiptBreak.objects.get().state) == ("PROPOSED", "UNMATCHED", "OPEN")
    decided = decide_return(return_id=asked.pk, approve=True, note="", by=checker, at=AT)
    assert (decided.state, decided.proposed_by, decided.decided_by) == ("APPROVED", clerk, checker)
    receipt.refresh_from_db()
    assert (receipt.state, receipt.resolved_by, receipt.loan_id) == ("RETURNED", checker, None)
    assert receipt.resolution == "原路退回付款行"
    assert figures(loan) == before and not Posting.objects.filter(kind="RECEIPT").exists()
    assert ReceiptBreak.objects.get().state == "RESOLVED"
    assert [each.code for each in findings() if each.broken] == []
    # The channel tells it once more: it is known.
    row = ReceiptRow("WRONG-1", Decimal("500.00"), DAY, "CNAPS", "U1")
    assert post_receipts(rows=[row], by="system", at=AT).outcomes[0].state == "DUPLICATE"


def test_while_a_return_waits_the_money_is_neither_matched_nor_returned_again(clerk: Staff, checker: Staff) -> None:
    loan, receipt = book_loan(days_past_due=40), unmatched()
    asked = propose_return(receipt_id=receipt.pk, note=NOTE, by=clerk, at=AT)
    risk = make_staff("RISK_MANAGER", make_branch())
    before = state()
    with pytest.raises(ReturnIsOpen, match=clerk.name):
        match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=checker, at=AT)
    with pytest.raises(ReturnIsOpen, match=clerk.name):
        propose_return(receipt_id=receipt.pk, note=NOTE, by=checker, at=AT)
    with pytest.raises(ReturnNeedsSecondPerson):
        decide_return(return_id=asked.pk, approve=True, note="", by=clerk, at=AT)
    with pytest.raises(ReturnNeedsSecondPerson):
        decide_return(return_id=asked.pk, approve=False, note=NOTE, by=clerk, at=AT)
    with pytest.raises(NoteNeeded):
        decide_return(return_id=asked.pk, approve=False, note="", by=checker, at=AT)
    with pytest.raises(NotAllowed):
        decide_return(return_id=asked.pk, approve=True, note="", by=risk, at=AT)
    assert state() == before


def test_a_rejected_return_leaves_the_money_to_find_its_loan(clerk: Staff, checker: Staff) -> None:
    loan, receipt = book_loan(days_past_due=40), unmatched()
    asked = propose_return(receipt_id=receipt.pk, note=NOTE, by=clerk, at=AT)
    decide_return(return_id=asked.pk, approve=False, note="应是某客户的还款", by=checker, at=AT)
    before = state()
    with pytest.raises(ReturnIsDecided, match=checker.name):
        decide_return(return_id=asked.pk, approve=True, note="", by=checker, at=AT)
    assert state() == before
    assert match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=clerk, at=AT).state == "POSTED"


def test_nobody_settles_what_is_settled_and_is_told_who_did(clerk: Staff) -> None:
    loan, receipt = book_loan(days_past_due=40), unmatched()
    other = make_staff("OPERATIONS", make_branch(), "沈一")
    match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=clerk, at=AT)
    before = state()
    for call in (
        lambda: match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=other, at=AT),
        lambda: propose_return(receipt_id=receipt.pk, note=NOTE, by=other, at=AT),
    ):
        with pytest.raises(ReceiptIsSettled, match=clerk.name):
            call()
    assert state() == before


def test_what_may_not_be_is_refused_and_changes_nothing(clerk: Staff) -> None:
    loan = book_loan(days_past_due=40)
    receipt = unmatched(value_on=date(2026, 9, 1))
    officer = make_staff("LOAN_OFFICER", make_branch())
    found = ReceiptBreak.objects.get()
    before = state()
    good: dict[str, Any] = {"receipt_id": receipt.pk, "loan_id": loan.pk, "note": NOTE, "by": clerk, "at": AT}
    with pytest.raises(ValueDateTooEarly):
        match_receipt(**good)
    with pytest.raises(NotAllowed):
        match_receipt(**{**good, "by": officer})
    for note in ("", "  太短 ", "字" * 201, "看不见的\u202e字符"):
        with pytest.raises(NoteNeeded):
            match_receipt(**{**good, "note": note})
        with pytest.raises(NoteNeeded):
            propose_return(receipt_id=receipt.pk, note=note, by=clerk, at=AT)
        with pytest.raises(NoteNeeded):
            close_break(break_id=found.pk, note=note, by=clerk, at=AT)
    with pytest.raises(NotAllowed):
        propose_return(receipt_id=receipt.pk, note=NOTE, by=officer, at=AT)
    with pytest.raises(BreakHoldsMoney):
        close_break(break_id=found.pk, note=NOTE, by=clerk, at=AT)
    assert state() == before


def test_a_row_without_money_is_closed_with_a_note_once(clerk: Staff) -> None:
    book_loan()
    take("RECEIPTS", FileRow(2, {"loan": "X", "amount": "1e2"}, None, "amount", "not_an_amount"))
    found = ReceiptBreak.objects.get()
    done = close_break(break_id=found.pk, note="渠道已重发更正文件", by=clerk, at=AT)
    assert (done.state, done.resolved_by, done.resolution) == ("RESOLVED", clerk, "渠道已重发更正文件")
    other = make_staff("OPERATIONS", make_branch())
    before = state()
    with pytest.raises(BreakIsClosed, match=clerk.name):
        close_break(break_id=found.pk, note="再次关闭", by=other, at=AT)
    assert state() == before


def answered(paid: Decimal, loan: Any) -> tuple[DebitInstruction, Receipt]:
    """A debit that the core bank answered with another amount than was asked: its money waits for a person."""
    make_debits(by="system", at=AT)
    asked = DebitInstruction.objects.get(loan=loan)
    values = {
        "serial": asked.serial, "result": "PAID", "paid": f"{paid:.2f}", "value_on": "2026-11-01",
        "core_serial": "C-1", "reason": "",
    }  # fmt: skip
    row = parse_answer(values)
    assert isinstance(row, Answer)
    take("DEBITS_BACK", FileRow(2, values, row))
    return asked, Receipt.objects.get(serial="C-1")


def test_a_debit_whose_answer_a_person_took_is_answered(clerk: Staff) -> None:
    loan = book_loan(days_past_due=40)
    asked, receipt = answered(Decimal("9999999.00"), loan)
    match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=clerk, at=AT)
    asked.refresh_from_db()
    assert (asked.result, asked.paid, asked.receipt_id) == ("PAID", Decimal("9999999.00"), receipt.pk)


def test_a_debit_whose_money_went_back_can_be_asked_for_again(clerk: Staff, checker: Staff) -> None:
    loan = book_loan(days_past_due=40)
    asked, receipt = answered(Decimal("0.01"), loan)
    returned(receipt, "核心误扣，已退回", clerk, checker)
    asked.refresh_from_db()
    assert (asked.result, asked.failure, asked.receipt_id) == ("FAILED", "款项已退回", None)


def test_a_return_without_its_person_is_refused_by_the_database() -> None:
    book_loan()
    unmatched()
    with (
        pytest.raises(IntegrityError, match="returned_receipt_has_its_person"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE loans_receipt SET state = 'RETURNED'")


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE loans_moneyreturn SET state = 'APPROVED', decided_by_id = proposed_by_id, decided_at = now()",
         "return_maker_is_not_checker"),
        ("UPDATE loans_moneyreturn SET state = 'REJECTED', decided_by_id = proposed_by_id, decided_at = now()",
         "return_maker_is_not_checker"),
        ("UPDATE loans_moneyreturn SET state = 'APPROVED'", "decided_return_has_its_checker"),
        ("UPDATE loans_moneyreturn SET reason = 'x'", "return_is_kept"),
        ("DELETE FROM loans_moneyreturn", "return_is_kept"),
        ("INSERT INTO loans_moneyreturn (receipt_id, reason, state, proposed_by_id, proposed_at, decision_note) "
         "SELECT receipt_id, '', state, proposed_by_id, proposed_at, '' FROM loans_moneyreturn",
         "one_return_a_receipt"),
        ("UPDATE loans_receipt SET state = 'RETURNED', resolved_at = now(), "
         "resolved_by_id = (SELECT min(proposed_by_id) FROM loans_moneyreturn)", "returned_receipt_was_approved"),
    ],
)  # fmt: skip
def test_the_database_refuses_a_return_of_one_person(clerk: Staff, statement: str, constraint: str) -> None:
    book_loan()
    propose_return(receipt_id=unmatched().pk, note=NOTE, by=clerk, at=AT)
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]
