"""What a visit to a development found, handed to all its loans at once: a fixed number of statements for any number.

Each loan gets a closed task that names the joint report: the untouched one that only events of the development had
made, else one made and closed by this. What the events of those tasks told is found with it.
"""

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

from followups.models import EventFinding, EventKind, Outcome, ProjectVisit, TaskEvent, VisitReport
from followups.rules import projects as rules
from followups.rules.events import UNVERIFIED
from journal.actions import record_many
from journal.models import Entry

_MEMBERS = """
SELECT m.loan_id, m.task_id, coalesce(t.state, ''), p.settled_on IS NOT NULL
  FROM followups_projectloan m
  JOIN loans_position p ON p.loan_id = m.loan_id
  LEFT JOIN followups_visittask t ON t.id = m.task_id
 WHERE m.project_id = %(project)s ORDER BY m.loan_id
"""
_HOLD = "SELECT id FROM followups_visittask WHERE id = ANY(%(tasks)s) ORDER BY id FOR UPDATE"
_CLOSE = """
UPDATE followups_visittask SET state = 'CLOSED', outcome = 'APPROVED', closed_on = %(today)s, version = version + 1
 WHERE id = ANY(%(tasks)s) AND state = 'PLANNED' RETURNING id, loan_id
"""
_MAKE = """
INSERT INTO followups_visittask (loan_id, branch_id, kind, rule, cycle, is_light, method, subject, level, opens_on,
    due_on, assigned_to_id, state, is_pinned, reason, policy_version, policy_line, created_on, closed_on,
    outcome, version)
SELECT l.id, l.branch_id, 'IRREGULAR', %(rule)s, %(cycle)s, false, lead.method, 'PROJECT', lead.level, %(today)s,
       %(today)s, lead.assigned_to_id, 'CLOSED', true, %(reason)s::jsonb, lead.policy_version, 0, %(today)s,
       %(today)s, 'APPROVED', 1
  FROM loans_loan l, followups_visittask lead
 WHERE l.id = ANY(%(loans)s) AND lead.id = %(lead)s
    ON CONFLICT ON CONSTRAINT task_once_a_loan_rule_and_cycle DO NOTHING
RETURNING id, loan_id
"""
_SHARE = """
UPDATE followups_projectloan m SET is_shared = s.task_id IS NOT NULL, task_id = coalesce(s.task_id, m.task_id)
  FROM unnest(%(loans)s::bigint[], %(tasks)s::bigint[]) AS s(loan_id, task_id)
 WHERE m.project_id = %(project)s AND m.loan_id = s.loan_id
"""
_OPEN_EVENTS = """
SELECT DISTINCT e.id, e.code FROM followups_eventvisit v JOIN followups_event e ON e.id = v.event_id
 WHERE v.task_id = ANY(%(tasks)s)
   AND NOT EXISTS (SELECT FROM followups_eventfinding f WHERE f.event_id = e.id AND f.finding <> %(unverified)s)
 ORDER BY e.id
"""


def share_findings(
    *, project: ProjectVisit, report: VisitReport, state: str, is_bankrupt: bool, by: str, at: datetime, as_of: date
) -> int:
    """Closes a task of every loan that takes the finding; how many did. Without a verified state nobody takes any."""
    found = _rows(_MEMBERS, {"project": project.pk})
    _rows(_HOLD, {"tasks": [task for _loan, task, _state, _settled in found if task]})
    members = [rules.Member(*row) for row in _rows(_MEMBERS, {"project": project.pk})]
    taking = [member for member in members if state and rules.shares(member)]
    closed = _rows(_CLOSE, {"tasks": [one.task_id for one in taking if one.task_id], "today": as_of})
    made = _rows(_MAKE, _new_tasks(project, report, [one.loan_id for one in taking if not one.task_id], as_of))
    tasks = {loan: task for task, loan in (*closed, *made)}
    _run(_SHARE, {
        "project": project.pk, "loans": [one.loan_id for one in members],
        "tasks": [tasks.get(one.loan_id) for one in members],
    })  # fmt: skip
    facts = {"report_id": report.pk, "version": report.version, "lead": project.lead_id, "project": project.pk}
    _tell(tasks, {task for task, _loan in made}, report, facts, by=by, at=at, as_of=as_of)
    _find(list(tasks.values()), report, state, is_bankrupt, by=by, at=at, as_of=as_of)
    return len(tasks)


def _new_tasks(project: ProjectVisit, report: VisitReport, loan_ids: list[int], as_of: date) -> dict[str, Any]:
    reason = [{"code": "PROJECT_SHARED", "params": {"estate": project.estate, "report": report.number}}]
    return {
        "rule": rules.RULE, "cycle": f"P{project.pk}", "lead": project.lead_id, "loans": loan_ids, "today": as_of,
        "reason": json.dumps(reason, ensure_ascii=False),
    }  # fmt: skip


def _tell(
    tasks: dict[int, int], made: Collection[int], report: VisitReport, facts: dict[str, Any], *, by: str, at: datetime,
    as_of: date,
) -> None:  # fmt: skip
    """The steps of each task, and per loan the fact that a report was approved, which wakes what follows from it."""
    ended = {**facts, "outcome": Outcome.APPROVED.value}
    steps = [
        TaskEvent(task_id=task, kind=kind, at=at, business_date=as_of, actor=by, data=data)
        for task in sorted(tasks.values())
        for kind, data in [(EventKind.PLANNED, {"due_on": as_of.isoformat()}), (EventKind.CLOSED, ended)]
        if kind == EventKind.CLOSED or task in made
    ]
    TaskEvent.objects.bulk_create(steps)
    record_many(
        Entry(
            kind="followups.report_approved", subject_type="visit_task", subject_id=task, loan_id=loan, actor=by, at=at,
            business_date=as_of,
            data={"loan_id": loan, "task_id": task, "conclusion": report.conclusion,
                  "content_sha256": report.content_sha256, **facts},
        )
        for loan, task in sorted(tasks.items())
    )  # fmt: skip


def _find(
    tasks: list[int], report: VisitReport, state: str, is_bankrupt: bool, *, by: str, at: datetime, as_of: date
) -> None:
    EventFinding.objects.bulk_create(
        EventFinding(
            event_id=pk, finding=rules.finding_of(code, state, is_bankrupt), report=report, recorded_by=by, at=at,
            business_date=as_of,
        )
        for pk, code in _rows(_OPEN_EVENTS, {"tasks": tasks, "unverified": UNVERIFIED})
    )  # fmt: skip


def _run(sql: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _rows(sql: str, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
