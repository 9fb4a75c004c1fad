"""Which visits in hand are past the limit of their present step (`rules.step_limits`), and by how many workdays.

A visit being made and a report being mended are counted from the event that began the step, without the days on which
the clock stood; a review by the day that was named when the report was handed in. What another visit does along is no
work of its own. Read by an index of what is in hand, in one statement, and decided by the rules of the clock.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from followups.queries.merging import ALONE
from followups.rules.clock import REVIEWING, pauses
from followups.rules.step_limits import REPORT, STEP_OF_STATE, Late, past_limit, workdays
from loans import sql
from loans.rules.calendar import Calendar

_IN_HAND = f"""
WITH hand AS (
    SELECT t.id, t.branch_id, t.level, t.state,
           CASE WHEN t.state = 'SUBMITTED'
                THEN (SELECT r.decide_by FROM followups_visit v JOIN followups_visitreport r ON r.visit_id = v.id
                       WHERE v.task_id = t.id AND r.state = 'SUBMITTED')
                ELSE (SELECT e.business_date FROM followups_taskevent e
                       WHERE e.task_id = t.id
                         AND e.kind = CASE t.state WHEN 'RETURNED' THEN 'RETURNED' ELSE 'STARTED' END
                       ORDER BY e.id DESC LIMIT 1) END AS since
      FROM followups_visittask t
     WHERE t.state IN ('IN_PROGRESS', 'RETURNED', 'SUBMITTED') AND {{which}} AND {ALONE}
)
SELECT h.id, h.branch_id, h.level, h.state, h.since, p.stood,
       (SELECT value FROM loans_parameter WHERE code = %(report)s AND in_force @> %(day)s::date),
       (SELECT jsonb_agg(jsonb_build_array(w.day, w.is_workday)) FROM loans_workday w
         WHERE w.day BETWEEN (SELECT min(since) FROM hand) AND %(day)s
           AND w.is_workday <> (extract(isodow FROM w.day) < 6))
  FROM hand h, LATERAL (
       SELECT jsonb_agg(jsonb_build_array(e.kind, e.business_date, e.data ->> 'until') ORDER BY e.id) AS stood
         FROM followups_taskevent e
        WHERE e.task_id = h.id AND e.kind IN ('PAUSED', 'RESUMED') AND h.state <> 'SUBMITTED') AS p
 WHERE h.since < %(day)s ORDER BY h.id
"""  # noqa: S608 - joined from constants
_OF_TASKS = "t.id = ANY(%(tasks)s)"
_OF_RANGE = "t.branch_id > %(after)s AND (%(up_to)s::bigint IS NULL OR t.branch_id <= %(up_to)s)"
_OF_BRANCHES = "t.branch_id = ANY(%(branches)s)"


@dataclass(frozen=True, slots=True)
class LateStep:
    """A visit whose present step is past its own limit."""

    task_id: int
    branch_id: int
    level: int
    step: str
    late: Late


@dataclass(frozen=True, slots=True)
class _Stop:
    """An event that stops the clock or lets it run, as the clock reads it."""

    kind: str
    business_date: date
    data: Mapping[str, Any]


def late_steps(task_ids: Sequence[int], *, day: date) -> dict[int, LateStep]:
    """Those of the tasks whose step is past its limit on the day; nothing is asked for none."""
    return _late(_OF_TASKS, day, tasks=list(task_ids)) if task_ids else {}


def late_in(*, day: date, after: int = 0, up_to: int | None = None) -> dict[int, LateStep]:
    """The same of all that is in hand in a range of branches."""
    return _late(_OF_RANGE, day, after=after, up_to=up_to)


def late_of(branch_ids: Sequence[int], *, day: date) -> dict[int, LateStep]:
    """The same of these branches."""
    return _late(_OF_BRANCHES, day, branches=list(branch_ids))


def _late(which: str, day: date, **asked: Any) -> dict[int, LateStep]:
    rows = sql.rows(_IN_HAND.format(which=which), {"day": day, "report": REPORT, **asked})
    found = {}
    for task_id, branch_id, level, state, since, stops, limit, exceptions in rows:
        step = STEP_OF_STATE[state]
        # A review has its day already.
        allowed = 0 if step == REVIEWING else workdays(REPORT, _read(limit), level)
        late = past_limit(since, allowed, _stood(_read(stops)), day, _calendar(exceptions or "[]"))
        if late is not None:
            found[task_id] = LateStep(task_id, branch_id, level, step, late)
    return found


def _read(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _stood(stops: Any) -> list[tuple[date, date]]:
    return pauses(_Stop(kind, date.fromisoformat(on), {"until": until}) for kind, on, until in stops or ())


@lru_cache(maxsize=8)
def _calendar(exceptions: str) -> Calendar:
    return Calendar.of((date.fromisoformat(day), is_workday) for day, is_workday in json.loads(exceptions))
