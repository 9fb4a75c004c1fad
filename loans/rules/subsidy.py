"""The fiscal interest subsidy of a first home (首套房贷贴息): who gets it, and what it bears of an installment.

All figures are an effective-dated parameter of the bank (`interest_subsidy`): 1 percentage point a year for at most
five years, on at most 1.0 million of principal, for a family's first home of at most 120 m² and 1.5 million. The
commercial part of a combination loan and a refinancing do not qualify. How it is accounted for is not settled by the
rule; here it is the borrower's interest that the treasury owes instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from loans.rules.dates import add_months
from loans.rules.money import fen, rate_ppm
from loans.rules.schedule import half_up


@dataclass(frozen=True, slots=True)
class Scheme:
    """The parameter in force on the day of disbursement."""

    rate_ppm: int
    years: int
    cap_fen: int
    most_area: Decimal
    most_price_fen: int


@dataclass(frozen=True, slots=True)
class FirstHome:
    """What is claimed of a home and its loan; area in m², price in fen."""

    area: Decimal
    price_fen: int
    is_first_home: bool
    is_refinancing: bool


def scheme_of(value: Mapping[str, Any]) -> Scheme:
    """The scheme as the parameter holds it."""
    return Scheme(
        rate_ppm(Decimal(value["rate_percent"])),
        int(value["years"]),
        fen(Decimal(value["principal"])),
        Decimal(value["area"]),
        fen(Decimal(value["price"])),
    )


def refusals(home: FirstHome, scheme: Scheme | None, *, is_commercial_part: bool) -> tuple[str, ...]:
    """Why a loan gets no subsidy, as codes; empty for one that does."""
    if scheme is None:
        return ("no_scheme",)
    found = {
        "not_first_home": not home.is_first_home,
        "refinancing": home.is_refinancing,
        "commercial_part": is_commercial_part,
        "area_too_large": home.area > scheme.most_area,
        "price_too_high": home.price_fen > scheme.most_price_fen,
    }
    return tuple(code for code, speaks_against in found.items() if speaks_against)


def ends_on(disbursed_on: date, years: int) -> date:
    """The day on which the subsidy ends; the installment due that day is the last one borne."""
    return add_months(disbursed_on, 12 * years)


def is_borne(due_on: date, begins_on: date, end: date) -> bool:
    """True for an installment whose period lies in the years of the subsidy."""
    return begins_on < due_on <= end


def average_rate(start: date, end: date, rates: Sequence[tuple[date, int]]) -> tuple[int, int]:
    """The contract rate over a period as a fraction (ppm-days, days); `rates` are (from, ppm) in order of days."""
    days = (end - start).days
    inside = [(max(first, start), ppm) for first, ppm in rates if first < end]
    total = 0
    for (first, ppm), (until, _ppm) in pairwise([*inside, (end, 0)]):
        total += ppm * max(0, (until - first).days)
    return total, days


def subsidy_fen(interest_fen: int, balance_fen: int, average: tuple[int, int], scheme_ppm: int, cap_fen: int) -> int:
    """What is borne of an installment's interest, rounded half-up: the scheme's share of it on the capped balance.

    `balance_fen` is the principal not billed at the period's start, `average` the contract rate over the period. It
    is a share of the interest charged, so a broken or paused period is borne as it was charged.
    """
    ppm_days, days = average
    if not interest_fen or not balance_fen or not ppm_days:
        return 0
    base = min(balance_fen, cap_fen)
    return min(interest_fen, half_up(interest_fen * base * scheme_ppm * days, balance_fen * ppm_days))
