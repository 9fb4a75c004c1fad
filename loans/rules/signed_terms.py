"""Decides on which days the rows of each signed version of the terms fall due, and what its hash must be.

The days are not stored with the terms: they follow from the contract, the baseline and the stored request. The hash
that was signed holds them all the same, so deriving them once more proves contract, request and arrays together.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from loans.rules.continuation import from_json
from loans.rules.dates import add_months, next_due_date
from loans.rules.periods import Timetable
from loans.rules.schedule import OpeningTerms, opening_days


class Contract(NamedTuple):
    """A contract as it was at first: changes of it since are undone."""

    baseline_on: date | None
    baseline_days_past_due: int
    disbursed_on: date
    due_day: int
    matures_on: date


class Signed(NamedTuple):
    """A version of the terms as stored; `recorded_on` are the days that the change which signed it recorded."""

    first_number: int
    rate_ppm: int
    installment_fen: int
    principal_fen: Sequence[int]
    interest_fen: Sequence[int]
    request: Mapping[str, Any] | None
    recorded_on: Sequence[date] | None
    engine_version: str
    sha256: str


def signed_contract(contract: Contract, versions: Sequence[Signed]) -> Contract:
    """The contract with the last day that its opening was signed with.

    A repricing may end a loan earlier (a rounded installment) and leaves no record of the day before: then it is the
    day of the last month of the signed rows whose hash was signed. Where there is none, the contract as given.
    """
    first = versions[0]
    if len(versions) == 1 or first.request is not None or _is_itself(contract, first):
        return contract
    days = signed_opening_days(contract, len(first.principal_fen))
    if not days:
        return contract
    month = add_months(days[0], len(first.principal_fen) - 1, 1)
    for day in range(1, 32):
        found = contract._replace(matures_on=add_months(month, 0, day))
        if _is_itself(found, first):
            return found
    return contract


def _is_itself(contract: Contract, first: Signed) -> bool:
    return schedule_sha256(first, signed_opening_days(contract, len(first.principal_fen))) == first.sha256


def due_days(contract: Contract, versions: Sequence[Signed]) -> list[Sequence[date]]:
    """The due days of each version's rows, in order of the versions."""
    found: list[Sequence[date]] = []
    before: tuple[int, Sequence[date]] | None = None
    for version in versions:
        days = _days(contract, version, before)
        found.append(days)
        if days:
            before = version.first_number, days
    return found


def _days(contract: Contract, version: Signed, before: tuple[int, Sequence[date]] | None) -> Sequence[date]:
    count = len(version.principal_fen)
    if version.recorded_on is not None:
        return version.recorded_on
    if version.request is not None:
        days = Timetable(from_json(version.request)).days(1, count)
        return _ending_as(before[1][-1], days) if before else days
    if before is None:
        return signed_opening_days(contract, count)
    first, known = before
    days = list(known[version.first_number - first :][:count])
    while days and len(days) < count:
        days.append(add_months(days[-1], 1, contract.due_day))
    return days


def _ending_as(last_on: date, days: Sequence[date]) -> Sequence[date]:
    """A contract's own last day may lie off the anchor: it keeps its place in its month."""
    if days and (days[-1].year, days[-1].month) == (last_on.year, last_on.month):
        return [*days[:-1], last_on]
    return days


def signed_opening_days(contract: Contract, rows: int) -> tuple[date, ...]:
    """Due dates of the rows that a loan taken over was signed with, as `opening_schedule` lays them out."""
    as_of = contract.baseline_on
    if as_of is None:
        return ()
    days_past_due = contract.baseline_days_past_due
    terms = OpeningTerms(as_of, 0, 0, contract.disbursed_on, contract.matures_on, contract.due_day, days_past_due)
    arrears, future = opening_days(terms)
    days = (*arrears, *future)
    if not future and rows == len(days) + 1:
        # Signed while a matured loan in arrears still got a last installment to come.
        return (*days, next_due_date(as_of, contract.due_day))
    return days


def schedule_sha256(version: Signed, days: Sequence[date]) -> str:
    """The hash of what was agreed: engine, installment and every row (`loans.rules.schedule.Schedule`)."""
    text = f"{version.engine_version} {version.installment_fen} {version.first_number}\n{' '.join(map(str, days))}"
    rows = f"{tuple(version.principal_fen)}\n{tuple(version.interest_fen)}"
    return hashlib.sha256(f"{text}\n{rows}".encode()).hexdigest()
