"""Gives follow-ups that nobody has to somebody, and proposes who goes along, by the rule, in one statement.

Tasks of an active portfolio officer come assigned already. What is left (no officer, one who has gone, or one who
approved the loan) goes to who the rule proposes; field and red visits get an independent second visitor. Each event
keeps why. What the rule finds nobody for stays with nobody, and the manager is told (`.notices`). Run twice it changes
nothing the second time; a branch's answer depends on the branch alone, so chunks of branches may run beside each other.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups.queries.handover import districts_known_to
from followups.queries.levelling import CEILING, DEFAULT_CEILING
from followups.queries.merging import ALONE
from followups.queries.sight import may_visit
from followups.rules.assignment import WARNING_DAYS, Candidate, Work, gates, propose, propose_second
from followups.rules.levelling import week_of
from people.models import Certificate, Staff
from people.queries.certificates import VISITS
from people.queries.leave import absences_between
from people.rules.leave import away_on

AHEAD_DAYS = 30

_WAITING = f"""
SELECT t.id, t.branch_id, t.method, t.level, t.role, t.assigned_to_id, l.portfolio_officer_id, l.approver_id,
       CASE WHEN t.assigned_to_id IS NULL THEN (
           SELECT h.district FROM collateral_charge c JOIN collateral_property h ON h.id = c.property_id
            WHERE c.loan_id = t.loan_id ORDER BY c.id LIMIT 1) END
  FROM followups_visittask t JOIN loans_loan l ON l.id = t.loan_id
 WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
   AND t.due_on <= %(until)s AND t.state = 'PLANNED'
   AND (t.assigned_to_id IS NULL OR t.proposed_second_id IS NULL AND (t.method = 'FIELD' OR t.level = 1))
   AND t.branch_id > %(after)s AND (%(up_to)s::bigint IS NULL OR t.branch_id <= %(up_to)s)
   AND (%(loans)s::bigint[] IS NULL OR t.loan_id = ANY(%(loans)s))
   AND {ALONE}
 ORDER BY t.branch_id, t.level, t.due_on, t.id
