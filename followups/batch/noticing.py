"""What day end, valuations, grades, promises and days that ran out tell of loans, as events to be kept.

Nothing is kept here: `answering` does that, and keeps each once a source. Promises are settled here, in the same
statement that reads them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from collateral.models import AreaRevaluation
from collateral.queries import balances_beside
from followups.batch.intake import Told
from followups.rules import events as rules

# How far back the evening's walk looks for what was lost; longer than it takes to walk the book.
LOOKS_BACK = timedelta(days=40)
_BAD = ("SUBSTANDARD", "DOUBTFUL", "LOSS")
_ORDER = ("PASS", "SPECIAL_MENTION", *_BAD)
# A class that arrears of so many days bring is baseline when they stood at cut-over.
_BAD_FROM_DAY = 91

# Days after which an advance notice that could be made a formal mortgage has lapsed, as a row.
NOTICE_DAYS = """(SELECT coalesce((
    SELECT (value #>> '{}')::int FROM loans_parameter
     WHERE code = 'advance_notice_days' AND in_force @> %(as_of)s::date), 90) AS days)"""
_CLASSES = """
SELECT j.id, j.loan_id, j.business_date, j.data ->> 'from', j.data ->> 'to', (j.data ->> 'days_past_due')::int,
       p.overdue_since, l.baseline_on
  FROM journal_entry j JOIN loans_position p ON p.loan_id = j.loan_id JOIN loans_loan l ON l.id = j.loan_id
 WHERE j.loan_id = ANY(%(ids)s) AND j.kind = 'loans.class_changed' AND j.business_date > %(since)s
   AND j.business_date <= %(as_of)s AND p.settled_on IS NULL AND p.five_class = j.data ->> 'to'
   AND NOT EXISTS (SELECT FROM followups_event e
                    WHERE e.source = 'DAY_END' AND e.feed = '' AND e.external_id = 'class:' || j.id)
 ORDER BY j.id
"""
# A valuation beside the one before it of the same home; `rest` is what the loan's other homes are worth.
_VALUES = """
SELECT * FROM (
    SELECT v.id, c.loan_id, v.property_id, v.valued_on, v.source, v.value,
           lag(v.value) OVER (PARTITION BY c.loan_id, v.property_id ORDER BY v.valued_on, v.id) AS before,
           p.principal_balance, l.baseline_on,
           (SELECT CASE WHEN count(*) = count(h.value) THEN coalesce(sum(h.value), 0) END FROM collateral_charge d
              JOIN collateral_property h ON h.id = d.property_id
             WHERE d.loan_id = c.loan_id AND d.property_id <> v.property_id) AS rest
      FROM collateral_charge c
      JOIN collateral_valuation v ON v.property_id = c.property_id
      JOIN loans_position p ON p.loan_id = c.loan_id AND p.settled_on IS NULL
      JOIN loans_loan l ON l.id = c.loan_id
     WHERE c.loan_id = ANY(%(ids)s)
) valued
WHERE valued_on > %(since)s AND valued_on <= %(as_of)s AND source NOT IN ('tape', 'contract')
  AND before IS NOT NULL AND rest IS NOT NULL
  AND NOT EXISTS (SELECT FROM followups_event e
                   WHERE e.source = 'COLLATERAL' AND e.feed = '' AND e.external_id = 'valuation:' || valued.id)
ORDER BY loan_id, id
"""
_RISKS = """
SELECT s.id, s.loan_id, s.raised_on FROM risk_signal s
 WHERE s.loan_id = ANY(%(ids)s) AND s.closed_on IS NULL AND s.code = 'GRADE_HIGH'
   AND s.raised_on > %(as_of)s::date - 7 AND s.raised_on <= %(as_of)s
   AND NOT EXISTS (SELECT FROM followups_event e
                    WHERE e.source = 'RISK' AND e.feed = '' AND e.external_id = 'signal:' || s.id)
 ORDER BY s.id
"""
_LAPSES = f"""
SELECT DISTINCT ON (found.key) found.code, found.loan_id, found.property_id, found.over_on, found.key, l.baseline_on
  FROM (
    SELECT 'INSURANCE_LAPSED' AS code, c.loan_id, h.id AS property_id, h.insured_until + 1 AS over_on,
           'insurance:' || h.id || ':' || h.insured_until AS key
      FROM collateral_charge c JOIN collateral_property h ON h.id = c.property_id
     WHERE c.loan_id = ANY(%(ids)s) AND h.insured_until BETWEEN %(as_of)s::date - 7 AND %(as_of)s::date - 1
    UNION ALL
    SELECT 'REGISTRATION_LAPSED', c.loan_id, c.property_id, c.registrable_on + n.days + 1,
           'notice:' || c.id || ':' || c.registrable_on
      FROM {NOTICE_DAYS} n JOIN collateral_charge c
        ON c.registrable_on BETWEEN %(as_of)s::date - n.days - 7 AND %(as_of)s::date - n.days - 1
     WHERE c.loan_id = ANY(%(ids)s) AND c.kind = 'ADVANCE_NOTICE'
  ) found
  JOIN loans_loan l ON l.id = found.loan_id
  JOIN loans_position p ON p.loan_id = found.loan_id AND p.settled_on IS NULL
 WHERE NOT EXISTS (SELECT FROM followups_event e
                    WHERE e.source = 'COLLATERAL' AND e.feed = '' AND e.external_id = found.key)
 ORDER BY found.key, found.loan_id
"""  # noqa: S608 - joined from constants
# Money that came in from the day of the promise to its day, reversed receipts left out.
_SETTLE_PROMISES = """
WITH due AS (
    SELECT p.id, p.amount <= coalesce((
               SELECT sum(r.amount) FROM loans_receipt r
                WHERE r.loan_id = p.loan_id AND r.state = 'POSTED'
                  AND r.value_on BETWEEN p.made_on AND p.promised_on), 0) AS is_kept
      FROM followups_promisetopay p
     WHERE p.loan_id = ANY(%(ids)s) AND p.state = 'OPEN' AND p.promised_on <= %(until)s
)
UPDATE followups_promisetopay p
   SET state = CASE WHEN d.is_kept THEN 'KEPT' ELSE 'BROKEN' END, decided_on = %(as_of)s
  FROM due d WHERE p.id = d.id
RETURNING p.id, p.loan_id, p.promised_on, p.state
"""


def noticed(loan_ids: Sequence[int], *, as_of: date, until: date) -> list[Told]:
    """What is to be kept of these loans; `until` is the last day whose money is all in."""
    return [
        *_classes(loan_ids, as_of),
        *_valuations(loan_ids, as_of),
        *_grades(loan_ids, as_of),
        *_promises(loan_ids, as_of, until),
        *_lapses(loan_ids, as_of),
    ]


def _classes(loan_ids: Sequence[int], as_of: date) -> list[Told]:
    """Classes that became worse; what arrears of cut-over explain is baseline, what their steps answer is left out."""
    told = []
    asked = {"ids": list(loan_ids), "since": as_of - LOOKS_BACK, "as_of": as_of}
    for entry_id, loan_id, on, old, new, days, overdue_since, baseline_on in _rows(_CLASSES, asked):
        if new not in _ORDER or old not in _ORDER or _ORDER.index(new) <= _ORDER.index(old):
            continue
        if new not in _BAD and days:
            continue
        stood = baseline_on is not None and (
            on <= baseline_on + timedelta(days=1)
            or (overdue_since is not None and (baseline_on - overdue_since).days >= _BAD_FROM_DAY)
        )
        told.append(
            Told(
                loan_id=loan_id, code="CLASS_BAD" if new in _BAD else "CLASS_MENTIONED", happened_on=on,
                source=rules.DAY_END, external_id=f"class:{entry_id}", is_baseline=stood,
            )
        )  # fmt: skip
    return told


def _valuations(loan_ids: Sequence[int], as_of: date) -> list[Told]:
    """Valuations that took the loan past 80, 90 or 100 percent of what its homes are worth."""
    asked = {"ids": list(loan_ids), "since": as_of - LOOKS_BACK, "as_of": as_of}
    rows = _rows(_VALUES, asked)
    beside = balances_beside([row[1] for row in rows]) if rows else {}
    areas = _areas([row[4] for row in rows])
    told: dict[str, Told] = {}
    for pk, loan_id, property_id, valued_on, source, value, before, balance, baseline_on, rest in rows:
        secured = (balance + beside.get(loan_id, Decimal(0))) * 100
        code = rules.crossed(secured / (before + rest), secured / (value + rest))
        if code is None:
            continue
        key = f"valuation:{pk}"
        told.setdefault(
            key,
            Told(
                loan_id=loan_id, code=code, happened_on=valued_on, source=rules.COLLATERAL, external_id=key,
                property_id=property_id, is_baseline=baseline_on is not None and valued_on <= baseline_on,
                words=areas.get(source, ""),
            ),
        )  # fmt: skip
    return list(told.values())


def _grades(loan_ids: Sequence[int], as_of: date) -> list[Told]:
    """Open signals that the grade rose to high without arrears."""
    rows = _rows(_RISKS, {"ids": list(loan_ids), "as_of": as_of})
    return [
        Told(loan_id=loan_id, code="RISK_HIGH", happened_on=raised_on, source=rules.RISK, external_id=f"signal:{pk}")
        for pk, loan_id, raised_on in rows
    ]


def _promises(loan_ids: Sequence[int], as_of: date, until: date) -> list[Told]:
    """Promises whose day is over: kept where as much came in meanwhile, else broken, which is an event."""
    rows = _rows(_SETTLE_PROMISES, {"ids": list(loan_ids), "as_of": as_of, "until": until})
    return [
        Told(
            loan_id=loan_id, code="PROMISE_BROKEN", happened_on=promised_on, source=rules.DAY_END,
            external_id=f"promise:{pk}",
        )
        for pk, loan_id, promised_on, state in rows
        if state == "BROKEN"
    ]  # fmt: skip


def _lapses(loan_ids: Sequence[int], as_of: date) -> list[Told]:
    """Insurance and advance notices of these loans that ran out within the last week, once a home, charge and day."""
    asked = {"ids": list(loan_ids), "as_of": as_of}
    return [
        Told(
            loan_id=loan_id, code=code, happened_on=over_on, source=rules.COLLATERAL, external_id=key,
            property_id=property_id, is_baseline=baseline_on is not None and over_on <= baseline_on,
        )
        for code, loan_id, property_id, over_on, key, baseline_on in _rows(_LAPSES, asked)
    ]  # fmt: skip


def _areas(sources: Sequence[str]) -> dict[str, str]:
    """Source of a valuation → which area moved by how much, for those by index."""
    ids = {int(source.removeprefix("area:")) for source in sources if source.startswith("area:")}
    found = AreaRevaluation.objects.filter(pk__in=ids) if ids else ()
    return {f"area:{area.pk}": f"{area.district} {area.change_percent:+.2f}%" for area in found}


def _rows(statement: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
