"""Adds up what a dry run finds: visits by officer and day, loans whose next visit changes, hits of lines.

Ranges of the book are added up in memory and kept as arrays; the last step groups them by week and by month with one
statement and says the figures that the page shows first.
"""

import json
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

from django.db import connection

from followups.models.policy import PolicyRun, PolicyRunPart
from followups.rules.policy_classes import Decision, Foreseen
from followups.rules.policy_outlook import Next
from loans.queries import parameter
from loans.sql import array

WEEKS = 52
# Person-hours of a visit, and the ceiling of an officer's week (users.md 1), where the bank's parameters are silent.
HOURS = {"phone": "0.5", "field": "2.7"}
CEILING = 8
_COUNTED = ("phone_before", "field_before", "off_site_before", "phone_after", "field_after", "off_site_after")
_SUMS = ", ".join(
    f"coalesce(sum(n) FILTER (WHERE place = {place}), 0) AS {name}" for place, name in enumerate(_COUNTED)
)
_LOANS = "run_id, loan_id, change, before_on, before_method, before_line, after_on, after_method, after_line"
# By officer and week, by branch and month, from what the ranges brought.
_GROUP = f"""
WITH brought AS MATERIALIZED (
    SELECT l.branch_id, l.officer_id, l.starts_on, l.place, sum(l.n) AS n
      FROM followups_policyrunpart p,
           unnest(p.load_branches, p.load_officers, p.load_starts, p.load_places, p.load_counts)
             AS l(branch_id, officer_id, starts_on, place, n)
     WHERE p.run_id = %(run)s GROUP BY 1, 2, 3, 4
)
INSERT INTO followups_policyrunload (run_id, unit, branch_id, officer_id, starts_on, {", ".join(_COUNTED)})
SELECT %(run)s, 'W', branch_id, officer_id, date_trunc('week', starts_on)::date, {_SUMS}
  FROM brought GROUP BY 3, 4, 5
UNION ALL
SELECT %(run)s, 'M', branch_id, 0, date_trunc('month', starts_on)::date, {_SUMS} FROM brought GROUP BY 3, 4, 5
"""  # noqa: S608 - joined from constants of this file
_PART = """
UPDATE followups_policyrunpart
   SET loans = %(loans)s, totals = %(totals)s::jsonb, load_branches = %(branches)s::bigint[],
       load_officers = %(officers)s::bigint[], load_starts = %(starts)s::date[],
       load_places = %(places)s::smallint[], load_counts = %(counts)s::int[]
 WHERE id = %(part)s
"""
_EMPTIED = """
UPDATE followups_policyrunpart
   SET load_branches = NULL, load_officers = NULL, load_starts = NULL, load_places = NULL, load_counts = NULL
 WHERE run_id = %(run)s
"""
_BUSIEST = """
WITH o AS (
    SELECT officer_id, starts_on, sum(phone_before + field_before) AS before, sum(phone_after + field_after) AS after
      FROM followups_policyrunload WHERE run_id = %(run)s AND unit = 'W' AND officer_id <> 0 GROUP BY 1, 2
)
SELECT starts_on, max(before), max(after), count(*) FILTER (WHERE before > %(most)s),
       count(*) FILTER (WHERE after > %(most)s)
  FROM o GROUP BY 1 ORDER BY 1
"""
_TOTALS = """
SELECT coalesce(sum(phone_before), 0), coalesce(sum(field_before), 0), coalesce(sum(off_site_before), 0),
       coalesce(sum(phone_after), 0), coalesce(sum(field_after), 0), coalesce(sum(off_site_after), 0),
       count(DISTINCT officer_id) FILTER (WHERE officer_id <> 0)
  FROM followups_policyrunload WHERE run_id = %(run)s AND unit = 'W'
"""


