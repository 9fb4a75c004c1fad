"""How loans stand towards their signed terms: what the engine needs to go on from here."""

# ruff: noqa: S608 - the statement is joined from constants of this file only; values always travel as parameters.
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from loans import sql
from loans.rules.continuation import Plan, Standing, continuation, from_json, plan_of
from loans.sql import array

# All that a request foresaw is met and plain months are left: the standing says the same without it.
_IS_PLAIN = """coalesce(
    p.next_number > t.plain_from AND p.next_number < p.last_number AND t.request ->> 'method' = l.repayment_method
    AND (t.request ->> 'due_day')::int = l.due_day
    AND t.first_number + (t.request ->> 'installments')::int - 1 = p.last_number
    AND NOT t.request ?| ARRAY['installment_fen', 'is_bound', 'rounding', 'day_count', 'pauses', 'prepayments',
                               'grace_installments'], false)"""
# A loan taken over after its maturity runs to its last installment.
_STANDINGS = f"""
SELECT p.loan_id, p.next_number, p.next_due_on, (p.unbilled_principal * 100)::bigint,
       (p.annual_rate_percent * 10000)::int, (p.installment_amount * 100)::bigint, l.repayment_method, l.due_day,
       p.last_number, greatest(l.matures_on, p.next_due_on), CASE WHEN NOT {_IS_PLAIN} THEN t.request END,
       t.first_number, t.version, t.schedule_sha256
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
JOIN LATERAL (SELECT s.request, s.first_number, s.plain_from, s.version, s.schedule_sha256 FROM loans_terms s
              WHERE s.loan_id = p.loan_id ORDER BY s.version DESC LIMIT 1) t ON true
WHERE p.loan_id = ANY(%(loan_ids)s::bigint[]) AND p.next_number IS NOT NULL ORDER BY p.loan_id
"""


class LoanTerms(NamedTuple):
    """A loan with installments left to bill, and the version of its terms that says so."""

    loan_id: int
    standing: Standing
    version: int
    schedule_sha256: str

    def plan(self) -> Plan:
        """What is still to be billed, recomputed by the engine from the terms in force."""
        return plan_of(continuation(self.standing), self.standing.number, matures_on=self.standing.matures_on)


def terms_of(loan_ids: Iterable[int]) -> dict[int, LoanTerms]:
    """By loan id; loans with nothing left to bill are not among them. Callers that write hold the positions' locks."""
    return {row[0]: _terms(row) for row in sql.rows(_STANDINGS, {"loan_ids": array(sorted(set(loan_ids)))})}


def _terms(row: tuple[Any, ...]) -> LoanTerms:
    loan_id, number, due_on, unbilled, rate, installment, method, due_day, last, matures_on, request, first, *rest = row
    standing = Standing(
        number=number,
        next_due_on=due_on,
        unbilled_fen=unbilled,
        rate_ppm=rate,
        installment_fen=installment,
        method=method,
        due_day=due_day,
        last_number=last,
        matures_on=matures_on,
        request=from_json(json.loads(request)) if request else None,
        request_number=first,
    )
    return LoanTerms(loan_id, standing, *rest)
