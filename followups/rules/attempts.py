"""When to try again to reach a borrower, and when trying has been enough (疑似失联).

The day is cut into four times. The next attempt is proposed on another workday, at the time of
day that was tried least. A borrower counts as unreachable after three attempts in vain since the
last contact, each on another day and at another time of day: three rings on one evening, or three
Mondays at nine, say little about a person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import combinations
from typing import Final

from loans.rules.calendar import Calendar

# Time of day → (it begins at, an attempt is proposed at).
TIMES: Final[tuple[tuple[str, time, time], ...]] = (
    ("MORNING", time(0), time(10, 0)),
    ("NOON", time(12), time(12, 30)),
    ("AFTERNOON", time(14), time(15, 30)),
    ("EVENING", time(17, 30), time(19, 0)),
)
# Nobody is called before or after these.
EARLIEST: Final = time(8)
LATEST: Final = time(21)
# What ends without a word from the borrower; a number out of service is as silent as one that rings.
IN_VAIN: Final = ("NO_ANSWER", "SWITCHED_OFF", "NOT_IN_SERVICE", "WRONG_PERSON")
# What shows that the borrower can be reached, and begins the count anew.
CONTACT: Final = ("REACHED", "REFUSED", "APPOINTED")
LEAST: Final = 3
# More than these many attempts say nothing new; the latest are looked at.
_MOST: Final = 40


@dataclass(frozen=True)
class Attempt:
    """One attempt: local instant and outcome."""

    at: datetime
    outcome: str


def time_of_day(at: datetime) -> str:
    """Which of the four times of day an instant lies in."""
    return [code for code, begins, _proposed in TIMES if at.time() >= begins][-1]


def proposed_next(attempts: Sequence[Attempt], calendar: Calendar) -> datetime | None:
    """When to try next, after the last of the attempts (oldest first); None when the last one was a contact.

    Another day, and the time of day tried least so far; of several the one after the last tried.
    """
    if not attempts or attempts[-1].outcome not in IN_VAIN:
        return None
    last = attempts[-1]
    codes = [code for code, _begins, _proposed in TIMES]
    tried = [time_of_day(attempt.at) for attempt in attempts]
    after_last = codes.index(tried[-1]) + 1
    in_turn = codes[after_last:] + codes[:after_last]
    chosen = min(in_turn, key=tried.count)
    hour = next(proposed for code, _begins, proposed in TIMES if code == chosen)
    day = calendar.next_workday(last.at.date() + timedelta(days=1))
    return datetime.combine(day, hour, tzinfo=last.at.tzinfo)


def in_vain(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The attempts in vain since the borrower was last in contact."""
    found: list[Attempt] = []
    for attempt in attempts:
        if attempt.outcome in CONTACT:
            found = []
        elif attempt.outcome in IN_VAIN:
            found.append(attempt)
    return found


def is_unreachable(attempts: Iterable[Attempt], least: int = LEAST) -> bool:
    """Are there enough attempts in vain, every one of them on another day and at another time of day?"""
    marks = {(attempt.at.date(), time_of_day(attempt.at)) for attempt in in_vain(attempts)}
    return any(
        len({day for day, _time in some}) == least and len({hour for _day, hour in some}) == least
        for some in combinations(sorted(marks)[-_MOST:], least)
    )


def appointment_fault(at: datetime, now: datetime, furthest: date) -> str:
    """Why nobody can be called at this hour; empty when it may be agreed."""
    if at <= now:
        return "past"
    if not EARLIEST <= at.time() <= LATEST:
        return "not_a_calling_hour"
    return "too_far" if at.date() > furthest else ""
