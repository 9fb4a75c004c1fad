"""Refunds of over-payment: two people, checked against the suspense twice, and never forgotten by a replay."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from config.invariants import findings
from journal.errors import ActionRefused
from journal.models import Entry
from loans.actions import (
    NoteNeeded,
    ReceiptRow,
    RefundExceedsSuspense,
    RefundIsDecided,
    RefundIsOpen,
    RefundNeedsSecondPerson,
    close_business_date,
    decide_refund,
    post_receipts,
    propose_refund,
    reverse_receipt,
)
from loans.models import LedgerLine, Position, Posting, Receipt, Refund
from people.actions import NotAllowed
from people.models import Staff
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)
REASON = "客户多还，申请退回"


@pytest.fixture
def maker() -> Staff:
    return make_staff("OPERATIONS", make_branch(), "唐一")


@pytest.fixture
def checker() -> Staff:
    return make_staff("OPERATIONS", make_branch(), "唐二")


def overpaid(amount: str = "900.00", serial: str = "1", loan: Any = None) -> Any:
    """A loan without arrears that was paid too much."""
    loan = loan or book_loan()
    row = ReceiptRow(loan.loan_note_no, Decimal(amount), DAY, "CNAPS", f"{serial}-{loan.pk}")
    assert post_receipts(rows=[row], by="system", at=AT).posted == 1
    return loan


def propose(loan: Any, by: Staff, amount: str = "600.00", reason: str = REASON) -> Refund:
    return propose_refund(loan_id=loan.pk, amount=Decimal(amount), reason=reason, by=by, at=AT)


def decide(refund: Refund, by: Staff, approve: bool = True, note: str = "") -> Refund:
    return decide_refund(refund_id=refund.pk, approve=approve, note=note, by=by, at=AT)


def suspense(loan: Any) -> Decimal:
    return Position.objects.get(loan=loan).suspense


def state() -> tuple[Any, ...]:
    return tuple(list(model.objects.order_by("pk").values()) for model in (Refund, Posting, Position, Entry))


def test_a_refund_takes_the_money_out_of_suspense(maker: Staff, checker: Staff) -> None:
    loan = overpaid()
    refund = propose(loan, maker)
    assert (refund.state, suspense(loan)) == ("PROPOSED", Decimal("900.00"))
    done = decide(refund, checker)
    assert (done.state, done.refunded_on, done.decided_by) == ("APPROVED", DAY, checker)
    assert suspense(loan) == Decimal("300.00")
    posting = Posting.objects.get(kind="REFUND")
    assert (posting.source_id, posting.value_on) == (refund.pk, DAY)
    lines = LedgerLine.objects.filter(posting_id=posting.pk)
    assert {line.account: line.amount for line in lines} == {"SUSPENSE": Decimal(600), "CASH": Decimal(-600)}
    kinds = ("loans.refund_proposed", "loans.refund_approved")
    assert list(
        Entry.objects.filter(kind__in=kinds, loan_id=loan.pk).order_by("id").values_list("kind", flat=True)
    ) == list(kinds)
    assert [each.code for each in findings() if each.broken] == []


def test_a_rejected_refund_moves_nothing_and_makes_room_for_the_next(maker: Staff, checker: Staff) -> None:
    loan = overpaid()
    refund = propose(loan, maker)
    with pytest.raises(NoteNeeded):
        decide(refund, checker, approve=False)
    done = decide(refund, checker, approve=False, note="请先核对收款户名")
    assert (done.state, done.refunded_on, suspense(loan)) == ("REJECTED", None, Decimal("900.00"))
    assert not Posting.objects.filter(kind="REFUND").exists()
    assert propose(loan, maker, "900.00").state == "PROPOSED"


@pytest.mark.parametrize(("amount", "error"), [("900.01", RefundExceedsSuspense), ("0.00", RefundExceedsSuspense),
                                               ("-1.00", RefundExceedsSuspense)])  # fmt: skip
def test_what_is_not_in_suspense_cannot_be_refunded(amount: str, error: type[ActionRefused], maker: Staff) -> None:
    loan = overpaid()
    before = state()
    with pytest.raises(error):
        propose(loan, maker, amount)
    with pytest.raises(NoteNeeded):
        propose(loan, maker, "1.00", "太短")
    assert state() == before


def test_a_loan_has_one_refund_to_be_decided(maker: Staff, checker: Staff) -> None:
    loan = overpaid()
    propose(loan, maker)
    before = state()
    with pytest.raises(RefundIsOpen, match="唐一"):
        propose(loan, checker, "100.00")
    assert state() == before


def test_whoever_asks_does_not_decide_and_only_those_who_may_do_either(maker: Staff) -> None:
    loan = overpaid()
    refund = propose(loan, maker)
    officer = make_staff("LOAN_OFFICER", make_branch())
    before = state()
    for approve in (True, False):
        with pytest.raises(RefundNeedsSecondPerson):
            decide(refund, maker, approve, "自己批自己")
        with pytest.raises(NotAllowed):
            decide(refund, officer, approve, "无权处理")
    with pytest.raises(NotAllowed):
        propose(overpaid(serial="2"), officer)
    assert state()[0] == before[0] and suspense(loan) == Decimal("900.00")


def test_a_decision_is_made_once_and_the_next_is_told_by_whom(maker: Staff, checker: Staff) -> None:
    refund = propose(overpaid(), maker)
    decide(refund, checker)
    third = make_staff("OPERATIONS", make_branch(), "唐三")
    before = state()
    for approve in (True, False):
        with pytest.raises(RefundIsDecided, match="唐二"):
            decide(refund, third, approve, "再次处理")
    assert state() == before


def test_money_that_the_evening_used_meanwhile_is_not_refunded(maker: Staff, checker: Staff) -> None:
    from loans import batch

    loan = book_loan(due_day=1, disbursed_on=date(2023, 1, 1))
    overpaid(loan=loan)
    refund = propose(loan, maker)
    batch.bill(as_of=DAY, at=AT)
    assert suspense(loan) == 0
    before = state()
    with pytest.raises(RefundExceedsSuspense):
        decide(refund, checker)
    assert state() == before


def test_a_late_receipt_and_a_reversal_leave_the_refund_standing(maker: Staff, checker: Staff) -> None:
    loan = overpaid("900.00", "1")
    overpaid("500.00", "2", loan)
    decide(propose(loan, maker, "400.00"), checker)
    close_business_date(day=DAY, at=AT)
    row = ReceiptRow(loan.loan_note_no, Decimal("50.00"), DAY, "CNAPS", "late")
    assert post_receipts(rows=[row], by="system", at=AT).posted == 1
    assert suspense(loan) == Decimal("1050.00")
    first = Receipt.objects.get(serial=f"1-{loan.pk}")
    reverse_receipt(receipt_id=first.pk, reason=REASON, by=maker, at=AT)
    assert suspense(loan) == Decimal("150.00")
    assert Posting.objects.filter(kind="REFUND").count() == 1
    assert [each.code for each in findings() if each.broken] == []


def test_money_that_was_refunded_cannot_be_reversed_away(maker: Staff, checker: Staff) -> None:
    loan = overpaid()
    decide(propose(loan, maker), checker)
    before = (suspense(loan), Posting.objects.count(), Receipt.objects.get().state)
    with pytest.raises(ActionRefused):
        reverse_receipt(receipt_id=Receipt.objects.get().pk, reason=REASON, by=maker, at=AT)
    assert (suspense(loan), Posting.objects.count(), Receipt.objects.get().state) == before


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE loans_refund SET amount = 0", "refund_amount_positive"),
        ("UPDATE loans_refund SET state = 'REJECTED', decided_by_id = proposed_by_id, decided_at = proposed_at",
         "refund_maker_is_not_checker"),
        ("UPDATE loans_refund SET state = 'APPROVED'", "decided_refund_has_its_checker|approved_refund_has_its_day"),
        ("INSERT INTO loans_refund (loan_id, amount, reason, state, proposed_by_id, proposed_at, decision_note) "
         "SELECT loan_id, 1, '', state, proposed_by_id, proposed_at, '' FROM loans_refund", "one_open_refund"),
        ("INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, source_id) "
         "SELECT loan_id, 'REFUND', '2026-11-01', '2026-11-01', now(), 7 FROM loans_refund, generate_series(1, 2)",
         "refund_posts_once"),
    ],
)  # fmt: skip
def test_the_database_refuses_what_may_not_be(statement: str, name: str, maker: Staff) -> None:
    propose(overpaid(), maker)
    with (
        pytest.raises(IntegrityError, match=name),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
