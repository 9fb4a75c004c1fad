"""Decides what part of a year an interest period is.

30/360 makes every regular period exactly 1/12, whatever its days. The others count actual days, the
first and not the last (算头不算尾). ACT/ACT is ISDA's: days in each calendar year over its own 365 or
366. A share of a year is a fraction of two integers, never a decimal.
"""

from calendar import isleap
from collections.abc import Callable
from datetime import date

YearShare = tuple[int, int]

THIRTY_360 = "30/360"
MONTH: YearShare = (1, 12)


def days_over_360(start: date, end: date) -> YearShare:
    """Actual days over 360."""
    return (end - start).days, 360


def _month(start: date, end: date) -> YearShare:
    return MONTH


def _days_over_365(start: date, end: date) -> YearShare:
    return (end - start).days, 365


def _actual_actual(start: date, end: date) -> YearShare:
    leap = sum(
        (min(end, date(year + 1, 1, 1)) - max(start, date(year, 1, 1))).days
        for year in range(start.year, end.year + 1)
        if isleap(year)
    )
    common = (end - start).days - leap
    if not leap:
        return common, 365
    return (leap, 366) if not common else (common * 366 + leap * 365, 365 * 366)


# Share of a year of a regular period from `start` (counted) to `end` (not counted).
DAY_COUNTS: dict[str, Callable[[date, date], YearShare]] = {
    THIRTY_360: _month,
    "ACT/360": days_over_360,
    "ACT/365": _days_over_365,
    "ACT/ACT": _actual_actual,
}
