"""How long follow-ups take (多久能出结果): median and ninth decile in workdays to close, and of each step, from events.

A task's time runs from the day it may be made (or came up, if later) to the event that ended it, cut into the steps of
`rules.clock`, without the days on which the clock stood; a test holds both together. Workdays are joined from the
workday table, counted once. What closed itself took nobody's time and is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from followups.queries.late_steps import late_of
from followups.rules.clock import CORRECTING, REVIEWING, TELLING, VISITING, WAITING
from journal.replica import read_written
from loans import sql
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to

STEPS = (WAITING, VISITING, REVIEWING, CORRECTING, TELLING)
# What a figure can be narrowed to: made late, with a finding, told late, not told yet.
ONLY = ("late", "finding", "told_late", "untold", "scored")
GROUPS: Mapping[str, tuple[str, str]] = {
    "branch": ("b.code", "b.name"),
    "officer": ("coalesce(s.staff_no, '')", "coalesce(s.name, '')"),
    "kind": ("t.kind", "t.kind"),
    "method": ("t.method", "t.method"),
}
MOST = 200

_TIMES = """
WITH closed AS (
    SELECT t.id, t.branch_id, t.assigned_to_id, t.kind, t.method, t.opens_on, t.due_on, t.closed_on
      FROM followups_visittask t
     WHERE t.closed_on BETWEEN %(first)s AND %(last)s AND t.outcome IN ('APPROVED', 'SUSPECTED_LOST')
       AND t.branch_id = ANY(%(branches)s)
), step AS (
    SELECT e.task_id, e.kind,
           CASE WHEN e.kind = 'PLANNED' THEN greatest(e.business_date, c.opens_on) ELSE e.business_date END AS since,
           lead(e.business_date) OVER (PARTITION BY e.task_id ORDER BY e.id) AS until
      FROM followups_taskevent e JOIN closed c ON c.id = e.task_id
     WHERE e.kind IN ('PLANNED', 'STARTED', 'SUBMITTED', 'RETURNED', 'APPROVED', 'CLOSED', 'CANCELLED',
                      'TO_TELL', 'TOLD', 'TOLD_UNDONE')
), days AS (
    SELECT g.day::date AS day,
           sum(coalesce(w.is_workday, extract(isodow FROM g.day) < 6)::int) OVER (ORDER BY g.day) AS number
      FROM generate_series((SELECT min(since) FROM step), (SELECT greatest(max(until), %(last)s::date + 60) FROM step),
                           '1 day') AS g(day)
      LEFT JOIN loans_workday w ON w.day = g.day::date
), stood AS (
    SELECT task_id, begun, greatest(begun, least(last, CASE WHEN following = 'RESUMED' THEN resumed - 1 END)) AS last
      FROM (SELECT e.task_id, e.kind, e.business_date AS begun, (e.data ->> 'until')::date AS last,
                   lead(e.kind) OVER w AS following, lead(e.business_date) OVER w AS resumed
              FROM followups_taskevent e JOIN closed c ON c.id = e.task_id WHERE e.kind IN ('PAUSED', 'RESUMED')
            WINDOW w AS (PARTITION BY e.task_id ORDER BY e.id)) AS p
     WHERE kind = 'PAUSED'
), took AS (
    SELECT s.task_id, sum(d.took) FILTER (WHERE s.kind NOT IN ('TO_TELL', 'TOLD_UNDONE')) AS total,
           sum(d.took) FILTER (WHERE s.kind = 'PLANNED') AS waiting,
           sum(d.took) FILTER (WHERE s.kind = 'STARTED') AS visiting,
           sum(d.took) FILTER (WHERE s.kind = 'SUBMITTED') AS reviewing,
           sum(d.took) FILTER (WHERE s.kind = 'RETURNED') AS correcting,
           sum(d.took) FILTER (WHERE s.kind IN ('TO_TELL', 'TOLD_UNDONE')) AS telling,
           min(s.since) FILTER (WHERE s.kind = 'SUBMITTED') AS submitted_on
      FROM step s JOIN days b ON b.day = s.since JOIN days u ON u.day = s.until,
           LATERAL (SELECT coalesce(sum(y.number - x.number), 0) AS paused
                      FROM stood p JOIN days x ON x.day = greatest(p.begun, s.since)
                      JOIN days y ON y.day = least(p.last, s.until)
                     WHERE p.task_id = s.task_id AND x.day < y.day) AS q,
           LATERAL (SELECT (greatest(0, u.number - b.number) - q.paused)::int AS took) AS d
     WHERE s.kind IN ('PLANNED', 'STARTED', 'SUBMITTED', 'RETURNED', 'TO_TELL', 'TOLD_UNDONE') GROUP BY s.task_id
), task AS (
    SELECT c.*, k.total, k.waiting, k.visiting, k.reviewing, k.correcting, k.telling,
           r.id IS NOT NULL AND r.told_on IS NULL AS is_untold,
           r.id IS NOT NULL AND coalesce(r.told_on, %(last)s::date) > r.tell_by AS is_told_late,
           coalesce(k.submitted_on, c.closed_on) > c.due_on AS is_late,
           EXISTS (SELECT FROM followups_visit v JOIN followups_visitreport r ON r.visit_id = v.id
                    WHERE v.task_id = c.id AND r.state = 'APPROVED' AND r.conclusion <> 'NO_CONCERN') AS has_finding,
           (SELECT q.score FROM followups_visit v JOIN followups_visitreport r ON r.visit_id = v.id
              JOIN followups_reportquality q ON q.report_id = r.id
             WHERE v.task_id = c.id AND r.state = 'APPROVED') AS score
      FROM closed c JOIN took k ON k.task_id = c.id LEFT JOIN followups_customerresult r ON r.task_id = c.id
)
"""
_EACH = ", ".join(
    f"percentile_disc(0.5) WITHIN GROUP (ORDER BY t.{name}), percentile_disc(0.9) WITHIN GROUP (ORDER BY t.{name})"
    for name in ("total", "waiting", "visiting", "reviewing", "correcting", "telling")
)
_FIGURES = """
SELECT grouping({code}), {code}, {name}, count(*), count(*) FILTER (WHERE t.is_late),
       count(*) FILTER (WHERE t.has_finding), count(*) FILTER (WHERE t.is_told_late),
       count(*) FILTER (WHERE t.is_untold), count(t.score), round(avg(t.score))::int, {each}
  FROM task t JOIN people_branch b ON b.id = t.branch_id LEFT JOIN people_staff s ON s.id = t.assigned_to_id
 GROUP BY GROUPING SETS (({code}, {name}), ()) ORDER BY 1, 2
