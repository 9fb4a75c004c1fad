"""Decides within how many workdays a step of a visit is to be done: writing it up, reviewing it, mending it.

Domain 5: the report within 2 workdays of the visit, the approval within 2 of the report, a red one by the next workday.
They are parameters of the bank, one number for every level or one each by level ("1" red … "9" all others). Waiting has
no limit of its own: the day by which the visit is due is that of the whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from followups.rules.clock import CORRECTING, REVIEWING, VISITING, paused_workdays
from loans.rules.calendar import Calendar

REPORT, APPROVAL = "report_workdays", "approval_workdays"
PARAMETERS: Final[Mapping[str, str]] = {VISITING: REPORT, CORRECTING: REPORT, REVIEWING: APPROVAL}
# The step in which a task of a state is; what is planned waits, and waiting has no limit of its own.
STEP_OF_STATE: Final[Mapping[str, str]] = {"IN_PROGRESS": VISITING, "RETURNED": CORRECTING, "SUBMITTED": REVIEWING}
_DEFAULTS: Final[Mapping[str, Mapping[str, int]]] = {REPORT: {"9": 2}, APPROVAL: {"1": 1, "9": 2}}


def workdays(parameter: str, value: Any, level: int) -> int:
    """The limit of a parameter for a level; what the bank does not name keeps its default, and none is negative."""
    named = value if isinstance(value, Mapping) else {} if value is None else {"1": value, "2": value, "9": value}
    by_level = {**_DEFAULTS[parameter], **named}
    return max(0, int(by_level.get(str(level), by_level["9"])))


def limits(values: Mapping[str, Any], level: int) -> dict[str, int]:
    """Step → its limit, from the bank's parameters by code; a step without one is absent."""
    return {step: workdays(code, values.get(code), level) for step, code in PARAMETERS.items()}


@dataclass(frozen=True, slots=True)
class Late:
    """A step that is past its limit: the last day of the limit, and how many workdays ago that was."""

    due_on: date
    workdays: int


def past_limit(
    since: date, limit: int, stood: Sequence[tuple[date, date]], day: date, calendar: Calendar
) -> Late | None:
    """How late a step begun on `since` is on a day; None within its limit. Days on which the clock stood count in
    neither (`stood`: `rules.clock.pauses`)."""
    took = calendar.workdays_between(since, day) - paused_workdays(stood, since, day, calendar)
    if day <= since or took <= limit:
        return None
    due_on, left = since, limit
    while left:
        due_on += timedelta(days=1)
        if calendar.is_workday(due_on) and not any(begun < due_on <= last for begun, last in stood):
            left -= 1
    return Late(due_on, took - limit)
