"""The queue of the review desk: rows with what the manager decides by, tabs with counts, what may go together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups.filters import REVIEW_CHIPS, ReportFilter, count_chips, review_chip
from followups.models import VisitReport
from followups.queries import review_queue
from followups.queries.review import hints_of, waiting_for, with_openings
from followups.review_wording import hint_words, queue_word
from followups.views.rows import Left, left_of, name_of_report
from loans.queries import calendar
from people.models import Staff
from people.paging import Order

QUEUE_ORDER = Order("urgency", gettext_lazy("红色、剩余时限优先"), ("level", "decide_by", "id"))
CHIP_CODES = tuple(code for code, _label in REVIEW_CHIPS)


@dataclass(frozen=True)
class QueueRow:
    """`hint`: the quality hint in a word; `is_opened`: this reader has had the report before the eyes."""

    report: VisitReport
    name: str
    left: Left
    hint: str
    is_opened: bool


def asked_queue(request: HttpRequest, staff: Staff, today: date) -> ReportFilter:
    """What waits for this person, by the filters of the address; the desk and its file read it alike."""
    queue = with_openings(review_queue(staff, today), staff)
    return ReportFilter(request.GET, queryset=queue, request=request)


def queue_rows(reports: Iterable[VisitReport], *, staff: Staff, today: date) -> list[QueueRow]:
    """Rows of reports of `queries.review.with_openings`."""
    found = list(reports)
    if not found:
        return []
    dues = [report.decide_by for report in found] + [today]
    days = calendar(min(dues), max(dues))
    hints = hints_of([report.pk for report in found])
    return [
        QueueRow(
            report,
            name_of_report(staff, report),
            left_of(report.decide_by, today, days),
            queue_word([hint_words(hint, report) for hint in hints.get(report.pk, [])]),
            bool(getattr(report, "is_opened", False)),
        )
        for report in found
    ]


def tabs(staff: Staff, today: date, active: str) -> list[dict[str, Any]]:
    """待我审核 and its parts, each with a live count."""
    counts = count_chips(waiting_for(staff, today), REVIEW_CHIPS, review_chip, today)
    rest = [
        {"code": code, "label": label, "count": counts[code], "is_on": active == code} for code, label in REVIEW_CHIPS
    ]
    return [{"code": None, "label": _("待我审核"), "count": counts["all"], "is_on": not active}, *rest]


def next_after(rows: list[QueueRow], pk: int) -> int | None:
    """The report that follows this one in the queue, else the one before it: where the desk moves on to."""
    places = [row.report.pk for row in rows]
    if pk not in places:
        return places[0] if places else None
    at = places.index(pk)
    return places[at + 1] if at + 1 < len(places) else places[at - 1] if at else None
