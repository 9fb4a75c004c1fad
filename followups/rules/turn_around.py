"""Decides from when a follow-up's time is counted: from the day on which it may be made, if it came up before."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from followups.rules.clock import Event

_CAME_UP = "PLANNED"


@dataclass(frozen=True, slots=True)
class Counted:
    """An event as the clock is to read it."""

    kind: str
    at: datetime
    business_date: date
    data: Mapping[str, Any]


def counted(events: Iterable[Event], opens_on: date) -> Iterator[Counted]:
    """The events with waiting begun when the window opens: a task is planned months before anybody can make it."""
    for event in events:
        day = max(event.business_date, opens_on) if event.kind == _CAME_UP else event.business_date
        yield Counted(event.kind, event.at, day, getattr(event, "data", {}))
