"""The evening's work on loans: bill, post what waits, age, classify.

Every stage takes `(*, as_of, at, after, up_to, loan_ids)`, finds its work through a partial index,
is one transaction, and run twice changes nothing the second time. `after` and `up_to` bound the loan
ids of a chunk (exclusive, inclusive); `boundary` says where a chunk of a given size ends.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import hold_back, record_many, release
from journal.models import Entry, HeldBack
from loans import posting, sql
from loans.facts import began_fact, class_fact, cured_fact
from loans.queries import calendar, lock_positions, overdue_grace_days
from loans.rules import aging
from loans.rules.dates import following_due_date
from loans.rules.money import rate_ppm
from loans.rules.schedule import Row, StepPosition, regular_periods, step
from loans.sql import array

BILL = "bill"


def _scope(as_of: date, after: int, up_to: int | None, loan_ids: Iterable[int] | None) -> dict[str, Any]:
    ids = None if loan_ids is None else array(loan_ids)
    return {"as_of": as_of, "after": after, "up_to": up_to, "loan_ids": ids, "receipt_ids": None}


def _boundary(source: str, as_of: date, after: int, size: int) -> int | None:
    found = sql.rows(
        f"SELECT DISTINCT loan_id {source} ORDER BY loan_id OFFSET %(skip)s LIMIT 1",  # noqa: S608 - our constants
        {**_scope(as_of, after, None, None), "skip": size - 1},
    )
    return found[0][0] if found else None


# ── Billing ──────────────────────────────────────────────────────────────────────────────────────


def bill_boundary(*, as_of: date, after: int, size: int) -> int | None:
    """Id of the size-th loan with an installment due after loan `after`; None when fewer are left."""
    return _boundary(sql.DUE, as_of, after, size)


class _Due(NamedTuple):
    """A due position as `sql.GATHER_DUE` reads it; amounts in fen."""

    loan_id: int
    number: int
    due_on: date
    last_number: int
    unbilled_fen: int
    installment_fen: int
    annual_rate_percent: Any
    has_suspense: bool
    due_day: int
    matures_on: date
    method: str
    agreed_principal_fen: int | None
    agreed_interest_fen: int | None


@transaction.atomic
def bill(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Bills installments due up to `as_of` and pays them from suspense.

    A loan whose next row is not the one its signed terms say is held back; the others go on, and it
    is tried again every evening.
    """
    scope = _scope(as_of, after, up_to, loan_ids)
    counts = {"billed": 0, "held_back": 0, "suspense_used": 0}
    held: set[int] = set()
    billed: set[int] = set()
    in_suspense: set[int] = set()
    while True:
        # A loan that was held back may have several installments to catch up; one a round.
        due = [each for each in map(_Due._make, sql.rows(sql.GATHER_DUE, scope)) if each.loan_id not in held]
        if not due:
            break
        rows = []
        for each in due:
            row = step_of(each)
            reason = _difference(each, row)
            if reason:
                held.add(each.loan_id)
                hold_back(stage=BILL, subject_id=each.loan_id, reason=reason, since=as_of)
            else:
                rows.append((each, row))
                billed.add(each.loan_id)
                if each.has_suspense or each.number == each.last_number:
                    in_suspense.add(each.loan_id)
        if rows:
            _apply_billing(rows, as_of, at)
            counts["billed"] += len(rows)
        if not any((following := _following(each)) and following <= as_of for each, _row in rows):
            break
    counts["held_back"] = len(held)
    if billed:
        _release(billed - held)
    if in_suspense:
        used = posting.use_suspense(loan_ids=in_suspense, as_of=as_of, at=at)
        counts["suspense_used"] = used.get("postings", 0)
    return counts


def step_of(due: _Due) -> Row:
    """The row that the engine gives for a due position."""
    position = StepPosition(due.unbilled_fen, due.installment_fen, due.method)
    ppm = rate_ppm(due.annual_rate_percent)
    (period,) = regular_periods(due.number, (due.due_on,), ppm)
    return step(position, period._replace(is_last=due.number == due.last_number))


def _difference(due: _Due, row: Row) -> str:
    """Why a row is not what was signed; empty when it is."""
    if (row.principal_fen, row.interest_fen) == (due.agreed_principal_fen, due.agreed_interest_fen):
        return ""
    return _("第%(number)d期：计算结果（本金%(principal)d分、利息%(interest)d分）与签约计划（%(agreed)s）不符") % {
        "number": due.number,
        "principal": row.principal_fen,
        "interest": row.interest_fen,
        "agreed": f"{due.agreed_principal_fen}/{due.agreed_interest_fen}",
    }


def _following(due: _Due) -> date | None:
    if due.number >= due.last_number:
        return None
    return following_due_date(due.due_on, due.due_day, due.matures_on, is_last=due.number + 1 == due.last_number)


def _apply_billing(rows: list[tuple[_Due, Row]], as_of: date, at: datetime) -> None:
    sql.run(
        sql.APPLY_BILLING,
        {
            "as_of": as_of,
            "at": at,
            "loan_id": array(due.loan_id for due, _row in rows),
            "number": array(row.number for _due, row in rows),
            "due_on": array(row.due_on for _due, row in rows),
            "principal": array(row.principal_fen for _due, row in rows),
            "interest": array(row.interest_fen for _due, row in rows),
            "next_number": array(due.number + 1 if due.number < due.last_number else None for due, _row in rows),
            "next_due_on": array(_following(due) for due, _row in rows),
        },
    )


def _release(loan_ids: set[int]) -> None:
    """Forgets earlier refusals of loans that went through now."""
    known = set(HeldBack.objects.filter(stage=BILL).values_list("subject_id", flat=True)) & loan_ids
    if known:
        release(stage=BILL, subject_ids=known)


# ── Receipts that waited ─────────────────────────────────────────────────────────────────────────


def waiting_boundary(*, as_of: date, after: int, size: int) -> int | None:
    """Id of the size-th loan with receipts waiting for `as_of` after loan `after`; None when fewer are left."""
    return _boundary(sql.WAITING, as_of, after, size)


@transaction.atomic
def post_waiting_receipts(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Posts receipts whose value date has come, per loan in order of value date and arrival."""
    return posting.post_receipts(as_of=as_of, at=at, after=after, up_to=up_to, loan_ids=loan_ids)


# ── Aging and classes ────────────────────────────────────────────────────────────────────────────


def _recognised_until(as_of: date) -> date:
    days = calendar(as_of - timedelta(days=40), as_of)
    return aging.recognised_due_until(as_of, overdue_grace_days(as_of), days)


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
    scope = {**_scope(as_of, after, up_to, loan_ids), "recognised_until": until}
    candidates = [row[0] for row in sql.rows(sql.AGE_CANDIDATES, scope)]
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
    """Gives loans the five-class of their days past due where it is another than yesterday's."""
    scope = {**_scope(as_of, after, up_to, loan_ids), **aging.crossing_dates(as_of)}
    candidates = [row[0] for row in sql.rows(sql.CLASS_CANDIDATES, scope)]
    if not candidates:
        return {"changed": 0}
    changes: dict[int, str] = {}
    facts: list[Entry] = []
    for loan_id, position in lock_positions(candidates).items():
        days = aging.days_past_due(position.overdue_since, as_of)
        name = aging.five_class(days)
        if name != position.five_class:
            changes[loan_id] = name
            facts.append(class_fact(loan_id, position.five_class, name, days, as_of, at))
    if changes:
        sql.run(sql.APPLY_CLASS, {"loan_id": array(changes), "five_class": array(changes.values())})
        record_many(facts)
    return {"changed": len(changes)}
