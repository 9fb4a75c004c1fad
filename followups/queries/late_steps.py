"""Which visits in hand are past the limit of their present step (`rules.step_limits`), and by how many workdays.

A visit being made and a report being mended are counted from the event that began the step, without the days on which
the clock stood; a review by the day that was named when the report was handed in. What another visit does along is no
work of its own. Read by an index of what is in hand, and decided by the rules of the clock.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from followups.models import VisitTask
from followups.queries.merging import ALONE
from followups.rules.clock import REVIEWING, pauses
from followups.rules.step_limits import REPORT, STEP_OF_STATE, Late, past_limit, workdays
from loans import sql
from loans.queries import calendar
from loans.rules.calendar import Calendar

# Of a task t: since when its step runs, what stopped its clock, the bank's limit; null for what is not in hand.
PRESENT_STEP: Final = f"""
CASE WHEN t.state IN ('IN_PROGRESS', 'RETURNED', 'SUBMITTED') AND {ALONE} THEN jsonb_build_array(
    CASE WHEN t.state = 'SUBMITTED'
         THEN (SELECT r.decide_by FROM followups_visit v JOIN followups_visitreport r ON r.visit_id = v.id
                WHERE v.task_id = t.id AND r.state = 'SUBMITTED')
         ELSE (SELECT e.business_date FROM followups_taskevent e
                WHERE e.task_id = t.id AND e.kind = CASE t.state WHEN 'RETURNED' THEN 'RETURNED' ELSE 'STARTED' END
                ORDER BY e.id DESC LIMIT 1) END,
    (SELECT jsonb_agg(jsonb_build_array(e.kind, e.business_date, e.data ->> 'until') ORDER BY e.id)
       FROM followups_taskevent e
      WHERE e.task_id = t.id AND e.kind IN ('PAUSED', 'RESUMED') AND t.state <> 'SUBMITTED'),
    (SELECT value FROM loans_parameter JOIN loans_businessdate b ON b.is_open AND in_force @> b.day
      WHERE code = '{REPORT}'))::text END
"""  # noqa: S608 - joined from constants
_IN_HAND = f"""
SELECT t.id, t.branch_id, t.level, t.state, {PRESENT_STEP} FROM followups_visittask t
 WHERE t.state IN ('IN_PROGRESS', 'RETURNED', 'SUBMITTED') AND {{which}} ORDER BY t.id
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


@dataclass(frozen=True, slots=True)
class _Step:
    """A step that runs: since when, when the clock stood meanwhile, within how many workdays."""

    code: str
    since: date
    stood: Sequence[tuple[date, date]]
    limit: int


def late_steps(task_ids: Sequence[int], *, day: date) -> dict[int, LateStep]:
    """Those of the tasks whose step is past its limit on the day; nothing is asked for none."""
    return _late(_OF_TASKS, day, tasks=list(task_ids)) if task_ids else {}


def late_in(*, day: date, after: int = 0, up_to: int | None = None) -> dict[int, LateStep]:
    """The same of all that is in hand in a range of branches."""
    return _late(_OF_RANGE, day, after=after, up_to=up_to)


def late_of(branch_ids: Sequence[int], *, day: date) -> dict[int, LateStep]:
    """The same of these branches."""
    return _late(_OF_BRANCHES, day, branches=list(branch_ids))


def late_among(tasks: Iterable[VisitTask], *, day: date, days: Calendar | None = None) -> dict[int, LateStep]:
    """The same of tasks of `queries.desk`, which have read their step."""
    rows = [(task.pk, task.branch_id, task.level, task.state, vars(task).get("present_step")) for task in tasks]
    return _decided(rows, day, days)


def _late(which: str, day: date, **asked: Any) -> dict[int, LateStep]:
    return _decided(sql.rows(_IN_HAND.format(which=which), asked), day, None)


def _decided(rows: Iterable[tuple[Any, ...]], day: date, days: Calendar | None) -> dict[int, LateStep]:
    steps = [(*row, step) for *row, read in rows if (step := _step(row[3], row[2], read)) and step.since < day]
    if not steps:
        return {}
    days = days or calendar(min(step.since for *_row, step in steps), day)
    found = {}
    for task_id, branch_id, level, _state, step in steps:
        late = past_limit(step.since, step.limit, step.stood, day, days)
        if late is not None:
            found[task_id] = LateStep(task_id, branch_id, level, step.code, late)
    return found


def _step(state: str, level: int, read: str | None) -> _Step | None:
    since, stops, limit = json.loads(read) if read else (None, None, None)
    if since is None:
        return None
    code = STEP_OF_STATE[state]
    # A review has its day already.
    allowed = 0 if code == REVIEWING else workdays(REPORT, limit, level)
    events = (_Stop(kind, date.fromisoformat(on), {"until": until}) for kind, on, until in stops or ())
    return _Step(code, date.fromisoformat(since), pauses(events), allowed)
