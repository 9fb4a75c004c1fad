"""Work by officer and week: planned visits against the ceiling, field visits, person-hours, what is late, who is away.

One statement groups the open visits of the visible branches; a light item is no visit, nor what another visit does
along, an off-site check counts only once it was handed to a person. What is past its limit stands in the first week,
for it has to be done now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Q, QuerySet

from followups.models import Method, TaskState, VisitTask
from followups.queries.levelling import WEEKS, ceiling_on, levelled, slots_of
from followups.queries.merging import ALONE, alone
from followups.rules.levelling import week_of
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to
from people.queries.leave import absences_between
from people.rules.leave import Absences

# Tenths of an hour a visit takes all in (field: person-hours of two people).
HOURS = {Method.FIELD: 27, Method.OFF_SITE: 2}
OTHER_HOURS = 5
_WEEK = timedelta(days=7)

_GROUPED = f"""
SELECT t.assigned_to_id, t.branch_id, greatest(date_trunc('week', t.due_on)::date, %(monday)s), t.method,
       count(*), count(*) FILTER (WHERE t.due_on < %(today)s)
  FROM followups_visittask t
 WHERE t.closed_on IS NULL AND t.state <> 'SUBMITTED' AND NOT t.is_light AND t.branch_id = ANY(%(branches)s)
   AND t.due_on < %(until)s AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL) AND {ALONE}
 GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - joined from constants


@dataclass
class Cell:
    """One officer's week; `hours_tenths` are tenths of a person-hour."""

    monday: date
    planned: int = 0
    in_field: int = 0
    late: int = 0
    hours_tenths: int = 0
    days_away: int = 0
    over: int = 0

    @property
    def hours(self) -> Decimal:
        return Decimal(self.hours_tenths) / 10

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)


@dataclass
class Row:
    """An officer (None: not assigned) with the weeks."""

    officer: Staff | None
    cells: list[Cell]
    late: int = 0

    @property
    def planned(self) -> int:
        return sum(cell.planned for cell in self.cells)


@dataclass
class Overflow:
    """An officer's week beyond the ceiling: visits that the rule finds no earlier week for, how many come forward."""

    row: Row
    cell: Cell
    stuck: list[int] = field(default_factory=list)
    forward: int = 0


@dataclass
class Capacity:
    """The table with its sums; `overflow` is what lies beyond the ceiling, by officer and week, as the rule has it."""

    mondays: list[date]
    ceiling: int
    rows: list[Row]
    sums: list[Cell]
    overflow: list[Overflow] = field(default_factory=list)


def visits_to_make(staff: Staff) -> QuerySet[VisitTask]:
    """The open visits that the table counts, as a person sees them."""
    seen = VisitTask.objects.visible_to(staff).still_open().exclude(state=TaskState.SUBMITTED)
    return seen.filter(alone(), is_light=False).filter(~Q(method=Method.OFF_SITE) | Q(evidence__isnull=False))


def capacity(staff: Staff, today: date, *, branch: str = "", weeks: int = WEEKS) -> Capacity:
    """The visible officers × weeks from the current one on."""
    monday = week_of(today)
    mondays = [monday + _WEEK * n for n in range(weeks)]
    ids = branch_ids_visible_to(staff)
    ceiling = ceiling_on(today)
    officers = _officers(ids, branch)
    rows = {one.pk: Row(one, [Cell(each) for each in mondays]) for one in officers}
    nobody = Row(None, [Cell(each) for each in mondays])
    wanted = _branches(ids, branch)
    until = mondays[-1] + _WEEK
    with connection.cursor() as cursor:
        cursor.execute(_GROUPED, {"monday": monday, "today": today, "branches": wanted, "until": until})
        for officer_id, _branch_id, week, method, count, late in cursor.fetchall():
            row = nobody if officer_id is None else rows.get(officer_id)
            if row is None:
                continue
            cell = row.cells[(week - monday).days // 7]
            cell.planned += count
            cell.late += late
            row.late += late
            cell.in_field += count if method == Method.FIELD else 0
            cell.hours_tenths += count * HOURS.get(method, OTHER_HOURS)
    _mark_absences(rows, absences_between(monday, until - timedelta(days=1)))
    shown = [*rows.values(), *([nobody] if nobody.planned else [])]
    overflow = _overflow(rows, ceiling, today, until)
    return Capacity(mondays, ceiling, shown, _sums(mondays, shown), overflow)


def _overflow(rows: Mapping[int, Row], ceiling: int, today: date, until: date) -> list[Overflow]:
    """Weeks beyond the ceiling with what the rule says of them; the next evening levels from tomorrow on."""
    found: dict[tuple[int, date], Overflow] = {}
    for officer_id, row in rows.items():
        for cell in row.cells:
            cell.over = max(0, cell.planned - ceiling)
            if cell.over:
                found[officer_id, cell.monday] = Overflow(row, cell)
    tomorrow = today + timedelta(days=1)
    slots = {slot.task_id: slot for slot in slots_of(sorted({key[0] for key in found}), until, tomorrow)}
    result = levelled(list(slots.values()), tomorrow)
    for task_id, is_stuck in [*((pk, True) for pk in result.overflow), *((one.task_id, False) for one in result.moves)]:
        slot = slots[task_id]
        here = found.get((slot.officer_id, max(week_of(slot.due_on), week_of(today))))
        if here is not None and is_stuck:
            here.stuck.append(task_id)
        elif here is not None:
            here.forward += 1
    return list(found.values())


def _officers(ids: list[int], branch: str) -> list[Staff]:
    found = Staff.objects.filter(branch_id__in=ids, roles__permissions__contains=["followups.record_visit"])
    found = found.filter(is_active=True) | found.filter(tasks__closed_on__isnull=True, tasks__isnull=False)
    if branch:
        found = found.filter(branch__code=branch)
    return list(found.select_related("branch").distinct().order_by("branch__code", "name", "id"))


def _branches(ids: list[int], branch: str) -> list[int]:
    return list(Branch.objects.filter(pk__in=ids, code=branch).values_list("pk", flat=True)) if branch else ids


def _mark_absences(rows: Mapping[int, Row], absences: Absences) -> None:
    """Weekdays away in each week."""
    for staff_id, row in rows.items():
        for cell in row.cells:
            days = [cell.monday + timedelta(days=n) for n in range(5)]
            cell.days_away = sum(any(a.covers(day) for a in absences.get(staff_id, ())) for day in days)


def _sums(mondays: list[date], rows: list[Row]) -> list[Cell]:
    sums = [Cell(each) for each in mondays]
    for row in rows:
        for total, cell in zip(sums, row.cells, strict=True):
            total.planned += cell.planned
            total.in_field += cell.in_field
            total.late += cell.late
            total.hours_tenths += cell.hours_tenths
            total.over += cell.over
    return sums
