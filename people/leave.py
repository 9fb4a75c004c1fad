"""Leaves as others read them, and the two steps: entering one, and ending it early.

A person enters the own leave, a manager anybody's in the branches they see. It begins today at the earliest: who held
the work on days that are over is not rewritten. Overlaps have the last word in the database.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from journal.actions import record
from journal.errors import ActionRefused
from journal.queries import business_date_now
from people.models import Leave, Staff
from people.queries import branch_ids_visible_to, may
from people.rules.identity import has_unseen_characters
from people.rules.leave import Absence, by_staff, circle_day, covered_by

ENTERS_OWN, ENTERS_OTHERS = "followups.record_visit", "followups.assign"
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


def leaves_visible_to(staff: Staff) -> QuerySet[Leave]:
    """Leaves in the branches one sees: who is away is no secret among colleagues. Cancelled ones are left out."""
    found = Leave.objects.filter(cancelled_at__isnull=True, staff__branch_id__in=branch_ids_visible_to(staff))
    return found.select_related("staff__branch", "deputy")


def absences_between(first: date, last: date) -> dict[int, list[Absence]]:
    """Who is away on these days, by person; a deputy who left the bank or the branch covers nothing."""
    rows = Leave.objects.filter(cancelled_at__isnull=True, period__overlap=DateRange(first, last + _DAY))
    found = rows.values_list(
        "staff_id", "period", "deputy_id", "staff__branch_id", "deputy__branch_id", "deputy__is_active"
    )
    return by_staff(
        Absence(staff_id, period.lower, period.upper - _DAY, deputy if active and home == away else None)
        for staff_id, period, deputy, home, away, active in found.order_by("id")
    )


def covered_ids(staff: Staff, day: date | None = None) -> tuple[int, ...]:
    """Whose work this person holds for others today; read once per request object."""
    known: dict[date | None, tuple[int, ...]] = staff.__dict__.setdefault("_covered_ids", {})
    if day not in known:
        on = day or business_date_now()
        known[day] = covered_by(staff.pk, on, absences_between(on, on)) if on else ()
    return known[day]


def know_day(staff: Staff, day: date) -> None:
    """Says the business date where it is known already, so that `covered_ids` does not read it again.

    Who makes no visits stands in for nobody.
    """
    staff.__dict__.setdefault("_covered_ids", {})[None] = covered_ids(staff, day) if may(staff, ENTERS_OWN) else ()


def deputies_for(staff: Staff) -> QuerySet[Staff]:
    """Who may stand in: another active member of the same branch who makes visits."""
    same = Staff.objects.filter(is_active=True, branch_id=staff.branch_id, roles__permissions__contains=[ENTERS_OWN])
    return same.exclude(pk=staff.pk).distinct().order_by("name", "id")


def may_enter_for(by: Staff, staff: Staff) -> bool:
    """The own leave, or that of somebody in a branch where one assigns work."""
    if by.pk == staff.pk:
        return may(by, ENTERS_OWN)
    return may(by, ENTERS_OTHERS) and staff.branch_id in branch_ids_visible_to(by)


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


def holders_of(ids: Iterable[int]) -> dict[int, str]:
    """Names by id."""
    return dict(Staff.objects.filter(pk__in=set(ids)).values_list("pk", "name"))


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
