"""Applies approved repricing: on each loan's day its new terms are written as they were previewed, or it is held back.

Under the lock the engine computes each loan once more. Terms, pricing, the LPR that counts and the hash of the schedule
have to be those of the preview; what is not is held with its reason and stands on the list of missed repricings until
another run. A loan whose rate stays only gets its next repricing day.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction

from journal.actions import record_of_loans
from loans import sql
from loans.batch.chunks import Cuts, cuts, scope_of
from loans.models import TermsSource
from loans.queries.repricing import market_of_days, outcomes
from loans.queries.terms import LoanTerms
from loans.rules.continuation import Plan
from loans.rules.money import rate_ppm, yuan
from loans.rules.plain_repricing import Columns
from loans.rules.pricing import Agreed, Outcome
from loans.rules.schedule import ENGINE_VERSION
from loans.rules.simulation_request import NEXT_PERIOD
from loans.sql import array
from loans.sql import repricing as statements

REPRICE = "reprice"
APPLIED, UNCHANGED, HELD = "APPLIED", "UNCHANGED", "HELD"


def reprice_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans with an approved repricing due."""
    return cuts(statements.DUE_REPRICINGS, as_of, size)


class _Item(NamedTuple):
    """An approved item as `GATHER_DUE_ITEMS` reads it."""

    id: int
    loan_id: int
    effective_on: date
    tenor: str
    lpr_percent: Decimal
    spread_bp: Decimal
    new_rate_percent: Decimal
    terms_version: int
    schedule_sha256: str
    next_repricing_on: date | None
    # The day lies behind and penalty was paid since, at the old rate.
    has_charges_since: bool


class _Locked(NamedTuple):
    """A position under its lock (`LOCK_DUE`)."""

    loan_id: int
    next_repricing_on: date | None
    # Settled, accelerated or written off.
    has_ended: bool