"""
_TASKS = """
SELECT t.id, t.total, t.waiting, t.visiting, t.reviewing, t.correcting, t.telling, t.is_late, t.has_finding,
       t.closed_on, t.score
  FROM task t JOIN people_branch b ON b.id = t.branch_id LEFT JOIN people_staff s ON s.id = t.assigned_to_id
 WHERE (%(code)s::text IS NULL OR {code} = %(code)s) AND (%(only)s = '' OR %(only)s = 'late' AND t.is_late
        OR %(only)s = 'finding' AND t.has_finding OR %(only)s = 'told_late' AND t.is_told_late
        OR %(only)s = 'untold' AND t.is_untold OR %(only)s = 'scored' AND t.score IS NOT NULL)
 ORDER BY {order}, t.id LIMIT %(most)s
"""
_BREACHING = """
SELECT t.id, coalesce(r.decide_by, t.due_on) AS breach_on, t.level
  FROM followups_visittask t
  LEFT JOIN followups_visit v ON v.task_id = t.id AND t.state = 'SUBMITTED'
  LEFT JOIN followups_visitreport r ON r.visit_id = v.id AND r.state = 'SUBMITTED'
 WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
   AND t.due_on <= %(until)s AND t.branch_id = ANY(%(branches)s)
 UNION ALL
