"""Aging and classes: who became overdue, who owes one more installment late, who is cured, whose class moved."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from journal.actions import record_many
from journal.models import Entry
from loans import sql
from loans.batch.chunks import scope_of
from loans.facts import RECORD_CHANGED, began_fact, class_fact, cured_fact, moved_fact, record_fact
from loans.queries import calendar, lock_positions, overdue_grace_days
from loans.queries.evening import Cuts, cut
from loans.rules import aging
from loans.sql import array


class _Recognised(NamedTuple):
    """The latest due day that is recognised at the close of a date, and at the close before it."""

    recognised_until: date
    recognised_before: date


def _recognised(as_of: date) -> _Recognised:
    days, grace_days = calendar(as_of - timedelta(days=40), as_of), overdue_grace_days(as_of)
    until, before = (aging.recognised_due_until(day, grace_days, days) for day in (as_of, as_of - timedelta(days=1)))
    return _Recognised(until, before)


def age_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose overdue day changes."""
    scope = {**scope_of(as_of, 0, None, None), **_recognised(as_of)._asdict()}
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
    recognised = _recognised(as_of)
    scope = {**scope_of(as_of, after, up_to, loan_ids), **recognised._asdict()}
    candidates = sorted(row[0] for row in sql.rows(sql.AGE_CANDIDATES, scope))
    counts = {"began": 0, "further": 0, "moved": 0, "cured": 0}
    if not candidates:
        return counts
    # Decided again under the lock: a receipt may have come in since the look.
    positions = lock_positions(candidates)
    unpaid: dict[int, list[aging.UnpaidInstallment]] = {loan_id: [] for loan_id in positions}
    for loan_id, _number, due_on, overdue_from, *_owed in sql.rows(sql.GATHER_UNPAID, {"loan_ids": array(positions)}):
        unpaid[loan_id].append(aging.UnpaidInstallment(due_on, overdue_from))
    baselines = dict(sql.rows(_BASELINES, {"loan_ids": array(positions)}))
    changes: dict[int, date | None] = {}
    further: dict[int, list[date]] = {}
    facts: list[Entry] = []
    for loan_id, position in positions.items():
        since = aging.overdue_since(unpaid[loan_id], recognised.recognised_until, baselines[loan_id])
        before = position.overdue_since
        if since == before:
            new = [row.due_on for row in unpaid[loan_id] if since and _is_new(row.due_on, since, recognised)]
            if new:
                further[loan_id] = new
            continue
        changes[loan_id] = since
        if before is None and since is not None:
            counts["began"] += 1
            facts.append(began_fact(loan_id, since, as_of, at))
        elif before is not None and since is None:
            counts["cured"] += 1
            facts.append(cured_fact(loan_id, before, as_of, at, "system"))
        elif before is not None and since is not None:
            counts["moved"] += 1
            facts.append(moved_fact(loan_id, before, since, as_of, at))
    if changes:
        sql.run(sql.APPLY_OVERDUE, {"loan_id": array(changes), "overdue_since": array(changes.values())})
    again = _untold(further, as_of)
    counts["further"] = len(again)
    record_many([*facts, *(record_fact(loan_id, days, as_of, at) for loan_id, days in again.items())])
    return counts


def _is_new(due_on: date, since: date, recognised: _Recognised) -> bool:
    """Is an installment late since this close, of a loan that was overdue before?"""
    return since < due_on and recognised.recognised_before < due_on <= recognised.recognised_until


def _untold(further: Mapping[int, list[date]], as_of: date) -> dict[int, list[date]]:
    """Due days of further installments that are late now, without those that the journal tells of already."""
    if not further:
        return {}
    told = Entry.objects.filter(kind=RECORD_CHANGED, loan_id__in=list(further), business_date=as_of)
    known = {(loan_id, day) for loan_id, data in told.values_list("loan_id", "data") for day in data["due_on"]}
    left = {loan_id: [day for day in days if (loan_id, str(day)) not in known] for loan_id, days in further.items()}
    return {loan_id: days for loan_id, days in left.items() if days}


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
