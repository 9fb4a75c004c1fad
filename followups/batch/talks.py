"""Has the machine make one visit of what `rules.talks` finds belongs together.

The planner wakes it for loans whose talks it made or moved (`wake`); events and a slice of the book, walked an evening,
wake it too. It is called under the lock of all the loans' positions, and what it wrote a person can take apart again.
Talks of two branches that nobody concerned may make together it keeps for whoever sees both (`AcrossPair`).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from followups import sql
from followups.batch.sight import part_out_of_sight
from followups.queries.merging import BESIDE, OPEN_TALK, WITHIN_DAYS
from followups.queries.sight import branches_visited
from followups.rules.talks import Pair, Strangers, Talk, Together, standing_after, strangers, together

WAKES = "answer_events"

_ASKED = "WITH asked AS (SELECT DISTINCT unnest(%(ids)s::bigint[]) AS id)"
_NEAR = f"{_ASKED} SELECT DISTINCT id FROM ({BESIDE}) AS beside"  # noqa: S608 - constants
# A visit that became an off-site check leads no more. What leads is looked up row by row: as a join it walks all tasks
# for each task wherever the rows of these tables were last counted when there were none.
_TALKS = f"""
{_ASKED}, near AS (SELECT DISTINCT id FROM ({BESIDE}) AS beside)
SELECT t.id, t.loan_id, l.borrower_id,
       (SELECT array_agg(c.property_id) FROM collateral_charge c WHERE c.loan_id = l.id),
       t.branch_id, t.assigned_to_id, l.approver_id, t.kind, t.method, t.level, t.opens_on, t.due_on, link.lead_id,
       coalesce(link.merged_by <> 'system', false),
       CASE WHEN link.undo IS NULL THEN t.assigned_to_id ELSE (link.undo ->> 'from')::bigint END, {WITHIN_DAYS}
  FROM near n JOIN followups_visittask t ON t.loan_id = n.id JOIN loans_loan l ON l.id = n.id
  LEFT JOIN LATERAL (SELECT k.lead_id, k.merged_by, k.undo FROM followups_mergedtask k
                      WHERE k.task_id = t.id AND k.ended_at IS NULL
                        AND (SELECT v.closed_on IS NULL AND v.method <> 'OFF_SITE' FROM followups_visittask v
                              WHERE v.id = k.lead_id) LIMIT 1) link ON true
 WHERE {OPEN_TALK.format("t")}
 ORDER BY t.id
"""  # noqa: S608 - constants
_RELATED = """
SELECT party_id, other_id FROM people_partyrelation
 WHERE ended_on IS NULL AND party_id = ANY(%(people)s) AND other_id = ANY(%(people)s)
"""
# Ended for one by a person with a reason: taken apart. What a report closed has none. And left apart across branches.
_APART = """
SELECT lead_id, task_id FROM followups_mergedtask
 WHERE ended_at IS NOT NULL AND reason <> '' AND ended_by <> 'system' AND task_id = ANY(%(tasks)s)
   AND lead_id = ANY(%(tasks)s)
UNION
SELECT one_id, other_id FROM followups_acrosspair
 WHERE left_on IS NOT NULL AND one_id = ANY(%(tasks)s) AND other_id = ANY(%(tasks)s)
"""
# Who may be given no visit any more.
_GATED = f"""
SELECT id FROM people_staff WHERE id = ANY(%(staff)s) AND {sql.IS_GATED} AND id NOT IN {sql.CERTIFIED}
"""  # noqa: S608 - conditions of this room
_KEEP_PAIRS = """
INSERT INTO followups_acrosspair (one_id, other_id, one_branch_id, other_branch_id, why, found_on, tell_on, at)
SELECT one, other, one_branch, other_branch, why, %(as_of)s, %(as_of)s::date + 1, %(at)s
  FROM jsonb_to_recordset(%(rows)s) AS x(one bigint, other bigint, one_branch bigint, other_branch bigint, why text)
 ORDER BY one, other
ON CONFLICT (one_id, other_id) DO UPDATE
   SET closed_on = NULL, why = excluded.why, found_on = excluded.found_on, tell_on = excluded.tell_on, at = excluded.at
 WHERE followups_acrosspair.closed_on IS NOT NULL AND followups_acrosspair.left_on IS NULL
"""
# Of those looked at, what is no longer so: brought together, moved away, given to somebody who sees both.
_DROP_PAIRS = """
UPDATE followups_acrosspair p SET closed_on = %(as_of)s
 WHERE p.closed_on IS NULL AND p.left_on IS NULL AND p.one_id = ANY(%(tasks)s) AND p.other_id = ANY(%(tasks)s)
   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(%(rows)s) AS x(one bigint, other bigint)
                    WHERE x.one = p.one_id AND x.other = p.other_id)
