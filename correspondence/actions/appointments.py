"""The announcement of a visit: a message of the loan that waits to be sent, in the approved words."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from correspondence.models import Channel, ContactPreference, Message, MessageKind, MessageState, Reason, Template
from correspondence.queries import contact_hours
from journal.actions import record
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff

ANNOUNCES = "followups.record_visit"
_FURTHEST = timedelta(days=60)


class NotAnnounced(ActionRefused):
    """Nothing is put in the queue."""

    code = "not_announced"


@transaction.atomic
def announce_visit(*, loan_id: int, on: date, by: Staff, at: datetime) -> Message:
    """Has the borrower told of a visit on a day, the day before within the hours of contact; once a loan and day.

    The caller has checked that the loan is this person's to visit. What a person took back may be announced anew.
    """
    require(by, ANNOUNCES)
    today = hold_business_date()
    if not today <= on <= today + _FURTHEST:
        raise NotAnnounced(_("回访日期须在营业日 %(today)s 起 60 天内。") % {"today": today}, field="on")
    loan = Loan.objects.select_related("position", "borrower").get(pk=loan_id)
    if loan.position.settled_on is not None:
        raise NotAnnounced(_("贷款已结清。"))
    if not loan.borrower.phone:
        raise NotAnnounced(_("没有登记联系电话。"))
    if ContactPreference.objects.filter(party=loan.borrower, channel=Channel.SMS, ended_at__isnull=True).exists():
        raise NotAnnounced(_("客户不接收短信。"))
    made = _queued(loan, on, _version(today), today)
    record(
        kind="correspondence.visit_announced", subject_type="message", subject_id=made.pk, loan_id=loan.pk,
        by=by.staff_no, at=at, business_date=today, data={"about": str(on)},
    )  # fmt: skip
    return made


def _queued(loan: Loan, on: date, version: int, today: date) -> Message:
    key = {"loan": loan, "kind": MessageKind.APPOINTMENT, "about": on, "step": 0}
    known = Message.objects.select_for_update().filter(**key).first()
    if known is not None and known.state != MessageState.CANCELLED:
        raise NotAnnounced(_("该日的预约短信已在待发或已发。"))
    wanted = {
        "state": MessageState.WAITING, "reason": "", "ended_on": None, "ended_by": None, "note": "",
        "amount": Decimal(0), "channel": Channel.SMS, "template_version": version, "business_date": today,
        "not_before": _not_before(on, today), "expires_on": on,
    }  # fmt: skip
    if known is None:
        return Message.objects.create(**key, **wanted)
    if known.reason == Reason.UNWANTED:
        raise NotAnnounced(_("客户不接收短信。"))
    Message.objects.filter(pk=known.pk).update(**wanted)
    known.refresh_from_db()
    return known


def _version(today: date) -> int:
    approved = Template.objects.exclude(checker="").filter(
        kind=MessageKind.APPOINTMENT, channel=Channel.SMS, in_force__contains=today
    )
    found = approved.values_list("version", flat=True).first()
    if found is None:
        raise NotAnnounced(_("尚无已批准的回访预约用语。"))
    return found


def _not_before(on: date, today: date) -> datetime:
    """The morning of the day before, or of today where that is over."""
    hour = time.fromisoformat(contact_hours(today)["from"])
    return timezone.make_aware(datetime.combine(max(on - timedelta(days=1), today), hour))
