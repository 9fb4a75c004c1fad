"""The clock of a task, from its events alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    data: Mapping[str, str] = field(default_factory=dict)

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


# S2.2, S2.13
def test_days_on_which_the_clock_stood_belong_to_no_step() -> None:
    events = [
        Event("PLANNED", day(2)),
        Event("PAUSED", day(3), data={"until": "2026-11-06"}),
        Event("STARTED", day(9)),
        Event("SUBMITTED", day(10)),
    ]
    # The 3rd counts, the 4th to the 6th are left out, the weekend was none, the 9th counts.
    assert [(s.code, s.workdays, s.paused) for s in steps(events, CALENDAR)][0] == ("WAITING", 2, 3)


def test_a_clock_let_run_early_stood_until_the_day_before() -> None:
    paused = [Event("PLANNED", day(2)), Event("PAUSED", day(3), data={"until": "2026-11-20"})]
    (running,) = steps([*paused, Event("RESUMED", day(6))], CALENDAR, until=day(9))
    assert (running.workdays, running.paused) == (3, 2)
    (at_once,) = steps([*paused, Event("RESUMED", day(3))], CALENDAR, until=day(9))
    assert (at_once.workdays, at_once.paused) == (5, 0)


def test_a_pause_over_the_end_of_a_step_is_shared_between_the_steps() -> None:
    events = [
        Event("PLANNED", day(2)),
        Event("PAUSED", day(3), data={"until": "2026-11-10"}),
        Event("STARTED", day(5)),
    ]
    found = steps(events, CALENDAR, until=day(12))
    # The 11th is a day off.
    assert [(s.workdays, s.paused) for s in found] == [(1, 2), (1, 3)]


def test_a_pause_that_has_not_come_to_its_end_counts_up_to_today() -> None:
    (step,) = steps(
        [Event("PLANNED", day(2)), Event("PAUSED", day(3), data={"until": "2026-11-20"})], CALENDAR, until=day(5)
    )
    assert (step.workdays, step.paused) == (1, 2)