"""  # noqa: S608 - joined from constants
_ASSIGN = f"""
WITH given AS (
    UPDATE followups_visittask t
       SET assigned_to_id = coalesce(t.assigned_to_id, x.officer),
           proposed_second_id = coalesce(x.second, nullif(t.proposed_second_id, x.officer)), version = t.version + 1
      FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, officer bigint, second bigint, why jsonb)
     WHERE t.id = x.id AND t.state = 'PLANNED' AND (t.assigned_to_id IS NULL) = (x.officer IS NOT NULL)
    RETURNING t.id, t.branch_id, x.officer, x.second, x.why
), along AS (
    -- what the visit does along goes with it: one talk is one officer's
    UPDATE followups_visittask m SET assigned_to_id = g.officer, version = m.version + 1,
           proposed_second_id = nullif(m.proposed_second_id, g.officer)
      FROM given g JOIN followups_mergedtask k ON k.lead_id = g.id AND k.ended_at IS NULL
     WHERE m.id = k.task_id AND g.officer IS NOT NULL AND m.state = 'PLANNED'
       AND (m.branch_id = g.branch_id OR {may_visit("g.officer", "m.branch_id")})
       AND m.assigned_to_id IS DISTINCT FROM g.officer
    RETURNING m.id, g.officer, g.id AS lead
), told AS (
    INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
    SELECT a.id, 'ASSIGNED', %(at)s, %(as_of)s, 'system',
           jsonb_build_object('from', coalesce(f.staff_no, ''), 'to', s.staff_no, 'lead', a.lead)
      FROM along a JOIN people_staff s ON s.id = a.officer
      JOIN followups_visittask before ON before.id = a.id LEFT JOIN people_staff f ON f.id = before.assigned_to_id
     ORDER BY a.id
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT g.id, CASE WHEN g.officer IS NULL THEN 'SECOND_PROPOSED' ELSE 'ASSIGNED' END, %(at)s, %(as_of)s, 'system',
       jsonb_build_object('from', '', 'to', coalesce(s.staff_no, b.staff_no), 'second', coalesce(b.staff_no, ''),
                          'why', g.why)
  FROM given g LEFT JOIN people_staff s ON s.id = g.officer LEFT JOIN people_staff b ON b.id = g.second ORDER BY g.id
"""  # noqa: S608 - joined from constants
# What each has to make by Sunday, and for how many visits of the coming weeks each is to go along.
_WEEK = f"""
SELECT officer, count(*) FILTER (WHERE leads), count(*) FILTER (WHERE NOT leads) FROM (
    SELECT t.assigned_to_id AS officer, true AS leads FROM followups_visittask t
     WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
       AND t.due_on <= %(sunday)s AND {ALONE}
    UNION ALL
    SELECT t.proposed_second_id, false FROM followups_visittask t
     WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
       AND t.due_on <= %(until)s AND t.proposed_second_id IS NOT NULL AND {ALONE}) AS each
 WHERE officer = ANY(%(officers)s) GROUP BY 1
"""  # noqa: S608 - joined from constants
# What gates and how full a week may be; a parameter that nobody set is null.
_STANDING = """
SELECT (SELECT min(day) FROM loans_businessdate),
       (SELECT value FROM loans_parameter WHERE code = 'certificate_warning_days' AND in_force @> %(as_of)s::date),
       (SELECT value FROM loans_parameter WHERE code = %(ceiling)s AND in_force @> %(as_of)s::date)
"""


@transaction.atomic
def assign_unassigned(
    *, as_of: date, at: datetime, loan_ids: Sequence[int] | None = None, after: int = 0, up_to: int | None = None
) -> dict[str, int]:
    """Assigns what is due within 30 days and nobody has, the most urgent first, in a range of branches.

    How many were given, and for how many a second visitor was proposed besides.
    """
    until = as_of + timedelta(days=AHEAD_DAYS)
    asked: dict[str, Any] = {
        "until": until, "after": after, "up_to": up_to, "loans": list(loan_ids) if loan_ids is not None else None,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, asked)
        waiting = cursor.fetchall()
        if not waiting:
            return {"assigned": 0, "seconds": 0}
        rows = _proposed(waiting, as_of, until)
        if rows:
            cursor.execute(_ASSIGN, {"rows": json.dumps(rows), "at": at, "as_of": as_of})
    given = sum(1 for row in rows if row["officer"] is not None)
    return {"assigned": given, "seconds": len(rows) - given}


def _proposed(waiting: Sequence[tuple[Any, ...]], as_of: date, until: date) -> list[dict[str, Any]]:
    """What the rule says of each task, in order; who was given something has one more when the next is decided."""
    needs_district = {row[1] for row in waiting if row[5] is None}
    live_on, warned_days, ceiling = _standing(as_of)
    people = _people({row[1] for row in waiting}, needs_district, as_of, until, ceiling)
    is_gated = gates(as_of, live_on, warned_days)
    rows: list[dict[str, Any]] = []
    for task_id, branch_id, method, level, role, officer_id, owner_id, approver_id, district in waiting:
        here = people.get(branch_id, {})
        owner = owner_id if officer_id is None else officer_id
        work = Work(branch_id, method, level, district or "", owner, approver_id, role)
        if officer_id is None:
            found = propose(work, list(here.values()), is_gated=is_gated)
        else:
            found = propose_second(work, officer_id, list(here.values()), is_gated=is_gated)
        if officer_id is None and found.lead_id is None or officer_id is not None and found.second_id is None:
            continue
        rows.append({
            "id": task_id, "officer": found.lead_id if officer_id is None else None, "second": found.second_id,
            "why": [why.code for why in found.why],
        })  # fmt: skip
        if officer_id is None and found.lead_id is not None:
            here[found.lead_id] = replace(here[found.lead_id], planned=here[found.lead_id].planned + 1)
        if found.second_id is not None:
            here[found.second_id] = replace(here[found.second_id], beside=here[found.second_id].beside + 1)
    return rows


def _people(
    branch_ids: Iterable[int], needs_district: set[int], today: date, until: date, ceiling: int
) -> dict[int, dict[int, Candidate]]:
    """Who makes visits, by branch and id: work, leave, certificates; districts where somebody is to be chosen."""
    staff = list(
        Staff.objects.filter(
            is_active=True, branch_id__in=list(branch_ids), roles__permissions__contains=["followups.record_visit"]
        )
        .distinct()
        .order_by("id")
        .values_list("id", "branch_id")
    )
    ids = [pk for pk, _branch in staff]
    knows = districts_known_to([pk for pk, branch in staff if branch in needs_district]) if needs_district else {}
    with connection.cursor() as cursor:
        cursor.execute(_WEEK, {"officers": ids, "sunday": week_of(today) + timedelta(days=6), "until": until})
        busy = {officer: (leads, beside) for officer, leads, beside in cursor.fetchall()}
    absences = absences_between(today, today)
    held = Certificate.objects.filter(staff_id__in=ids, code=VISITS, valid__contains=today)
    certified = set(held.values_list("staff_id", flat=True))
    roles: dict[int, list[str]] = {}
    for pk, code in Staff.roles.through.objects.filter(staff_id__in=ids).values_list("staff_id", "role__code"):
        roles.setdefault(pk, []).append(code)
    found: dict[int, dict[int, Candidate]] = {}
    for pk, branch in staff:
        leads, beside = busy.get(pk, (0, 0))
        found.setdefault(branch, {})[pk] = Candidate(
            pk, branch, leads, ceiling, away_on(pk, today, absences) is not None, pk in certified,
            tuple(knows.get(pk, ())), beside, tuple(roles.get(pk, ())),
        )  # fmt: skip
    return found


def _standing(as_of: date) -> tuple[date, int, int]:
    """The bank's first business date, for how many days from it a missing certificate is only a remark, and the most
    visits of a week."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"as_of": as_of, "ceiling": CEILING})
        live_on, days, ceiling = cursor.fetchone()
    warned_days = WARNING_DAYS if days is None else int(days)
    return live_on or as_of, warned_days, DEFAULT_CEILING if ceiling is None else int(ceiling)


def gate_of(as_of: date) -> Mapping[str, Any]:
    """From which day certificates gate, how many days are left until then (0 once they do)."""
    live_on, warned_days, _ceiling = _standing(as_of)
    from_on = live_on + timedelta(days=warned_days)
    return {"from_on": from_on, "is_on": as_of >= from_on, "days_left": max(0, (from_on - as_of).days)}