@transaction.atomic
def reprice(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Applies the approved items of the day and of days before; counts of loans repriced, unchanged and held."""
    counts = {"repriced": 0, "rate_unchanged": 0, "repricing_held": 0}
    scope = scope_of(as_of, after, up_to, loan_ids)
    due = [row[0] for row in sql.rows(statements.DUE_LOANS, scope)]
    if not due:
        return counts
    scope["loan_ids"] = array(due)
    locked = {row[0]: _Locked(*row) for row in sql.rows(statements.LOCK_DUE, scope)}
    sql.rows(statements.HOLD_RUNS, scope)
    items = {each.loan_id: each for each in map(_Item._make, sql.rows(statements.GATHER_DUE_ITEMS, scope))}
    chunk = _Chunk(items, locked, as_of)
    found = outcomes({key: each.effective_on for key, each in items.items()}, market_of_days())
    sql.copy_as_made("loans_terms", _TERMS_COLUMNS, chunk.terms(found))
    _move_positions(chunk)
    _end_items(chunk.ends, as_of, at)
    for name, state in zip(counts, (APPLIED, UNCHANGED, HELD), strict=True):
        counts[name] = sum(each[1] == state for each in chunk.ends)
    return counts


class _Chunk:
    """Items on their way: what became of each, and how the positions of those repriced go on."""

    def __init__(self, items: dict[int, _Item], locked: dict[int, _Locked], as_of: date) -> None:
        self._items, self._locked, self._as_of = items, locked, as_of
        self.ends: list[tuple[_Item, str, str]] = []
        # Loan, rate, installment, last number, next repricing day, the day from which interest runs at the rate, and
        # whether the rate waits for the next period.
        self.hot: list[tuple[int, int, int, int, date | None, date | None, bool]] = []
        # Contracts that end on another day than before, by loan id.
        self.maturities: dict[int, date] = {}

    def terms(self, found: Iterable[tuple[LoanTerms, Agreed | None, Outcome]]) -> Iterator[tuple[Any, ...]]:
        """The new versions of the terms, as COPY takes them; what becomes of the others is only noted."""
        left = dict(self._items)
        for terms, agreed, outcome in found:
            item = left.pop(terms.loan_id)
            reason = _moved(item, self._locked[item.loan_id], terms, agreed, outcome, self._as_of)
            new = outcome.repriced
            self.ends.append((item, HELD if reason else APPLIED if new else UNCHANGED, reason))
            if not reason and new is not None:
                yield self._row(item, terms, new.plan)
        self.ends += [(item, HELD, "loan_ended") for item in left.values()]

    def _row(self, item: _Item, terms: LoanTerms, plan: Plan | Columns) -> tuple[Any, ...]:
        next_on = item.next_repricing_on
        waits = _waits(plan, item.effective_on)
        from_on = None if waits is None else item.effective_on
        hot = (item.loan_id, plan.rate_ppm, plan.installment_fen, plan.last_number)
        self.hot.append((*hot, next_on, from_on, bool(waits)))
        if plan.matures_on != terms.standing.matures_on:
            self.maturities[item.loan_id] = plan.matures_on
        principal = plan.principal_fen
        return (
            item.loan_id, terms.version + 1, item.effective_on, yuan(sum(principal)), _percent(plan.rate_ppm),
            yuan(plan.installment_fen), plan.first_number, len(principal), plan.plain_from, plan.request_json,
            TermsSource.REPRICING.value, item.id, ENGINE_VERSION, item.schedule_sha256, f"{{{plan.principal_text}}}",
            f"{{{plan.interest_text}}}",
        )  # fmt: skip


def _waits(plan: Plan | Columns, day: date) -> bool | None:
    """Does the rate of a day wait for the next period? None where only the terms can tell how interest runs."""
    if isinstance(plan, Columns):
        # On the first day of a period nothing waits, and no row is apart from the plain ones.
        return f'"{NEXT_PERIOD}"' in plan.request_json and plan.plain_from > plan.first_number
    request = plan.request
    if request.pauses:
        return None
    return any(each.variant == NEXT_PERIOD and each.effective_on == day for each in request.rate_changes) and (
        day > request.disbursed_on
    )


def _moved(
    item: _Item, position: _Locked, terms: LoanTerms, agreed: Agreed | None, outcome: Outcome, as_of: date
) -> str:
    """Why an item may not be applied as it was previewed: a code and its figures; empty when it may."""
    day, new = item.effective_on, outcome.repriced
    if position.has_ended:
        return "loan_ended"
    if position.next_repricing_on != day:
        return f"day_moved {day} {position.next_repricing_on or '-'}"
    if terms.version != item.terms_version:
        return f"terms_changed {item.terms_version} {terms.version}"
    if outcome.reason:
        return outcome.reason
    if agreed is None or (agreed.tenor, agreed.spread_bp) != (item.tenor, item.spread_bp):
        return f"spread_changed {item.spread_bp} {agreed.spread_bp if agreed else '-'}"
    if outcome.lpr is None or outcome.lpr.rate_ppm != rate_ppm(item.lpr_percent):
        now = _percent(outcome.lpr.rate_ppm) if outcome.lpr else "-"
        return f"lpr_changed {item.lpr_percent} {now}"
    if outcome.next_on != item.next_repricing_on:
        return f"cycle_changed {item.next_repricing_on or '-'} {outcome.next_on or '-'}"
    if new is None:
        return "" if outcome.rate_ppm == rate_ppm(item.new_rate_percent) else "plan_differs"
    if new.plan.first_number != terms.standing.number:
        return f"billing_behind {terms.standing.next_due_on}"
    if item.has_charges_since:
        return f"charges_since {day}"
    return "" if new.plan.sha256 == item.schedule_sha256 else "plan_differs"


def _percent(ppm: int) -> Decimal:
    return Decimal(ppm).scaleb(-4)


_TERMS_COLUMNS = (
    "loan_id", "version", "effective_on", "principal", "annual_rate_percent", "installment_amount", "first_number",
    "installments", "plain_from", "request", "source", "source_id", "engine_version", "schedule_sha256",
    "principal_fen", "interest_fen",
)  # fmt: skip


def _move_positions(chunk: _Chunk) -> None:
    """Positions go on by their new terms."""
    if not chunk.hot:
        return
    names = ("loan_id", "rate_ppm", "installment", "last_number", "day", "from_on", "waits")
    sql.run(statements.APPLY_REPRICED, dict(zip(names, map(array, zip(*chunk.hot, strict=True)), strict=True)))
    if chunk.maturities:
        days = {"loan_id": array(chunk.maturities), "matures_on": array(chunk.maturities.values())}
        sql.run(statements.APPLY_MATURITY, days)


def _end_items(ends: list[tuple[_Item, str, str]], as_of: date, at: datetime) -> None:
    """What became of each item; whose rate stays goes on to the next repricing day."""
    values: dict[str, Any] = {
        "id": array(item.id for item, _state, _reason in ends),
        "state": array(state for _item, state, _reason in ends),
        "reason": array(reason or None for _item, _state, reason in ends),
        "as_of": as_of,
    }
    sql.run(statements.END_APPLIED, values)
    stay = [item for item, state, _reason in ends if state == UNCHANGED]
    if stay:
        days = array(each.next_repricing_on for each in stay)
        sql.run(statements.APPLY_NEXT_REPRICING, {"loan_id": array(each.loan_id for each in stay), "day": days})
    for state, kind in _FACTS.items():
        facts = [(item.loan_id, _told(item, reason)) for item, found, reason in ends if found == state]
        record_of_loans(kind=kind, facts=facts, by="system", at=at, business_date=as_of)


_FACTS = {APPLIED: "loans.repriced", HELD: "loans.repricing_held"}


def _told(item: _Item, reason: str) -> dict[str, Any]:
    data = {"item": item.id, "effective_on": str(item.effective_on), "to": f"{item.new_rate_percent}"}
    return {**data, "reason": reason} if reason else data
