"""Decides how long each step of a task took, in workdays, from the task's events alone.

生成 → 开始 → 提交 → 审核, with a return opening a correction: each step begins with one event and ends
with the next that begins or ends a step. Assigning, rescheduling and bringing forward change who
and when, not which step it is. Nothing is stored: the events are the clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from loans.rules.calendar import Calendar

WAITING, VISITING, REVIEWING, CORRECTING = "WAITING", "VISITING", "REVIEWING", "CORRECTING"

# The step that an event begins; None ends the clock.
_BEGINS: dict[str, str | None] = {
    "PLANNED": WAITING,
    "STARTED": VISITING,
    "SUBMITTED": REVIEWING,
    "RETURNED": CORRECTING,
    "APPROVED": None,
    "CLOSED": None,
    "CANCELLED": None,
}


class Event(Protocol):
    """What the clock reads of an event."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def business_date(self) -> date: ...


@dataclass(frozen=True)
class Step:
    """One step: from when to when (`to_at` None while it runs) and how many workdays so far."""

    code: str
    from_at: datetime
    to_at: datetime | None
    workdays: int


def steps(events: Iterable[Event], calendar: Calendar, *, until: date | None = None) -> tuple[Step, ...]:
    """The steps that the events (oldest first) tell of; a running one is counted up to `until`.

    A step's workdays are those after the business date of its first event up to and including the
    one of its last: begun and ended on the same day is 0.
    """
    found: list[Step] = []
    code: str | None = None
    since: Event | None = None
    for event in events:
        if event.kind not in _BEGINS:
            continue
        if code is not None and since is not None:
            found.append(Step(code, since.at, event.at, _workdays(since.business_date, event.business_date, calendar)))
        code, since = _BEGINS[event.kind], event
    if code is not None and since is not None:
        last = since.business_date if until is None else until
        found.append(Step(code, since.at, None, _workdays(since.business_date, last, calendar)))
    return tuple(found)


def time_left(due_on: date, today: date, calendar: Calendar) -> int:
    """Workdays left: 0 on the due day itself, negative once it has passed (a weekend past due is -1)."""
    if due_on == today:
        return 0
    workdays = calendar.workdays_between(today, due_on)
    return max(1, workdays) if due_on > today else min(-1, workdays)


def _workdays(start: date, end: date, calendar: Calendar) -> int:
    return max(0, calendar.workdays_between(start, end))
