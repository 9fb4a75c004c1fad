"""Grades loans set-based: gather what changed, decide by policy lines, write only what differs and what it warns of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import connection, transaction

from collateral.sql import BESIDE
from journal.actions import record_many
from journal.batch import claim
from journal.models import Entry
from loans.queries import calendar, overdue_grace_days
from loans.queries.evening import Cuts, Walk, cut, walk_of, whole
from loans.rules.aging import days_past_due
from loans.rules.calendar import Calendar
from loans.rules.payment_record import PaymentRecord, late_count
from people.rules.policy import Line
from risk.batch import signals
from risk.models import Grade
from risk.queries import policy_in_force, signal_lines, version_in_force
from risk.rules.grading import Graded, GradeFacts, grade

# Loans whose facts are held in memory at a time, however many are asked for.
_CHUNK = 2_000
# Facts of the given loans, each gathered once for all of them.
_GATHER = f"""
WITH {BESIDE}, slow AS (
    SELECT i.loan_id, array_agg(i.due_on ORDER BY i.number) AS due_on,
           array_agg(i.settled_on ORDER BY i.number) AS settled_on
      FROM loans_installment i
     WHERE i.loan_id = ANY(%(ids)s) AND i.due_on BETWEEN %(as_of)s::date - interval '24 months' AND %(as_of)s
       AND (i.settled_on IS NULL OR i.settled_on > i.due_on)
     GROUP BY i.loan_id
), home AS (
    SELECT c.loan_id, CASE WHEN count(*) = count(h.value) THEN sum(h.value) END AS value
      FROM collateral_charge c JOIN collateral_property h ON h.id = c.property_id
     WHERE c.loan_id = ANY(%(ids)s) GROUP BY c.loan_id
)
SELECT p.loan_id, l.credit_score, p.principal_balance + coalesce(beside.balance, 0), home.value, p.overdue_since,
       l.payment_record, l.baseline_on,
       slow.due_on, slow.settled_on, g.id, g.level, g.policy_version
  FROM loans_position p
  JOIN loans_loan l ON l.id = p.loan_id
  LEFT JOIN home ON home.loan_id = p.loan_id
  LEFT JOIN slow ON slow.loan_id = p.loan_id
  LEFT JOIN beside ON beside.loan_id = p.loan_id
  LEFT JOIN risk_grade g ON g.loan_id = p.loan_id AND g.superseded_on IS NULL
 WHERE p.loan_id = ANY(%(ids)s)
 ORDER BY p.loan_id
"""  # noqa: S608 - joined from constants
# Woken by a fact, or a step of days past due that a line looks at was reached or left on this date, or another version
# of the policy graded it; and in the walked range of loans whatever has no grade, or a low one in arrears.
_CANDIDATES = """
SELECT loan_id FROM (
    SELECT unnest(%(woken)s::bigint[]) AS loan_id
    UNION
    -- what waits for a reaction, where the search only plans; there may be as many as there are loans
    SELECT subject_id FROM journal_pending WHERE reaction = %(queue)s AND attempts = 0 AND subject_id IS NOT NULL
    UNION
    SELECT p.loan_id FROM loans_position p
     WHERE p.overdue_since IN (%(as_of)s::date - 31, %(as_of)s::date - 91)
    UNION
    -- two ranges of an index, which "another version" would not use
    SELECT g.loan_id FROM risk_grade g WHERE g.superseded_on IS NULL AND g.policy_version < %(version)s
    UNION
    SELECT g.loan_id FROM risk_grade g WHERE g.superseded_on IS NULL AND g.policy_version > %(version)s
    UNION
    -- a difference of sets: an anti-join is planned as a loop in a loop without statistics
    (SELECT p.loan_id FROM loans_position p
      WHERE p.settled_on IS NULL AND p.loan_id > %(walk_after)s AND p.loan_id <= %(walk_up_to)s
     EXCEPT
     SELECT g.loan_id FROM risk_grade g
      WHERE g.superseded_on IS NULL AND g.loan_id > %(walk_after)s AND g.loan_id <= %(walk_up_to)s)
    UNION
    SELECT p.loan_id FROM loans_position p JOIN risk_grade g ON g.loan_id = p.loan_id AND g.superseded_on IS NULL
     WHERE p.overdue_since IS NOT NULL AND g.level = 'LOW'
       AND p.loan_id > %(walk_after)s AND p.loan_id <= %(walk_up_to)s
       AND g.loan_id > %(walk_after)s AND g.loan_id <= %(walk_up_to)s
) x WHERE loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR loan_id <= %(up_to)s)
"""


@dataclass(frozen=True, slots=True)
class _Run:
    """What is the same for every loan of a run."""

    as_of: date
    version: int
    lines: Sequence[Line]
    signal_version: int
    signal_lines: Sequence[Line]
    grace_days: int
    days: Calendar


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

    Without ids it walks the loans with an id above `after`, up to `up_to`, for those that may differ; with ids it
    looks at exactly those.
    """
    version, lines = policy_in_force(as_of)
    if loan_ids is None:
        loan_ids = _candidates(_scope(version, as_of, after, up_to, whole(after, up_to), []))
    return _regrade(loan_ids, as_of, at, version, lines)


