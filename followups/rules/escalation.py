"""Decides which step of its time limit a follow-up has reached, and who is told of a step and when.

The limit runs in workdays from the day a follow-up may be made (or came up, if later) to the day it is due. The evening
decides the same in SQL; a test holds both together on random dates.

A step of a visit that is past its own limit (`rules.step_limits`) is told to who has it, and once another workday has
gone by to who stands above: the manager of an officer, the head above the reviewers. A red one is told to both at once.
"""

from collections.abc import Mapping
from datetime import date

from followups.rules.clock import CORRECTING, REVIEWING, VISITING
from loans.rules.calendar import Calendar

OFFICER, MANAGER, BRANCH_HEAD, REVIEWER = "OFFICER", "MANAGER", "BRANCH_HEAD", "REVIEWER"
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
# The notice of a step past its own limit, and who is told how many workdays past it.
STEP_CODES: Mapping[str, str] = {VISITING: "STEP_VISIT", CORRECTING: "STEP_MEND", REVIEWING: "STEP_REVIEW"}
STEP_AUDIENCES: Mapping[str, tuple[tuple[str, int], ...]] = {
    VISITING: ((OFFICER, 1), (MANAGER, 2)),
    CORRECTING: ((OFFICER, 1), (MANAGER, 2)),
    REVIEWING: ((REVIEWER, 1), (BRANCH_HEAD, 2)),
}
RED = 1


def told_of_step(step: str, late_workdays: int, level: int) -> tuple[str, ...]:
    """Who is told of a step so many workdays past its limit; nobody within it."""
    if late_workdays < 1:
        return ()
    return tuple(audience for audience, after in STEP_AUDIENCES[step] if late_workdays >= after or level == RED)


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
