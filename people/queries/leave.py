"""Leaves as others read them: who is away when, for whom one stands in, who may enter one."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.db.models import QuerySet
from psycopg2.extras import DateRange

from journal.queries import business_date_now
from people.models import Leave, Staff
from people.queries import branch_ids_visible_to, may
from people.rules.leave import Absence, by_staff, covered_by

ENTERS_OWN, ENTERS_OTHERS = "followups.record_visit", "followups.assign"
_DAY = timedelta(days=1)


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
    """Whose work this person holds for others today; read once per request object.

    Who makes no visits stands in for nobody.
    """
    known: dict[date | None, tuple[int, ...]] = staff.__dict__.setdefault("_covered_ids", {})
    if day not in known:
        on = (day or business_date_now()) if may(staff, ENTERS_OWN) else None
        known[day] = covered_by(staff.pk, on, absences_between(on, on)) if on else ()
    return known[day]


def know_day(staff: Staff, day: date) -> None:
    """Says the business date where it is known already, so that `covered_ids` does not read it again."""
    known: dict[date | None, tuple[int, ...]] = staff.__dict__.setdefault("_covered_ids", {})
    known[None] = covered_ids(staff, day)


def deputies_for(staff: Staff) -> QuerySet[Staff]:
    """Who may stand in: another active member of the same branch who makes visits."""
    same = Staff.objects.filter(is_active=True, branch_id=staff.branch_id, roles__permissions__contains=[ENTERS_OWN])
    return same.exclude(pk=staff.pk).distinct().order_by("name", "id")


def may_enter_for(by: Staff, staff: Staff) -> bool:
    """The own leave, or that of somebody in a branch where one assigns work."""
    if by.pk == staff.pk:
        return may(by, ENTERS_OWN)
    return may(by, ENTERS_OTHERS) and staff.branch_id in branch_ids_visible_to(by)


def holders_of(ids: Iterable[int]) -> dict[int, str]:
    """Names by id."""
    return dict(Staff.objects.filter(pk__in=set(ids)).values_list("pk", "name"))
