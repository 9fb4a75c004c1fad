"""Raises warning signals by set and ends those whose cause is gone, each time with a step that says so.

`regrade` brings what arrears and grades warn of, `warn_of_values` what valuations do, a visit what it found
(`risk.actions.signals`). Whoever calls holds the positions of the loans. Looked at twice they warn once: a signal is
once an occasion, and one open of a family; a worse one takes the milder one's place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import connection, transaction

from collateral.queries import balances_beside
from journal.actions import record_many
from journal.models import Entry
from loans.queries import calendar, lock_positions
from people.rules.policy import Line
from risk.queries import signal_lines
from risk.rules import signals as rules

# Longer than a valuation may wait for its reaction.
LOOKS_BACK = timedelta(days=40)
_AHEAD = timedelta(days=40)

_WANTED = """
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s) AS x(loan_id bigint, family text, code text, level int, line int,
                  version int, inputs jsonb, source text, occasion text, report_id bigint, answer_by date)
)
"""
# A milder open signal of the family ends where a new one is worse.
_ESCALATE = f"""
{_WANTED}, ended AS (
    UPDATE risk_signal s SET state = 'CLOSED', outcome = 'ESCALATED', closed_on = %(as_of)s, version = s.version + 1
      FROM wanted w
     WHERE s.loan_id = w.loan_id AND s.family = w.family AND s.closed_on IS NULL AND s.level > w.level
       AND NOT EXISTS (SELECT FROM risk_signal o
                        WHERE o.loan_id = w.loan_id AND o.code = w.code AND o.occasion = w.occasion)
    RETURNING s.id
)
INSERT INTO risk_signalstep (signal_id, kind, words, by, at, business_date)
SELECT id, 'ESCALATED', '', %(by)s, %(at)s, %(as_of)s FROM ended ORDER BY id
"""  # noqa: S608 - joined from constants
_RAISE = f"""
{_WANTED}
INSERT INTO risk_signal (loan_id, family, code, level, policy_version, line_number, inputs, source, occasion, report_id,
                         raised_on, raised_at, raised_by, answer_by)
SELECT loan_id, family, code, level, version, line, inputs, source, occasion, report_id, %(as_of)s, %(at)s, %(by)s,
       answer_by
  FROM wanted ORDER BY loan_id, level, code
ON CONFLICT DO NOTHING
RETURNING id, loan_id, code, level, policy_version, line_number
"""  # noqa: S608 - joined from constants
# Arrears that were paid and loans that were settled end their signals; the step says which it was.
_END = """
WITH ended AS (
    UPDATE risk_signal s
       SET state = 'CLOSED', outcome = CASE WHEN p.settled_on IS NULL THEN 'CURED' ELSE 'SETTLED' END,
           closed_on = %(as_of)s, version = s.version + 1
      FROM loans_position p
     WHERE s.closed_on IS NULL AND p.loan_id = s.loan_id
       AND (p.settled_on IS NOT NULL OR (s.family = 'ARREARS' AND p.overdue_since IS NULL))
       AND s.loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR s.loan_id <= %(up_to)s)
       AND (%(ids)s::bigint[] IS NULL OR s.loan_id = ANY(%(ids)s))
    RETURNING s.id, s.outcome
)
INSERT INTO risk_signalstep (signal_id, kind, words, by, at, business_date)
SELECT id, outcome, '', 'system', %(at)s, %(as_of)s FROM ended ORDER BY id
"""
# The latest valuation of a home beside the one before it; `rest` is what the loan's other homes are worth.
_VALUES = """
SELECT * FROM (
    SELECT v.id, c.loan_id, v.valued_on, v.source, v.value,
           lag(v.value) OVER (PARTITION BY c.loan_id, v.property_id ORDER BY v.valued_on, v.id) AS before,
           p.principal_balance, l.baseline_on, h.district,
           (SELECT CASE WHEN count(*) = count(g.value) THEN coalesce(sum(g.value), 0) END FROM collateral_charge d
              JOIN collateral_property g ON g.id = d.property_id
             WHERE d.loan_id = c.loan_id AND d.property_id <> v.property_id) AS rest
      FROM collateral_charge c
      JOIN collateral_property h ON h.id = c.property_id
      JOIN collateral_valuation v ON v.property_id = c.property_id
      JOIN loans_position p ON p.loan_id = c.loan_id AND p.settled_on IS NULL
      JOIN loans_loan l ON l.id = c.loan_id
     WHERE c.loan_id = ANY(%(ids)s)
) valued
WHERE valued_on > %(since)s AND valued_on <= %(as_of)s AND source NOT IN ('tape', 'contract')
  AND before IS NOT NULL AND rest IS NOT NULL AND (baseline_on IS NULL OR valued_on > baseline_on)