@transaction.atomic
def regrade_evening(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Sequence[int] | None = None,
    found: Sequence[int] | None = None,
) -> dict[str, int]:
    """`regrade` at the close of a date: looks at what happened since the last one, and walks a slice of the book.

    What the search of `regrade_cuts` `found` of a chunk is not searched for again.
    """
    version, lines = policy_in_force(as_of)
    if loan_ids is None:
        # What waits for a reaction is done here, and taken off the queue with it.
        woken = claim("regrade", after=after, up_to=up_to)
        loan_ids = (
            _candidates(_scope(version, as_of, after, up_to, walk_of(as_of, after, up_to), woken))
            if found is None
            else sorted({*found, *woken})
        )
    counts = _regrade(loan_ids, as_of, at, version, lines)
    return {**counts, "ended": signals.end_signals(as_of=as_of, at=at, after=after, up_to=up_to)}


def regrade_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose grade may differ this evening."""
    version = version_in_force(as_of)
    scope = _scope(version, as_of, 0, None, walk_of(as_of, 0, None), [])
    return cut(_CANDIDATES, {**scope, "queue": "regrade"}, size)


def _scope(
    version: int, as_of: date, after: int, up_to: int | None, walk: Walk, woken: Sequence[int]
) -> dict[str, Any]:
    return {
        "as_of": as_of, "version": version, "after": after, "up_to": up_to, "walk_after": walk.after,
        "walk_up_to": walk.up_to, "woken": list(woken), "queue": None,
    }  # fmt: skip


def _candidates(scope: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES + " ORDER BY loan_id", scope)
        return [row[0] for row in cursor.fetchall()]


def _regrade(loan_ids: Sequence[int], as_of: date, at: datetime, version: int, lines: Sequence[Line]) -> dict[str, int]:
    counts = {"looked_at": 0, "changed": 0, "warned": 0}
    if not loan_ids:
        return counts
    grace_days, days = overdue_grace_days(as_of), calendar(as_of - timedelta(days=800), as_of + timedelta(days=31))
    run = _Run(as_of, version, lines, *signal_lines(as_of), grace_days, days)
    ids = sorted(loan_ids)
    for start in range(0, len(ids), _CHUNK):
        rows = _gather(ids[start : start + _CHUNK], as_of)
        changed, warned = _differing(rows, run)
        _apply(changed, as_of, at, version)
        raised = signals.raise_signals(warned, version=run.signal_version, by="system", as_of=as_of, at=at)
        counts["looked_at"] += len(rows)
        counts["changed"] += len(changed)
        counts["warned"] += len(raised)
    return counts


def _gather(loan_ids: Sequence[int], as_of: date) -> list[tuple[Any, ...]]:
    """Locks the positions of loans and reads what their grades depend on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM loans_position WHERE loan_id = ANY(%s) ORDER BY loan_id FOR UPDATE", [list(loan_ids)]
        )
        cursor.execute(_GATHER, {"as_of": as_of, "ids": list(loan_ids)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _differing(rows: Sequence[tuple[Any, ...]], run: _Run) -> tuple[list[tuple[Any, ...]], list[signals.Raise]]:
    """Grades that differ, and what is to be warned of."""
    changed: list[tuple[Any, ...]] = []
    warned: list[signals.Raise] = []
    for row in rows:
        facts = facts_of(row, run.as_of, run.grace_days, run.days)
        grade_id, level, old_version = row[9:12]
        new = grade(facts, run.lines)
        if (level, old_version) != (new.level, run.version):
            changed.append((row[0], grade_id, level, new.level, new.line, facts))
        if facts.days_past_due or level not in (None, new.level):
            warned += _warned(row, facts, new, run)
    return changed, warned


def _warned(row: tuple[Any, ...], facts: GradeFacts, new: Graded, run: _Run) -> list[signals.Raise]:
    """Signals of a loan in arrears, or whose grade changed on this date."""
    overdue_since, baseline_on, level = row[4], row[6], row[10]
    record = _record_of(row)
    known: dict[str, object] = {**asdict(facts), "grade": new.level, "overdue_since": overdue_since}
    known["grade_before"] = level if level != new.level else None
    known["late_in_6_months"] = late_count(record, run.as_of, 6, run.grace_days, run.days)
    stood: dict[str, object] = {}
    if baseline_on is not None and overdue_since is not None and overdue_since <= baseline_on:
        late = late_count(record, baseline_on, 6, run.grace_days, run.days)
        stood = {"days_past_due": days_past_due(overdue_since, baseline_on), "late_in_6_months": late}
    occasion = (overdue_since or run.as_of).isoformat()
    return signals.of_grade(row[0], known, stood, occasion, run.signal_lines)


def _record_of(row: tuple[Any, ...]) -> PaymentRecord:
    marks, baseline_on, slow_due, slow_settled = row[5:9]
    return PaymentRecord(tuple(zip(slow_due or (), slow_settled or (), strict=True)), marks, baseline_on)


def facts_of(row: tuple[Any, ...], as_of: date, grace_days: int, days: Calendar) -> GradeFacts:
    """Grade facts from a gathered row. The ratio is compared exactly and kept with four decimals, cut."""
    score, balance, value, overdue_since = row[1:5]
    return GradeFacts(
        credit_score=score,
        loan_to_value=None if not value else (balance * 100 / value).quantize(Decimal("0.0001"), ROUND_DOWN),
        days_past_due=days_past_due(overdue_since, as_of),
        late_in_24_months=late_count(_record_of(row), as_of, 24, grace_days, days),
    )


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
