"""What the last approved visit of a loan ended with: its conclusion, and the composite score of its last own report.

A visit that was made along with another one's has that one's conclusion; a visit to a whole development says nothing of
any one borrower.
"""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

_LAST = """
WITH told AS (
    SELECT t.loan_id, r.id AS report_id, r.conclusion
      FROM followups_visittask t
      JOIN followups_visit v ON v.task_id = t.id
      JOIN followups_visitreport r ON r.visit_id = v.id AND r.state = 'APPROVED'
     WHERE t.loan_id = ANY(%(ids)s) AND t.outcome = 'APPROVED' AND t.rule <> 'PROJECT'
    UNION ALL
    SELECT t.loan_id, r.id, r.conclusion
      FROM followups_visittask t
      JOIN followups_taskevent e ON e.task_id = t.id AND e.kind = 'CLOSED' AND e.data ? 'report_id'
      JOIN followups_visitreport r ON r.id = (e.data ->> 'report_id')::bigint AND r.state = 'APPROVED'
      JOIN followups_visit v ON v.id = r.visit_id
      JOIN followups_visittask lead ON lead.id = v.task_id AND lead.rule <> 'PROJECT'
     WHERE t.loan_id = ANY(%(ids)s) AND t.outcome = 'APPROVED'
)
SELECT DISTINCT ON (t.loan_id) t.loan_id, t.conclusion,
       (SELECT s.points FROM risk_score s JOIN told o ON o.report_id = s.report_id AND o.loan_id = s.loan_id
         WHERE s.loan_id = t.loan_id ORDER BY s.report_id DESC LIMIT 1)
  FROM told t ORDER BY t.loan_id, t.report_id DESC
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