ORDER BY loan_id, id
"""


@dataclass(frozen=True, slots=True)
class Raise:
    """A signal to be raised of a loan, and on what occasion."""

    loan_id: int
    warned: rules.Warned
    source: str
    occasion: str
    report_id: int | None = None


def raise_signals(
    wanted: Sequence[Raise], *, version: int, by: str, as_of: date, at: datetime
) -> list[tuple[int, int, str]]:
    """Raises what is new and records a fact of each; (id, loan, code) of those."""
    if not wanted:
        return []
    days = calendar(as_of, as_of + _AHEAD)
    rows = [
        {
            "loan_id": one.loan_id, "family": one.warned.family, "code": one.warned.code, "level": one.warned.level,
            "line": one.warned.line, "version": version, "inputs": dict(one.warned.inputs), "source": one.source,
            "occasion": one.occasion, "report_id": one.report_id,
            "answer_by": rules.answer_by(one.warned.level, as_of, days).isoformat(),
        }
        for one in wanted
    ]  # fmt: skip
    asked: dict[str, Any] = {"rows": json.dumps(rows, ensure_ascii=False), "by": by, "as_of": as_of, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_ESCALATE, asked)
        cursor.execute(_RAISE, asked)
        raised: list[tuple[Any, ...]] = cursor.fetchall()
    record_many(
        Entry(
            kind="risk.signal_raised", subject_type="signal", subject_id=pk, loan_id=loan_id, actor=by, at=at,
            business_date=as_of, data={"code": code, "level": level, "version": policy_version, "line": line},
        )
        for pk, loan_id, code, level, policy_version, line in raised
    )  # fmt: skip
    return [(pk, loan_id, code) for pk, loan_id, code, *_rest in raised]


def end_signals(
    *, as_of: date, at: datetime, after: int = 0, up_to: int | None = None, loan_ids: Sequence[int] | None = None
) -> int:
    """Ends open signals of paid arrears and of settled loans; how many."""
    ids = None if loan_ids is None else list(loan_ids)
    with connection.cursor() as cursor:
        cursor.execute(_END, {"as_of": as_of, "at": at, "after": after, "up_to": up_to, "ids": ids})
        return int(cursor.rowcount)


@transaction.atomic
def warn_of_values(*, as_of: date, at: datetime, loan_ids: Sequence[int]) -> int:
    """Signals of valuations that took loans past a limit, or fell with their area while a limit was passed before."""
    version, lines = signal_lines(as_of)
    if not loan_ids or not lines:
        return 0
    lock_positions(loan_ids)
    with connection.cursor() as cursor:
        cursor.execute(_VALUES, {"ids": list(loan_ids), "since": as_of - LOOKS_BACK, "as_of": as_of})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    beside = balances_beside([row[1] for row in rows]) if rows else {}
    wanted = []
    for row in rows:
        facts = _value_facts(row, beside)
        wanted += [
            Raise(row[1], warned, "VALUATION", f"valuation:{row[0]}")
            for warned in rules.warnings(facts, lines, (rules.VALUE, rules.AREA))
        ]
    return len(raise_signals(wanted, version=version, by="system", as_of=as_of, at=at))


def _value_facts(row: tuple[Any, ...], beside: Mapping[int, Decimal]) -> dict[str, object]:
    _id, loan_id, valued_on, source, value, before, balance, _baseline_on, district, rest = row
    secured = (balance + beside.get(loan_id, Decimal(0))) * 100
    now, was = secured / (value + rest), secured / (before + rest)
    is_area = source.startswith("area:")
    return {
        "loan_to_value": _cut(now), "loan_to_value_before": _cut(was), "loan_to_value_crossed": rules.crossed(was, now),
        "value": value, "value_before": before, "valued_on": valued_on,
        "area": district if is_area else None,
        "area_change_percent": _cut((value - before) * 100 / before) if is_area else None,
    }  # fmt: skip


def _cut(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), ROUND_DOWN)


def of_grade(
    loan_id: int, facts: Mapping[str, object], stood: Mapping[str, object], occasion: str, lines: Sequence[Line]
) -> list[Raise]:
    """What arrears and grade of a loan warn of now and did not at cut-over."""
    families = (rules.ARREARS, rules.GRADE)
    warned = rules.warnings(facts, lines, families)
    if not warned:
        return []
    new = rules.known_before(warned, rules.warnings(stood, lines, families) if stood else ())
    return [Raise(loan_id, one, "DAY_END", occasion) for one in new]
