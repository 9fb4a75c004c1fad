"""Rebuilds positions, installments and fees from the history of their loans, and compares them with what is stored.

Reads terms, postings with their lines, receipts and changes of contract, a stretch of loans at a time; the rules decide
(`loans.rules.rebuild`). Nothing of what is rebuilt is read from where it is kept.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from journal.actions import record_many
from journal.models import Run
from loans import sql
from loans.facts import loan_fact
from loans.payments import columns
from loans.queries import calendar, hold_business_date, lock_positions, open_business_date, overdue_grace_days
from loans.queries.accounts import calendar_around, payment_terms
from loans.rules.aging import recognised_due_until
from loans.rules.calendar import Calendar
from loans.rules.rebuild import (
    Difference,
    Evening,
    FeeState,
    History,
    HistoryBroken,
    InstallmentState,
    LoanState,
    PositionState,
    Posted,
    Received,
    Version,
    differences,
    rebuild,
)
from loans.rules.signed_terms import Contract, Signed, due_days, schedule_sha256, signed_contract
from loans.sql import array
from loans.sql import rebuild as statements

STRETCH = 1000


@dataclass(slots=True)
class Found:
    """A loan as it is stored and as it must be; `broken` says why nothing can be made of its history."""

    loan_id: int
    stored: LoanState | None = None
    rebuilt: LoanState | None = None
    differences: list[Difference] = field(default_factory=list)
    # The ledger, or the hash of the terms, says otherwise: no row can mend that.
    ledger: list[str] = field(default_factory=list)
    broken: str = ""

    @property
    def is_same(self) -> bool:
        return not (self.differences or self.ledger or self.broken)


def last_evening() -> Evening:
    """What the evenings did last, by the progress rows of day end."""
    open_day = open_business_date() or date.max

    def last(stage: str) -> date:
        has_run = Run.objects.filter(business_date=open_day, stage=stage, counts__last=True).exists()
        return open_day if has_run else open_day - timedelta(days=1)

    aged = last("age")
    until = recognised_due_until(aged, overdue_grace_days(aged), calendar(aged - timedelta(days=40), aged))
    return Evening(last("bill"), until, last("classify"))


def look(loan_ids: Iterable[int] | None = None) -> Iterator[Found]:
    """Every loan, or the given ones, in order of their ids."""
    evening = last_evening()
    ids = sorted(loan_ids) if loan_ids is not None else [row[0] for row in sql.rows(statements.LOAN_IDS)]
    for start in range(0, len(ids), STRETCH):
        stretch = ids[start : start + STRETCH]
        stored = stored_states(stretch)
        for loan_id, history in histories(stretch, evening).items():
            yield _compare(loan_id, history, stored.get(loan_id), evening)


def _compare(loan_id: int, history: History | str, stored: LoanState | None, evening: Evening) -> Found:
    if isinstance(history, str):
        return Found(loan_id, stored, broken=history)
    try:
        made = rebuild(history, evening)
    except (HistoryBroken, LookupError) as error:
        return Found(loan_id, stored, broken=f"{type(error).__name__}: {error}")
    if stored is None:
        return Found(loan_id, None, made.state, ledger=made.ledger, broken="no position")
    position = made.state.position
    if not position.five_class:
        position = position._replace(five_class=stored.position.five_class)
    if stored.position.accrues_from is None and stored.position.next_number is not None:
        # Left to the terms, which are the history's own.
        position = position._replace(accrues_from=None, accrued_before=0, accrual_rate_percent=None)
    state = made.state._replace(position=position)
    return Found(loan_id, stored, state, differences(stored, state), made.ledger)


# ── What is stored ───────────────────────────────────────────────────────────────────────────────


def stored_states(loan_ids: Iterable[int]) -> dict[int, LoanState]:
    """Positions, installments and fees as they are kept."""
    scope = {"loan_ids": array(loan_ids)}
    rows: dict[int, list[InstallmentState]] = defaultdict(list)
    fees: dict[int, list[FeeState]] = defaultdict(list)
    for loan_id, *row in sql.rows(statements.INSTALLMENTS, scope):
        rows[loan_id].append(InstallmentState._make([*row[:-2], int(row[-2]), int(row[-1])]))
    for loan_id, *row in sql.rows(statements.FEES, scope):
        fees[loan_id].append(FeeState(*row))
    return {
        loan_id: LoanState(loan_id, PositionState(*row), tuple(rows[loan_id]), tuple(fees[loan_id]))
        for loan_id, *row in sql.rows(statements.POSITIONS, scope)
    }


# ── The history ──────────────────────────────────────────────────────────────────────────────────


def histories(loan_ids: Iterable[int], evening: Evening) -> dict[int, History | str]:
    """By loan what happened to it, or why that cannot be read."""
    scope = {"loan_ids": array(loan_ids), "classified_on": evening.classified_on}
    signed: dict[int, list[tuple[Signed, bool]]] = defaultdict(list)
    for loan_id, *row in sql.rows(statements.TERMS, scope):
        signed[loan_id].append(_signed(row))
    postings: dict[int, list[Posted]] = defaultdict(list)
    for loan_id, *row, accounts, numbers, amounts in sql.rows(statements.POSTINGS, scope):
        postings[loan_id].append(Posted._make([*row, tuple(zip(accounts, numbers, amounts, strict=True))]))
    receipts: dict[int, list[Received]] = defaultdict(list)
    for loan_id, *row in sql.rows(statements.RECEIPTS, scope):
        receipts[loan_id].append(Received(*row))
    found: dict[int, History | str] = {}
    read: dict[int, tuple[Contract, list[Version], list[Any]]] = {}
    for loan_id, *row in sql.rows(statements.CONTRACTS, scope):
        contract = Contract(*row[:5])
        try:
            read[loan_id] = contract, _versions(contract, row[5], signed[loan_id]), row[6:]
        except HistoryBroken as error:
            found[loan_id] = str(error)
    terms = payment_terms(read, _calendar(read.values(), evening)) if read else {}
    for loan_id, (contract, versions, (accelerated_on, floor, is_held_back)) in read.items():
        found[loan_id] = History(
            loan_id, contract.baseline_on, contract.baseline_days_past_due, versions, postings[loan_id],
            receipts[loan_id], terms[loan_id], accelerated_on, floor, is_held_back, contract.due_day,
        )  # fmt: skip
    return dict(sorted(found.items()))


def _signed(row: list[Any]) -> tuple[Signed, bool]:
    """A version as stored, and whether it leaves nothing to bill."""
    *terms, request, recorded_on, is_recorded, engine_version, sha256, is_end = row
    days = [date.fromisoformat(day) for day in recorded_on] if is_recorded else None
    return Signed._make([*terms, json.loads(request) if request else None, days, engine_version, sha256]), is_end


def _versions(contract: Contract, matures_on: date, signed: list[tuple[Signed, bool]]) -> list[Version]:
    """Versions with their due days; HistoryBroken when a version is not what was signed."""
    if not signed:
        raise HistoryBroken("no terms")
    versions = [each for each, _is_end in signed]
    days = due_days(signed_contract(contract, versions), versions)
    found: list[Version] = []
    for number, ((each, is_end), due_on) in enumerate(zip(signed, days, strict=True), start=1):
        rows = (len(due_on), len(each.principal_fen), len(each.interest_fen))
        if len(set(rows)) > 1 or schedule_sha256(each, due_on) != each.sha256:
            raise HistoryBroken(f"terms version {number} is not what was signed")
        amounts = (due_on, each.principal_fen, each.interest_fen)
        found.append(Version(each.first_number, each.rate_ppm, each.installment_fen, *amounts, each.request, is_end))
    last = next((each for each in reversed(found[1:]) if not each.is_end), None)
    if last is not None and last.due_on[-1] != matures_on:
        raise HistoryBroken(f"matures on {matures_on}, by its last terms on {last.due_on[-1]}")
    return found


def _calendar(read: Iterable[tuple[Contract, list[Version], list[Any]]], evening: Evening) -> Calendar:
    first = min((versions[0].due_on[0] for _contract, versions, _row in read), default=evening.billed_on)
    return calendar_around([first, max(first, evening.billed_on + timedelta(days=1))])


# ── Repair ───────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def repair(*, loan_ids: Iterable[int], by: str, at: datetime) -> dict[int, list[Difference]]:
    """Writes rebuilt rows over stored ones and records what was mended, by loan; decided again under the lock.

    Left alone: loans whose ledger or terms disagree with their receipts (only a reversal can mend those), and rows
    that the history knows nothing of.
    """
    day = hold_business_date()
    locked = lock_positions(loan_ids)
    mended = {
        each.loan_id: each
        for each in look(locked)
        if each.differences and each.rebuilt and not each.ledger and not any(_is_alien(one) for one in each.differences)
    }
    states = [each.rebuilt for each in mended.values() if each.rebuilt is not None]
    rows = [(state.loan_id, *row) for state in states for row in state.installments]
    positions = [(state.loan_id, *state.position) for state in states]
    fees = [(fee.fee_id, fee.paid, fee.settled_on) for state in states for fee in state.fees]
    sql.run(statements.WRITE_INSTALLMENTS, columns(("loan", *InstallmentState._fields), rows))
    sql.run(statements.WRITE_POSITIONS, columns(("loan", *PositionState._fields), positions))
    sql.run(statements.WRITE_FEES, columns(("fee_id", "paid", "settled_on"), fees))
    record_many(
        loan_fact("loans.rebuilt", loan_id, day, at, by, {"columns": [_as_json(one) for one in each.differences]})
        for loan_id, each in mended.items()
    )
    return {loan_id: each.differences for loan_id, each in mended.items()}


def _is_alien(difference: Difference) -> bool:
    return difference.rebuilt is None and not difference.column


def _as_json(difference: Difference) -> list[str]:
    return [difference.row, difference.column, str(difference.stored), str(difference.rebuilt)]
