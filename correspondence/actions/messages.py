"""A waiting message that a person takes back, with the reason."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from correspondence.models import Message, MessageState, Reason
from correspondence.queries import is_past
from journal.actions import record
from journal.errors import ActionRefused
from loans.actions.breaks import checked_note
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff


class MessageDoesNotWait(ActionRefused):
    """Sent, cancelled, or past: there is nothing to take back."""

    code = "message_does_not_wait"
    conflict = True


@transaction.atomic
def cancel_message(*, message_id: int, reason: str, by: Staff, at: datetime) -> Message:
    """Takes back a waiting message; the evening does not make it again. The caller has checked that it is visible."""
    require(by, "correspondence.cancel")
    note = checked_note(reason, field="reason")
    business_date = hold_business_date()
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.state != MessageState.WAITING or is_past(message, business_date):
        raise MessageDoesNotWait(_("这条消息已不在待发之列，不能取消。"))
    Message.objects.filter(pk=message_id).update(
        state=MessageState.CANCELLED, reason=Reason.BY_PERSON, ended_on=business_date, ended_by=by, note=note
    )
    record(
        kind="correspondence.message_cancelled", subject_type="message", subject_id=message_id,
        loan_id=message.loan_id, by=by.staff_no, at=at, business_date=business_date,
        data={"kind": message.kind, "about": str(message.about), "step": message.step, "reason": note},
    )  # fmt: skip
    message.refresh_from_db()
    return message