"""
# Wakes those of these loans that have a talk which another one of the same people or home may be made with.
_WAKE = f"""
INSERT INTO journal_pending (reaction, subject_id, attempts, not_before, error, recorded_at)
{_ASKED}, beside AS ({BESIDE})
SELECT DISTINCT %(reaction)s, b.root, 0, %(at)s::timestamptz, '', %(at)s::timestamptz FROM beside b
  JOIN followups_visittask t ON t.loan_id = b.root AND {OPEN_TALK.format("t")}
  JOIN followups_visittask o ON o.loan_id = b.id AND o.id <> t.id AND {OPEN_TALK.format("o")}
   AND o.due_on BETWEEN t.due_on - {WITHIN_DAYS} AND t.due_on + {WITHIN_DAYS}
"""  # noqa: S608 - constants
_TIGHTEN = """
WITH wanted AS (
    SELECT x.*, t.due_on AS due_before, t.method AS method_before
      FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, opens_on date, due_on date, method text, level int)
      JOIN followups_visittask t ON t.id = x.id WHERE t.state = 'PLANNED' FOR UPDATE OF t
), moved AS (
    UPDATE followups_visittask t
       SET opens_on = x.opens_on, due_on = x.due_on, method = x.method, level = x.level, version = t.version + 1
      FROM wanted x WHERE t.id = x.id
    RETURNING t.id, x.due_before, x.method_before, t.due_on, t.method
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT id, 'BROUGHT_FORWARD', %(at)s, %(as_of)s, 'system',
       jsonb_build_object('due_before', due_before, 'method_before', method_before, 'due_on', due_on, 'method', method,
                          'why', 'ONE_TALK')
  FROM moved WHERE (due_before, method_before) <> (due_on, method) ORDER BY id
"""
_END = """
UPDATE followups_mergedtask SET ended_at = %(at)s, ended_by = 'system'
 WHERE ended_at IS NULL AND task_id = ANY(%(tasks)s)
"""
_JOIN = """
WITH asked AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s) AS x(
        lead bigint, task bigint, officer bigint, before bigint, mode text, across boolean, undo jsonb)
), given AS (
    UPDATE followups_visittask t SET assigned_to_id = x.officer, version = t.version + 1,
           proposed_second_id = nullif(t.proposed_second_id, x.officer)
      FROM asked x WHERE t.id = x.task AND x.officer IS NOT NULL AND x.before IS DISTINCT FROM x.officer
    RETURNING t.id, x.before, x.officer, x.lead
), told AS (
    INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
    SELECT g.id, 'ASSIGNED', %(at)s, %(as_of)s, 'system',
           jsonb_build_object('from', coalesce(f.staff_no, ''), 'to', s.staff_no, 'lead', g.lead)
      FROM given g JOIN people_staff s ON s.id = g.officer LEFT JOIN people_staff f ON f.id = g.before ORDER BY g.id
), noted AS (
    INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
    SELECT task, 'JOINED', %(at)s, %(as_of)s, 'system', jsonb_build_object('lead', lead) FROM asked ORDER BY task
)
INSERT INTO followups_mergedtask (
    lead_id, task_id, mode, merged_by, at, business_date, ended_by, reason, undo, is_across)
SELECT lead, task, mode, 'system', %(at)s, %(as_of)s, '', '', undo, across FROM asked ORDER BY task
"""
# Undoing one merge of a visit has to know what the others made of it.
_GIVEN = """
UPDATE followups_mergedtask k SET undo = k.undo || jsonb_build_object('given', x.given)
  FROM jsonb_to_recordset(%(rows)s) AS x(lead bigint, given jsonb)
 WHERE k.lead_id = x.lead AND k.ended_at IS NULL AND k.undo IS NOT NULL AND k.undo -> 'given' <> x.given
