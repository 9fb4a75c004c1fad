"""Decides the interest periods of a contract: their days, and what part of a year each one is charged.

A period runs from one due date (counted) to the next (not counted); the first begins with the
disbursement. What is charged differs from a regular period in three cases: a broken first period, a
rate change inside (parts, rounded apart), and days without interest (the share of the unpaused days).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import accumulate, pairwise

from loans.rules.dates import add_months, anchored_days
from loans.rules.day_count import DAY_COUNTS, MONTH, THIRTY_360, YearShare, days_over_360
from loans.rules.schedule import Accrual, Period, Share, regular_periods, shares_of
from loans.rules.simulation_request import (
    BY_DAYS,
    ONE_MONTH,
    SPLIT_BY_MONTH_SHARE,
    Request,
    is_one_month,
    period_number,
)

# From this day on at this rate (ppm), in order; the first begins with the period.
Segments = Sequence[tuple[date, int]]


class Timetable:
    """The periods of one contract, computed as far as they are asked for."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._days = [request.disbursed_on]
        self._has_pauses = bool(request.pauses)
        self._pause_starts = [pause.first for pause in request.pauses]
        # Paused days before each pause.
        self._paused_until = [0, *accumulate((pause.last - pause.first).days + 1 for pause in request.pauses)]
        self._is_360 = request.day_count == THIRTY_360
        self.first_share = _first_share(request)
        self._reach(1 if request.installment_fen else request.installments)

    def _reach(self, number: int) -> None:
        missing = number + 1 - len(self._days)
        if missing > 0:
            first, anchor = self._request.first_due_on, self._request.due_day
            self._days += anchored_days(add_months(first, len(self._days) - 1, anchor), anchor, missing)

    def due_on(self, number: int) -> date:
        """The due date of a period; of number 0, the disbursement."""
        self._reach(number)
        return self._days[number]

    def days(self, first: int, last: int) -> list[date]:
        """The due dates of the periods from `first` to `last`."""
        self._reach(last)
        return self._days[first : last + 1]

    def without_pauses(self) -> "Timetable":
        """The same periods as if interest ran every day: what is agreed does not look ahead to a pause."""
        return Timetable(replace(self._request, pauses=())) if self._has_pauses else self

    def is_plain(self, first: int) -> bool:
        """True when every period from `first` on is charged exactly one month."""
        return self._is_360 and not self._has_pauses and (first > 1 or self.first_share in (None, MONTH))

    def number_of(self, day: date) -> int:
        """The period in which a day lies; a due date lies in the one that starts there."""
        return period_number(day, self._request.first_due_on, self._request.due_day)

    def share(self, number: int) -> YearShare:
        """What part of a year a period is, without its events."""
        if number == 1 and self.first_share:
            return self.first_share
        if self._is_360:
            return MONTH
        return DAY_COUNTS[self._request.day_count](self.due_on(number - 1), self.due_on(number))

    def level(self, number: int, rate_ppm: int) -> tuple[Share, ...]:
        """The whole regular period that the annuity reckons with; under 30/360 a month, also for a broken first."""
        return shares_of(Accrual(rate_ppm, *(MONTH if self._is_360 else self.share(number))))

    def levels(self, first: int, last: int, rate_ppm: int) -> list[Share]:
        """The regular periods from `first` to `last`, over which an annuity runs."""
        return [self.level(number, rate_ppm)[0] for number in range(first, last + 1)]

    def is_level(self, number: int) -> bool:
        """False when a broken first period is charged otherwise than the annuity reckons."""
        return number > 1 or not self._is_360 or self.first_share in (None, MONTH)

    def regular(
        self, first: int, last: int, rate_ppm: int, last_number: int, *, is_fixed: bool = False
    ) -> tuple[Period, ...]:
        """Periods at one rate; only a broken first period and paused days make them unlike each other."""
        days = self.days(first, last)
        if self.is_plain(first):
            return regular_periods(first, days, rate_ppm, last_number=last_number)
        return tuple(
            Period(
                number,
                due_on,
                self._charged_whole(number, rate_ppm),
                number == last_number,
                () if is_fixed or self.is_level(number) else self.level(number, rate_ppm),
            )
            for number, due_on in enumerate(days, start=first)
        )

    def split(self, number: int, segments: Segments, variant: str, *, is_last: bool, is_fixed: bool = False) -> Period:
        """A period with events inside: parts where the rate changed, and the whole period at the last rate."""
        rate_ppm = segments[-1][1]
        if len(segments) == 1:
            return self.regular(number, number, rate_ppm, number if is_last else 0, is_fixed=is_fixed)[0]
        end = self.due_on(number)
        days_in_all = (end - segments[0][0]).days
        shares: tuple[Share, ...] = ()
        for (start, rate), (until, _rate) in pairwise([*segments, (end, 0)]):
            days = (until - start).days - self.paused_days(start, until)
            of = 12 * days_in_all if variant == SPLIT_BY_MONTH_SHARE else 360
            shares += shares_of(Accrual(rate, days, of))
        return Period(number, end, shares, is_last, () if is_fixed else self.level(number, rate_ppm))

    def to_the_day(self, segments: Segments, until: date) -> tuple[Share, ...]:
        """Interest of a prepaid sum from the period's start to a day: actual days over 360, parts apart."""
        shares: tuple[Share, ...] = ()
        for (start, rate), (end, _rate) in pairwise([*segments, (until, 0)]):
            shares += shares_of(Accrual(rate, (end - start).days - self.paused_days(start, end), 360))
        return shares

    def paused_days(self, start: date, end: date) -> int:
        """Days from `start` (counted) to `end` (not counted) on which no interest runs."""
        return self._paused_before(end) - self._paused_before(start) if self._has_pauses else 0

    def _paused_before(self, day: date) -> int:
        index = bisect_left(self._pause_starts, day)
        if not index:
            return 0
        pause = self._request.pauses[index - 1]
        return self._paused_until[index - 1] + min((day - pause.first).days, (pause.last - pause.first).days + 1)

    def _charged_whole(self, number: int, rate_ppm: int) -> tuple[Share, ...]:
        parts, of = self.share(number)
        if self._has_pauses:
            start, end = self.due_on(number - 1), self.due_on(number)
            paused = self.paused_days(start, end)
            if paused:
                days = (end - start).days
                parts, of = parts * (days - paused), of * days
        return shares_of(Accrual(rate_ppm, parts, of))


def _first_share(request: Request) -> YearShare | None:
    """The first period by its convention; None when it is a regular one."""
    start, end = request.disbursed_on, request.first_due_on
    if request.first_period is None:
        return None
    if request.first_period == ONE_MONTH:
        return MONTH
    if request.first_period == BY_DAYS:
        return days_over_360(start, end)
    if is_one_month(start, end, request.due_day):
        return MONTH
    return 30 + (end - add_months(start, 1)).days, 360
