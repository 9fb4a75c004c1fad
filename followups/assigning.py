"""Gives new follow-ups that nobody has to somebody, by the rule, in one statement; run by the evening after planning.

Tasks of an active portfolio officer come assigned already. What is left (no officer, or one who has gone) goes to who
the rule proposes; each event keeps why. Run twice it changes nothing the second time.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups.queries.capacity import ceiling_on
from followups.queries.handover import candidates
from followups.rules.assignment import Candidate, Work, gates, propose
from followups.rules.levelling import week_of
from loans.models import BusinessDate
from loans.queries import parameter
from people.leave import absences_between
from people.models import Certificate, Staff
from people.rules.leave import away_on

CERTIFICATE = "VISITS"
_CHUNK = 2_000

_UNASSIGNED = """
SELECT t.id, t.branch_id, t.method, t.level, l.portfolio_officer_id,
       (SELECT h.district FROM collateral_charge c JOIN collateral_property h ON h.id = c.property_id
         WHERE c.loan_id = t.loan_id ORDER BY c.id LIMIT 1)
  FROM followups_visittask t JOIN loans_loan l ON l.id = t.loan_id
 WHERE t.assigned_to_id IS NULL AND t.closed_on IS NULL AND t.state = 'PLANNED' AND NOT t.is_light
   AND t.due_on <= %(until)s AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
   AND (%(loans)s::bigint[] IS NULL OR t.loan_id = ANY(%(loans)s))
 ORDER BY t.level, t.due_on, t.id LIMIT %(most)s
"""
_ASSIGN = """
WITH given AS (
    UPDATE followups_visittask t SET assigned_to_id = x.officer, version = t.version + 1
      FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, officer bigint, why jsonb)
     WHERE t.id = x.id AND t.assigned_to_id IS NULL AND t.state = 'PLANNED'
    RETURNING t.id, x.officer, x.why
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT g.id, 'ASSIGNED', %(at)s, %(as_of)s, 'system', jsonb_build_object('from', '', 'to', s.staff_no, 'why', g.why)
  FROM given g JOIN people_staff s ON s.id = g.officer ORDER BY g.id
"""
_WEEK = """
SELECT assigned_to_id, count(*) FROM followups_visittask
 WHERE closed_on IS NULL AND state <> 'SUBMITTED' AND NOT is_light AND assigned_to_id = ANY(%(officers)s)
   AND due_on <= %(sunday)s AND (method <> 'OFF_SITE' OR evidence IS NOT NULL)
 GROUP BY 1
"""


@transaction.atomic
def assign_unassigned(*, as_of: date, at: datetime, loan_ids: Sequence[int] | None = None) -> int:
    """Assigns what is due within 30 days and nobody has, the most urgent first; how many were given."""
    asked = {"until": as_of + timedelta(days=30), "loans": list(loan_ids) if loan_ids is not None else None}
    with connection.cursor() as cursor:
        cursor.execute(_UNASSIGNED, {**asked, "most": _CHUNK})
        waiting = cursor.fetchall()
        if not waiting:
            return 0
        people = {one.staff_id: one for one in _people({row[1] for row in waiting}, as_of)}
        is_gated = gates(as_of, _live_on(as_of), int(parameter("certificate_warning_days", as_of, 90)))
        rows: list[dict[str, Any]] = []
        for task_id, branch_id, method, level, owner_id, district in waiting:
            work = Work(branch_id, method, level, district or "", owner_id)
            found = propose(work, list(people.values()), is_gated=is_gated)
            if found.lead_id is None:
                continue
            rows.append({"id": task_id, "officer": found.lead_id, "why": [why.code for why in found.why]})
            people[found.lead_id] = _busier(people[found.lead_id])
        cursor.execute(_ASSIGN, {"rows": json.dumps(rows), "at": at, "as_of": as_of})
        return int(cursor.rowcount)


def _people(branch_ids: set[int], today: date) -> list[Candidate]:
    """Who makes visits in these branches: this week's work, leave, certificates and districts."""
    staff = list(
        Staff.objects.filter(
            is_active=True, branch_id__in=branch_ids, roles__permissions__contains=["followups.record_visit"]
        )
        .distinct()
        .order_by("id")
    )
    ids, ceiling = [one.pk for one in staff], ceiling_on(today)
    with connection.cursor() as cursor:
        cursor.execute(_WEEK, {"officers": ids, "sunday": week_of(today) + timedelta(days=6)})
        planned = dict(cursor.fetchall())
    absences = absences_between(today, today)
    held = Certificate.objects.filter(staff_id__in=ids, code=CERTIFICATE, valid__contains=today)
    certified = set(held.values_list("staff_id", flat=True))
    return [
        Candidate(
            one.staff_id, one.branch_id, planned.get(one.staff_id, 0), ceiling,
            away_on(one.staff_id, today, absences) is not None, one.staff_id in certified, one.districts,
        )
        for one in candidates(staff)
    ]  # fmt: skip


def _live_on(as_of: date) -> date:
    """The bank's first business date."""
    return BusinessDate.objects.order_by("day").values_list("day", flat=True).first() or as_of


def _busier(one: Candidate) -> Candidate:
    return Candidate(
        one.staff_id, one.branch_id, one.planned + 1, one.ceiling, one.is_away, one.is_certified, one.districts
    )
