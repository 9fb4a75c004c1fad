"""What the last approved visit of a loan ended with: its conclusion and its composite score."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

_LAST = """
SELECT DISTINCT ON (t.loan_id) t.loan_id, r.conclusion, s.points
  FROM followups_visittask t
  JOIN followups_visit v ON v.task_id = t.id
  JOIN followups_visitreport r ON r.visit_id = v.id AND r.state = 'APPROVED'
  LEFT JOIN risk_score s ON s.report_id = r.id
 WHERE t.loan_id = ANY(%(ids)s) AND t.outcome = 'APPROVED'
 ORDER BY t.loan_id, r.id DESC
"""


class LastReport(NamedTuple):
    """A conclusion's code, and 0 to 100 points; no score where the bank had no score policy."""

    conclusion: str
    score: int | None


def last_reports(loan_ids: Sequence[int]) -> dict[int, LastReport]:
    """By loan; loans without an approved visit are absent."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, {"ids": list(loan_ids)})
        return {loan_id: LastReport(conclusion, points) for loan_id, conclusion, points in cursor.fetchall()}
