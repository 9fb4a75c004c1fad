"""Decides what late payment costs: penalty interest (罚息) on overdue principal, compound interest (复利) on overdue
interest.

Both run at the contract rate × a multiplier (银发〔2003〕251号: overdue, contract rate plus 30 % to 50 %), actual
days over 360, the first day counted and the last not, from the due day. What is paid within grace bears
nothing; what is paid later, or not at all, bears from the due day on, grace included. The last day to pay is
the first workday on or after due day + grace (Civil Code 203), so a holiday lengthens it. The base of compound
interest is the interest of the installment itself; no penalty bears a penalty.

Fen × ppm × thousandths × days is summed exactly over everything that was or is unpaid, and rounded half-up once a
component: neither part payments nor the days on which somebody looks can move a fen.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from loans.rules.aging import last_day_to_pay
from loans.rules.allocation import Charges
from loans.rules.calendar import Calendar

_THOUSANDTHS = 1000
# Fen × ppm a year × thousandths × days: one fen of penalty is this many.
_UNITS_A_FEN = 1_000_000 * _THOUSANDTHS * 360


class PenaltyTerms(NamedTuple):
    """The contract's rate in ppm a year, the multiplier in thousandths (1.5 is 1500), the days of grace."""

    rate_ppm: int
    multiplier_thousandths: int
    grace_days: int


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


def _accrued(fen_days: int, terms: PenaltyTerms) -> int:
    units = fen_days * terms.rate_ppm * terms.multiplier_thousandths
    return (2 * units + _UNITS_A_FEN) // (2 * _UNITS_A_FEN)


def accrued(row: LateInstallment, as_of: date, terms: PenaltyTerms, calendar: Calendar) -> Charges:
    """What accrued from the due day to `as_of`, whether paid or not."""
    last_day = last_day_to_pay(row.due_on, terms.grace_days, calendar)
    start = row.bears_from or row.due_on
    paid = [each for each in row.payments if each.on <= as_of]

    def fen_days(total: int, parts: Iterable[tuple[date, int]]) -> int:
        unpaid, units = total, 0
        for on, amount in parts:
            unpaid -= amount
            units += amount * max(0, (on - start).days) if on > last_day else 0
        return units + (unpaid * max(0, (as_of - start).days) if as_of > last_day else 0)

    principal = fen_days(row.principal_fen, ((each.on, each.principal_fen) for each in paid))
    interest = fen_days(row.interest_fen, ((each.on, each.interest_fen) for each in paid))
    return Charges(_accrued(principal, terms), _accrued(interest, terms))


def owed(row: LateInstallment, as_of: date, terms: PenaltyTerms, calendar: Calendar) -> Charges:
    """What accrued and is not paid on `as_of`."""
    total = accrued(row, as_of, terms, calendar)
    paid = [each for each in row.payments if each.on <= as_of]
    penalty = total.penalty_fen - sum(each.penalty_fen for each in paid)
    compound = total.compound_fen - sum(each.compound_fen for each in paid)
    return Charges(max(0, penalty), max(0, compound))
