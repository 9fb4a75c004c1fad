"""Decides what late payment costs: penalty interest (罚息) on overdue principal, compound interest (复利) on overdue
interest.

Both run at the contract rate in force on each day × a multiplier (银发〔2003〕251号: overdue, contract rate plus 30 %
to 50 %), actual days over 360, the first day counted and the last not, from the due day. What is paid within grace
bears nothing; what is paid later, or not at all, bears from the due day on, grace included. The last day to pay is
the first workday on or after due day + grace (Civil Code 203; holiday rule NONE: due day + grace), so a holiday
lengthens it. The base of compound interest is the interest of the installment itself; no penalty bears a penalty.

Fen × days × ppm × thousandths ("units") is summed exactly over everything that was or is unpaid, and rounded half-up
once a component: neither part payments nor the days on which somebody looks can move a fen. What was paid late leaves
its units behind on the installment, so that what it owes on any later day follows from its stored row alone; what is
still owed when principal and interest are paid is frozen.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple, TypeVar

from loans.rules.aging import last_day_to_pay
from loans.rules.allocation import Charges
from loans.rules.calendar import Calendar

_THOUSANDTHS = 1000
# Fen × ppm a year × thousandths × days: one fen of penalty is this many.
_UNITS_A_FEN = 1_000_000 * _THOUSANDTHS * 360

_Value = TypeVar("_Value")
# A value from each day on, the days ascending; before the first day the first value holds.
Timeline = tuple[tuple[date, _Value], ...]

NEXT_WORKDAY, NO_HOLIDAYS = "NEXT_WORKDAY", "NONE"


def in_force(timeline: "Timeline[_Value]", on: date) -> _Value:
    """The value of a timeline on a day."""
    found = timeline[0][1]
    for since, value in timeline:
        if since > on:
            break
        found = value
    return found


class PenaltyTerms(NamedTuple):
    """The contract's rates in ppm a year and multipliers in thousandths (1.5 is 1500) from day to day; days of grace
    and the holiday rule by the due day of an installment."""

    rates_ppm: Timeline[int]
    multipliers: Timeline[int]
    grace_days: Timeline[int]
    holiday_rules: Timeline[str] = ((date.min, NEXT_WORKDAY),)

    @classmethod
    def plain(cls, rate_ppm: int, multiplier_thousandths: int, grace_days: int) -> "PenaltyTerms":
        """Terms that never change."""
        start = date.min
        return cls(((start, rate_ppm),), ((start, multiplier_thousandths),), ((start, grace_days),))


class LatePayment(NamedTuple):
    """What was paid of an installment on a day, in fen."""

    on: date
    interest_fen: int = 0
    principal_fen: int = 0
    compound_fen: int = 0
    penalty_fen: int = 0


class LateInstallment(NamedTuple):
    """An installment with its payments; `bears_from` only where the due day is not the first day that bears."""

    due_on: date
    interest_fen: int
    principal_fen: int
    payments: tuple[LatePayment, ...] = ()
    bears_from: date | None = None


def multiplier_thousandths(text: str) -> int:
    """The parameter's text in thousandths; ValueError for what has more than three decimals or is below one."""
    value = Decimal(text) * _THOUSANDTHS
    if not value.is_finite() or value != int(value) or value < _THOUSANDTHS:
        raise ValueError(text)
    return int(value)


def units_a_fen(terms: PenaltyTerms, start: date, end: date) -> int:
    """What one unpaid fen bears from `start` (counted) to `end` (not counted), in units."""
    if end <= start:
        return 0
    if len(terms.rates_ppm) == len(terms.multipliers) == 1:
        return (end - start).days * terms.rates_ppm[0][1] * terms.multipliers[0][1]
    changes = {day for day, _value in (*terms.rates_ppm, *terms.multipliers) if start < day < end}
    return sum(
        (until - since).days * in_force(terms.rates_ppm, since) * in_force(terms.multipliers, since)
        for since, until in pairwise(sorted({start, end, *changes}))
    )


def last_day(due_on: date, terms: PenaltyTerms, calendar: Calendar) -> date:
    """The last day on which a payment bears nothing."""
    grace = in_force(terms.grace_days, due_on)
    if in_force(terms.holiday_rules, due_on) == NO_HOLIDAYS:
        return due_on + timedelta(days=grace)
    return last_day_to_pay(due_on, grace, calendar)


def late_units_a_fen(due_on: date, bears_from: date, on: date, terms: PenaltyTerms, calendar: Calendar) -> int:
    """What one fen of an installment bore that is paid, or looked at, on a day: nothing within grace."""
    if on <= due_on or on <= last_day(due_on, terms, calendar):
        return 0
    return units_a_fen(terms, bears_from, on)


def fen_of(units: int) -> int:
    """Units as fen, rounded half-up."""
    return (2 * units + _UNITS_A_FEN) // (2 * _UNITS_A_FEN)


def accrued(row: LateInstallment, as_of: date, terms: PenaltyTerms, calendar: Calendar) -> Charges:
    """What accrued from the due day to `as_of`, whether paid or not: the reckoning payment by payment."""
    start = row.bears_from or row.due_on
    paid = [each for each in row.payments if each.on <= as_of]

    def units(total: int, parts: Iterable[tuple[date, int]]) -> int:
        unpaid, found = total, 0
        for on, amount in parts:
            unpaid -= amount
            found += amount * late_units_a_fen(row.due_on, start, on, terms, calendar)
        return found + unpaid * late_units_a_fen(row.due_on, start, as_of, terms, calendar)

    principal = units(row.principal_fen, ((each.on, each.principal_fen) for each in paid))
    interest = units(row.interest_fen, ((each.on, each.interest_fen) for each in paid))
    return Charges(fen_of(principal), fen_of(interest))


def owed(row: LateInstallment, as_of: date, terms: PenaltyTerms, calendar: Calendar) -> Charges:
    """What accrued and is not paid on `as_of`."""
    total = accrued(row, as_of, terms, calendar)
    paid = [each for each in row.payments if each.on <= as_of]
    penalty = total.penalty_fen - sum(each.penalty_fen for each in paid)
    compound = total.compound_fen - sum(each.compound_fen for each in paid)
    return Charges(max(0, penalty), max(0, compound))
