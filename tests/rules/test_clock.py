"""The clock of a task, from its events alone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from followups.rules.clock import Step, steps, time_left
from followups.rules.states import LEGAL, STATES, IllegalState, guard, may_become
from loans.rules.calendar import Calendar

CALENDAR = Calendar(frozenset({date(2026, 11, 11)}))


@dataclass(frozen=True)
class Event:
    kind: str
    business_date: date
    hour: int = 2

    @property
    def at(self) -> datetime:
        return datetime(
            self.business_date.year, self.business_date.month, self.business_date.day, self.hour, tzinfo=UTC
        )


def day(number: int) -> date:
    return date(2026, 11, number)


# S2.2
def test_each_step_counts_workdays_from_its_first_event_to_its_last() -> None:
    events = [
        Event("PLANNED", day(2)),
        Event("ASSIGNED", day(3)),
        Event("STARTED", day(4)),
        Event("SUBMITTED", day(6)),
        Event("RETURNED", day(9)),
        Event("SUBMITTED", day(12)),
        Event("APPROVED", day(13)),
        Event("CLOSED", day(13), 3),
    ]
    assert [(s.code, s.workdays) for s in steps(events, CALENDAR)] == [
        ("WAITING", 2),
        ("VISITING", 2),
        ("REVIEWING", 1),
        ("CORRECTING", 2),  # the 11th is a day off
        ("REVIEWING", 1),
    ]


def test_a_running_step_counts_up_to_the_day_asked_for() -> None:
    (step,) = steps([Event("PLANNED", day(2)), Event("BROUGHT_FORWARD", day(4))], CALENDAR, until=day(6))
    assert step == Step("WAITING", Event("PLANNED", day(2)).at, None, 4)


def test_a_task_that_ends_by_itself_has_waited_only() -> None:
    (step,) = steps([Event("PLANNED", day(2)), Event("HANDED_TO_PERSON", day(3)), Event("CLOSED", day(3))], CALENDAR)
    assert (step.code, step.workdays) == ("WAITING", 1)
    assert steps([], CALENDAR) == ()


@pytest.mark.parametrize(
    ("due", "today", "left"),
    [(6, 6, 0), (6, 4, 2), (9, 6, 1), (6, 9, -1), (6, 10, -2), (6, 7, -1), (8, 7, 1), (12, 10, 1)],
)
def test_time_left_is_in_workdays_and_a_weekend_past_due_is_past(due: int, today: int, left: int) -> None:
    assert time_left(day(due), day(today), CALENDAR) == left


def test_the_guard_lets_through_what_is_legal() -> None:
    for old in STATES:
        for new in STATES:
            assert may_become(old, new) == (old == new or (old, new) in LEGAL)
    with pytest.raises(IllegalState, match="from CLOSED to PLANNED"):
        guard("CLOSED", "PLANNED")
