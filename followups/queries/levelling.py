"""What levelling has to know: who has a week beyond the ceiling, their visits, and the other visits of the loans."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db import connection

from followups.queries.merging import ALONE, BESIDE, OPEN_TALK, WITHIN_DAYS
from followups.rules.levelling import Levelled, Move, Slot, carried, level, planned_most, week_of
from loans.queries import calendar, parameter

GAP, DEFAULT_GAP = "visit_gap_days", 30
WEEKS = 8
CEILING, DEFAULT_CEILING = "visit_week_ceiling", 8
# Of the ceiling, what later weeks are left for what comes at once.
RESERVE, DEFAULT_RESERVE = "visit_week_reserve", 3

# Read from the index of visits alone; reports in review are counted too, so that it may name too many, never too few.
CROWDED = """
    SELECT assigned_to_id AS officer FROM followups_visittask
     WHERE closed_on IS NULL AND NOT is_light AND (method <> 'OFF_SITE' OR evidence IS NOT NULL)
       AND due_on > %(sunday)s AND due_on <= %(crowded_until)s AND assigned_to_id IS NOT NULL
     GROUP BY assigned_to_id, date_trunc('week', due_on) HAVING count(*) > %(most)s
"""
# How many of `_SLOTS` an officer has in a week; what is late stands in the first.
_LOAD = f"""(
    SELECT count(*) FROM followups_visittask t
     WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
       AND t.assigned_to_id = {{officer}} AND t.due_on <= {{week}} + 6
       AND t.due_on >= CASE WHEN {{week}} = %(monday)s THEN '-infinity' ELSE {{week}} END
       AND t.state <> 'SUBMITTED' AND {ALONE})"""  # noqa: S608 - joined from constants
# Who has a visit that the rule could bring forward, the distance between visits left aside: out of a later week with
# more than is planned (or than the ceiling) into an earlier one of its window with fewer, or into what is left of the
# week that runs. Once weeks are levelled hardly anybody has one, however full they are. Weeks that may be full are read
# from the index of visits alone. What a person fixed is not told apart, so that it may name too many, never too few.
_RELIEVED = f"""
WITH weeks AS (
  SELECT assigned_to_id AS officer, due_on - (extract(isodow FROM due_on)::int - 1) AS week,
         min(opens_on) FILTER (WHERE level <> 1) AS opens_on
    FROM followups_visittask
   WHERE closed_on IS NULL AND NOT is_light AND (method <> 'OFF_SITE' OR evidence IS NOT NULL)
     AND due_on > %(sunday)s AND due_on <= %(crowded_until)s AND assigned_to_id IS NOT NULL
   GROUP BY 1, 2 HAVING count(*) > %(most)s),
crowded AS MATERIALIZED (
  SELECT w.officer, w.week, w.opens_on, n.visits FROM weeks w
    JOIN people_staff s ON s.id = w.officer
     AND s.branch_id > %(after)s AND (%(up_to)s::bigint IS NULL OR s.branch_id <= %(up_to)s)
   CROSS JOIN LATERAL {_LOAD.format(officer="w.officer", week="w.week")} AS n(visits)
   WHERE w.opens_on < w.week AND n.visits > %(most)s)
SELECT DISTINCT c.officer FROM crowded c
 CROSS JOIN LATERAL generate_series(0, (c.week - greatest(c.opens_on, %(monday)s) - 1) / 7) g
 CROSS JOIN LATERAL (SELECT c.week - 7 * (g + 1) AS week) e
 CROSS JOIN LATERAL {_LOAD.format(officer="c.officer", week="e.week")} AS n(visits)
 WHERE n.visits < CASE WHEN e.week > %(monday)s AND c.visits > %(ceiling)s THEN %(ceiling)s
                       WHEN e.week > %(monday)s THEN %(most)s
                       ELSE least(%(carried)s, %(ceiling)s - (
                           SELECT count(*) FROM followups_visitreport r
                            WHERE r.version = 1 AND r.submitted_on >= %(monday)s AND r.submitted_by_id = c.officer)) END
 ORDER BY 1
