"""Decides what a customer is told of where a visit stands: a stage in plain words and a day, nothing of what was found.

Told are visits in which the customer has a part: those planned by the contract that somebody will speak to them about,
what they asked or told themselves, and whatever they were contacted for. Checks by the system, light items, visits to a
development and what the bank looks into by itself are not theirs to know; nor is a return for correction.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from loans.rules.calendar import Calendar

ARRANGED, TALKING, CHECKING, DECIDED, TOLD, DONE, UNREACHED = (
    "ARRANGED", "TALKING", "CHECKING", "DECIDED", "TOLD", "DONE", "UNREACHED",
)  # fmt: skip
STAGES: Final = (ARRANGED, TALKING, CHECKING, DECIDED, TOLD, DONE, UNREACHED)
_BY_CONTRACT: Final = ("FIRST", "PERIODIC")


@dataclass(frozen=True)
class Facts:
    """What is known of one follow-up. `is_own`: the customer told or asked something that it answers."""

    kind: str
    method: str
    subject: str
    state: str
    outcome: str
    is_light: bool
    is_own: bool
    is_contacted: bool
    due_on: date
    created_on: date
    submitted_on: date | None = None
    decide_by: date | None = None
    closed_on: date | None = None
    tell_by: date | None = None
    told_on: date | None = None
    told_by_channel: str = ""


@dataclass(frozen=True)
class Status:
    """Stage, since which day, by which day the next word is expected; `is_late` when that day has passed."""

    stage: str
    since: date
    expected_on: date | None = None
    is_late: bool = False


def is_told_of(facts: Facts) -> bool:
    """Is it the customer's to know?"""
    if facts.is_light or facts.subject == "PROJECT" or facts.state == "CANCELLED":
        return False
    if facts.is_own or facts.is_contacted:
        return True
    return facts.kind in _BY_CONTRACT and facts.method != "OFF_SITE"


def status(facts: Facts, today: date, tell_workdays: int, calendar: Calendar) -> Status | None:
    """Where it stands; None when it is not the customer's to know."""
    if not is_told_of(facts):
        return None
    if facts.state in ("SUBMITTED", "RETURNED") and facts.submitted_on is not None:
        decided = facts.decide_by or facts.submitted_on
        return _running(CHECKING, facts.submitted_on, calendar.add_workdays(decided, tell_workdays), today)
    if facts.state in ("PLANNED", "IN_PROGRESS"):
        stage = TALKING if facts.is_contacted or facts.state == "IN_PROGRESS" else ARRANGED
        return _running(stage, facts.created_on, facts.due_on, today)
    since = facts.closed_on or facts.due_on
    if facts.outcome == "SUSPECTED_LOST":
        return Status(UNREACHED, since)
    if facts.told_on is not None:
        return Status(TOLD, facts.told_on)
    if facts.tell_by is not None:
        return _running(DECIDED, since, facts.tell_by, today)
    return Status(DONE, since)


def _running(stage: str, since: date, expected_on: date, today: date) -> Status:
    return Status(stage, since, expected_on, expected_on < today)
