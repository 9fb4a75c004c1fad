"""The risk grade as a report says it: what is in force, since when, what was before, and the score it rests on."""

from typing import Any

from followups.queries.facts import in_both
from loans.models import Loan
from risk.models import Grade, GradeLevel


def grade_said(loan: Loan) -> dict[str, Any] | None:
    """{score, since, now{code, label}, before{code, label} or None}; None while the loan is not graded."""
    found = list(Grade.objects.filter(loan_id=loan.pk).order_by("-id")[:2])
    if not found or found[0].superseded_on is not None:
        return None
    now = found[0]
    before = found[1] if len(found) > 1 else None
    return {
        "score": str(loan.credit_score) if loan.credit_score is not None else "",
        "since": now.graded_on.isoformat(),
        "now": _level(now.level),
        "before": _level(before.level) if before else None,
    }


def _level(code: str) -> dict[str, Any]:
    return {"code": code, "label": in_both(lambda: str(GradeLevel(code).label))}
