"""Decides which days are workdays: the bank's calendar where it speaks, weekends off elsewhere.

Only the days on which the calendar differs from the plain week are carried (holidays on weekdays,
make-up workdays on weekends), so a calendar of many years is a few hundred dates.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """Workdays by exception to the plain week."""

    holidays: frozenset[date] = frozenset()
    makeup_workdays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[tuple[date, bool]]) -> "Calendar":
        """From rows (day, is it a workday)."""
        holidays, makeup = set(), set()
        for day, is_workday in rows:
            is_weekday = day.weekday() < _SATURDAY
            if is_weekday and not is_workday:
                holidays.add(day)
            elif is_workday and not is_weekday:
                makeup.add(day)
        return cls(frozenset(holidays), frozenset(makeup))

    def between(self, first: date, last: date) -> "Calendar":
        """What of it speaks of these days; outside them the plain week holds."""
        return Calendar(
            frozenset(day for day in self.holidays if first <= day <= last),
            frozenset(day for day in self.makeup_workdays if first <= day <= last),
        )

    def is_workday(self, day: date) -> bool:
        """Does the bank work on this day?"""
        if day.weekday() < _SATURDAY:
            return day not in self.holidays
        return day in self.makeup_workdays

    def next_workday(self, day: date) -> date:
        """The day itself when it is a workday, else the first one after it."""
        if day.weekday() < _SATURDAY and day not in self.holidays:
            return day
        while not self.is_workday(day):
            day += _DAY
        return day

    def previous_workday(self, day: date) -> date:
        """The day itself when it is a workday, else the last one before it."""
        while not self.is_workday(day):
            day -= _DAY
        return day

    def add_workdays(self, day: date, workdays: int) -> date:
        """The workday that is `workdays` workdays after the day (before it when negative); 0 gives the day itself."""
        step = _DAY if workdays >= 0 else -_DAY
        left = abs(workdays)
        while left:
            day += step
            if self.is_workday(day):
                left -= 1
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """Workdays later than `start`, up to and including `end`; negative when `end` is earlier."""
        if end < start:
            return -self.workdays_between(end, start)
        return sum(self.is_workday(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))
