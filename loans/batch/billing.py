"""Billing: installments due are billed by the engine's step, or by the stored request where the terms have something
particular in that row, and checked against what was signed."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import hold_back, release
from journal.models import HeldBack
from loans import posting, sql
from loans.batch.chunks import Cuts, cuts, scope_of
from loans.batch.subsidy import subsidised
from loans.rules.accrual import Running, running_after
from loans.rules.continuation import from_json, row_of
from loans.rules.dates import following_due_date
from loans.rules.money import rate_ppm
from loans.rules.schedule import Row, StepPosition, regular_periods, step
from loans.sql import array

BILL = "bill"


def bill_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans with an installment due."""
    return cuts(sql.DUE, as_of, size)


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
    first_number: int | None
    # The request of the terms where the row is no plain month (broken, split, paused, in grace).
    request: str | None


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
    scope = scope_of(as_of, after, up_to, loan_ids)
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
        # What the treasury bears comes first.
        in_suspense -= subsidised(in_suspense, as_of)
    if in_suspense:
        used = posting.use_suspense(loan_ids=in_suspense, as_of=as_of, at=at)
        counts["suspense_used"] = used.get("postings", 0)
    return counts


def step_of(due: _Due) -> Row:
    """The row that the engine gives for a due position: a plain month, or that row of the stored request."""
    if due.request is not None and due.first_number is not None:
        row = row_of(from_json(json.loads(due.request)), due.first_number, due.number)
        # The contract's own last day may lie off the anchor.
        return row._replace(due_on=due.due_on)
    position = StepPosition(due.unbilled_fen, due.installment_fen, due.method)
    ppm = rate_ppm(due.annual_rate_percent)
    (period,) = regular_periods(due.number, (due.due_on,), ppm)
    return step(position, period._replace(is_last=due.number == due.last_number))


def _difference(due: _Due, row: Row) -> str:
    """Why a row is not what was signed; empty when it is."""
    if (row.principal_fen, row.interest_fen) == (due.agreed_principal_fen, due.agreed_interest_fen):
        return "" if row.principal_fen + row.balance_fen == due.unbilled_fen else _other_balance(due, row)
    return _("第%(number)d期：计算结果（本金%(principal)d分、利息%(interest)d分）与签约计划（%(agreed)s）不符") % {
        "number": due.number,
        "principal": row.principal_fen,
        "interest": row.interest_fen,
        "agreed": f"{due.agreed_principal_fen}/{due.agreed_interest_fen}",
    }


def _other_balance(due: _Due, row: Row) -> str:
    return _("第%(number)d期：签约计划的期初余额%(agreed)d分与未出账本金%(unbilled)d分不符") % {
        "number": due.number,
        "agreed": row.principal_fen + row.balance_fen,
        "unbilled": due.unbilled_fen,
    }


def _following(due: _Due) -> date | None:
    if due.number >= due.last_number:
        return None
    return following_due_date(due.due_on, due.due_day, due.matures_on, is_last=due.number + 1 == due.last_number)


def _running(due: _Due) -> Running:
    """The period that begins with the billing; one in which a rate will wait is left to the terms."""
    if due.number >= due.last_number:
        return Running(None)
    request = None if due.request is None else from_json(json.loads(due.request))
    found = running_after(request, due.first_number or 1, due.number, due.due_on)
    return found if found.rate_ppm is None else Running(None)


def _apply_billing(rows: list[tuple[_Due, Row]], as_of: date, at: datetime) -> None:
    following = [_running(due) for due, _row in rows]
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
            "accrues_from": array(each.accrues_from for each in following),
            "accrued_before": array(each.before_fen for each in following),
        },
    )


def _release(loan_ids: set[int]) -> None:
    """Forgets earlier refusals of loans that went through now."""
    known = set(HeldBack.objects.filter(stage=BILL).values_list("subject_id", flat=True)) & loan_ids
    if known:
        release(stage=BILL, subject_ids=known)