SELECT t.id, c.tell_by, t.level FROM followups_customerresult c JOIN followups_visittask t ON t.id = c.task_id
 WHERE c.told_id IS NULL AND c.tell_by <= %(until)s AND c.branch_id = ANY(%(branches)s)
 ORDER BY breach_on, level, id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and ninth decile in workdays; None where no task had the step."""

    p50: int | None
    p90: int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: how many closed, how many late, how many found something, the whole time and each step's."""

    code: str
    name: str
    closed: int
    late: int
    findings: int
    # Results told to the customer after their day or not at all by the last day of the period; not told yet.
    told_late: int
    untold: int
    # Reports with a quality score, and their mean of 100, rounded; None where there is none.
    scored: int
    quality: int | None
    total: Spread
    steps: Mapping[str, Spread]

    @property
    def on_time_percent(self) -> int:
        """Submitted by the limit, in percent rounded down."""
        return (self.closed - self.late) * 100 // self.closed if self.closed else 100

    @property
    def finding_percent(self) -> int:
        """With a finding, in percent rounded down."""
        return self.findings * 100 // self.closed if self.closed else 0


@dataclass(frozen=True, slots=True)
class TurnAround:
    """The figures of a period: a line for each group, and the whole."""

    first: date
    last: date
    by: str
    branch: str
    rows: list[Figure] = field(default_factory=list)
    whole: Figure | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A closed task with the workdays of its steps."""

    task_id: int
    total: int
    steps: Mapping[str, int | None]
    is_late: bool
    has_finding: bool
    closed_on: date
    score: int | None


def turn_around(staff: Staff, first: date, last: date, *, by: str = "branch", branch: str = "") -> TurnAround:
    """Figures of the visible branches over days of closing."""
    code, name = GROUPS[by]
    asked: dict[str, Any] = {"first": first, "last": last, "branches": _branches(staff, branch)}
    rows, whole = [], None
    statement = _TIMES + _FIGURES.format(code=code, name=name, each=_EACH)
    found = read_written(lambda using: sql.rows(statement, asked, using=using))
    for is_whole, key, words, closed, late, findings, told_late, untold, scored, quality, *spreads in found:
        pairs = [Spread(*pair) for pair in zip(spreads[::2], spreads[1::2], strict=True)]
        steps = dict(zip(STEPS, pairs[1:], strict=True))
        figure = Figure(
            key or "", words or "", closed, late, findings, told_late, untold, scored, quality, pairs[0], steps
        )
        if not is_whole:
            rows.append(figure)
        elif closed:
            whole = figure
    return TurnAround(first, last, by, branch, rows, whole)


def tasks_behind(
    staff: Staff, first: date, last: date, *, by: str = "branch", branch: str = "", code: str | None = None,
    step: str = "", only: str = "",
) -> list[Taken]:  # fmt: skip
    """The tasks that a figure is made of, the longest first (of a quality score the lowest); 200 at most."""
    order = (f"t.{step.lower()}" if step in STEPS else "t.total") + " DESC NULLS LAST"
    order = "t.score" if only == "scored" else order
    asked: dict[str, Any] = {
        "first": first, "last": last, "branches": _branches(staff, branch), "code": code, "only": only, "most": MOST,
    }  # fmt: skip
    statement = _TIMES + _TASKS.format(code=GROUPS[by][0], order=order)
    return [
        Taken(pk, total, dict(zip(STEPS, steps, strict=True)), is_late, has_finding, closed_on, score)
        for pk, total, *steps, is_late, has_finding, closed_on, score in read_written(
            lambda using: sql.rows(statement, asked, using=using)
        )
    ]


def breaching(
    staff: Staff, until: date, *, today: date, branch: str = "", most: int = 30
) -> Sequence[tuple[int, date]]:
    """Tasks with the day by which their present step has to be done, the first to be missed first: open ones, and those
    whose result the customer is still to be told. A step past its own limit stands by the day of that."""
    branches = _branches(staff, branch)
    asked: dict[str, Any] = {"until": until, "branches": branches, "most": most}
    late = late_of(branches, day=today)
    with connection.cursor() as cursor:
        cursor.execute(_BREACHING, asked)
        found = {pk: (day, level, pk) for pk, day, level in cursor.fetchall()}
    for pk, one in late.items():
        by_own = (one.late.due_on, one.level, pk)
        found[pk] = min(found.get(pk, by_own), by_own)
    return [(pk, day) for day, _level, pk in sorted(found.values())[:most]]


def _branches(staff: Staff, branch: str) -> list[int]:
    ids = list(branch_ids_visible_to(staff))
    return list(Branch.objects.filter(pk__in=ids, code=branch).values_list("pk", flat=True)) if branch else ids
