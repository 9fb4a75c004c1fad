"""Reads of follow-ups: the desk and the review queue, what is known of a loan before a visit, its timeline."""

from followups.queries.attempts import attempts_of, contact_of
from followups.queries.content import content_for, is_open_to
from followups.queries.desk import (
    along_seen,
    clock_of,
    desk,
    report_for,
    report_rows,
    review_queue,
    task_for,
    task_history,
)
from followups.queries.facts import (
    days_past_due_of,
    is_known_to,
    known_facts,
    payment_strip,
    person_facts,
    property_value_of,
    repayment_facts,
    source_label,
)
from followups.queries.form import form_of
from followups.queries.opinions import opinion_shown
from followups.queries.timeline import TimelineRow, timeline

__all__ = [
    "TimelineRow",
    "along_seen",
    "attempts_of",
    "clock_of",
    "contact_of",
    "content_for",
    "days_past_due_of",
    "desk",
    "form_of",
    "is_known_to",
    "is_open_to",
    "known_facts",
    "opinion_shown",
    "payment_strip",
    "person_facts",
    "property_value_of",
    "repayment_facts",
    "report_for",
    "report_rows",
    "review_queue",
    "source_label",
    "task_for",
    "task_history",
    "timeline",
]
