"""Applies approved repricing: on each loan's day its new terms are written as they were previewed, or it is held back.

Under the lock the engine computes each loan once more. Terms, pricing, the LPR that counts and the hash of the schedule
have to be those of the preview; what is not is held with its reason and stands on the list of missed repricings until
another run. A loan whose rate stays only gets its next repricing day.
"""

import json
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction

from journal.actions import record_many
from loans import sql
from loans.batch.chunks import Cuts, cuts, scope_of
from loans.facts import loan_fact
from loans.models import Position, TermsSource
from loans.queries import lock_positions
from loans.queries.repricing import market_of_days, outcomes
from loans.queries.terms import LoanTerms
from loans.rules.continuation import to_json
from loans.rules.money import rate_ppm, yuan
from loans.rules.pricing import Agreed, Outcome
from loans.rules.schedule import ENGINE_VERSION
from loans.sql import array, int_array
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


class _Done(NamedTuple):
    """An item with its loan's terms and what its day means by now."""

    item: _Item
    terms: LoanTerms
    outcome: Outcome


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
    positions = lock_positions(due)
    scope["loan_ids"] = array(due)
    items = {each.loan_id: each for each in map(_Item._make, sql.rows(statements.GATHER_DUE_ITEMS, scope))}
    applied: list[_Done] = []
    ends: list[tuple[_Item, str, str]] = []
    ended = set(items)
    for terms, agreed, outcome in outcomes({key: each.effective_on for key, each in items.items()}, market_of_days()):
        item = items[terms.loan_id]
        ended.discard(item.loan_id)
        reason = _moved(item, positions[item.loan_id], terms, agreed, outcome, as_of)
        if reason:
            ends.append((item, HELD, reason))
        elif outcome.repriced is None:
            ends.append((item, UNCHANGED, ""))
        else:
            ends.append((item, APPLIED, ""))
            applied.append(_Done(item, terms, outcome))
    ends += [(items[loan_id], HELD, "loan_ended") for loan_id in ended]
    _write_terms(applied)
    _end_items(ends, as_of, at)
    for name, state in zip(counts, (APPLIED, UNCHANGED, HELD), strict=True):
        counts[name] = sum(each[1] == state for each in ends)
    return counts


def _moved(
    item: _Item, position: Position, terms: LoanTerms, agreed: Agreed | None, outcome: Outcome, as_of: date
) -> str:
    """Why an item may not be applied as it was previewed: a code and its figures; empty when it may."""
    day, new = item.effective_on, outcome.repriced
    if position.settled_on or position.accelerated_on or position.written_off_on:
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


def _write_terms(applied: list[_Done]) -> None:
    """New versions of the terms, and the positions that go on by them."""
    if not applied:
        return
    rows, hot = [], []
    for item, terms, outcome in applied:
        assert outcome.repriced is not None
        plan = outcome.repriced.plan
        rows.append(
            (item.loan_id, terms.version + 1, item.effective_on, yuan(sum(plan.principal_fen)),
             _percent(plan.rate_ppm), yuan(plan.installment_fen), plan.first_number, len(plan.rows),
             plan.plain_from, json.dumps(to_json(plan.request)), TermsSource.REPRICING.value, item.id, ENGINE_VERSION,
             plan.sha256, int_array(plan.principal_fen), int_array(plan.interest_fen))
        )  # fmt: skip
        hot.append((item.loan_id, plan.rate_ppm, plan.installment_fen, plan.last_number, plan.matures_on))
    sql.copy_rows("loans_terms", _TERMS_COLUMNS, rows)
    ids, rates, installments, last_numbers, maturities = map(array, zip(*hot, strict=True))
    values = {"loan_id": ids, "rate_ppm": rates, "installment": installments, "last_number": last_numbers}
    sql.run(statements.APPLY_REPRICED, values)
    sql.run(statements.APPLY_MATURITY, {"loan_id": ids, "matures_on": maturities})


def _end_items(ends: list[tuple[_Item, str, str]], as_of: date, at: datetime) -> None:
    """What became of each item; who was repriced goes on to the next repricing day."""
    values: dict[str, Any] = {
        "id": array(item.id for item, _state, _reason in ends),
        "state": array(state for _item, state, _reason in ends),
        "reason": array(reason or None for _item, _state, reason in ends),
        "as_of": as_of,
    }
    sql.run(statements.END_APPLIED, values)
    went = [item for item, state, _reason in ends if state != HELD]
    if went:
        days = array(each.next_repricing_on for each in went)
        sql.run(statements.APPLY_NEXT_REPRICING, {"loan_id": array(each.loan_id for each in went), "day": days})
    record_many(
        loan_fact(_FACTS[state], item.loan_id, as_of, at, "system", _told(item, reason))
        for item, state, reason in ends
        if state in _FACTS
    )


_FACTS = {APPLIED: "loans.repriced", HELD: "loans.repricing_held"}


def _told(item: _Item, reason: str) -> dict[str, Any]:
    data = {"item": item.id, "effective_on": str(item.effective_on), "to": f"{item.new_rate_percent}"}
    return {**data, "reason": reason} if reason else data
