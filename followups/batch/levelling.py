"""Brings planned visits forward out of weeks beyond the ceiling less the reserve, by the rule; run by the evening after
assigning.

Only officers who have something that could come forward are looked at. Dates move inside the task's window and never
back; what has begun, what a person fixed and red visits stay. What finds no room is not written anywhere: the rule
names it whenever it is asked.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups.queries.levelling import WEEKS, levelled, officers_to_relieve, slots_of
from followups.rules.levelling import week_of

_OFFICERS = 500

_MOVE = """
WITH moved AS (
    UPDATE followups_visittask t SET due_on = x.due_on, version = t.version + 1
      FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, due_before date, due_on date)
     WHERE t.id = x.id AND t.state = 'PLANNED' AND NOT t.is_pinned AND t.due_on = x.due_before
    RETURNING t.id, x.due_before, t.due_on
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT id, 'LEVELLED', %(at)s, %(as_of)s, 'system', jsonb_build_object('due_before', due_before, 'due_on', due_on)
  FROM moved ORDER BY id
"""


@transaction.atomic
def level_weeks(*, as_of: date, at: datetime, after: int = 0, up_to: int | None = None) -> dict[str, int]:
    """Levels the coming weeks of officers of branches above `after` up to `up_to`; how many visits came forward."""
    # The date that closes is over: what comes forward has tomorrow at the earliest.
    today = as_of + timedelta(days=1)
    until = week_of(today) + timedelta(days=7 * WEEKS - 1)
    officers = officers_to_relieve(as_of, after=after, up_to=up_to)
    moved = 0
    for start in range(0, len(officers), _OFFICERS):
        moved += _level(officers[start : start + _OFFICERS], today, until, at, as_of)
    return {"levelled": moved}


def _level(officers: Sequence[int], today: date, until: date, at: datetime, as_of: date) -> int:
    moves = levelled(slots_of(officers, until, today), today).moves
    if not moves:
        return 0
    rows: list[dict[str, Any]] = [
        {"id": one.task_id, "due_before": one.due_before.isoformat(), "due_on": one.due_on.isoformat()} for one in moves
    ]
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"rows": json.dumps(rows), "at": at, "as_of": as_of})
        return int(cursor.rowcount)
