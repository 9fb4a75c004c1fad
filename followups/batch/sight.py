"""Takes apart what its visit may not make any more: the officer who has it now does not see the branch of the task.

Whoever gives a visit to somebody calls it in the same transaction; the evening calls it for what changed otherwise (a
role, a branch, a person who left). The task goes back to whom it came from, or to nobody, and then the evening looks
for somebody. The visit keeps its day: dates only come forward. The machine may bring the two together again.
"""

from collections.abc import Collection
from datetime import date, datetime

from django.db import connection

from followups.queries.sight import may_visit

_FROM = "(k.undo ->> 'from')::bigint"
_PART = f"""
WITH blind AS (
    SELECT k.id, k.task_id, k.lead_id, t.assigned_to_id AS had,
           CASE WHEN {may_visit(_FROM, "t.branch_id")} THEN {_FROM}
                WHEN {may_visit("t.assigned_to_id", "t.branch_id")} THEN t.assigned_to_id END AS officer
      FROM followups_mergedtask k JOIN followups_visittask v ON v.id = k.lead_id
      JOIN followups_visittask t ON t.id = k.task_id
     WHERE k.ended_at IS NULL AND k.is_across AND v.closed_on IS NULL AND t.state = 'PLANNED'
       AND v.branch_id > %(after)s AND (%(up_to)s::bigint IS NULL OR v.branch_id <= %(up_to)s)
       AND (%(tasks)s::bigint[] IS NULL OR k.lead_id = ANY(%(tasks)s) OR k.task_id = ANY(%(tasks)s))
       AND (%(loans)s::bigint[] IS NULL OR v.loan_id = ANY(%(loans)s))
       AND NOT {may_visit("v.assigned_to_id", "t.branch_id")}
     ORDER BY t.id FOR UPDATE OF t
), ended AS (
    UPDATE followups_mergedtask k SET ended_at = %(at)s, ended_by = 'system' FROM blind b WHERE k.id = b.id
), given AS (
    UPDATE followups_visittask t SET assigned_to_id = b.officer, version = t.version + 1,
           proposed_second_id = nullif(t.proposed_second_id, b.officer)
      FROM blind b WHERE t.id = b.task_id
), told AS (
    INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
    SELECT b.task_id, 'ASSIGNED', %(at)s, %(as_of)s, 'system',
           jsonb_build_object('from', coalesce(f.staff_no, ''), 'to', coalesce(s.staff_no, ''))
      FROM blind b LEFT JOIN people_staff s ON s.id = b.officer LEFT JOIN people_staff f ON f.id = b.had
     WHERE b.officer IS DISTINCT FROM b.had ORDER BY b.task_id
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT x.task_id, 'SPLIT', %(at)s, %(as_of)s, 'system',
       jsonb_build_object('member', b.task_id, 'lead', b.lead_id, 'why', 'NO_SIGHT')
  FROM blind b, LATERAL (VALUES (b.lead_id), (b.task_id)) AS x(task_id) ORDER BY b.task_id, x.task_id
RETURNING id
"""  # noqa: S608 - constants
# Pairs of which one has ended: nothing is to be decided about them.
_CLOSE = """
UPDATE followups_acrosspair p SET closed_on = %(as_of)s
 WHERE p.closed_on IS NULL AND p.left_on IS NULL
   AND p.one_branch_id > %(after)s AND (%(up_to)s::bigint IS NULL OR p.one_branch_id <= %(up_to)s)
   AND EXISTS (SELECT FROM followups_visittask t WHERE t.id IN (p.one_id, p.other_id) AND t.closed_on IS NOT NULL)
"""
# Branches in which either may have something to do.
BRANCHES = """
SELECT v.branch_id FROM followups_mergedtask k JOIN followups_visittask v ON v.id = k.lead_id
 WHERE k.ended_at IS NULL AND k.is_across
UNION
SELECT one_branch_id FROM followups_acrosspair WHERE closed_on IS NULL AND left_on IS NULL
"""


def part_out_of_sight(
    *,
    as_of: date,
    at: datetime,
    task_ids: Collection[int] | None = None,
    loan_ids: Collection[int] | None = None,
    after: int = 0,
    up_to: int | None = None,
) -> int:
    """Of these tasks (visits, or done along), of visits of these loans, or of visits of a range of branches; how many
    were taken apart."""
    with connection.cursor() as cursor:
        cursor.execute(_PART, {
            "as_of": as_of, "at": at, "after": after, "up_to": up_to,
            "tasks": None if task_ids is None else list(task_ids),
            "loans": None if loan_ids is None else list(loan_ids),
        })  # fmt: skip
        return len(cursor.fetchall()) // 2


def close_pairs(*, as_of: date, after: int = 0, up_to: int | None = None) -> int:
    """Ends pairs of a range of branches of which a task has ended."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, {"as_of": as_of, "after": after, "up_to": up_to})
        return int(cursor.rowcount)
