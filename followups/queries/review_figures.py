"""The strip below the review desk: the month's follow-ups of one's branches, how long they take, who has how much.

A month's tasks are those that people make and whose limit lies in it. Each belongs to exactly one of done, open and
late; who is over a limit with a report that waits for review is open, for the visit is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from followups.models import Method, TaskState, VisitTask
from followups.queries.merging import ALONE
from followups.queries.turn_around import turn_around
from loans.rules.dates import add_months
from people.models import Staff
from people.queries import branch_ids_visible_to

MOST_OFFICERS = 6
# What was closed longer ahead of its month than this is not looked for: ended tasks are found by the day they ended.
EARLY = timedelta(days=31)
PARTS = ("due", "done", "open", "late")
_MONTH = """
SELECT count(*), count(*) FILTER (WHERE t.state = 'CLOSED'),
       count(*) FILTER (WHERE t.closed_on IS NULL AND (t.due_on >= %(today)s OR t.state = 'SUBMITTED')),
       count(*) FILTER (WHERE t.closed_on IS NULL AND t.due_on < %(today)s AND t.state <> 'SUBMITTED')
  FROM followups_visittask t
 WHERE (t.closed_on IS NULL OR t.closed_on >= %(since)s)
   AND t.branch_id = ANY(%(branches)s) AND t.due_on BETWEEN %(first)s AND %(last)s AND NOT t.is_light
   AND t.state <> 'CANCELLED' AND (t.method <> 'OFF_SITE' OR t.outcome = 'APPROVED' OR t.evidence IS NOT NULL
                                   AND t.closed_on IS NULL)
"""
_LOAD = f"""
SELECT s.staff_no, s.name, count(t.id)
  FROM people_staff s JOIN followups_visittask t ON t.assigned_to_id = s.id
 WHERE t.closed_on IS NULL AND NOT t.is_light AND t.state <> 'SUBMITTED' AND t.due_on <= %(sunday)s
   AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL) AND t.branch_id = ANY(%(branches)s) AND {ALONE}
 GROUP BY s.id ORDER BY 3 DESC, 1 LIMIT %(most)s
"""  # noqa: S608 - joined from constants


@dataclass(frozen=True, slots=True)
class Load:
    """Visits in an officer's hands that are due by Sunday."""

    staff_no: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Strip:
    first: date
    last: date
    today: date
    counts: Mapping[str, int]
    p50: int | None
    p90: int | None
    sunday: date
    load: list[Load] = field(default_factory=list)


def month_of(today: date) -> tuple[date, date]:
    first = today.replace(day=1)
    return first, add_months(first, 1) - timedelta(days=1)


def strip(staff: Staff, today: date) -> Strip:
    """The figures of this month and week."""
    first, last = month_of(today)
    asked: dict[str, Any] = {
        "branches": branch_ids_visible_to(staff), "today": today, "first": first, "last": last,
        "since": first - EARLY,
        "sunday": today + timedelta(days=6 - today.weekday()), "most": MOST_OFFICERS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MONTH, asked)
        (counts,) = cursor.fetchall()
        cursor.execute(_LOAD, asked)
        load = [Load(*row) for row in cursor.fetchall()]
    whole = turn_around(staff, first, today).whole
    spread = (whole.total.p50, whole.total.p90) if whole else (None, None)
    return Strip(first, last, today, dict(zip(PARTS, counts, strict=True)), *spread, asked["sunday"], load)


def month_tasks(staff: Staff, today: date, part: str) -> QuerySet[VisitTask]:
    """The tasks behind a number of the strip."""
    return parts_of(staff, *month_of(today), today)[part]


def parts_of(staff: Staff, first: date, last: date, today: date) -> Mapping[str, QuerySet[VisitTask]]:
    """The tasks of a month that people make, whole and by what became of them."""
    seen = VisitTask.objects.visible_to(staff).filter(Q(closed_on__isnull=True) | Q(closed_on__gte=first - EARLY))
    seen = seen.filter(due_on__gte=first, due_on__lte=last, is_light=False)
    by_people = ~Q(method=Method.OFF_SITE) | Q(outcome="APPROVED") | Q(evidence__isnull=False, closed_on__isnull=True)
    seen = seen.filter(by_people).exclude(state=TaskState.CANCELLED)
    is_late = Q(closed_on__isnull=True, due_on__lt=today) & ~Q(state=TaskState.SUBMITTED)
    return {
        "due": seen,
        "done": seen.filter(state=TaskState.CLOSED),
        "open": seen.filter(closed_on__isnull=True).exclude(is_late),
        "late": seen.filter(is_late),
    }
