"""Refunds of over-payment: money in suspense goes back to where it came from; one proposes, another decides.

The amount is checked against the suspense twice, each time under the position's lock: when it is asked for and when it
is paid, for the evening may have used the money meanwhile.
"""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans.actions.breaks import checked_note
from loans.models import ChangeState, ContractChange, Position, PostingKind, Refund, RefundState
from loans.queries import hold_business_date, lock_positions
from loans.rules.changes import MONEY_KINDS
from loans.rules.money import fen
from loans.writing import Header, write_postings
from people.actions import require
from people.models import Staff


class RefundExceedsSuspense(ActionRefused):
    """Only what is in suspense can go back."""

    code = "refund_exceeds_suspense"


class RefundIsOpen(ActionRefused):
    """A loan has one refund at a time to be decided."""

    code = "refund_is_open"
    conflict = True


class RefundIsDecided(ActionRefused):
    """A refund is decided once."""

    code = "refund_is_decided"
    conflict = True


class RefundNeedsSecondPerson(ActionRefused):
    """Whoever asked for a refund does not decide on it."""

    code = "refund_needs_second_person"


@transaction.atomic
def propose_refund(*, loan_id: int, amount: Decimal, reason: str, by: Staff, at: datetime) -> Refund:
    """Asks for a refund; nothing is posted yet. The caller has checked that the loan is visible."""
    require(by, "loans.post_receipts")
    reason = checked_note(reason, field="reason")
    if amount <= 0:
        raise RefundExceedsSuspense(_("金额须大于零。"), field="amount")
    business_date = hold_business_date()
    position = lock_positions([loan_id])[loan_id]
    _refuse_more_than(position, amount)
    waiting = Refund.objects.filter(loan_id=loan_id, state=RefundState.PROPOSED).select_related("proposed_by").first()
    if waiting is not None:
        raise RefundIsOpen(
            _("%(who)s 提出的退款 %(amount)s 元尚待复核。")
            % {"who": waiting.proposed_by.name, "amount": f"{waiting.amount:,.2f}"}
        )
    refund = Refund.objects.create(loan_id=loan_id, amount=amount, reason=reason, proposed_by=by, proposed_at=at)
    record(
        kind="loans.refund_proposed", subject_type="refund", subject_id=refund.pk, loan_id=loan_id, by=by.staff_no,
        at=at, business_date=business_date, data={"amount": str(amount), "reason": reason},
    )  # fmt: skip
    return refund


@transaction.atomic
def decide_refund(*, refund_id: int, approve: bool, note: str, by: Staff, at: datetime) -> Refund:
    """Pays a refund out of suspense, or rejects it (then with a note). The caller has checked that it is visible."""
    require(by, "loans.approve_refund")
    note = checked_note(note) if note.strip() or not approve else ""
    business_date = hold_business_date()
    loan_id = Refund.objects.values_list("loan_id", flat=True).get(pk=refund_id)
    position = lock_positions([loan_id])[loan_id]
    refund = Refund.objects.select_related("decided_by", "proposed_by").get(pk=refund_id)
    if refund.state != RefundState.PROPOSED:
        who = refund.decided_by.name if refund.decided_by else ""
        raise RefundIsDecided(
            _("这笔退款已由 %(who)s 处理：%(state)s。") % {"who": who, "state": refund.get_state_display()}
        )
    if refund.proposed_by_id == by.pk:
        raise RefundNeedsSecondPerson(_("退款须由另一人复核。"))
    if approve:
        _refuse_more_than(position, refund.amount)
        _pay(refund, business_date=business_date, at=at)
    Refund.objects.filter(pk=refund_id).update(
        state=RefundState.APPROVED if approve else RefundState.REJECTED, decided_by=by, decided_at=at,
        decision_note=note, refunded_on=business_date if approve else None,
    )  # fmt: skip
    record(
        kind="loans.refund_approved" if approve else "loans.refund_rejected", subject_type="refund",
        subject_id=refund_id, loan_id=loan_id, by=by.staff_no, at=at, business_date=business_date,
        data={"amount": str(refund.amount), "note": note},
    )  # fmt: skip
    refund.refresh_from_db()
    return refund


def refund_warnings(loan_id: int, suspense: Decimal, amount: Decimal | None = None) -> list[str]:
    """What a refund of an amount would take from a change that is approved or signed; without one, what any might."""
    found = []
    binding = ContractChange.objects.filter(
        loan_id=loan_id, kind__in=MONEY_KINDS, state__in=(ChangeState.APPROVED, ChangeState.SIGNED)
    )
    for change in binding:
        needed = Decimal(change.result["taken"])
        most = max(Decimal(0), suspense - needed)
        if amount is None or amount > most:
            words = {
                "number": change.pk, "kind": change.get_kind_display(), "state": change.get_state_display(),
                "day": change.effective_on, "needed": f"{needed:,.2f}", "most": f"{most:,.2f}",
            }  # fmt: skip
            found.append(
                _(
                    "变更 %(number)s 号（%(kind)s，%(state)s，%(day)s 生效）需用暂收款 %(needed)s 元；"
                    "退款超过 %(most)s 元，该变更会因资金不足不能生效。"
                )
                % words
            )
    return found


def _refuse_more_than(position: Position, amount: Decimal) -> None:
    if amount > position.suspense:
        raise RefundExceedsSuspense(
            _("暂收款余额只有 %(suspense)s 元，不能退 %(amount)s 元。")
            % {"suspense": f"{position.suspense:,.2f}", "amount": f"{amount:,.2f}"},
            field="amount",
        )


def _pay(refund: Refund, *, business_date: date, at: datetime) -> None:
    amount = fen(refund.amount)
    header = Header(refund.loan_id, PostingKind.REFUND, business_date, source_id=refund.pk)
    write_postings([(header, [("SUSPENSE", None, amount), ("CASH", None, -amount)])], as_of=business_date, at=at)
    Position.objects.filter(pk=refund.loan_id).update(suspense=F("suspense") - refund.amount)
