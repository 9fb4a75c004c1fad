"""Values of an area, by set: what a change would do to its loans, and doing it.

The value of every home of the district valued by the day changes by the same percent; a loan is affected where its
ratio passes one of the limits, in whichever direction, or where it stands above the lowest of them afterwards. Only
affected loans get a fact of their own (`collateral.revalued`), so that the rooms above look at nothing else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from collateral.models import AreaRevaluation
from journal.actions import record, record_of_loans

# Loans of the district with their ratio before and after; several homes and shared homes count as everywhere.
_RATIOS = """
WITH homes AS (
    SELECT id, value, round(value * (100 + %(percent)s::numeric) / 100, 2) AS new FROM collateral_property
     WHERE district = %(district)s AND value IS NOT NULL AND valued_on <= %(valued_on)s
), touched AS (
    SELECT DISTINCT c.loan_id FROM homes h JOIN collateral_charge c ON c.property_id = h.id
), worth AS (
    SELECT c.loan_id, sum(p.value) AS before, sum(coalesce(h.new, p.value)) AS after
      FROM touched t JOIN collateral_charge c ON c.loan_id = t.loan_id
      JOIN collateral_property p ON p.id = c.property_id LEFT JOIN homes h ON h.id = p.id
     GROUP BY c.loan_id HAVING count(*) = count(p.value)
), beside AS (
    SELECT other.loan_id, sum(q.principal_balance) AS balance FROM (
        SELECT DISTINCT c.loan_id, d.loan_id AS beside_id FROM touched t
          JOIN collateral_charge c ON c.loan_id = t.loan_id
          JOIN collateral_charge d ON d.property_id = c.property_id AND d.loan_id <> c.loan_id) other
      JOIN loans_position q ON q.loan_id = other.beside_id
     GROUP BY other.loan_id
), ratios AS (
    SELECT w.loan_id, (p.principal_balance + coalesce(b.balance, 0)) * 100 / w.before AS before,
           (p.principal_balance + coalesce(b.balance, 0)) * 100 / w.after AS after
      FROM worth w JOIN loans_position p ON p.loan_id = w.loan_id AND p.settled_on IS NULL
      LEFT JOIN beside b ON b.loan_id = w.loan_id
)
"""
_COUNTS = f"""
{_RATIOS}
SELECT (SELECT count(*) FROM homes), (SELECT count(*) FROM ratios),
       (SELECT jsonb_object_agg(l.name, l.loans) FROM (
            SELECT n::text AS name, (SELECT count(*) FROM ratios WHERE before < n AND after >= n) AS loans
              FROM unnest(%(limits)s::numeric[]) AS n) AS l)
"""  # noqa: S608 - joined from constants
_AFFECTED = f"""
{_RATIOS}
SELECT loan_id, round(before, 4), round(after, 4) FROM ratios
 WHERE %(all)s OR after >= (SELECT min(n) FROM unnest(%(limits)s::numeric[]) AS n)
    OR EXISTS (SELECT FROM unnest(%(limits)s::numeric[]) AS n WHERE (before >= n) <> (after >= n))
 ORDER BY loan_id
"""  # noqa: S608 - joined from constants
_APPLY = """
WITH homes AS (
    UPDATE collateral_property
       SET value = round(value * (100 + %(percent)s::numeric) / 100, 2), valued_on = %(valued_on)s
     WHERE district = %(district)s AND value IS NOT NULL AND valued_on <= %(valued_on)s
    RETURNING id, value
)
INSERT INTO collateral_valuation (property_id, value, valued_on, source)
SELECT id, value, %(valued_on)s, %(source)s FROM homes ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class AreaOutlook:
    """Homes and loans of an area, and how many of the loans rise past each limit."""

    homes: int
    loans: int
    past: dict[str, int]


def area_outlook(*, district: str, change_percent: Decimal, valued_on: date, limits: Sequence[Decimal]) -> AreaOutlook:
    """What the change would do; writes nothing."""
    asked: dict[str, Any] = {
        "district": district,
        "percent": change_percent,
        "valued_on": valued_on,
        "limits": list(limits),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, asked)
        homes, loans, past = cursor.fetchone()
    return AreaOutlook(homes, loans, json.loads(past or "{}"))


def revalue_area(
    *, area: AreaRevaluation, limits: Sequence[Decimal], wakes_all: bool, by: str, as_of: date, at: datetime
) -> dict[str, Any]:
    """Values every home of the area anew and tells of the affected loans; of all its loans with `wakes_all`.

    Four statements whatever the homes. The caller decides that it is to be done, once.
    """
    asked: dict[str, Any] = {
        "district": area.district, "percent": area.change_percent, "valued_on": area.valued_on, "all": wakes_all,
        "limits": list(limits), "source": f"area:{area.pk}",
    }  # fmt: skip
    found = area_outlook(
        district=area.district, change_percent=area.change_percent, valued_on=area.valued_on, limits=limits
    )
    with connection.cursor() as cursor:
        cursor.execute(_AFFECTED, asked)
        affected = cursor.fetchall()
        cursor.execute(_APPLY, asked)
    counts = {"homes": found.homes, "loans": found.loans, "past": found.past, "affected": len(affected)}
    told = [
        (loan_id, {"area": area.pk, "before": str(before), "after": str(after)}) for loan_id, before, after in affected
    ]
    record(
        kind="collateral.area_revalued", subject_type="area_revaluation", subject_id=area.pk, by=by, at=at,
        business_date=as_of, data=counts,
    )  # fmt: skip
    record_of_loans(kind="collateral.revalued", facts=told, by=by, at=at, business_date=as_of)
    return counts
