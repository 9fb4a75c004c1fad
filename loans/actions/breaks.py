"""The break queue: money that names no loan of ours finds its loan, rows without money are closed.

Each is settled once, by one person, whose name the next one is told. Money that finds no loan goes back by two
persons' word (`loans.actions.returns`).
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import posting, sql
from loans.break_reasons import in_the_banks_language
from loans.models import (
    BreakState,
    DebitInstruction,
    DebitResult,
    Loan,
    MoneyReturn,
    Receipt,
    ReceiptBreak,
    ReceiptState,
    ReturnState,
)
from loans.queries import hold_business_date, lock_positions
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

LEAST_NOTE, MOST_NOTE = 4, 200


class NoteNeeded(ActionRefused):
    """Why it was settled so stands with it, in words that can be read."""

    code = "note_needed"


class ReceiptIsSettled(ActionRefused):
    """The receipt is no longer waiting for somebody to find its loan."""

    code = "receipt_is_settled"
    conflict = True


class ReturnIsOpen(ActionRefused):
    """Somebody asked that this money goes back; that is decided first."""

    code = "return_is_open"
    conflict = True


class BreakIsClosed(ActionRefused):
    """A break is closed once."""

    code = "break_is_closed"
    conflict = True


class BreakHoldsMoney(ActionRefused):
    """Money came with the row: it must find its loan or go back first."""

    code = "break_holds_money"


class ValueDateTooEarly(ActionRefused):
    """No money can have come in before the loan was here."""

    code = "value_date_too_early"


def checked_note(text: str, *, field: str = "note") -> str:
    """The words without outer space; NoteNeeded when too few, too many, or not to be seen."""
    words = text.strip()
    if len(words) < LEAST_NOTE:
        raise NoteNeeded(_("请写明原因（至少 4 个字）。"), field=field)
    if len(words) > MOST_NOTE:
        raise NoteNeeded(_("原因过长，最多 200 个字。"), field=field)
    if has_unseen_characters(words):
        raise NoteNeeded(_("原因含有不可见或控制字符。"), field=field)
    return words


@transaction.atomic
def match_receipt(*, receipt_id: int, loan_id: int, note: str, by: Staff, at: datetime) -> Receipt:
    """Gives an unmatched receipt to its loan and posts it on its value date; a late one replays the loan.

    The caller has checked that the loan and the receipt are visible.
    """
    require(by, "loans.post_receipts")
    note = checked_note(note)
    business_date = hold_business_date()
    lock_positions([loan_id])
    receipt = waiting_for_its_loan(receipt_id)
    refuse_open_return(receipt)
    loan = Loan.objects.get(pk=loan_id)
    since = next(row[3] for row in sql.rows(sql.MATCH_LOANS, {"refs": [loan.loan_note_no]}) if row[0] == loan_id)
    if receipt.value_on < since:
        raise ValueDateTooEarly(_("起息日早于贷款的基准日或放款日（%(day)s）。") % {"day": since}, field="loan")
    settle(receipt, {"state": ReceiptState.WAITING, "loan_id": loan_id}, note, by, at)
    posting.post_receipts(as_of=business_date, at=at, by=by.staff_no, receipt_ids=[receipt_id])
    answer_debit(receipt, loan_id, receipt_id)
    record(
        kind="loans.receipt_matched", subject_type="receipt", subject_id=receipt_id, loan_id=loan_id, by=by.staff_no,
        at=at, business_date=business_date,
        data={"amount": str(receipt.amount), "value_on": str(receipt.value_on), "note": note},
    )  # fmt: skip
    receipt.refresh_from_db()
    return receipt


def waiting_for_its_loan(receipt_id: int) -> Receipt:
    """The receipt, locked; ReceiptIsSettled when it found its loan or went back."""
    # Who settled it is read by itself: a row that was waited for brings its joined rows as they were before.
    receipt = Receipt.objects.select_for_update().get(pk=receipt_id)
    if receipt.state != ReceiptState.UNMATCHED:
        who = receipt.resolved_by.name if receipt.resolved_by else receipt.channel
        raise ReceiptIsSettled(
            _("这笔款项已由 %(who)s 处理：%(state)s。") % {"who": who, "state": receipt.get_state_display()}
        )
    return receipt


def refuse_open_return(receipt: Receipt) -> None:
    """ReturnIsOpen while a return of the locked receipt waits to be decided."""
    waiting = MoneyReturn.objects.filter(receipt=receipt, state=ReturnState.PROPOSED).select_related("proposed_by")
    for asked in waiting:
        raise ReturnIsOpen(_("%(who)s 已提出退回这笔款，尚待复核。") % {"who": asked.proposed_by.name})


def settle(receipt: Receipt, changed: dict[str, Any], note: str, by: Staff, at: datetime) -> None:
    """Writes the receipt's new state and closes its breaks."""
    settled = {"resolved_by": by, "resolved_at": at, "resolution": note}
    Receipt.objects.filter(pk=receipt.pk).update(**changed, **settled)
    ReceiptBreak.objects.filter(receipt_id=receipt.pk, state=BreakState.OPEN).update(
        state=BreakState.RESOLVED, **settled
    )


def answer_debit(receipt: Receipt, loan_id: int | None, receipt_id: int | None) -> None:
    """An answer that did not fit its debit is one once a person took it: else the debit would wait for ever."""
    asked = DebitInstruction.objects.select_for_update().filter(
        serial=receipt.loan_ref, result=DebitResult.PENDING
    ).first()  # fmt: skip
    if asked is None or (loan_id is not None and asked.loan_id != loan_id):
        return
    if loan_id is None:
        with in_the_banks_language():
            answered: dict[str, Any] = {"result": DebitResult.FAILED, "failure": _("款项已退回")}
    else:
        result = DebitResult.PAID if receipt.amount >= asked.amount else DebitResult.PARTIAL
        answered = {"result": result, "paid": receipt.amount, "receipt_id": receipt_id}
    DebitInstruction.objects.filter(pk=asked.pk).update(**answered)


@transaction.atomic
def close_break(*, break_id: int, note: str, by: Staff, at: datetime) -> ReceiptBreak:
    """Closes a row that brought no money, or whose money is settled, with a note."""
    require(by, "loans.post_receipts")
    note = checked_note(note)
    business_date = hold_business_date()
    found = (
        ReceiptBreak.objects.select_for_update(of=("self",)).select_related("resolved_by", "receipt").get(pk=break_id)
    )
    if found.state != BreakState.OPEN:
        who = found.resolved_by.name if found.resolved_by else ""
        raise BreakIsClosed(_("这一行已由 %(who)s 处理。") % {"who": who})
    if found.receipt is not None and found.receipt.state == ReceiptState.UNMATCHED:
        amount = f"{found.receipt.amount:,.2f}"
        raise BreakHoldsMoney(_("这一行带来了 %(amount)s 元，请先匹配贷款或退回。") % {"amount": amount})
    ReceiptBreak.objects.filter(pk=break_id).update(
        state=BreakState.RESOLVED, resolved_by=by, resolved_at=at, resolution=note
    )
    record(
        kind="loans.break_closed", subject_type="receipt_break", subject_id=break_id, by=by.staff_no, at=at,
        business_date=business_date, data={"file": found.file_id, "line": found.line, "note": note},
    )  # fmt: skip
    found.refresh_from_db()
    return found
