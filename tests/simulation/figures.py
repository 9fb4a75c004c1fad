"""What a simulated span came to, from the tables: visits, field, checks, person-hours, lateness, the fullest weeks."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection

from tests.crash.state import state

PHONE_HOURS, FIELD_HOURS = Decimal("0.5"), Decimal("2.7")
# Weeks that a person works in a year.
WORKED = 46
_ENDED = """
SELECT t.kind, CASE WHEN t.is_light THEN 'LIGHT' ELSE t.method END, t.outcome, count(*),
       count(*) FILTER (WHERE t.closed_on > t.due_on)
  FROM followups_visittask t WHERE t.closed_on IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_HANDED_IN = """
SELECT v.method, count(*), count(*) FILTER (WHERE r.submitted_on > t.due_on)
  FROM followups_visitreport r JOIN followups_visit v ON v.id = r.visit_id
  JOIN followups_visittask t ON t.id = v.task_id
 WHERE r.version = 1 GROUP BY 1
"""


def state_hash() -> str:
    """One hash of all tables without numbers of sequences and instants."""
    return hashlib.sha256(repr(sorted(state().items())).encode()).hexdigest()


def figures(*, loans: int, officers: int, days: int, weeks: Counter[int], ceiling: int) -> dict[str, Any]:
    """Columns as in the table of the default policy, beside what shows whether officers kept up."""
    with connection.cursor() as cursor:
        cursor.execute(_HANDED_IN)
        handed = {method: (count, late) for method, count, late in cursor.fetchall()}
        cursor.execute(_ENDED)
        ended = cursor.fetchall()
    visits = sum(count for count, _late in handed.values())
    in_field = handed.get("FIELD", (0, 0))[0]
    hours = (visits - in_field) * PHONE_HOURS + in_field * FIELD_HOURS
    worked = Decimal(officers * WORKED * days) / 365
    clean = sum(count for _kind, _method, outcome, count, _late in ended if outcome == "CLEAN")
    return {
        "loans": loans,
        "officers": officers,
        "days": days,
        "visits": visits,
        "visits per officer and week": str(round(visits / worked, 2)),
        "of which field": str(round(in_field / worked, 2)),
        "field": in_field,
        "person-hours per officer and week": str(round(hours / worked, 2)),
        "off-site checks closed by themselves": clean,
        "visits handed in after their limit": sum(late for _count, late in handed.values()),
        "fullest week of an officer": max(weeks, default=0),
        "officer-weeks": sum(weeks.values()),
        "officer-weeks beyond the ceiling": sum(n for count, n in weeks.items() if count > ceiling),
        "ended": {" ".join(row[:3]): row[3] for row in ended},
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    return [f"{name:42} {value}" for name, value in found.items() if not isinstance(value, dict)]
