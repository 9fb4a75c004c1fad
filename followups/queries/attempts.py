"""Attempts to reach a borrower, as pages and rules read them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils import timezone

from followups.models import ContactOutcome, VisitAttempt, VisitTask
from followups.rules import attempts as rules
from loans.queries import parameter

SHOWN = 5


def attempts_of(task: VisitTask) -> list[rules.Attempt]:
    """Every attempt of the task in local time, the oldest first."""
    rows = task.attempts.order_by("id").values_list("at", "outcome")
    return [rules.Attempt(timezone.localtime(at), outcome) for at, outcome in rows]


def contact_of(task: VisitTask, today: date) -> dict[str, Any]:
    """What the contact part shows: the last attempts, when to try next, whether to give up."""
    rows = list(VisitAttempt.objects.filter(task=task).select_related("by", "promise").order_by("-id"))
    return told_of(rows, int(parameter("unreachable_attempts", today, rules.LEAST)) if rows else rules.LEAST)


def told_of(rows: Sequence[VisitAttempt], least: int) -> dict[str, Any]:
    """The same of attempts already read, the newest first."""
    tried = [rules.Attempt(timezone.localtime(row.at), row.outcome) for row in reversed(rows)]
    last = rows[0] if rows else None
    return {
        "attempts": list(rows[:SHOWN]),
        "attempt_count": len(rows),
        "in_vain": len(rules.in_vain(tried)),
        "last_attempt": last,
        "next_at": last.next_at if last else None,
        "may_be_lost": rules.is_unreachable(tried, least),
        "outcomes": ContactOutcome.choices,
        # Somebody else is on the line: nothing of the debt may be on the screen.
        "is_third_party": last is not None and last.outcome == ContactOutcome.WRONG_PERSON,
    }
