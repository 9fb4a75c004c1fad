"""The schedule engine: one pure `step` per period, `schedule` is its fold, and nothing else computes.

Billing, contract pages, quotes and tests share the step, so there is no second engine. Amounts are
integer fen, rates parts per million a year. Every amount is one rational rounded half-up once:
interest of a regular month = (2 * balance * ppm + 12,000,000) // 24,000,000. The last row clears
the balance. A period carries its own accruals (share of a year at a rate), so that broken periods
and rate changes inside a period are more accruals, and a repayment method is one entry in `METHODS`.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import repeat
from math import gcd
from operator import neg
from typing import NamedTuple

from loans.rules.dates import contract_due_dates, months_between, next_due_date

ENGINE_VERSION = "1"
_PPM = 1_000_000
_YEAR_OF_MONTHS = 12 * _PPM
EQUAL_INSTALLMENT = "EQUAL_INSTALLMENT"
EQUAL_PRINCIPAL = "EQUAL_PRINCIPAL"
INTEREST_ONLY = "INTEREST_ONLY"


class Accrual(NamedTuple):
    """Interest at a rate for `parts` / `of` of a year: 1/12 is a regular month, 43/360 forty-three days."""

    rate_ppm: int
    parts: int = 1
    of: int = 12


class Share(NamedTuple):
    """What an accrual's interest is of the balance, as a fraction."""

    numerator: int
    denominator: int


class Period(NamedTuple):
    """One interest period and the day on which its installment falls due."""

    number: int
    due_on: date
    shares: tuple[Share, ...]
    is_last: bool
    # The whole regular period that the agreed installment reckons with, where another interest is charged:
    # in a broken first period (E5) and in one with a rate change inside (E6) the amount differs, not the principal.
    level: tuple[Share, ...] = ()


class StepPosition(NamedTuple):
    """What the step needs of a loan: the principal not billed yet and the agreed installment.

    With EQUAL_PRINCIPAL the agreed installment is its principal part; with INTEREST_ONLY it is not used.
    """

    balance_fen: int
    installment_fen: int
    method: str = EQUAL_INSTALLMENT


class Row(NamedTuple):
    """An installment and the balance that it leaves."""

    number: int
    due_on: date
    principal_fen: int
    interest_fen: int
    balance_fen: int


def half_up(numerator: int, denominator: int) -> int:
    """A rational that is not negative, rounded half-up to an integer."""
    return (2 * numerator + denominator) // (2 * denominator)


def shares_of(*accruals: Accrual) -> tuple[Share, ...]:
    """Accruals as fractions of the balance."""
    return tuple(Share(rate_ppm * parts, of * _PPM) for rate_ppm, parts, of in accruals)


def interest(balance_fen: int, shares: Sequence[Share]) -> int:
    """Interest of a period in fen; each accrual is rounded by itself, as 分段计息 shows them to the borrower."""
    total = 0
    for numerator, denominator in shares:
        total += (2 * balance_fen * numerator + denominator) // (2 * denominator)
    return total


@lru_cache(maxsize=4096)
def _annuity_factor(rate_ppm: int, periods: int) -> tuple[int, int]:
    """Installment per fen of balance as a fraction: i(1+i)^n / ((1+i)^n - 1) with i = ppm / 12,000,000."""
    if rate_ppm == 0:
        return 1, periods
    unit = 12 * _PPM
    grown = (unit + rate_ppm) ** periods
    return rate_ppm * grown, unit * (grown - unit**periods)


Rounding = Callable[[int, int], int]


def whole_yuan_half_up(numerator: int, denominator: int) -> int:
    """A rational number of fen rounded half-up to whole yuan, in fen."""
    return 100 * half_up(numerator, 100 * denominator)