"""  # noqa: S608 - joined from constants
# A visit is what a person has to make or has made. Red ones keep no distance, none of the loan is kept from one ahead.
# One that does a first follow-up along comes no earlier than that one's window.
_SLOTS = f"""
SELECT t.id, t.loan_id, t.assigned_to_id,
       greatest(t.opens_on, (SELECT max(f.opens_on) FROM followups_mergedtask k
                               JOIN followups_visittask f ON f.id = k.task_id
                              WHERE k.lead_id = t.id AND k.ended_at IS NULL AND f.kind = 'FIRST')),
       t.due_on, t.level, t.is_pinned OR t.state <> 'PLANNED' OR t.paused_until IS NOT NULL,
       n.ids, n.days, n.made_on
  FROM followups_visittask t
  CROSS JOIN LATERAL (
       SELECT array_agg(o.id ORDER BY o.id) FILTER (WHERE o.closed_on IS NULL) AS ids,
              array_agg(o.due_on ORDER BY o.id) FILTER (WHERE o.closed_on IS NULL) AS days,
              array_agg(DISTINCT o.closed_on) FILTER (WHERE o.closed_on IS NOT NULL) AS made_on
         FROM followups_visittask o
        WHERE o.loan_id = t.loan_id AND o.id <> t.id
          AND CASE WHEN o.closed_on IS NOT NULL THEN o.closed_on > t.opens_on - %(gap)s AND o.outcome = 'APPROVED'
                   ELSE NOT o.is_light AND o.level <> 1 AND (o.method <> 'OFF_SITE' OR o.evidence IS NOT NULL) END) n
 WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
   AND t.due_on <= %(until)s AND t.state <> 'SUBMITTED' AND t.assigned_to_id = ANY(%(officers)s)
   -- what another visit makes is no visit of its own
   AND {ALONE}
"""  # noqa: S608 - joined from constants
# Of visits about to move, the day up to which each would come near an earlier talk that it may be made with: nobody
# makes both in one visit because a week was full. That one stands where it stood before the evening, so that no order
# of the branches and no second run of the evening shows.
_NEARED = f"""
WITH moved AS (SELECT * FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, due_on date)),
asked AS (SELECT DISTINCT t.loan_id AS id FROM moved x JOIN followups_visittask t ON t.id = x.id),
beside AS ({BESIDE})
SELECT t.id, max(s.due_on + n.days) FROM (SELECT {WITHIN_DAYS} AS days) n, moved x
  JOIN followups_visittask t ON t.id = x.id AND {OPEN_TALK.format("t")} JOIN beside b ON b.root = t.loan_id
  JOIN followups_visittask o ON o.loan_id = b.id AND o.id <> t.id AND {OPEN_TALK.format("o")}
  CROSS JOIN LATERAL (SELECT coalesce(
       (SELECT (e.data ->> 'due_before')::date FROM followups_taskevent e WHERE e.task_id = o.id
           AND e.kind = 'LEVELLED' AND e.business_date = %(as_of)s ORDER BY e.id LIMIT 1), o.due_on) AS due_on) s
 WHERE s.due_on + n.days < t.due_on AND s.due_on + n.days >= x.due_on
   AND (t.kind <> 'FIRST' OR t.opens_on <= s.due_on)
   AND NOT EXISTS (SELECT FROM followups_mergedtask k WHERE k.reason <> '' AND k.ended_by <> 'system'
                      AND (k.task_id = t.id AND k.lead_id = o.id OR k.task_id = o.id AND k.lead_id = t.id))
   AND NOT EXISTS (SELECT FROM followups_acrosspair p WHERE p.left_on IS NOT NULL
                      AND p.one_id = least(t.id, o.id) AND p.other_id = greatest(t.id, o.id))
 GROUP BY t.id
"""  # noqa: S608 - joined from constants
# Read from an index of first versions alone.
_MADE = """
SELECT submitted_by_id, count(*) FROM followups_visitreport
 WHERE version = 1 AND submitted_on >= %(monday)s AND submitted_by_id = ANY(%(officers)s) GROUP BY 1
