"""Decides how planned visits are spread over weeks so that nobody has more than the weekly ceiling.

Dates only ever come forward, inside the task's window, never to a day off, and never so that two visits of one loan
lie less than 30 days apart (red is exempt from all of it). First the later weeks are relieved down to the ceiling less
a reserve: what comes at once (arrears, checks that were not clean) has a few days, and comes when nothing else can be
moved out of its way any more. Then what lies beyond the ceiling itself is, also into what was reserved. The week that
runs takes what is left of it: the ceiling less the visits made, and no more than its remaining workdays carry. What
still does not fit stays on its limit and is returned as overflow: the manager sees it, nothing is silently late. First
visits cannot pass day 90, for nothing moves back. Levelled a second time nothing moves, for it goes on until nothing
does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from loans.rules.calendar import Calendar

RED = 1
_WEEK = timedelta(days=7)
_WORKDAYS = 5


@dataclass(frozen=True, slots=True)
class Slot:
    """A visit that a person has to make: window, limit, and the loan's visits that are no slots (made or planned)."""

    task_id: int
    loan_id: int
    officer_id: int
    opens_on: date
    due_on: date
    level: int = 9
    is_fixed: bool = False
    other_visits: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    task_id: int
    due_before: date
    due_on: date


@dataclass(frozen=True, slots=True)
class Levelled:
    """Dates to bring forward, and tasks beyond the ceiling that found no earlier week."""

    moves: tuple[Move, ...]
    overflow: tuple[int, ...]
    weeks: Mapping[tuple[int, date], int]


def week_of(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def planned_most(ceiling: int, reserve: int) -> int:
    """How many visits a later week is left with where they can come forward; one at least."""
    return max(1, ceiling - max(0, reserve))


def carried(today: date, calendar: Calendar, ceiling: int) -> int:
    """How many visits the remaining workdays of a week carry, today's included; a workday carries one at least."""
    left = sum(calendar.is_workday(day) for day in _days(today, week_of(today) + _WEEK))
    return -(-ceiling * min(left, _WORKDAYS) // _WORKDAYS)


@dataclass
class _Weeks:
    """How things stand while visits are being moved."""

    today: date
    calendar: Calendar
    ceiling: int
    gap: timedelta
    made: Mapping[int, int]
    load: dict[tuple[int, date], int] = field(default_factory=dict)
    days: dict[tuple[int, date], int] = field(default_factory=dict)
    due: dict[int, date] = field(default_factory=dict)
    of_loan: dict[int, list[Slot]] = field(default_factory=dict)

    def key(self, slot: Slot) -> tuple[int, date]:
        """What is late stands in the first week, for it has to be made now."""
        return slot.officer_id, max(week_of(self.due[slot.task_id]), week_of(self.today))

    def add(self, slot: Slot) -> None:
        self._put(slot, slot.due_on)
        self.of_loan.setdefault(slot.loan_id, []).append(slot)

    def move(self, slot: Slot, day: date) -> None:
        self.load[self.key(slot)] -= 1
        self.days[slot.officer_id, self.due[slot.task_id]] -= 1
        self._put(slot, day)

    def _put(self, slot: Slot, day: date) -> None:
        self.due[slot.task_id] = day
        self.load[self.key(slot)] = self.load.get(self.key(slot), 0) + 1
        self.days[slot.officer_id, day] = self.days.get((slot.officer_id, day), 0) + 1

    def has_room(self, officer_id: int, monday: date, most: int) -> bool:
        """May one more come into the week? Of the one that runs only what is left of it."""
        if monday == week_of(self.today):
            most = min(self.ceiling - self.made.get(officer_id, 0), carried(self.today, self.calendar, self.ceiling))
        return self.load.get((officer_id, monday), 0) < most

    def keeps_gap(self, slot: Slot, day: date) -> bool:
        beside = [self.due[one.task_id] for one in self.of_loan[slot.loan_id] if one != slot and one.level != RED]
        return all(abs(day - other) >= self.gap for other in (*slot.other_visits, *beside))


def _days(first: date, end: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((end - first).days)]


def level(
    slots: Iterable[Slot], *, today: date, calendar: Calendar, ceiling: int = 8, reserve: int = 0, gap_days: int = 30,
    made: Mapping[int, int] | None = None,
) -> Levelled:  # fmt: skip
    """Spreads the visits; the same visits in any order give the same answer. `made`: by officer in the week that runs,
    before today."""
    every = sorted(slots, key=lambda slot: (slot.due_on, slot.level, slot.task_id))
    weeks = _Weeks(today, calendar, ceiling, timedelta(days=gap_days), made or {})
    for slot in every:
        weeks.add(slot)
    movable = [slot for slot in every if slot.level != RED and not slot.is_fixed and slot.due_on > today]
    stuck: list[int] = []
    before: dict[int, date] | None = None
    while before != weeks.due:
        # A visit that moved may have made room for another of its loan.
        before = dict(weeks.due)
        _pass(movable, weeks, planned_most(ceiling, reserve))
        stuck = _pass(movable, weeks, ceiling)
    moves = [Move(slot.task_id, slot.due_on, day) for slot in movable if (day := weeks.due[slot.task_id]) < slot.due_on]
    return Levelled(tuple(sorted(moves, key=lambda move: move.task_id)), tuple(sorted(stuck)), weeks.load)


def _pass(movable: Sequence[Slot], weeks: _Weeks, most: int) -> list[int]:
    """Brings forward what can be out of weeks with more than so many; what could not, beyond the ceiling."""
    stuck: list[Slot] = []
    # The latest first: weeks are relieved from the end.
    for slot in sorted(movable, key=lambda one: (weeks.due[one.task_id], one.level, one.task_id), reverse=True):
        if weeks.load[weeks.key(slot)] <= most:
            continue
        day = _earlier(slot, weeks, most)
        if day is None:
            stuck.append(slot)
        else:
            weeks.move(slot, day)
    return [slot.task_id for slot in stuck if weeks.load[weeks.key(slot)] > weeks.ceiling]


def _earlier(slot: Slot, weeks: _Weeks, most: int) -> date | None:
    """A workday of the nearest earlier week with room, inside the window; None when there is none.

    Of that week the day with the fewest visits, the last of these: a week's visits are not all due on its Friday.
    """
    earliest = max(slot.opens_on, weeks.today)
    monday = week_of(weeks.due[slot.task_id]) - _WEEK
    while monday + timedelta(days=6) >= earliest:
        if weeks.has_room(slot.officer_id, monday, most):
            days = [
                day for day in _days(max(monday, earliest), monday + _WEEK)
                if weeks.calendar.is_workday(day) and weeks.keeps_gap(slot, day)
            ]  # fmt: skip
            if days:
                return min(days, key=lambda day: (weeks.days.get((slot.officer_id, day), 0), -day.toordinal()))
        monday -= _WEEK
    return None
