"""Adds up what a dry run finds: visits by officer and day, loans whose next visit changes, hits of lines.

Ranges of the book are added up in memory and copied as rows; the last step groups them by week and by month with one
statement and says the figures that the page shows first.
"""

from collections import Counter
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

from django.db import connection

from followups.models.policy import PolicyRun
from followups.rules.policy_classes import Decision, Foreseen
from followups.rules.policy_outlook import Next
from loans.queries import parameter

WEEKS = 52
# Person-hours of a visit, and the ceiling of an officer's week (users.md 1); parameters of the bank say otherwise.
HOURS = {"phone": "0.5", "field": "2.7"}
CEILING = 8
_COUNTED = "phone_before, field_before, off_site_before, phone_after, field_after, off_site_after"
_LOADS = f"run_id, unit, branch_id, officer_id, starts_on, {_COUNTED}"
_LOANS = "run_id, loan_id, change, before_on, before_method, before_line, after_on, after_method, after_line"
_GROUP = f"""
INSERT INTO followups_policyrunload ({_LOADS})
SELECT run_id, %(unit)s, branch_id, {{officer}}, date_trunc(%(by)s, starts_on)::date, sum(phone_before),
       sum(field_before), sum(off_site_before), sum(phone_after), sum(field_after), sum(off_site_after)
  FROM followups_policyrunload WHERE run_id = %(run)s AND unit = 'D'
 GROUP BY 1, 3, 4, 5
"""  # noqa: S608 - joined from constants of this file
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
        self.loads: dict[tuple[int, int, date], list[int]] = {}
        self.seen: Counter[Decision] = Counter()

    def add(self, loan_id: int, branch_id: int, officer_id: int, foreseen: Foreseen) -> None:
        self.loans += 1
        self.seen[foreseen.decision] += 1
        if foreseen.change:
            self.changed.append((loan_id, foreseen))
        loads = self.loads
        for start, place in foreseen.loads:
            load = loads.get((branch_id, officer_id, start))
            if load is None:
                load = loads[branch_id, officer_id, start] = [0] * 6
            load[place] += 1

    def as_json(self) -> dict[str, Any]:
        before: Counter[int] = Counter()
        after: Counter[int] = Counter()
        for decision, count in self.seen.items():
            for hits, lines in ((before, decision.before), (after, decision.after)):
                for line in lines:
                    hits[line.number] += count
        changes = Counter(foreseen.change for _loan, foreseen in self.changed)
        return {"hits_before": dict(before), "hits_after": dict(after), "changes": dict(changes)}


def copied(run_id: int, tally: Tally) -> None:
    """The rows of a range, by COPY."""
    loads = "".join(
        f"{run_id}\tD\t{branch}\t{officer}\t{start}\t" + "\t".join(map(str, counts)) + "\n"
        for (branch, officer, start), counts in tally.loads.items()
    )
    loans = "".join(
        f"{run_id}\t{loan}\t{each.change}\t{_told(each.before)}\t{_told(each.after)}\n" for loan, each in tally.changed
    )
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY followups_policyrunload ({_LOADS}) FROM STDIN", StringIO(loads))
        cursor.copy_expert(f"COPY followups_policyrunloan ({_LOANS}) FROM STDIN", StringIO(loans))


def _told(visit: Next | None) -> str:
    if visit is None:
        return "\\N\t\t\\N"
    line = "\\N" if visit.line is None else visit.line
    return f"{visit.on}\t{visit.method}\t{line}"


def summary_of(run: PolicyRun) -> dict[str, Any]:
    """Groups the rows of all ranges and says what they come to."""
    told = {"run": run.pk}
    with connection.cursor() as cursor:
        for unit, by, officer in (("W", "week", "officer_id"), ("M", "month", "0")):
            cursor.execute(_GROUP.format(officer=officer), {**told, "unit": unit, "by": by})
        cursor.execute("DELETE FROM followups_policyrunload WHERE run_id = %(run)s AND unit = 'D'", told)
        cursor.execute(_TOTALS, told)
        (phone, field, off_site, phone_after, field_after, off_site_after, officers) = cursor.fetchone()
        cursor.execute(_BUSIEST, {**told, "most": CEILING})
        weeks: list[list[Any]] = [[str(day), *map(int, rest)] for day, *rest in cursor.fetchall()]
    parts: list[tuple[int, dict[str, Any]]] = [(p.loans or 0, p.totals or {}) for p in run.parts.all()]
    hours = {name: Decimal(text) for name, text in parameter("visit_hours", run.as_of, default=HOURS).items()}
    return {
        "loans": sum(loans for loans, _totals in parts),
        "officers": officers,
        "before": _side(int(phone), int(field), int(off_site), officers, hours),
        "after": _side(int(phone_after), int(field_after), int(off_site_after), officers, hours),
        "busiest": {"before": max((w[1] for w in weeks), default=0), "after": max((w[2] for w in weeks), default=0)},
        "weeks": weeks,
        "ceiling": CEILING,
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
