"""Entering a leave, and ending it early.

A person enters the own leave, a manager anybody's in the branches they see. It begins today at the earliest: who held
the work on days that are over is not rewritten. Overlaps have the last word in the database.
"""

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from journal.actions import record
from journal.errors import ActionRefused
from journal.queries import business_date_now
from people.models import Leave, Staff
from people.queries.leave import absences_between, deputies_for, may_enter_for
from people.rules.identity import has_unseen_characters
from people.rules.leave import Absence, circle_day

_LONGEST = timedelta(days=366)
_REASON_LEAST, _REASON_MOST = 2, 200
_DAY = timedelta(days=1)


class LeaveRefused(ActionRefused):
    """The leave as asked for cannot be; `field` says what to mend."""

    code = "leave_refused"


class NotTheirs(LeaveRefused):
    code = "not_theirs"

    def __init__(self) -> None:
        super().__init__(_("只能登记和结束本人的休假；主管可以办理所辖机构人员的休假。"), field="staff")


class LeaveOverlaps(LeaveRefused):
    code = "leave_overlaps"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("与已登记的休假日期重叠。"), field="first")


@transaction.atomic
def enter_leave(
    *, staff: Staff, first: date, last: date, deputy: Staff | None, reason: str, by: Staff, at: datetime
) -> Leave:
    """Enters a leave, both days away; the work appears at the deputy from the first day on."""
    if not may_enter_for(by, staff):
        raise NotTheirs
    today = _today()
    words = _checked(reason)
    if first < today:
        raise LeaveRefused(_("休假最早从营业日 %(day)s 开始。") % {"day": today.isoformat()}, field="first")
    if last < first or last - first >= _LONGEST:
        raise LeaveRefused(_("最后一天不能早于第一天，最长一年。"), field="last")
    if deputy is not None and not deputies_for(staff).filter(pk=deputy.pk).exists():
        raise LeaveRefused(_("代管人须为同一机构另一名在岗的回访人员。"), field="deputy")
    absences = absences_between(first, last)
    if any(row.first <= last and first <= row.last for row in absences.get(staff.pk, ())):
        raise LeaveOverlaps
    circle = circle_day(Absence(staff.pk, first, last, deputy.pk if deputy else None), absences)
    if circle is not None:
        raise LeaveRefused(_("代管人 %(day)s 也在休假，且由您代管。") % {"day": circle.isoformat()}, field="deputy")
    try:
        with transaction.atomic():
            leave = Leave.objects.create(
                staff=staff, period=DateRange(first, last + _DAY), deputy=deputy, reason=words, entered_by=by,
                entered_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise LeaveOverlaps from error
    facts = {"first": first.isoformat(), "last": last.isoformat(), "deputy": deputy.staff_no if deputy else ""}
    _tell("people.leave_entered", leave, by=by, at=at, **facts)
    return leave


@transaction.atomic
def end_leave(*, leave_id: int, by: Staff, at: datetime) -> Leave:
    """Cancels a leave that has not begun; one that runs ends yesterday, and its past days stay as they were."""
    leave = Leave.objects.select_for_update().get(pk=leave_id)
    if not may_enter_for(by, leave.staff):
        raise NotTheirs
    today = _today()
    if leave.cancelled_at is not None or leave.period.upper <= today:
        raise LeaveRefused(_("该休假已结束或已撤销。"))
    if leave.period.lower >= today:
        Leave.objects.filter(pk=leave.pk).update(cancelled_at=at)
    else:
        Leave.objects.filter(pk=leave.pk).update(period=DateRange(leave.period.lower, today))
    _tell("people.leave_ended", leave, by=by, at=at, back_on=today.isoformat())
    leave.refresh_from_db()
    return leave


def _today() -> date:
    today = business_date_now()
    if today is None:
        raise LeaveRefused(_("本行尚未开业：没有营业日期。"))
    return today


def _checked(reason: str) -> str:
    words = reason.strip()
    if not _REASON_LEAST <= len(words) <= _REASON_MOST or has_unseen_characters(words):
        raise LeaveRefused(_("请写明休假原因（2 至 200 个字）。"), field="reason")
    return words


def _tell(kind: str, leave: Leave, *, by: Staff, at: datetime, **facts: str) -> None:
    record(
        kind=kind, subject_type="staff", subject_id=leave.staff_id, by=by.staff_no, at=at, business_date=_today(),
        data={"leave_id": leave.pk, **facts},
    )  # fmt: skip
