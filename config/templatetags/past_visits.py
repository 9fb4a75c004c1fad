"""The card of past visits where something is decided: rooms below follow-ups show it by naming the decision alone."""

from typing import Any

from django import template
from django.template import Context

from followups.queries.reuse import may_open
from people.models import Staff

register = template.Library()


@register.inclusion_tag("followups/reuse/closed.html", takes_context=True)
def past_visits(context: Context, loan_id: int, decision: str, decision_id: int | None = None) -> dict[str, Any]:
    """A button that opens what visits found of the borrower, for this decision; none for who may not open it."""
    staff = context.get("staff_member")
    return {
        "loan_id": loan_id,
        "decision": decision,
        "decision_id": decision_id,
        "may_open": isinstance(staff, Staff) and may_open(staff, decision, decision_id),
        "csrf_token": context.get("csrf_token"),
    }
