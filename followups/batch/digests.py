"""Makes the digests of a workday's morning: one for each person who has something, whatever number of people there is.

One transaction makes all of a day or none: a run that dies leaves nothing, the next one makes them. The day is taken by
a unique key, so of two at once the second waits and then finds it made. A morning that was missed is not made up for:
the next digest tells what was told since the last one.
"""

import json
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups.queries.across import holds
from followups.queries.merging import ALONE
from followups.queries.review import HAS_MANAGER
from followups.rules.digest import ACROSS, CORRECT, Member, Part, Waiting, Work, figures_of
from journal.actions import record
from loans.queries import calendar, hold_business_date
from people.queries.leave import absences_between
from people.rules.leave import Absences, holder_on

# The longest holiday lies in between.
_BACK = timedelta(days=20)
_TAKE = """
INSERT INTO followups_digestrun (day, since, at)
SELECT %(day)s, coalesce((SELECT max(day) FROM followups_digestrun WHERE day < %(day)s), %(before)s), %(at)s
 WHERE NOT EXISTS (SELECT FROM followups_digestrun WHERE day > %(day)s)
ON CONFLICT (day) DO NOTHING RETURNING id, since
"""
# Who may look at follow-ups, with the branches seen by scope as `people.queries` has it; null is the whole bank.
_PEOPLE = """
SELECT s.id, s.branch_id, r.permissions,
       CASE WHEN 'ALL' = ANY(r.scopes) THEN NULL
            WHEN 'SUBTREE' = ANY(r.scopes)
            THEN ARRAY(SELECT b.id FROM people_branch b WHERE starts_with(b.path, h.path))
            WHEN 'BRANCH' = ANY(r.scopes) THEN ARRAY[s.branch_id] ELSE ARRAY[]::bigint[] END
  FROM people_staff s JOIN people_branch h ON h.id = s.branch_id
  JOIN (SELECT x.staff_id, array_agg(DISTINCT o.scope) AS scopes, array_agg(DISTINCT p.code) AS permissions
          FROM people_staff_roles x JOIN people_role o ON o.id = x.role_id, unnest(o.permissions) AS p(code)
         GROUP BY x.staff_id) r ON r.staff_id = s.id
 WHERE s.is_active AND 'followups.view' = ANY(r.permissions)
 ORDER BY s.id
"""
_TO_DO = "t.closed_on IS NULL AND t.state IN ('PLANNED', 'IN_PROGRESS', 'RETURNED')"
# Each as the list has it that the figure leads to; what another visit does along is no work of its own.
_PILES = f"""
SELECT code, branch_id, officer_id, count(*) FROM (
    SELECT 'DUE_TODAY' AS code, t.branch_id, t.assigned_to_id AS officer_id FROM followups_visittask t
     WHERE {_TO_DO} AND t.due_on = %(day)s AND {ALONE}
    UNION ALL
    SELECT 'PAST_LIMIT', t.branch_id, t.assigned_to_id FROM followups_visittask t
     WHERE {_TO_DO} AND t.due_on < %(day)s AND {ALONE}
    UNION ALL
    SELECT 'RETURNED', t.branch_id, t.assigned_to_id FROM followups_visittask t
     WHERE t.closed_on IS NULL AND t.state = 'RETURNED' AND {ALONE}
    UNION ALL
    SELECT 'URGENT', t.branch_id, t.assigned_to_id FROM followups_visittask t
     WHERE t.closed_on IS NULL AND t.level <= 2 AND {ALONE}
    UNION ALL
    SELECT 'INBOX', t.branch_id, t.assigned_to_id FROM followups_visittask t
     WHERE t.closed_on IS NULL AND {ALONE} AND t.id IN (
           SELECT unnest(ARRAY[v.task_id, k.lead_id])
             FROM followups_eventvisit v JOIN followups_event e ON e.id = v.event_id
             LEFT JOIN followups_mergedtask k ON k.task_id = v.task_id AND k.ended_at IS NULL
            WHERE e.source = 'BORROWER')
    UNION ALL
    SELECT 'SIGNALS', l.branch_id, l.portfolio_officer_id FROM risk_signal s JOIN loans_loan l ON l.id = s.loan_id
     WHERE s.closed_on IS NULL AND s.level <= 2
    UNION ALL
    SELECT 'SIGNALS_LATE', l.branch_id, l.portfolio_officer_id FROM risk_signal s JOIN loans_loan l ON l.id = s.loan_id
     WHERE s.closed_on IS NULL AND (s.state IN ('NEW', 'CONFIRMED') AND s.answer_by < %(day)s OR EXISTS (
           SELECT FROM risk_signalaction a WHERE a.signal_id = s.id AND a.done_on IS NULL AND a.due_on < %(day)s))
    UNION ALL
    SELECT x.code, r.branch_id, t.assigned_to_id
      FROM followups_customerresult r JOIN followups_visittask t ON t.id = r.task_id,
           LATERAL (VALUES ('TO_TELL', true), ('TELL_LATE', r.tell_by < %(day)s)) AS x(code, holds)
     WHERE r.told_id IS NULL AND x.holds
    UNION ALL
    SELECT x.code, t.branch_id, t.assigned_to_id
      FROM followups_visittask t
     CROSS JOIN (VALUES ('REACHED_100', 'LIMIT_100', 'MANAGER'), ('REACHED_120', 'LIMIT_120', 'MANAGER'),
                        ('WEEKLY_120', 'LIMIT_120', 'BRANCH_HEAD')) AS x(code, step, audience)
      JOIN followups_notice n ON n.task_id = t.id AND n.code = x.step AND n.audience = x.audience
       AND n.due_on = t.due_on AND n.tell_on > %(since)s AND n.tell_on <= %(day)s
     WHERE {_TO_DO} AND t.due_on <= %(day)s AND {ALONE}
) AS each GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 - joined from constants
# What nobody concerned may make one visit of, found since: told once, to who sees both branches.
_ACROSS = f"""
SELECT one_branch_id, NULL::bigint, count(*), other_branch_id FROM followups_acrosspair p
 WHERE tell_on > %(since)s AND tell_on <= %(day)s AND {holds("p")}
 GROUP BY 1, 4 ORDER BY 1, 4
