"""Money that is in no ledger goes back to its sender: one person proposes it, another decides.

It names no loan, or waits for its value date (or for ever, when it cannot be posted). It was in no loan's ledger and
leaves none: the same money must not be sent back and posted. While a return waits to be decided the receipt cannot be
matched; one that is posted meanwhile does not go back.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans.actions.breaks import answer_debit, checked_note, refuse_open_return, settle, waiting_for_its_loan
from loans.models import MoneyReturn, Receipt, ReceiptState, ReturnState
from loans.queries import hold_business_date, lock_positions
from people.actions import require
from people.models import Staff


class ReturnIsDecided(ActionRefused):
    """A return is decided once."""

    code = "return_is_decided"
    conflict = True


class ReturnNeedsSecondPerson(ActionRefused):
    """Whoever asked for a return does not decide on it."""

    code = "return_needs_second_person"


@transaction.atomic
def propose_return(*, receipt_id: int, note: str, by: Staff, at: datetime) -> MoneyReturn:
    """Asks that an unmatched or waiting receipt goes back; nothing is settled yet.

    The caller has checked that it is visible.
    """
    require(by, "loans.post_receipts")
    reason = checked_note(note)
    business_date = hold_business_date()
    receipt = _returnable(receipt_id)
    refuse_open_return(receipt)
    asked = MoneyReturn.objects.create(receipt=receipt, reason=reason, proposed_by=by, proposed_at=at)
    record(
        kind="loans.receipt_return_proposed", subject_type="receipt", subject_id=receipt_id, by=by.staff_no, at=at,
        business_date=business_date, data=_told(asked, receipt),
    )  # fmt: skip
    return asked


@transaction.atomic
def decide_return(*, return_id: int, approve: bool, note: str, by: Staff, at: datetime) -> MoneyReturn:
    """Records that the money went back, or rejects it (then with a note); the receipt then waits for its loan again."""
    require(by, "loans.approve_refund")
    words = checked_note(note) if note.strip() or not approve else ""
    business_date = hold_business_date()
    receipt_id = MoneyReturn.objects.values_list("receipt_id", flat=True).get(pk=return_id)
    receipt = _locked(receipt_id)
    asked = MoneyReturn.objects.select_related("decided_by", "proposed_by").get(pk=return_id)
    if asked.state != ReturnState.PROPOSED:
        who = asked.decided_by.name if asked.decided_by else ""
        raise ReturnIsDecided(
            _("这笔退回已由 %(who)s 处理：%(state)s。") % {"who": who, "state": asked.get_state_display()}
        )
    if asked.proposed_by_id == by.pk:
        raise ReturnNeedsSecondPerson(_("退回须由另一人复核。"))
    if approve:
        _returnable(receipt_id)
    state = ReturnState.APPROVED if approve else ReturnState.REJECTED
    MoneyReturn.objects.filter(pk=return_id).update(state=state, decided_by=by, decided_at=at, decision_note=words)
    if approve:
        settle(receipt, {"state": ReceiptState.RETURNED}, asked.reason, by, at)
        answer_debit(receipt, None, None)
    record(
        kind="loans.receipt_returned" if approve else "loans.receipt_return_rejected", subject_type="receipt",
        subject_id=receipt_id, by=by.staff_no, at=at, business_date=business_date,
        data={**_told(asked, receipt), "decision_note": words},
    )  # fmt: skip
    asked.refresh_from_db()
    return asked


def _locked(receipt_id: int) -> Receipt:
    """The receipt under its loan's lock when it has one: whoever posts it holds that."""
    lock_positions(Receipt.objects.filter(pk=receipt_id, loan__isnull=False).values_list("loan_id", flat=True))
    return Receipt.objects.select_for_update().get(pk=receipt_id)


def _returnable(receipt_id: int) -> Receipt:
    """The receipt, locked; ReceiptIsSettled unless it names no loan or waits to be posted."""
    receipt = _locked(receipt_id)
    return receipt if receipt.state == ReceiptState.WAITING else waiting_for_its_loan(receipt_id)


def _told(asked: MoneyReturn, receipt: Receipt) -> dict[str, Any]:
    return {
        "return": asked.pk, "amount": str(receipt.amount), "value_on": str(receipt.value_on), "note": asked.reason
    }  # fmt: skip
