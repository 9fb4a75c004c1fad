"""A new rate for a contract of plain months: what the engine makes of it, found without making its rows.

A day on which most of a book is repriced asks for whole schedules as columns (principal, interest, hash) of hundreds of
thousands of contracts that all go the same way: a period that the day splits, then months of one rate. This is that
way with nothing made but the columns. Whatever is not quite so gives None, and the engine does it; a test holds both
to the same answer.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import gcd
from operator import sub
from typing import NamedTuple

from loans.rules.continuation import Plan, Standing
from loans.rules.dates import add_months, anchored_days, due_date
from loans.rules.schedule import ENGINE_VERSION, EQUAL_INSTALLMENT, EQUAL_PRINCIPAL, annuity
from loans.rules.simulation_request import NEXT_PERIOD, SPLIT_BY_MONTH_SHARE, period_number

# Shorter ones end before or in the period of the day: the engine knows what that means.
_LEAST_ROWS = 3
_PPM = 1_000_000
_UNIT = 12 * _PPM
_MOST_ROWS = 480
# A day and the space after it, as the hash has them.
_DAY_WIDTH = 11


# Principal and interest of rows.
Parts = tuple[list[int], list[int]]


class Columns(NamedTuple):
    """A plan as it is stored: its columns, and its request as JSON."""

    request_json: str
    first_number: int
    principal_fen: list[int]
    interest_fen: list[int]
    installment_fen: int
    rate_ppm: int
    plain_from: int
    matures_on: date
    sha256: str
    # Both columns written out, as the hash has them.
    principal_text: str
    interest_text: str

    @property
    def last_number(self) -> int:
        return self.first_number + len(self.principal_fen) - 1


@dataclass(frozen=True, slots=True)
class Repriced:
    """The contract from the period of a repricing day on, and what its borrower is told. Amounts in fen."""

    plan: Plan | Columns
    # What a whole month costs before and after: the installment, or of other methods the first whole month's amount.
    old_amount_fen: int
    new_amount_fen: int
    # The first installment that bears the new rate; None where the contract ends before.
    first_number: int | None
    first_due_on: date | None
    first_amount_fen: int | None
    # The due day from which a whole month is paid at the new rate; None where there is none.
    regular_on: date | None
    # The start of the period that the day splits; None where it splits none, or something else happened in it too.
    period_from: date | None = None
    # What is paid between the first installment and the regular one: only interest, or what a pause leaves.
    until_regular: tuple["Stretch", ...] = ()


class Stretch(NamedTuple):
    """Installments of one amount in a row."""

    first_number: int
    last_number: int
    first_due_on: date
    last_due_on: date
    amount_fen: int
    is_interest_only: bool


def repriced_plain(standing: Standing, day: date, rate_ppm: int, variant: str) -> Repriced | None:
    """A contract at the period of a repricing day with its new rate; None where the engine has to say."""
    at = _at_period_of(standing, day)
    if at is None:
        return None
    number, balance, start, due_on = at
    is_level = standing.method == EQUAL_INSTALLMENT
    rows, old = standing.last_number - number + 1, standing.rate_ppm
    is_inside, waits = day > start, day > start and variant == NEXT_PERIOD
    if balance <= (1 + is_inside) * standing.installment_fen:
        # As agreed before, it would have ended in these rows.
        return None
    agreed = standing.installment_fen if waits or not is_level else annuity(balance, rate_ppm, rows)
    principals: list[int] = []
    interests: list[int] = []
    if is_inside:
        charged, reckoned = _split(balance, (start, day, due_on), (old, rate_ppm), variant)
        part = agreed - reckoned if is_level else agreed
        if not 0 <= part < balance:
            return None
        principals.append(part)
        interests.append(charged)
    left = balance - sum(principals)
    if waits and is_level:
        agreed = annuity(left, rate_ppm, rows - 1)
    if not _run(left, agreed, rate_ppm, rows - len(principals), (principals, interests), is_level=is_level):
        return None
    days = due_days(due_on, standing.due_day)
    last_on = _last_on(days[rows - 1], standing.matures_on)
    text = _text(start, due_on, day, variant, standing, (balance, rows, rate_ppm))
    plain_from = number + is_inside
    # Lists and tuples of whole numbers are written alike but for their brackets.
    written = str(principals)[1:-1], str(interests)[1:-1]
    sha256 = _sha256(agreed, number, _days_text(due_on, standing.due_day)[: _DAY_WIDTH * (rows - 1)], last_on, written)
    columns = Columns(
        text, number, principals, interests, agreed, rate_ppm, plain_from, last_on, sha256, *written
    )  # fmt: skip
    regular, first = int(is_inside), int(waits)
    return Repriced(
        columns,
        _old_amount(standing, balance, regular),
        agreed if is_level else principals[regular] + interests[regular],
        number + first,
        days[first],
        principals[first] + interests[first],
        days[regular],
        start if is_inside and not waits else None,
    )


@lru_cache(maxsize=20_000)
def _place(due_on: date, anchor: int, day: date) -> tuple[int, date, date] | None:
    """Periods until that of a day, with its first and its due day; None where the due day is off its anchor."""
    if due_on != due_date(due_on.year, due_on.month, anchor):
        return None
    ahead = period_number(day, due_on, anchor) - 1
    return ahead, add_months(due_on, ahead - 1, anchor), add_months(due_on, ahead, anchor)


def _at_period_of(standing: Standing, day: date) -> tuple[int, int, date, date] | None:
    """Number, balance, first and due day of the period in which a day lies; None where it is no plain one."""
    is_level = standing.method == EQUAL_INSTALLMENT
    if standing.request is not None or not (is_level or standing.method == EQUAL_PRINCIPAL):
        return None
    place = _place(standing.next_due_on, standing.due_day, day)
    if place is None:
        return None
    ahead, start, due_on = place
    number, balance = standing.number + ahead, standing.unbilled_fen
    if day < start or standing.last_number - number + 1 < _LEAST_ROWS:
        return None
    if ahead:
        passed: Parts = ([], [])
        if not _fold(balance, standing.installment_fen, standing.rate_ppm, ahead, passed, is_level=is_level):
            return None
        balance -= sum(passed[0])
    return number, balance, start, due_on


def _split(balance: int, days: tuple[date, date, date], rates: tuple[int, int], variant: str) -> tuple[int, int]:
    """What the period of the day is charged, and the whole month that its principal is reckoned with."""
    (start, day, due_on), (old, new) = days, rates
    if variant == NEXT_PERIOD:
        charged = _month(balance, old)
        return charged, charged
    of = _PPM * (12 * (due_on - start).days if variant == SPLIT_BY_MONTH_SHARE else 360)
    before, after = (day - start).days * old, (due_on - day).days * new
    charged = (2 * balance * before + of) // (2 * of) + (2 * balance * after + of) // (2 * of)
    return charged, _month(balance, new)


def _month(balance: int, rate_ppm: int) -> int:
    return (2 * balance * rate_ppm + _UNIT) // (2 * _UNIT)


def _old_amount(standing: Standing, balance: int, index: int) -> int:
    """What a whole month costs at the old rate."""
    amount = standing.installment_fen
    if standing.method == EQUAL_INSTALLMENT:
        return amount
    return amount + _month(balance - index * amount, standing.rate_ppm)


def _run(balance: int, amount: int, rate_ppm: int, rows: int, into: Parts, *, is_level: bool) -> bool:
    """Months of one rate to the end, where the last one clears the balance; False where they end otherwise."""
    if not _fold(balance, amount, rate_ppm, rows - 1, into, is_level=is_level):
        return False
    principals, interests = into
    left = balance - sum(principals[len(principals) - rows + 1 :])
    principals.append(left)
    interests.append(_month(left, rate_ppm))
    return True


def _fold(balance: int, amount: int, rate_ppm: int, rows: int, into: Parts, *, is_level: bool) -> bool:
    """Months of one rate, none of them the last; False where one repays nothing, or nothing is left before the end."""
    common = gcd(2 * rate_ppm, _UNIT)
    twice, half, whole = 2 * rate_ppm // common, _UNIT // common, 2 * _UNIT // common
    principals, interests = into
    if not is_level:
        balances = range(balance, balance - rows * amount, -amount) if amount else [balance] * rows
        interests.extend([(each * twice + half) // whole for each in balances])
        principals.extend([amount] * rows)
        return balance > rows * amount
    if (balance * twice + half) // whole > amount:
        return False
    start = balance
    left = [balance := balance - amount + (balance * twice + half) // whole for _ in range(rows)]
    repaid = list(map(sub, [start, *left[:-1]], left)) if rows else []
    principals.extend(repaid)
    interests.extend([amount - each for each in repaid])
    return balance > 0


@lru_cache(maxsize=2000)
def due_days(first: date, anchor: int) -> Sequence[date]:
    """Due days from one on, more than any contract has."""
    return anchored_days(first, anchor, _MOST_ROWS)


@lru_cache(maxsize=2000)
def _days_text(first: date, anchor: int) -> str:
    return " ".join(map(str, due_days(first, anchor))) + " "


def _last_on(due_on: date, matures_on: date) -> date:
    """The contract's own last day where that is off the anchor."""
    return matures_on if (due_on.year, due_on.month) == (matures_on.year, matures_on.month) else due_on


def _sha256(installment: int, number: int, days: str, last_on: date, columns: tuple[str, str]) -> str:
    """As `Plan.sha256`; `days` ends with the row before the last."""
    text = f"{ENGINE_VERSION} {installment} {number}\n{days}{last_on}\n({columns[0]})\n({columns[1]})"
    return hashlib.sha256(text.encode()).hexdigest()


def _text(start: date, due_on: date, day: date, variant: str, standing: Standing, figures: tuple[int, int, int]) -> str:
    """As `to_json` of the request."""
    balance, rows, rate_ppm = figures
    return (
        f'{{"engine_version": "{ENGINE_VERSION}", "principal_fen": {balance}, "rate_ppm": {standing.rate_ppm}, '
        f'"installments": {rows}, "method": "{standing.method}", "disbursed_on": "{start}", '
        f'"first_due_on": "{due_on}", "due_day": {standing.due_day}, "carried_fen": {standing.installment_fen}, '
        f'"rate_changes": [["{day}", {rate_ppm}, "{variant}"]]}}'
    )
