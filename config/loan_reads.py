"""What a loan's page shows of the rooms beside the loan, in one statement: grade, means, what else the homes secure,
their latest valuations, the visit under way, whether the borrower wants reminders. Each stands on an index by loan or
by what the loan names."""

import json
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from followups.models import OPEN_STATES
from loans import sql
from loans.models import Loan
from risk.models import Grade

VALUATIONS_SHOWN = 5
_BESIDE = """
SELECT g.level, m.known, m.monthly_income, m.other_monthly_debt, b.balance, t.id, n.ground,
       (SELECT value FROM loans_parameter WHERE code = 'non_accrual_dpd' AND in_force @> %(closed_on)s::date),
       v.property_ids, v.valued_on, v.value, v.source
FROM (SELECT 1) one
LEFT JOIN risk_grade g ON g.loan_id = %(loan_id)s AND g.superseded_on IS NULL
LEFT JOIN LATERAL (
    SELECT true AS known, monthly_income, other_monthly_debt FROM people_financialprofile
    WHERE party_id = %(party_id)s ORDER BY known_on DESC, id DESC LIMIT 1) m ON true
LEFT JOIN LATERAL (
    SELECT sum(q.principal_balance) AS balance FROM (
        SELECT DISTINCT d.loan_id FROM collateral_charge c
        JOIN collateral_charge d ON d.property_id = c.property_id AND d.loan_id <> c.loan_id
        WHERE c.loan_id = %(loan_id)s) o JOIN loans_position q ON q.loan_id = o.loan_id) b ON true
LEFT JOIN LATERAL (
    SELECT id FROM followups_visittask WHERE loan_id = %(loan_id)s AND state = ANY(%(open_states)s)
    ORDER BY created_on DESC, id DESC LIMIT 1) t ON true
LEFT JOIN correspondence_contactpreference n
    ON n.party_id = %(party_id)s AND n.channel = 'SMS' AND n.ended_at IS NULL
LEFT JOIN LATERAL (
    SELECT array_agg(property_id) AS property_ids, array_agg(valued_on) AS valued_on, array_agg(value) AS value,
           array_agg(source) AS source
    FROM (SELECT c.property_id, w.valued_on, w.value, w.source FROM collateral_charge c CROSS JOIN LATERAL (
              SELECT valued_on, value, source, id FROM collateral_valuation
              WHERE property_id = c.property_id ORDER BY valued_on DESC, id DESC LIMIT %(shown)s) w
          WHERE c.loan_id = %(loan_id)s ORDER BY c.id, w.valued_on DESC, w.id DESC) s) v ON true
"""


class Means(NamedTuple):
    """What was last known of the borrower's means."""

    monthly_income: Decimal | None
    other_monthly_debt: Decimal | None


class ValuationRow(NamedTuple):
    valued_on: date
    value: Decimal
    source: str


class Beside(NamedTuple):
    grade: Grade | None
    means: Means | None
    balance_beside: Decimal
    # The latest task that is not ended; None when there is none.
    open_task_id: int | None
    # Why the borrower gets no reminders; empty when they do.
    unwanted: str
    # After how many days past due interest was no income at the last close.
    non_accrual_dpd: int
    # By property, the latest first.
    valuations: dict[int, list[ValuationRow]]


def beside(loan: Loan, closed_on: date | None) -> Beside:
    values: dict[str, Any] = {
        "loan_id": loan.pk,
        "party_id": loan.borrower_id,
        "open_states": [str(state) for state in OPEN_STATES],
        "shown": VALUATIONS_SHOWN,
        "closed_on": closed_on,
    }
    ((level, is_known, income, debt, balance, task_id, ground, most_days, homes, *columns),) = sql.rows(_BESIDE, values)
    valuations: dict[int, list[ValuationRow]] = {}
    for home, *row in zip(homes or (), *(column or () for column in columns), strict=True):
        valuations.setdefault(home, []).append(ValuationRow(*row))
    return Beside(
        Grade(loan_id=loan.pk, level=level) if level else None,
        Means(income, debt) if is_known else None,
        balance or Decimal(0),
        task_id,
        ground or "",
        int(json.loads(most_days or "90")),
        valuations,
    )