"""  # noqa: S608 - joined from constants
# 待更正: the task is closed and stays so; the correction is its officer's, not the task's.
_CORRECTIONS = """
SELECT branch_id, officer_id, count(*), opened_by_id FROM followups_reportcorrection
 WHERE state = 'OPEN' GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
"""
_WAITING = f"""
SELECT r.branch_id, r.needs_risk_head, r.endorsed_by_id,
       array_remove(ARRAY[r.submitted_by_id, r.accompanied_by_id, v.lead_visitor_id, v.second_visitor_id], NULL),
       r.needs_risk_head AND r.endorsed_by_id IS NULL AND {HAS_MANAGER},
       count(*), count(*) FILTER (WHERE r.decide_by < %(day)s)
  FROM followups_visitreport r JOIN followups_visit v ON v.id = r.visit_id
 WHERE r.state = 'SUBMITTED' GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608 - joined from constants
_WRITE = """
INSERT INTO followups_digest (run_id, staff_id, day, figures, at)
SELECT %(run)s, x.staff, %(day)s, x.figures, %(at)s
  FROM jsonb_to_recordset(%(rows)s) AS x(staff bigint, figures jsonb) ORDER BY x.staff
ON CONFLICT (staff_id, day) DO NOTHING
"""


@transaction.atomic
def make_digests(*, as_of: date, at: datetime) -> int | None:
    """How many people have one; None where the day has them already, or is none on which the bank works."""
    days = calendar(as_of - _BACK, as_of)
    if hold_business_date() != as_of or not days.is_workday(as_of):
        return None
    taken = _rows(_TAKE, {"day": as_of, "before": days.add_workdays(as_of, -1), "at": at})
    if not taken:
        return None
    (run_id, since), *_none = taken
    asked = {"day": as_of, "since": since}
    piles = [(code, Part(*part)) for code, *part in _rows(_PILES, asked)]
    piles += [(ACROSS, Part(*row)) for row in _rows(_ACROSS, asked)]
    piles += [
        (CORRECT, Part(branch, officer, count, opened_by=opener))
        for branch, officer, count, opener in _rows(_CORRECTIONS, {})
    ]
    work = Work(piles, [_waiting(row) for row in _rows(_WAITING, asked)])
    rows = [
        {
            "staff": member.id,
            "figures": [{"code": figure.code, "parts": [_kept(part) for part in figure.parts]} for figure in figures],
        }
        for member in _members(absences_between(as_of, as_of), as_of)
        if (figures := figures_of(member, work))
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {"run": run_id, "day": as_of, "at": at, "rows": json.dumps(rows)})
    record(
        kind="followups.digests_made", subject_type="digest_run", subject_id=run_id, by="system", at=at,
        business_date=as_of, data={"people": len(rows), "since": since.isoformat()},
    )  # fmt: skip
    return len(rows)


def _kept(part: Part) -> list[int | None]:
    own = [part.branch_id, part.officer_id, part.count]
    return own if part.beside_id is None else [*own, part.beside_id]


def _members(absences: Absences, day: date) -> list[Member]:
    covers: dict[int, list[int]] = {}
    for officer in sorted(absences):
        holder = holder_on(officer, day, absences).by
        if holder != officer:
            covers.setdefault(holder, []).append(officer)
    return [
        Member(
            id=staff_id, branch_id=branch_id, permissions=frozenset(permissions),
            branches=None if branches is None else frozenset(branches), covers=tuple(covers.get(staff_id, ())),
        )
        for staff_id, branch_id, permissions, branches in _rows(_PEOPLE, {})
    ]  # fmt: skip


def _waiting(row: tuple[Any, ...]) -> Waiting:
    branch_id, is_red, endorsed_by, makers, has_manager, count, late = row
    return Waiting(branch_id, is_red, endorsed_by, frozenset(makers), has_manager, count, late)


def _rows(statement: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