def whole_yuan_up(numerator: int, denominator: int) -> int:
    """A rational number of fen rounded up to whole yuan, in fen."""
    return 100 * -(-numerator // (100 * denominator))


# How the agreed installment is rounded; it touches nothing else.
ROUNDINGS: dict[str, Rounding] = {"FEN": half_up, "YUAN_HALF_UP": whole_yuan_half_up, "YUAN_UP": whole_yuan_up}


def annuity(balance_fen: int, rate_ppm: int, periods: int, rounding: Rounding = half_up) -> int:
    """The equal installment in fen that clears a balance in regular months."""
    numerator, denominator = _annuity_factor(rate_ppm, periods)
    return rounding(balance_fen * numerator, denominator)


def annuity_over(balance_fen: int, shares: Sequence[Share], rounding: Rounding = half_up) -> int:
    """The equal installment over periods of unlike length: balance / sum of products of 1 / (1 + share)."""
    numerator, denominator = 0, 1
    for part, whole in reversed(shares):
        numerator, denominator = (numerator + denominator) * whole, denominator * (whole + part)
    return rounding(balance_fen * denominator, numerator)


def _equal_installment(installment_fen: int, interest_fen: int) -> int:
    return installment_fen - interest_fen


def _equal_principal(installment_fen: int, interest_fen: int) -> int:
    return installment_fen


def _interest_only(installment_fen: int, interest_fen: int) -> int:
    return 0


Method = Callable[[int, int], int]
# How much principal a regular (not last) row repays, by repayment method.
METHODS: dict[str, Method] = {
    EQUAL_INSTALLMENT: _equal_installment,
    EQUAL_PRINCIPAL: _equal_principal,
    INTEREST_ONLY: _interest_only,
}


def step(position: StepPosition, period: Period) -> Row:
    """The installment of one period."""
    return _row(position.balance_fen, position.installment_fen, METHODS[position.method], period)


def _row(balance: int, installment: int, principal_of: Method, period: Period) -> Row:
    number, due_on, shares, is_last, level = period
    interest_fen = interest(balance, shares)
    reckoned = interest(balance, level) if level else interest_fen
    principal = balance if is_last else principal_of(installment, reckoned)
    if principal < 0:
        principal = 0
    elif principal > balance:
        principal = balance
    return Row(number, due_on, principal, interest_fen, balance - principal)


def schedule(position: StepPosition, periods: Sequence[Period]) -> tuple[Row, ...]:
    """The fold of `step`: each row's balance is the next one's start."""
    rows = []
    balance, installment, method = position
    principal_of = METHODS[method]
    for period in periods:
        row = _row(balance, installment, principal_of, period)
        balance = row.balance_fen
        rows.append(row)
    return tuple(rows)


_make: Callable[[type[Row], tuple[int, date, int, int, int]], Row] = tuple.__new__


def level_rows(
    balance: int, installment: int, rate_ppm: int, first_number: int, due_on: Sequence[date], *, is_last: bool
) -> tuple[Row, ...] | None:
    """The fold of `step` over equal installments of regular months, unrolled; it ends where nothing is owed.

    The same formula with the fraction reduced and nothing made but the rows, at about the price of a bare
    loop. None where a row's interest exceeds the installment: the plain fold knows what to do then. With
    `is_last` the last day's row clears the balance.
    """
    common = gcd(2 * rate_ppm, _YEAR_OF_MONTHS)
    twice, half, whole = 2 * rate_ppm // common, _YEAR_OF_MONTHS // common, 2 * _YEAR_OF_MONTHS // common
    if (balance * twice + half) // whole > installment:
        return None
    interests: list[int] = []
    balances: list[int] = []
    add_interest, add_balance = interests.append, balances.append
    for _ in due_on:
        charged = (balance * twice + half) // whole
        balance += charged - installment
        add_interest(charged)
        add_balance(balance)
    principals = [installment - charged for charged in interests]
    end = len(balances)
    if balance <= 0:
        # The installment was more than enough: the first row that reaches zero is the last one.
        end = bisect_left(balances, 0, key=neg) + 1
        is_last = True
    if is_last:
        principals[end - 1] += balances[end - 1]
        balances[end - 1] = 0
    columns = (range(first_number, first_number + end), due_on, principals, interests, balances)
    # As `Row._make`, without a call of Python for each row.
    return tuple(map(_make, repeat(Row), zip(*columns, strict=False)))


def regular_periods(
    first_number: int, due_on: Sequence[date], rate_ppm: int, *, last_number: int | None = None
) -> tuple[Period, ...]:
    """Periods of one regular month each at one rate, numbered on from the first; the last one by default clears."""
    month = shares_of(Accrual(rate_ppm))
    last = first_number + len(due_on) - 1 if last_number is None else last_number
    return tuple([Period(number, day, month, number == last) for number, day in enumerate(due_on, start=first_number)])


@dataclass(frozen=True, slots=True)
class OpeningTerms:
    """What a tape says of a loan that is taken over at the close of `as_of`."""

    as_of: date
    outstanding_fen: int
    rate_ppm: int
    disbursed_on: date
    matures_on: date
    due_day: int
    days_past_due: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rows of a schedule; the first `arrears` of an opening schedule are billed and unpaid."""

    installment_fen: int
    rows: tuple[Row, ...]
    arrears: int = 0
    # The day from which the arrears are overdue; None without arrears.
    overdue_since: date | None = None

    @property
    def sha256(self) -> str:
        """Hash of what was agreed: engine, installment and every row."""
        numbers, days, principal, interest_parts, _ = zip(*self.rows, strict=True)
        text = f"{ENGINE_VERSION} {self.installment_fen} {numbers[0]}\n{' '.join(map(str, days))}"
        return hashlib.sha256(f"{text}\n{principal}\n{interest_parts}".encode()).hexdigest()


def arrears_due_dates(terms: OpeningTerms, overdue_since: date) -> tuple[date, ...]:
    """Due dates from the day of the first default to the as-of day; at least one."""
    until = min(terms.as_of, terms.matures_on)
    past = [day for day in contract_due_dates(terms.disbursed_on, terms.due_day, terms.matures_on) if day <= until]
    inside = tuple(day for day in past if day >= overdue_since)
    if inside:
        return inside
    return (past[-1],) if past else (overdue_since,)


def opening_days(terms: OpeningTerms) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """Due dates of the arrears, and those still to come, of a loan taken over.

    Of a matured loan in arrears everything has been due since the maturity and nothing is to come. One without
    arrears gets one last installment on the next due day.
    """
    arrears: tuple[date, ...] = ()
    if terms.days_past_due:
        arrears = arrears_due_dates(terms, date.fromordinal(terms.as_of.toordinal() - terms.days_past_due))
    future = contract_due_dates(terms.as_of, terms.due_day, terms.matures_on)
    if not arrears and not future:
        future = (next_due_date(terms.as_of, terms.due_day),)
    return arrears, future


def opening_schedule(terms: OpeningTerms) -> Schedule:
    """Arrears and what is still to come of a loan taken over, starting from the full balance.

    Due dates up to the as-of day are billed already. The annuity runs over arrears and remaining due
    dates, so that arrears principal + future principal = outstanding. Numbers are months since
    disbursement, at least 1, without gaps.
    """
    arrears, future = opening_days(terms)
    overdue_since = date.fromordinal(terms.as_of.toordinal() - terms.days_past_due) if terms.days_past_due else None
    days = (*arrears, *future)
    first_number = max(1, months_between(terms.disbursed_on, days[0]))
    installment = annuity(terms.outstanding_fen, terms.rate_ppm, len(days))
    rows = level_rows(terms.outstanding_fen, installment, terms.rate_ppm, first_number, days, is_last=True)
    if rows is None or len(rows) < len(days):
        # Interest above the installment, or nothing left to owe before the last day: rows of zero are for the fold.
        periods = regular_periods(first_number, days, terms.rate_ppm)
        rows = schedule(StepPosition(terms.outstanding_fen, installment), periods)
    return Schedule(installment, rows, len(arrears), overdue_since)


def monthly_payment(position: StepPosition, rate_ppm: int) -> int:
    """What a plain month asks for at the moment, in fen: what is agreed, with the interest where that comes on top."""
    (period,) = regular_periods(1, (date.min,), rate_ppm, last_number=0)
    row = step(position, period)
    return row.principal_fen + row.interest_fen
