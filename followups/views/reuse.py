"""The card of past visits, opened where something is decided; opening it is a reference, so it is a button."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from followups.actions.reuse import open_past_visits
from followups.models import Decision, ReportReference, VisitReport
from followups.queries.reuse import VISITS, PastVisits, may_open, references_of
from followups.signal_wording import signal_words
from followups.views.desk_list import id_of
from followups.views.rows import borrower_for
from followups.views.visit import in_language
from followups.wording import why
from journal.errors import ActionRefused
from loans.models import Loan
from people.models import Staff
from people.queries import may
from people.web import PageView, no_store, visible_or_404


def card_of(found: PastVisits) -> dict[str, Any]:
    """The card's rows in the active language."""
    return {
        "reports": [{"report": past.report, "content": in_language(past.content)} for past in found.reports],
        "events": found.events,
        "tasks": [{"task": task, "why": why(task)} for task in found.tasks],
        "signals": [{"signal": each, "words": signal_words(each.code)} for each in found.signals],
        "measures": found.measures,
    }


# Where a decision is looked up: the page, by what, and who may open it.
_PAGES = {
    Decision.CHANGE: ("loans:change", "decision_id", "loans.view"),
    Decision.PREPAYMENT: ("loans:change", "decision_id", "loans.view"),
    Decision.REVIEW: ("followups:report", "decision_id", "followups.view"),
    Decision.REFUND: ("loans:refund", "decision_id", "loans.view_receipts"),
    Decision.WAIVER: ("loans:fees", "loan_id", "loans.view"),
    Decision.SIGNAL: ("followups:loan_signals", "loan_id", "followups.view"),
    Decision.SKIP: ("followups:task", "decision_id", "followups.view"),
    Decision.REASSIGN: ("followups:task", "decision_id", "followups.view"),
    Decision.RESUME: ("followups:task", "decision_id", "followups.view"),
}


def used_of(report: VisitReport, staff: Staff) -> list[tuple[ReportReference, str]]:
    """Where a report was used, each with the page of what was decided, for those who may open it."""
    return [(each, _page_of(each, staff)) for each in references_of(report, staff)]


def _page_of(each: ReportReference, staff: Staff) -> str:
    if each.decision_id is None or each.decision not in _PAGES:
        return ""
    name, key, permission = _PAGES[Decision(each.decision)]
    if not may(staff, permission):
        return ""
    address = reverse(name, args=[getattr(each, key)])
    return f"{address}#signal-{each.decision_id}" if each.decision == Decision.SIGNAL else address


class OpenPastVisits(PageView):
    """The card alone for a page with scripts, else a page of its own."""

    # The decision says who else may (`queries.reuse.may_open`).
    permission = "loans.view"
    http_method_names = ["post"]
    template_name = "followups/reuse/page.html"
    part_template = "followups/reuse/card.html"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        decision = request.POST.get("decision", "")
        number = request.POST.get("decision_id", "")
        decision_id = id_of(number) if number else None
        if not may_open(self.staff, decision, decision_id):
            raise PermissionDenied
        seen = visible_or_404(Loan.objects.visible_to(self.staff), pk=pk)
        try:
            loan, found = open_past_visits(
                loan_id=seen.pk,
                decision=decision,
                decision_id=decision_id,
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            if getattr(request, "htmx", None):
                response = TemplateResponse(request, "followups/reuse/refused.html", {"refusal": refusal}, status=422)
                return no_store(response)
            messages.error(request, refusal.message)
            return redirect("loan_page", pk=seen.pk)
        name = borrower_for(self.staff, loan)
        context = self.get_context_data(loan=loan, name=name, reads=may(self.staff, VISITS), **card_of(found))
        return no_store(TemplateResponse(request, self.get_template_names(), context))