class Tally:
    """What was found in a range of loans."""

    def __init__(self) -> None:
        self.loans = 0
        self.changed: list[tuple[int, Foreseen]] = []
        # By branch, officer, first day and place; how many visits.
        self.loads: dict[tuple[int, int, date, int], int] = defaultdict(int)
        self.seen: Counter[Decision] = Counter()

    def add(self, loan_id: int, branch_id: int, officer_id: int, foreseen: Foreseen) -> None:
        self.loans += 1
        self.seen[foreseen.decision] += 1
        if foreseen.change:
            self.changed.append((loan_id, foreseen))
        loads = self.loads
        for start, place in foreseen.loads:
            loads[branch_id, officer_id, start, place] += 1

    def as_json(self) -> dict[str, Any]:
        before: Counter[int] = Counter()
        after: Counter[int] = Counter()
        for decision, count in self.seen.items():
            for hits, lines in ((before, decision.before), (after, decision.after)):
                for line in lines:
                    hits[line.number] += count
        changes = Counter(foreseen.change for _loan, foreseen in self.changed)
        return {"hits_before": dict(before), "hits_after": dict(after), "changes": dict(changes)}


def kept(part: PolicyRunPart, tally: Tally) -> None:
    """What a range brought: loans that change as rows, by COPY, the rest with the range itself."""
    told: dict[Foreseen, str] = {}
    lines = []
    for loan_id, foreseen in tally.changed:
        words = told.get(foreseen)
        if words is None:
            words = f"{foreseen.change}\t{_told(foreseen.before)}\t{_told(foreseen.after)}\n"
            told[foreseen] = words
        lines.append(f"{part.run_id}\t{loan_id}\t{words}")
    columns = list(zip(*tally.loads, strict=True)) or [()] * 4
    values = dict(zip(("branches", "officers", "starts", "places"), map(array, columns), strict=True))
    values |= {"counts": array(tally.loads.values()), "totals": json.dumps(tally.as_json())}
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY followups_policyrunloan ({_LOANS}) FROM STDIN", StringIO("".join(lines)))
        cursor.execute(_PART, {**values, "part": part.pk, "loans": tally.loans})


def _told(visit: Next | None) -> str:
    if visit is None:
        return "\\N\t\t\\N"
    line = "\\N" if visit.line is None else visit.line
    return f"{visit.on}\t{visit.method}\t{line}"


def summary_of(run: PolicyRun) -> dict[str, Any]:
    """Groups the rows of all ranges and says what they come to."""
    told = {"run": run.pk}
    ceiling = int(parameter("visit_week_ceiling", run.as_of, default=CEILING))
    hours = {name: Decimal(text) for name, text in parameter("visit_hours", run.as_of, default=HOURS).items()}
    with connection.cursor() as cursor:
        cursor.execute(_GROUP, told)
        cursor.execute(_EMPTIED, told)
        cursor.execute(_TOTALS, told)
        (phone, field, off_site, phone_after, field_after, off_site_after, officers) = cursor.fetchone()
        cursor.execute(_BUSIEST, {**told, "most": ceiling})
        weeks: list[list[Any]] = [[str(day), *map(int, rest)] for day, *rest in cursor.fetchall()]
    parts: list[tuple[int, dict[str, Any]]] = [(p.loans or 0, p.totals or {}) for p in run.parts.all()]
    return {
        "loans": sum(loans for loans, _totals in parts),
        "officers": officers,
        "before": _side(int(phone), int(field), int(off_site), officers, hours),
        "after": _side(int(phone_after), int(field_after), int(off_site_after), officers, hours),
        "busiest": {"before": max((w[1] for w in weeks), default=0), "after": max((w[2] for w in weeks), default=0)},
        "weeks": weeks,
        "ceiling": ceiling,
        "visit_hours": {name: str(each) for name, each in hours.items()},
        **{
            name: _summed([totals.get(name, {}) for _loans, totals in parts])
            for name in ("hits_before", "hits_after", "changes")
        },
    }


def _side(phone: int, field: int, off_site: int, officers: int, hours: dict[str, Decimal]) -> dict[str, Any]:
    """Figures of a year, and of an officer's week on the average."""
    weeks = Decimal(max(officers, 1) * WEEKS)
    spent = phone * hours["phone"] + field * hours["field"]
    return {
        "visits": phone + field,
        "field": field,
        "off_site": off_site,
        "hours": f"{spent:.1f}",
        "visits_a_week": f"{(phone + field) / weeks:.2f}",
        "field_a_week": f"{field / weeks:.2f}",
        "hours_a_week": f"{spent / weeks:.2f}",
    }


def _summed(counts: list[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
