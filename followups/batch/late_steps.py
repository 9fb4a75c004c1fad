"""Tells who has a visit's step that will be past its own limit in the morning, and a workday later who stands above.

Each is told once a limit: the same evening run twice adds nothing, and a step that begins anew has a limit of its own.
Only what is in hand is looked at; what `queries.late_steps` finds late is written with one statement.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from followups.queries.late_steps import late_in
from followups.rules.escalation import STEP_CODES, told_of_step

_WANTED = """
SELECT w.task_id, w.branch_id, w.code, w.audience, w.due_on
  FROM unnest(%(tasks)s::bigint[], %(branches)s::bigint[], %(codes)s::text[], %(audiences)s::text[], %(dues)s::date[])
       AS w(task_id, branch_id, code, audience, due_on)
 WHERE NOT EXISTS (SELECT FROM followups_notice n WHERE n.task_id = w.task_id AND n.code = w.code
                      AND n.audience = w.audience AND n.due_on = w.due_on)
"""
_TELL = f"""
WITH made AS (
    INSERT INTO followups_notice (task_id, branch_id, code, audience, due_on, raised_on, tell_on, at)
    SELECT u.task_id, u.branch_id, u.code, u.audience, u.due_on, %(as_of)s, %(told_on)s, %(at)s FROM ({_WANTED}) AS u
     ORDER BY 1, 3, 4
    ON CONFLICT (task_id, code, audience, due_on) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM made
"""  # noqa: S608 - joined from constants
_BRANCHES = f"SELECT DISTINCT u.branch_id FROM ({_WANTED}) AS u ORDER BY 1"  # noqa: S608 - joined from constants


def tell_late_steps(*, as_of: date, at: datetime, after: int = 0, up_to: int | None = None) -> int:
    """Notices of steps that are late in the morning after `as_of`, told then."""
    told_on = as_of + timedelta(days=1)
    asked = _wanted(told_on, after, up_to)
    if not asked["tasks"]:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_TELL, {**asked, "as_of": as_of, "told_on": told_on, "at": at})
        return int(cursor.fetchone()[0])


def branches_to_tell(*, as_of: date) -> list[int]:
    """Branches in which somebody is still to be told of such a step."""
    asked = _wanted(as_of + timedelta(days=1), 0, None)
    if not asked["tasks"]:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BRANCHES, asked)
        return [branch_id for (branch_id,) in cursor.fetchall()]


def _wanted(day: date, after: int, up_to: int | None) -> dict[str, Any]:
    rows = [
        (one.task_id, one.branch_id, STEP_CODES[one.step], audience, one.late.due_on)
        for one in late_in(day=day, after=after, up_to=up_to).values()
        for audience in told_of_step(one.step, one.late.workdays, one.level)
    ]
    names = ("tasks", "branches", "codes", "audiences", "dues")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}
