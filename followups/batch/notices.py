"""Tells who has to know that a follow-up runs late: rows of notices, raised by the evening, each once a limit.

80 % of the time limit tells the officer, 100 % also the manager's digest of the next workday, 120 % also the branch
head on the Monday after; red is told to all three at once. A first follow-up not made by day 75, 85 and 90 after
disbursement is told to officer, manager and branch head in turn. What the rule finds nobody for is told to the manager.
A limit that a person moved is told anew. What another visit does along is told by the limit of that visit, the
earliest of both unless a person put it off; only the alarms of a first follow-up stay its own. A result that nobody has
told the customer is told of by the steps of its own limit to the same people. Steps of visits that are past their own
limit are told by `late_steps`.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups.rules.escalation import ALARM_DAYS, AUDIENCES, STEPS
from loans.queries import calendar

# 20 % of the longest window (75 days of a first follow-up) and the longest holiday.
AHEAD_DAYS = 24
NOBODY_DAYS = 7
# After so many days nothing further is told of a result that nobody has told the customer.
LONGEST_TELLING = 60
_RED = ("RED",)

# Workdays are counted once over the days concerned; the step is the highest one reached. Only tasks are read that have
# something to tell by then; each is given the next evening on which it may have: a step of w workdays is not reached in
# fewer than w days, whatever the calendar becomes. What moves a task's time sets the evening back (a trigger).
_REACHED = """
WITH days AS MATERIALIZED (
    SELECT g.day::date AS day,
           (sum(coalesce(w.is_workday, extract(isodow FROM g.day) < 6)::int) OVER (ORDER BY g.day))::int AS number
      FROM generate_series(%(from_on)s::date, %(until)s::date, '1 day') AS g(day)
      LEFT JOIN loans_workday w ON w.day = g.day::date AND w.day BETWEEN %(from_on)s AND %(until)s
), open AS MATERIALIZED (
    SELECT t.id, t.branch_id, t.kind, t.level, t.due_on, t.assigned_to_id, t.paused_until, t.version, t.look_on,
           -- of the visit that does it along by its own limit; a person may have put that off. A visit of another
           -- branch is not seen in this one
           (SELECT (SELECT v.level FROM followups_visittask v
                     WHERE v.id = k.lead_id AND v.closed_on IS NULL AND v.method <> 'OFF_SITE' AND v.due_on <= t.due_on
                       AND v.branch_id = t.branch_id)
              FROM followups_mergedtask k WHERE k.task_id = t.id AND k.ended_at IS NULL) AS lead_level,
           greatest(t.opens_on, t.created_on, %(from_on)s) AS begins_on,
           CASE WHEN t.kind = 'FIRST' THEN (SELECT disbursed_on FROM loans_loan l WHERE l.id = t.loan_id) END AS paid_on
      FROM followups_visittask t
     WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
       AND t.state <> 'SUBMITTED' AND t.branch_id > %(after)s
       AND (%(up_to)s::bigint IS NULL OR t.branch_id <= %(up_to)s) AND {which}
), clocked AS MATERIALIZED (
    -- joined once and carried on: of this many rows the planner guesses wrong
    SELECT o.*, n.number - b.number AS elapsed, greatest(d.number - b.number, 1) AS allowed
      FROM open o
      LEFT JOIN (days b CROSS JOIN (SELECT number FROM days WHERE day = %(as_of)s) n)
             ON b.day = o.begins_on AND o.begins_on <= %(as_of)s AND o.due_on <= %(until)s
            AND (o.paused_until IS NULL OR o.paused_until < %(as_of)s)
      LEFT JOIN days d ON d.day = greatest(o.due_on, %(from_on)s)
), steps AS (
    SELECT o.id, o.branch_id, o.due_on, o.level, x.code, x.percent, {days_left} AS days_left
      FROM clocked o, unnest(%(steps)s::text[], %(percents)s::int[]) AS x(code, percent)
     WHERE o.elapsed IS NOT NULL AND o.lead_level IS NULL
), alarms AS (
    SELECT o.id, o.branch_id, o.due_on, o.level, x.code, x.day, o.paid_on + x.day - %(as_of)s::date AS days_left
      FROM open o, unnest(%(alarms)s::text[], %(alarm_days)s::int[]) AS x(code, day) WHERE o.paid_on IS NOT NULL
), results AS (
    SELECT DISTINCT ON (r.id) r.task_id AS id, r.branch_id, r.tell_by AS due_on, t.level, 'TELL_' || x.percent AS code
      FROM followups_customerresult r JOIN followups_visittask t ON t.id = r.task_id
      JOIN days b ON b.day = r.since JOIN days d ON d.day = r.tell_by JOIN days n ON n.day = %(as_of)s,
           unnest(%(percents)s::int[]) AS x(percent)
     WHERE r.told_id IS NULL AND r.branch_id > %(after)s AND (%(up_to)s::bigint IS NULL OR r.branch_id <= %(up_to)s)
       AND r.tell_by >= %(as_of)s::date - %(longest)s AND %(loans)s::bigint[] IS NULL
       AND (n.number - b.number) * 100 / greatest(d.number - b.number, 1) >= x.percent
       AND (x.percent < 100 OR r.tell_by < %(as_of)s OR x.percent = 100 AND r.tell_by = %(as_of)s)
     ORDER BY r.id, x.percent DESC
), reached AS (
    SELECT id, branch_id, due_on, level, code FROM results
    UNION ALL
    (SELECT DISTINCT ON (id) id, branch_id, due_on, level, code FROM steps WHERE days_left <= 0
      ORDER BY id, percent DESC)
    UNION ALL
    SELECT id, branch_id, due_on, level, 'RED' FROM open WHERE level = 1 AND lead_level IS DISTINCT FROM 1
    UNION ALL
    SELECT id, branch_id, due_on, level, 'NOBODY' FROM open
     WHERE assigned_to_id IS NULL AND due_on <= %(as_of)s::date + %(nobody)s AND lead_level IS NULL
    UNION ALL
    (SELECT DISTINCT ON (id) id, branch_id, due_on, level, code FROM alarms WHERE days_left <= 0 ORDER BY id, day DESC)
), told AS (
    SELECT r.id, r.branch_id, r.due_on, r.code, a.audience,
           CASE WHEN r.level = 1 OR a.wait = 'DAY' THEN %(told_on)s WHEN a.wait = 'DIGEST' THEN %(digest_on)s
                ELSE %(weekly_on)s END AS tell_on
      FROM reached r JOIN unnest(%(codes)s::text[], %(audiences)s::text[], %(waits)s::text[])
           AS a(code, audience, wait) ON a.code = r.code
     WHERE r.code = ANY(%(only)s) AND NOT EXISTS (
           SELECT FROM followups_notice n
            WHERE n.task_id = r.id AND n.code = r.code AND n.audience = a.audience
              AND (n.due_on = r.due_on OR r.code NOT LIKE 'LIMIT%%'))
), made AS (
    INSERT INTO followups_notice (task_id, branch_id, code, audience, due_on, raised_on, tell_on, at)
    SELECT id, branch_id, code, audience, due_on, %(as_of)s, tell_on, %(at)s FROM told ORDER BY id, code, audience
    ON CONFLICT (task_id, code, audience, due_on) DO NOTHING
    RETURNING task_id, code, audience
), alarmed AS (
    INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
    SELECT DISTINCT task_id, 'ALARMED', %(at)s, %(as_of)s::date, 'system', jsonb_build_object('code', code)
      FROM made WHERE code LIKE 'FIRST%%' ORDER BY task_id
), later AS (
    SELECT o.id, o.version, o.look_on AS was_on, least(
               CASE WHEN o.paused_until >= %(as_of)s THEN o.paused_until + 1
                    WHEN o.begins_on > %(as_of)s THEN o.begins_on
                    WHEN o.due_on > %(until)s THEN o.due_on - %(ahead)s
                    -- what is done along is looked at by every evening once that a step of its own is reached, so that
                    -- nothing is missed when it stands alone again
                    ELSE (SELECT CASE WHEN o.lead_level IS NOT NULL AND min(x.days_left) <= 0 THEN o.look_on
                                      ELSE %(as_of)s::date + min(x.days_left) FILTER (WHERE x.days_left > 0) END
                            FROM (SELECT {days_left} AS days_left
                                    FROM unnest(%(percents)s::int[]) AS x(percent)) x) END,
               CASE WHEN o.assigned_to_id IS NULL AND o.due_on > %(as_of)s::date + %(nobody)s
                    THEN o.due_on - %(nobody)s
                    WHEN o.lead_level IS NOT NULL AND (o.level = 1 OR o.assigned_to_id IS NULL)
                    THEN o.look_on END,
               (SELECT min(o.paid_on + x.day) FROM unnest(%(alarm_days)s::int[]) AS x(day)
                 WHERE o.paid_on + x.day > %(as_of)s::date),
               %(never)s::date) AS look_on
      FROM clocked o
)
SELECT (SELECT count(*) FROM made), array_agg(id ORDER BY id), array_agg(version ORDER BY id),
       array_agg(look_on ORDER BY id) FROM later WHERE look_on <> was_on