"""


def loans_beside(loan_ids: Collection[int]) -> list[int]:
    """The loans whose follow-ups may be made along with those of these loans, themselves among them."""
    return [row[0] for row in _rows(_NEAR, {"ids": list(loan_ids)})]


def wake(loan_ids: Collection[int], *, at: datetime) -> None:
    """Has `merge_talks` look at those of these loans that have a talk near another; called by who made or moved it."""
    if not loan_ids:
        return
    _written(_WAKE, {"ids": list(loan_ids), "reaction": WAKES, "at": at})


def merge_talks(*, as_of: date, at: datetime, loan_ids: Sequence[int]) -> dict[str, int]:
    """Makes one visit of the talks of these loans and those beside them that belong together."""
    counts = {"merged": 0, "unmerged": 0}
    rows = _rows(_TALKS, {"ids": list(loan_ids)})
    if len({row[4] for row in rows}) > 1 and part_out_of_sight(as_of=as_of, at=at, task_ids=[row[0] for row in rows]):
        rows = _rows(_TALKS, {"ids": list(loan_ids)})
    if len(rows) < 2:
        return counts
    talks = _with_sight([_talk(row) for row in rows], {row[0]: row[14] for row in rows}, as_of)
    related = _pairs(_RELATED, {"people": sorted({each.borrower_id for each in talks})})
    apart = _pairs(_APART, {"tasks": [each.id for each in talks]})
    within = timedelta(days=rows[0][-1])
    found = together(talks, related, apart, within=within)
    _write(found, talks, as_of, at)
    _keep(strangers(standing_after(talks, found), related, apart, within=within), talks, as_of, at)
    return {"merged": len(found.joined), "unmerged": len(found.apart)}


def _with_sight(talks: list[Talk], owners: Mapping[int, int | None], as_of: date) -> list[Talk]:
    """The talks with what those see, and may take on, whose they are by themselves, where there is more than one
    branch."""
    branches = sorted({each.branch_id for each in talks})
    officers = sorted({pk for pk in owners.values() if pk is not None})
    if len(branches) < 2 or not officers:
        return talks
    seen = branches_visited(officers, branches)
    gated = {row[0] for row in _rows(_GATED, {"staff": officers, "as_of": as_of})}
    return [
        replace(each, sees=seen.get(owners[each.id] or 0, frozenset()), takes_none=owners[each.id] in gated)
        for each in talks
    ]


def _keep(found: Sequence[Strangers], talks: Sequence[Talk], as_of: date, at: datetime) -> None:
    """Makes the pairs of these talks agree with what was found; within a branch there are none."""
    if len({each.branch_id for each in talks}) < 2:
        return
    rows = json.dumps([
        {
            "one": each.one.id, "other": each.other.id, "one_branch": each.one.branch_id,
            "other_branch": each.other.branch_id, "why": each.why,
        }
        for each in found
    ])  # fmt: skip
    _written(_DROP_PAIRS, {"rows": rows, "tasks": [each.id for each in talks], "as_of": as_of})
    if found:
        _written(_KEEP_PAIRS, {"rows": rows, "as_of": as_of, "at": at})


def _write(found: Together, talks: Sequence[Talk], as_of: date, at: datetime) -> None:
    asked: dict[str, Any] = {"as_of": as_of, "at": at}
    ended = sorted({each.id for each in found.apart} | {task.id for _lead, task in found.joined})
    if ended:
        _written(_END, {"tasks": ended, "at": at})
    rows = [{"id": after.id, **standing(after)} for _before, after in found.tightened]
    if rows:
        _written(_TIGHTEN, {**asked, "rows": json.dumps(rows)})
    before = {each.id: each for each in talks}
    joined = [
        {
            "lead": lead.id, "task": task.id, "officer": lead.officer_id, "before": task.officer_id,
            # Across branches each loan's file gets a report of its own, which its own branch reviews and reads.
            "mode": "JOINT" if lead.branch_id == task.branch_id else "EACH", "across": lead.branch_id != task.branch_id,
            "undo": {"own": standing(before[lead.id]), "given": standing(lead), "from": task.officer_id},
        }
        for lead, task in found.joined
    ]  # fmt: skip
    if joined:
        _written(_JOIN, {**asked, "rows": json.dumps(joined)})
    given = [{"lead": after.id, "given": standing(after)} for _before, after in found.tightened]
    if given:
        _written(_GIVEN, {"rows": json.dumps(given)})


def standing(task: Any) -> dict[str, Any]:
    """What merging changes of a visit, as it is kept to be undone."""
    return {
        "opens_on": task.opens_on.isoformat(), "due_on": task.due_on.isoformat(), "method": str(task.method),
        "level": int(task.level),
    }  # fmt: skip


def _talk(row: tuple[Any, ...]) -> Talk:
    (
        task_id, loan_id, borrower_id, homes, branch_id, officer_id, approver_id, kind, method, level, opens_on, due_on,
        lead_id, is_kept, _owner, _within,
    ) = row  # fmt: skip
    return Talk(
        id=task_id, loan_id=loan_id, borrower_id=borrower_id, homes=frozenset(homes or ()), branch_id=branch_id,
        officer_id=officer_id, approver_id=approver_id, kind=kind, method=method, level=level, opens_on=opens_on,
        due_on=due_on, lead_id=lead_id, is_kept=is_kept,
    )  # fmt: skip


def _pairs(statement: str, asked: dict[str, Any]) -> frozenset[Pair]:
    return frozenset(frozenset(row) for row in _rows(statement, asked))


def _rows(statement: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _written(statement: str, asked: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
