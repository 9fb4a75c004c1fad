"""Decides how long each step of a task took, in workdays, from the task's events alone.

生成 → 开始 → 提交 → 审核 → 告知客户, with a return opening a correction: each step begins with one event and ends
with the next that begins or ends a step. Assigning, rescheduling and bringing forward change who
and when, not which step it is. Nothing is stored: the events are the clock.

计时暂停: from a pause the clock stands on the following days up to the day named, or up to the day
before it is let run again. Those workdays belong to no step and to no limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from loans.rules.calendar import Calendar

WAITING, VISITING, REVIEWING, CORRECTING = "WAITING", "VISITING", "REVIEWING", "CORRECTING"
# After the approval, where the customer is to be told the result; no part of the time to the close.
TELLING = "TELLING"

# The step that an event begins; None ends the clock.
_BEGINS: dict[str, str | None] = {
    "PLANNED": WAITING,
    "STARTED": VISITING,
    "SUBMITTED": REVIEWING,
    "RETURNED": CORRECTING,
    "APPROVED": None,
    "CLOSED": None,
    "CANCELLED": None,
    "TO_TELL": TELLING,
    "TOLD": None,
    "TOLD_UNDONE": TELLING,
}


class Stop(Protocol):
    """What the clock reads of an event that stops it or lets it run."""

    @property
    def kind(self) -> str: ...
    @property
    def business_date(self) -> date: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


class Event(Stop, Protocol):
    """What the clock reads of an event."""

    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True)
class Step:
    """One step: from when to when (`to_at` None while it runs), how many workdays so far, how many left out; `limit`
    in workdays where it has one of its own (`rules.step_limits`)."""

    code: str
    from_at: datetime
    to_at: datetime | None
    workdays: int
    paused: int = 0
    limit: int | None = None

    @property
    def is_late(self) -> bool:
        return self.limit is not None and self.workdays > self.limit


def steps(events: Iterable[Event], calendar: Calendar, *, until: date | None = None) -> tuple[Step, ...]:
    """The steps that the events (oldest first) tell of; a running one is counted up to `until`.

    A step's workdays are those after the business date of its first event up to and including the
    one of its last, less those on which the clock stood: begun and ended on the same day is 0.
    """
    events = list(events)
    stood = pauses(events)
    found: list[Step] = []
    code: str | None = None
    since: Event | None = None
    for event in events:
        if event.kind not in _BEGINS:
            continue
        if code is not None and since is not None:
            found.append(_step(code, since, event.at, event.business_date, stood, calendar))
        code, since = _BEGINS[event.kind], event
    if code is not None and since is not None:
        last = since.business_date if until is None else until
        found.append(_step(code, since, None, last, stood, calendar))
    return tuple(found)


def pauses(events: Iterable[Stop]) -> list[tuple[date, date]]:
    """When the clock stood: (the day of the pause, the last day on which it stood), the first day left in."""
    found: list[tuple[date, date]] = []
    for event in events:
        if event.kind == "PAUSED":
            found.append((event.business_date, date.fromisoformat(str(event.data["until"]))))
        elif event.kind == "RESUMED" and found:
            begun, last = found[-1]
            found[-1] = (begun, max(begun, min(last, event.business_date - timedelta(days=1))))
    return found


def paused_workdays(stood: Sequence[tuple[date, date]], after: date, upto: date, calendar: Calendar) -> int:
    """Workdays on which the clock stood, after one day and up to and including another."""
    return sum(_workdays(max(begun, after), min(last, upto), calendar) for begun, last in stood)


def _step(
    code: str,
    since: Event,
    to_at: datetime | None,
    last: date,
    stood: Sequence[tuple[date, date]],
    calendar: Calendar,
) -> Step:
    paused = paused_workdays(stood, since.business_date, last, calendar)
    return Step(code, since.at, to_at, _workdays(since.business_date, last, calendar) - paused, paused)


def time_left(due_on: date, today: date, calendar: Calendar) -> int:
    """Workdays left: 0 on the due day itself, negative once it has passed (a weekend past due is -1)."""
    if due_on == today:
        return 0
    workdays = calendar.workdays_between(today, due_on)
    return max(1, workdays) if due_on > today else min(-1, workdays)


def _workdays(start: date, end: date, calendar: Calendar) -> int:
    return max(0, calendar.workdays_between(start, end)) if end > start else 0
