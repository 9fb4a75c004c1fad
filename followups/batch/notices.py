"""Tells who has to know that a follow-up runs late: rows of notices, raised by the evening, each once a limit.

80 % of the time limit tells the officer, 100 % also the manager's digest of the next workday, 120 % also the branch
head on the Monday after; red is told to all three at once. A first follow-up not made by day 75, 85 and 90 after
disbursement is told to officer, manager and branch head in turn. What the rule finds nobody for is told to the manager.
A limit that a person moved is told anew.
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
_RED = ("RED",)

# Workdays are counted once over the days concerned; the step is the highest one reached.
_REACHED = """
WITH days AS (
    SELECT g.day::date AS day,
           sum(coalesce(w.is_workday, extract(isodow FROM g.day) < 6)::int) OVER (ORDER BY g.day) AS number
      FROM generate_series(%(from_on)s::date, %(until)s::date, '1 day') AS g(day)
      LEFT JOIN loans_workday w ON w.day = g.day::date
), open AS (
    SELECT t.id, t.branch_id, t.loan_id, t.kind, t.level, t.due_on, t.assigned_to_id, t.paused_until,
           greatest(t.opens_on, t.created_on, %(from_on)s) AS begins_on
      FROM followups_visittask t
     WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
       AND (t.due_on <= %(until)s OR t.level = 1) AND t.state <> 'SUBMITTED' AND t.branch_id > %(after)s
       AND (%(up_to)s::bigint IS NULL OR t.branch_id <= %(up_to)s)
       AND (%(loans)s::bigint[] IS NULL OR t.loan_id = ANY(%(loans)s))
), used AS (
    SELECT o.*, n.number - b.number AS elapsed, greatest(d.number - b.number, 1) AS allowed
      FROM open o JOIN days b ON b.day = least(o.begins_on, %(until)s)
      JOIN days d ON d.day = greatest(least(o.due_on, %(until)s), %(from_on)s) JOIN days n ON n.day = %(as_of)s
     WHERE o.begins_on <= %(as_of)s AND (o.paused_until IS NULL OR o.paused_until < %(as_of)s)
), reached AS (
    SELECT id, branch_id, due_on, level, s.code FROM used,
           LATERAL (SELECT x.code FROM unnest(%(steps)s::text[], %(percents)s::int[]) AS x(code, percent)
                     WHERE elapsed * 100 >= percent * allowed AND (percent < 100 OR %(as_of)s >= due_on)
                       AND (percent <= 100 OR %(as_of)s > due_on) ORDER BY percent DESC LIMIT 1) AS s
    UNION ALL
    SELECT id, branch_id, due_on, level, 'RED' FROM open WHERE level = 1
    UNION ALL
    SELECT id, branch_id, due_on, level, 'NOBODY' FROM open
     WHERE assigned_to_id IS NULL AND due_on <= %(as_of)s::date + %(nobody)s
    UNION ALL
    SELECT o.id, o.branch_id, o.due_on, o.level, a.code FROM open o JOIN loans_loan l ON l.id = o.loan_id,
           LATERAL (SELECT x.code FROM unnest(%(alarms)s::text[], %(alarm_days)s::int[]) AS x(code, day)
                     WHERE %(as_of)s::date - l.disbursed_on >= day ORDER BY day DESC LIMIT 1) AS a
     WHERE o.kind = 'FIRST'
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
)
SELECT count(*) FROM made
"""


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
        "loans": list(loan_ids) if loan_ids is not None else None, "weekly_on": monday,
        "from_on": as_of - timedelta(days=400), "until": as_of + timedelta(days=AHEAD_DAYS),
        "digest_on": _next_workday(told_on), "steps": list(STEPS), "percents": list(STEPS.values()),
        "alarms": list(ALARM_DAYS), "alarm_days": list(ALARM_DAYS.values()), "codes": [row[0] for row in rows],
        "audiences": [row[1] for row in rows], "waits": [row[2] for row in rows],
        "only": list(AUDIENCES if only is None else only),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_REACHED, asked)
        return int(cursor.fetchone()[0])


def _next_workday(day: date) -> date:
    return calendar(day, day + timedelta(days=20)).next_workday(day)
