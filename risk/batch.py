"""Grades loans set-based: gather what changed, decide by policy lines, write only what differs."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection, transaction
from psycopg2.extras import DateRange

from journal.actions import record_many
from journal.models import Entry
from people.rules.policy import conditions_as_json
from risk.models import Grade, GradePolicy, GradePolicyLine
from risk.queries import policy_in_force
from risk.rules.grading import DEFAULT_LINES, GradeFacts, grade

# Facts of loans that may differ from their grade: never graded, not settled, or changed that day.
_GATHER = """
SELECT p.loan_id, l.credit_score, p.principal_balance, home.value, p.overdue_since, l.payment_record,
       l.baseline_on,
       (SELECT count(*) FROM loans_installment i
         WHERE i.loan_id = p.loan_id AND i.due_on > %(as_of)s::date - interval '24 months'
           AND coalesce(i.settled_on, %(as_of)s) > i.due_on) AS late,
       g.id, g.level, g.line_number, g.policy_version
FROM loans_position p
JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN LATERAL (SELECT h.value FROM collateral_charge c JOIN collateral_property h ON h.id = c.property_id
                    WHERE c.loan_id = p.loan_id ORDER BY c.id LIMIT 1) home ON true
LEFT JOIN risk_grade g ON g.loan_id = p.loan_id AND g.superseded_on IS NULL
WHERE p.loan_id = ANY(%(ids)s)
ORDER BY p.loan_id
"""
# A step of days past due that a line looks at was reached or left on this date, or there is no grade yet.
_CANDIDATES = """
SELECT loan_id FROM (
    SELECT p.loan_id FROM loans_position p
     WHERE p.settled_on IS NULL AND NOT EXISTS (SELECT 1 FROM risk_grade g WHERE g.loan_id = p.loan_id)
    UNION
    SELECT p.loan_id FROM loans_position p
     WHERE p.overdue_since IN (%(as_of)s::date - 31, %(as_of)s::date - 91)
    UNION
    SELECT p.loan_id FROM loans_position p JOIN risk_grade g ON g.loan_id = p.loan_id AND g.superseded_on IS NULL
     WHERE p.overdue_since IS NOT NULL AND g.level = 'LOW'
    UNION
    SELECT e.loan_id FROM journal_entry e
     WHERE e.business_date = %(as_of)s AND e.kind = ANY(%(kinds)s) AND e.loan_id IS NOT NULL
    UNION
    SELECT g.loan_id FROM risk_grade g WHERE g.superseded_on IS NULL AND g.policy_version <> %(version)s
) x WHERE loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR loan_id <= %(up_to)s) ORDER BY loan_id
"""
_KINDS = ["loans.overdue_began", "loans.overdue_cured", "loans.class_changed", "collateral.revalued"]


@transaction.atomic
def install_default_policy(*, at: datetime) -> None:
    """Seeds the approved grade policy v1; does nothing when any policy exists."""
    if GradePolicy.objects.exists():
        return
    lines = [[n.number, n.kind, conditions_as_json(n), dict(n.result), n.note] for n in DEFAULT_LINES]
    digest = hashlib.sha256(json.dumps(lines, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    policy = GradePolicy.objects.create(
        version=1,
        name="默认风险分级",
        in_force=DateRange(date(2000, 1, 1), None, "[)"),
        maker="P0001",
        made_at=at,
        checker="P0002",
        checked_at=at,
        content_sha256=digest,
    )
    GradePolicyLine.objects.bulk_create(
        GradePolicyLine(
            policy=policy,
            number=line.number,
            kind=line.kind,
            conditions=conditions_as_json(line),
            result=dict(line.result),
            note=line.note,
        )
        for line in DEFAULT_LINES
    )


@transaction.atomic
def regrade(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Sequence[int] | None = None,
) -> dict[str, int]:
    """Makes the grades of loans agree with the policy in force; returns {looked_at, changed}.

    Without ids it finds the loans that may differ by query; with ids it looks at exactly those.
    """
    version, lines = policy_in_force(as_of)
    with connection.cursor() as cursor:
        if loan_ids is None:
            cursor.execute(
                _CANDIDATES, {"as_of": as_of, "kinds": _KINDS, "version": version, "after": after, "up_to": up_to}
            )
            loan_ids = [row[0] for row in cursor.fetchall()]
        if not loan_ids:
            return {"looked_at": 0, "changed": 0}
        cursor.execute("SELECT 1 FROM loans_position WHERE loan_id = ANY(%s) ORDER BY loan_id FOR UPDATE", [list(loan_ids)])
        cursor.execute(_GATHER, {"as_of": as_of, "ids": list(loan_ids)})
        rows = cursor.fetchall()
    changed = [row for row in (_decide(row, lines, version, as_of) for row in rows) if row]
    _apply(changed, as_of, at, version)
    return {"looked_at": len(rows), "changed": len(changed)}


def facts_of(row: tuple[Any, ...], as_of: date) -> GradeFacts:
    """Grade facts from a gathered row; the tape's payment record counts until it is 24 months old."""
    _id, score, balance, value, overdue_since, record, _baseline, late = row[:8]
    ratio = None if value is None else (balance / value * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return GradeFacts(
        credit_score=score,
        loan_to_value=ratio,
        days_past_due=0 if overdue_since is None else (as_of - overdue_since).days,
        late_in_24_months=late + sum(mark in "1234567" for mark in record),
    )


def _decide(
    row: tuple[Any, ...], lines: Sequence[Any], version: int, as_of: date
) -> tuple[int, int | None, str | None, str, int, GradeFacts] | None:
    facts = facts_of(row, as_of)
    new = grade(facts, lines)
    grade_id, level, _line, old_version = row[8:12]
    if level == new.level and old_version == version:
        return None
    return row[0], grade_id, level, new.level, new.line, facts


def _apply(changed: Sequence[tuple[Any, ...]], as_of: date, at: datetime, version: int) -> None:
    if not changed:
        return
    Grade.objects.filter(pk__in=[row[1] for row in changed if row[1]]).update(superseded_on=as_of)
    Grade.objects.bulk_create(
        [
            Grade(
                loan_id=loan_id,
                level=level,
                graded_on=as_of,
                policy_version=version,
                line_number=line,
                inputs={key: None if value is None else str(value) for key, value in asdict(facts).items()},
            )
            for loan_id, _old_id, _old, level, line, facts in changed
        ],
        batch_size=2000,
    )
    record_many(
        Entry(
            kind="risk.grade_changed",
            subject_type="loan",
            subject_id=loan_id,
            loan_id=loan_id,
            actor="system",
            at=at,
            business_date=as_of,
            data={"from": old, "to": level, "line": line, "version": version},
        )
        for loan_id, _old_id, old, level, line, _facts in changed
        if old is not None and old != level
    )
