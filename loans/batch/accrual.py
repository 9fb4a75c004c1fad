"""Non-accrual (表外应收利息): billed interest of loans long past due or non-performing does not count as income.

A reconciler: it makes what a loan holds off the balance sheet equal to its billed and unpaid interest, else to
nothing, by posting the difference. The borrower's debt is never touched; what a payment, a reversal or a late receipt
moved in between is made good the same evening.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from loans import sql
from loans.batch.chunks import scope_of
from loans.queries import lock_positions, parameter
from loans.queries.evening import Cuts, cut
from loans.rules.aging import NON_PERFORMING, days_past_due, is_non_accrual
from loans.rules.money import fen
from loans.sql import array
from loans.writing import Header, write_postings


def non_accrual_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose interest moves off the balance sheet or back."""
    return cut(sql.NON_ACCRUAL_CANDIDATES, {**scope_of(as_of, 0, None, None), **_limits(as_of)}, size)


def _most_days(on: date) -> int:
    return int(parameter("non_accrual_dpd", on, default=90))


def _limits(as_of: date) -> dict[str, Any]:
    overdue_before = as_of - timedelta(days=_most_days(as_of))
    return {"overdue_before": overdue_before, "non_performing": array(NON_PERFORMING)}


@transaction.atomic
def non_accrual(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Moves unpaid billed interest off the balance sheet and back; counts of loans either way."""
    most_days = _most_days(as_of)
    scope = {**scope_of(as_of, after, up_to, loan_ids), **_limits(as_of)}
    candidates = [row[0] for row in sql.rows(sql.NON_ACCRUAL_CANDIDATES, scope)]
    counts = {"taken_off": 0, "taken_back": 0}
    if not candidates:
        return counts
    # Decided again under the lock: a receipt may have come in since the look.
    positions = lock_positions(candidates)
    unpaid = dict(sql.rows(sql.UNPAID_INTEREST, {"loan_ids": array(positions)}))
    held: dict[int, int] = {}
    postings = []
    for loan_id, position in positions.items():
        days = days_past_due(position.overdue_since, as_of)
        wanted = unpaid.get(loan_id, 0) if is_non_accrual(days, position.five_class, most_days) else 0
        more = wanted - fen(position.off_balance_interest)
        if not more:
            continue
        held[loan_id] = wanted
        counts["taken_off" if more > 0 else "taken_back"] += 1
        lines = (("INTEREST_INCOME", None, more), ("INTEREST_OFF_BALANCE", None, -more))
        postings.append((Header(loan_id, "NON_ACCRUAL", as_of), lines))
    if held:
        write_postings(postings, as_of=as_of, at=at)
        sql.run(sql.APPLY_NON_ACCRUAL, {"loan_id": array(held), "held": array(held.values())})
    return counts
