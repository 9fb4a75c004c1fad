"""Decides how planned visits are spread over weeks so that nobody has more than the weekly ceiling.

Dates only ever come forward, inside the task's window, never to a day off, and never so that two visits of one loan
lie less than 30 days apart (red is exempt from all of it). What still does not fit stays on its limit and is returned
as overflow: the manager sees it, nothing is silently late. First visits cannot pass day 90, for nothing moves back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from loans.rules.calendar import Calendar

RED = 1
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Slot:
    """A visit that a person has to make: window, limit, and the loan's other visits (made or planned)."""

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


def level(slots: Iterable[Slot], *, today: date, calendar: Calendar, ceiling: int = 8, gap_days: int = 30) -> Levelled:
    """Spreads the visits; the same visits in any order give the same answer."""
    every = sorted(slots, key=lambda slot: (slot.due_on, slot.level, slot.task_id))
    first_week = week_of(today)
    load: dict[tuple[int, date], int] = {}
    movable: list[Slot] = []
    for slot in every:
        key = (slot.officer_id, max(week_of(slot.due_on), first_week))
        load[key] = load.get(key, 0) + 1
        if slot.level != RED and not slot.is_fixed and slot.due_on > today:
            movable.append(slot)
    moves: list[Move] = []
    stuck: list[int] = []
    # The latest first: room made in a week by what moves out of it is there for what follows.
    for slot in reversed(movable):
        week = week_of(slot.due_on)
        key = (slot.officer_id, week)
        if load[key] <= ceiling:
            continue
        day = _earlier(slot, load, today=today, calendar=calendar, ceiling=ceiling, gap_days=gap_days)
        if day is None:
            stuck.append(slot.task_id)
            continue
        load[key] -= 1
        load[(slot.officer_id, week_of(day))] = load.get((slot.officer_id, week_of(day)), 0) + 1
        moves.append(Move(slot.task_id, slot.due_on, day))
    over = {key for key, count in load.items() if count > ceiling}
    overflow = tuple(
        sorted(
            task.task_id
            for task in movable
            if task.task_id in set(stuck) and (task.officer_id, week_of(task.due_on)) in over
        )
    )
    return Levelled(tuple(sorted(moves, key=lambda move: move.task_id)), overflow, load)


def _earlier(
    slot: Slot, load: Mapping[tuple[int, date], int], *, today: date, calendar: Calendar, ceiling: int, gap_days: int
) -> date | None:
    """The last workday of the nearest earlier week with room, inside the window; None when there is none."""
    earliest = max(slot.opens_on, today)
    monday = week_of(slot.due_on) - _WEEK
    while monday + timedelta(days=6) >= earliest:
        if load.get((slot.officer_id, monday), 0) < ceiling:
            for back in range(7):
                day = monday + timedelta(days=6 - back)
                if day < earliest or not calendar.is_workday(day):
                    continue
                if all(abs((day - other).days) >= gap_days for other in slot.other_visits):
                    return day
        monday -= _WEEK
    return None
