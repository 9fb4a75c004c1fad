"""Decides which step of its time limit a follow-up has reached, and who is told of a step and when.

The limit runs in workdays from the day a follow-up may be made (or came up, if later) to the day it is due. The evening
decides the same in SQL; a test holds both together on random dates.
"""

from collections.abc import Mapping
from datetime import date

from loans.rules.calendar import Calendar

OFFICER, MANAGER, BRANCH_HEAD = "OFFICER", "MANAGER", "BRANCH_HEAD"
# When a notice is told: the next day, with the manager's digest of the next workday, with the weekly of the Monday.
DAY, DIGEST, WEEKLY = "DAY", "DIGEST", "WEEKLY"
STEPS: Mapping[str, int] = {"LIMIT_80": 80, "LIMIT_100": 100, "LIMIT_120": 120}
ALARM_DAYS: Mapping[str, int] = {"FIRST_75": 75, "FIRST_85": 85, "FIRST_90": 90}
LAST_FIRST_DAY = 90

_ALL_AT_ONCE = ((OFFICER, DAY), (MANAGER, DAY), (BRANCH_HEAD, DAY))
AUDIENCES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "LIMIT_80": ((OFFICER, DAY),),
    "LIMIT_100": ((OFFICER, DAY), (MANAGER, DIGEST)),
    "LIMIT_120": ((OFFICER, DAY), (MANAGER, DIGEST), (BRANCH_HEAD, WEEKLY)),
    "RED": _ALL_AT_ONCE,
    "FIRST_75": ((OFFICER, DAY),),
    "FIRST_85": ((OFFICER, DAY), (MANAGER, DAY)),
    "FIRST_90": _ALL_AT_ONCE,
    "NOBODY": ((MANAGER, DAY),),
    # The result that a customer waits for (`rules.telling`), by the steps of its own limit.
    "TELL_80": ((OFFICER, DAY),),
    "TELL_100": ((OFFICER, DAY), (MANAGER, DIGEST)),
    "TELL_120": ((OFFICER, DAY), (MANAGER, DIGEST), (BRANCH_HEAD, WEEKLY)),
}


def percent_used(begins_on: date, due_on: date, as_of: date, calendar: Calendar) -> int:
    """How much of the limit is used at the close of a day, in percent rounded down; a limit is a workday at least."""
    allowed = max(1, calendar.workdays_between(begins_on, due_on))
    return max(0, calendar.workdays_between(begins_on, as_of)) * 100 // allowed


def step_reached(begins_on: date, due_on: date, as_of: date, calendar: Calendar) -> str | None:
    """The highest step reached at the close of the day; before the due day none above 80 %, past it alone 120 %."""
    if as_of < begins_on:
        return None
    used = percent_used(begins_on, due_on, as_of, calendar)
    found = None
    for code, percent in STEPS.items():
        is_day = percent < 100 or as_of > due_on or (percent == 100 and as_of == due_on)
        if used >= percent and is_day:
            found = code
    return found


def alarm_reached(disbursed_on: date, as_of: date) -> str | None:
    """The alarm that a first follow-up not made stands at."""
    days = (as_of - disbursed_on).days
    return next((code for code in reversed(list(ALARM_DAYS)) if days >= ALARM_DAYS[code]), None)