"""


def ceiling_on(today: date) -> int:
    """Most visits of an officer in a week."""
    return int(parameter(CEILING, today, DEFAULT_CEILING))


def reserve_on(today: date) -> int:
    """How many of them later weeks are kept free of where planned visits can come forward."""
    return int(parameter(RESERVE, today, DEFAULT_RESERVE))


def gap_on(today: date) -> int:
    """Least days between two visits of a loan."""
    return int(parameter(GAP, today, DEFAULT_GAP))


def crowded_between(as_of: date) -> dict[str, Any]:
    """What `CROWDED` asks at the close of a date, which is over: the weeks after that of the next day."""
    today = as_of + timedelta(days=1)
    monday, ceiling = week_of(today), ceiling_on(today)
    return {
        "sunday": monday + timedelta(days=6), "crowded_until": monday + timedelta(days=7 * WEEKS - 1),
        "ceiling": ceiling, "most": planned_most(ceiling, reserve_on(today)),
    }  # fmt: skip


def officers_to_relieve(as_of: date, *, after: int = 0, up_to: int | None = None) -> list[int]:
    """Officers of branches above `after` up to `up_to` for whom levelling at the close of the date may move a visit;
    for all others it moves none."""
    today, asked = as_of + timedelta(days=1), crowded_between(as_of)
    days = calendar(week_of(today), asked["sunday"])
    asked |= {"monday": week_of(today), "carried": carried(today, days, asked["ceiling"])}
    with connection.cursor() as cursor:
        cursor.execute(_RELIEVED, {**asked, "after": after, "up_to": up_to})
        return [row[0] for row in cursor.fetchall()]


def slots_of(officers: Sequence[int], until: date, today: date) -> list[Slot]:
    """The visits of these officers due by the day, as the rule reads them."""
    with connection.cursor() as cursor:
        cursor.execute(_SLOTS, {"officers": list(officers), "until": until, "gap": gap_on(today)})
        rows = cursor.fetchall()
    ours = {row[0] for row in rows}
    found = []
    for task_id, loan_id, officer_id, opens_on, due_on, severity, is_fixed, ids, days, made in rows:
        open_ones = [day for pk, day in zip(ids or (), days or (), strict=True) if pk not in ours]
        others = (*open_ones, *(made or ()))
        found.append(Slot(task_id, loan_id, officer_id, opens_on, due_on, severity, is_fixed, others))
    return found


def made_in_week(officers: Sequence[int], today: date) -> dict[int, int]:
    """How many visits these officers have handed in since the Monday of the day's week."""
    with connection.cursor() as cursor:
        cursor.execute(_MADE, {"monday": week_of(today), "officers": list(officers)})
        return dict(cursor.fetchall())


def levelled(slots: Sequence[Slot], today: date) -> Levelled:
    """What the rule says of these visits, none of which comes near another talk of its people by it."""
    sunday = week_of(today) + timedelta(days=6)
    days = calendar(today - timedelta(days=7), max([sunday, *(slot.due_on for slot in slots)]))
    asked: dict[str, Any] = {
        "today": today, "calendar": days, "ceiling": ceiling_on(today), "reserve": reserve_on(today),
        "gap_days": gap_on(today), "made": made_in_week(sorted({slot.officer_id for slot in slots}), today),
    }  # fmt: skip
    found = level(slots, **asked)
    while neared := _neared(found.moves, today - timedelta(days=1)):
        slots = [
            replace(slot, opens_on=max(slot.opens_on, neared[slot.task_id] + timedelta(days=1)))
            if slot.task_id in neared
            else slot
            for slot in slots
        ]
        found = level(slots, **asked)
    return found


def _neared(moves: Sequence[Move], as_of: date) -> dict[int, date]:
    """Of visits to bring forward at the close of a date, by task: the last day on which it would lie too near."""
    if not moves:
        return {}
    rows = json.dumps([{"id": one.task_id, "due_on": one.due_on.isoformat()} for one in moves])
    with connection.cursor() as cursor:
        cursor.execute(_NEARED, {"rows": rows, "as_of": as_of})
        return dict(cursor.fetchall())
