"""Decides whether the customer is told the result of a visit, and by when (告知客户).

A result is told where there is something to say: findings, a request of the customer, or the customer asked for it
(`users.md` 2); a bank may tell every result. The limit runs in workdays from the approval, by the level of the visit.
Both are data of the bank (parameter `visit_result_telling`). Checks without a talk and visits to a whole development
have nobody to tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from loans.rules.calendar import Calendar

FINDINGS, REQUEST, ASKED, EVERY = "FINDINGS", "REQUEST", "ASKED", "EVERY"
_NOT_TOLD_BY: Final = "OFF_SITE"
_NOT_TOLD_OF: Final = "PROJECT"
_WORKDAYS: Final[Mapping[str, int]] = {"1": 1, "2": 2, "3": 3, "9": 5}


@dataclass(frozen=True)
class Terms:
    """What the bank decided: is every result told, and within how many workdays by level."""

    every: bool
    workdays: Mapping[str, int]


def terms_from(value: object) -> Terms:
    """The bank's terms; what it does not name keeps its default."""
    given = value if isinstance(value, Mapping) else {}
    days = given.get("workdays")
    named = {str(level): int(count) for level, count in days.items()} if isinstance(days, Mapping) else {}
    return Terms(bool(given.get("every", False)), {**_WORKDAYS, **named})


def may_be_told(*, method: str, subject: str) -> bool:
    """Was there a customer in it who can be told?"""
    return method != _NOT_TOLD_BY and subject != _NOT_TOLD_OF


def reasons(*, method: str, subject: str, conclusion: str, requests: int, terms: Terms) -> list[str]:
    """Why the result is told; empty when it need not be."""
    if not may_be_told(method=method, subject=subject):
        return []
    found = [FINDINGS] if conclusion != "NO_CONCERN" else []
    if requests:
        found.append(REQUEST)
    return found or ([EVERY] if terms.every else [])


def tell_by(since: date, level: int, terms: Terms, calendar: Calendar) -> date:
    """The last day; at least the next workday."""
    return calendar.add_workdays(since, max(1, terms.workdays.get(str(level), _WORKDAYS["9"])))