"""
# From when on a step may be reached: past it, this evening.
_DAYS_LEFT = """greatest((x.percent * o.allowed + 99) / 100 - o.elapsed, CASE WHEN x.percent < 100 THEN 0
               ELSE o.due_on - %(as_of)s::date + (x.percent > 100)::int END)"""
# A statement of its own: how many rows it has is known when it is planned.
_LOOK_AGAIN = """
UPDATE followups_visittask t SET look_on = l.look_on
  FROM unnest(%(ids)s::bigint[], %(versions)s::int[], %(days)s::date[]) AS l(id, version, look_on)
 WHERE t.id = l.id AND t.version = l.version
"""
# The evening reads what may have something to tell; a fact of the day what it is about, and no evening moves.
_EVENING, _IN_THE_DAY = "t.look_on <= %(as_of)s", "t.loan_id = ANY(%(loans)s)"
_NEVER = date(9999, 12, 31)


@transaction.atomic
def raise_notices(*, as_of: date, at: datetime, after: int = 0, up_to: int | None = None) -> dict[str, int]:
    """Notices of what stands at the close of `as_of`, told from the next day on."""
    return {"told": _raise(as_of, at, as_of + timedelta(days=1), after=after, up_to=up_to)}


@transaction.atomic
def tell_red(*, as_of: date, at: datetime, loan_ids: Sequence[int]) -> int:
    """Red follow-ups that came up in the day are told in the day."""
    return _raise(as_of, at, as_of, loan_ids=loan_ids, only=_RED)


def _raise(
    as_of: date, at: datetime, told_on: date, *, after: int = 0, up_to: int | None = None,
    loan_ids: Sequence[int] | None = None, only: Sequence[str] | None = None,
) -> int:  # fmt: skip
    rows = [(code, audience, wait) for code, told in AUDIENCES.items() for audience, wait in told]
    monday = told_on - timedelta(days=told_on.weekday()) + timedelta(days=7)
    asked: dict[str, Any] = {
        "as_of": as_of, "at": at, "after": after, "up_to": up_to, "nobody": NOBODY_DAYS, "told_on": told_on,
        "longest": LONGEST_TELLING,
        "loans": None if loan_ids is None else list(loan_ids), "weekly_on": monday, "ahead": AHEAD_DAYS,
        "from_on": as_of - timedelta(days=400), "until": as_of + timedelta(days=AHEAD_DAYS), "never": _NEVER,
        "digest_on": _next_workday(told_on), "steps": list(STEPS), "percents": list(STEPS.values()),
        "alarms": list(ALARM_DAYS), "alarm_days": list(ALARM_DAYS.values()), "codes": [row[0] for row in rows],
        "audiences": [row[1] for row in rows], "waits": [row[2] for row in rows],
        "only": list(AUDIENCES if only is None else only),
    }  # fmt: skip
    with connection.cursor() as cursor:
        which = _EVENING if loan_ids is None else _IN_THE_DAY
        cursor.execute(_REACHED.format(which=which, days_left=_DAYS_LEFT), asked)
        told, ids, versions, days = cursor.fetchone()
        if ids and loan_ids is None:
            cursor.execute(_LOOK_AGAIN, {"ids": ids, "versions": versions, "days": days})
        return int(told)


def _next_workday(day: date) -> date:
    return calendar(day, day + timedelta(days=20)).next_workday(day)
