"""Aging and classes: who became overdue, who is cured, whose class moved."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction

from journal.actions import record_many
from journal.models import Entry
from loans import sql
from loans.batch.chunks import scope_of
from loans.facts import began_fact, class_fact, cured_fact
from loans.queries import calendar, lock_positions, overdue_grace_days
from loans.queries.evening import Cuts, cut
from loans.rules import aging
from loans.sql import array


def _recognised_until(as_of: date) -> date:
    days = calendar(as_of - timedelta(days=40), as_of)
    return aging.recognised_due_until(as_of, overdue_grace_days(as_of), days)


def age_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose overdue day changes."""
    scope = {**scope_of(as_of, 0, None, None), "recognised_until": _recognised_until(as_of)}
    return cut(sql.AGE_CANDIDATES, scope, size)


def class_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose class changes."""
    return cut(sql.CLASS_CANDIDATES, {**scope_of(as_of, 0, None, None), **aging.crossing_dates(as_of)}, size)


@transaction.atomic
def age(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Recognises unpaid installments as overdue and clears what is cured."""
    until = _recognised_until(as_of)
    scope = {**scope_of(as_of, after, up_to, loan_ids), "recognised_until": until}
    candidates = sorted(row[0] for row in sql.rows(sql.AGE_CANDIDATES, scope))
    counts = {"began": 0, "moved": 0, "cured": 0}
    if not candidates:
        return counts
    # Decided again under the lock: a receipt may have come in since the look.
    positions = lock_positions(candidates)
    unpaid: dict[int, list[aging.UnpaidInstallment]] = {loan_id: [] for loan_id in positions}
    for loan_id, _number, due_on, overdue_from, *_owed in sql.rows(sql.GATHER_UNPAID, {"loan_ids": array(positions)}):
        unpaid[loan_id].append(aging.UnpaidInstallment(due_on, overdue_from))
    baselines = dict(sql.rows(_BASELINES, {"loan_ids": array(positions)}))
    changes: dict[int, date | None] = {}
    facts: list[Entry] = []
    for loan_id, position in positions.items():
        since = aging.overdue_since(unpaid[loan_id], until, baselines[loan_id])
        before = position.overdue_since
        if since == before:
            continue
        changes[loan_id] = since
        if before is None and since is not None:
            counts["began"] += 1
            facts.append(began_fact(loan_id, since, as_of, at))
        elif before is not None and since is None:
            counts["cured"] += 1
            facts.append(cured_fact(loan_id, before, as_of, at, "system"))
        else:
            counts["moved"] += 1
    if changes:
        sql.run(sql.APPLY_OVERDUE, {"loan_id": array(changes), "overdue_since": array(changes.values())})
        record_many(facts)
    return counts


_BASELINES = "SELECT id, baseline_on FROM loans_loan WHERE id = ANY(%(loan_ids)s::bigint[])"


@transaction.atomic
def classify(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Gives loans the five-class of their days past due, not better than the floor of an observation."""
    scope = {**scope_of(as_of, after, up_to, loan_ids), **aging.crossing_dates(as_of)}
    candidates = [row[0] for row in sql.rows(sql.CLASS_CANDIDATES, scope)]
    if not candidates:
        return {"changed": 0}
    changes: dict[int, str] = {}
    facts: list[Entry] = []
    for loan_id, position in lock_positions(candidates).items():
        days = aging.days_past_due(position.overdue_since, as_of)
        floor = position.class_floor
        name = aging.class_of(days, floor)
        if name != position.five_class:
            changes[loan_id] = name
            facts.append(class_fact(loan_id, position.five_class, name, days, as_of, at, floor=floor))
    if changes:
        sql.run(sql.APPLY_CLASS, {"loan_id": array(changes), "five_class": array(changes.values())})
        record_many(facts)
    return {"changed": len(changes)}
