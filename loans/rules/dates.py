"""Decides on which days installments fall due.

The due day is an anchor from 1 to 31: in a shorter month the last day stands in for it, and the
next month goes back to the anchor (31 January, 28 February, 31 March: no drift).
"""

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache


def due_date(year: int, month: int, due_day: int) -> date:
    """The due date in a month."""
    return date(year, month, due_day if due_day < 29 else min(due_day, monthrange(year, month)[1]))


def add_months(day: date, months: int, anchor: int | None = None) -> date:
    """The day `months` later (or earlier) on the anchor day, by default the day's own."""
    index = day.year * 12 + day.month - 1 + months
    return due_date(index // 12, index % 12 + 1, day.day if anchor is None else anchor)


def next_due_date(after: date, due_day: int) -> date:
    """The first due date strictly later than `after`."""
    this_month = due_date(after.year, after.month, due_day)
    return this_month if this_month > after else add_months(after, 1, due_day)


def due_dates(after: date, due_day: int, until: date) -> tuple[date, ...]:
    """Due dates later than `after`, up to and including `until`."""
    first = next_due_date(after, due_day)
    if first > until:
        return ()
    days = anchored_days(first, due_day, months_between(first, until) + 1)
    return tuple(days if days[-1] <= until else days[:-1])


@lru_cache(maxsize=4096)
def _year_of(year: int, due_day: int) -> tuple[date, ...]:
    return tuple(due_date(year, month, due_day) for month in range(1, 13))


def anchored_days(first: date, due_day: int, count: int) -> list[date]:
    """`count` due dates, one a month, beginning with the month of `first`."""
    days: list[date] = []
    start = first.month - 1
    for year in range(first.year, first.year + (start + count + 11) // 12):
        days += _year_of(year, due_day)
    return days[start : start + count]


def contract_due_dates(after: date, due_day: int, matures_on: date) -> tuple[date, ...]:
    """Due dates of a contract later than `after`: one a month, the last being the maturity itself.

    Where the maturity is off the anchor it takes the place of its own month's due date, so that no
    month has two.
    """
    if matures_on <= after:
        return ()
    return (*due_dates(after, due_day, matures_on.replace(day=1) - timedelta(days=1)), matures_on)


def months_between(earlier: date, later: date) -> int:
    """Months from one day's calendar month to the other's, whatever the days."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def following_due_date(due_on: date, due_day: int, matures_on: date, *, is_last: bool) -> date:
    """The due date after `due_on`; the last one of the contract is its maturity."""
    return matures_on if is_last else add_months(due_on, 1, due_day)
