"""更正: opened on the page of an approved report, withdrawn there, and the list of what is being corrected."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups import actions
from followups.filters import CorrectionFilter
from followups.forms import CorrectionForm
from followups.models import CorrectionState, ReportCorrection, VisitReport
from followups.queries.corrections import correction_rows, makes
from followups.views.review import visible_reports
from followups.views.review_report import report_context
from followups.views.rows import name_for
from journal.errors import ActionRefused
from loans.queries import open_business_date
from people.paging import Order, page_of
from people.queries import may
from people.web import PageView, no_store, visible_or_404

ORDER = Order("due", gettext_lazy("提交期限"), ("due_on", "id"))


class CorrectionsPage(PageView):
    """Corrections of the branches one sees; those being made unless another state is asked for."""

    permission = "followups.view"
    template_name = "followups/corrections.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.copy()
        state = asked.get("state", CorrectionState.OPEN)
        asked["state"] = state = state if state in CorrectionState.values else CorrectionState.OPEN.value
        narrowed = CorrectionFilter(asked, queryset=correction_rows(self.staff), request=request)
        page = page_of(narrowed.qs, ORDER, cursor=request.GET.get("cursor", ""))
        today = open_business_date()
        rows = [self._row(correction, today) for correction in page.rows]
        context = self.get_context_data(
            rows=rows, page=page, order=ORDER, state=state, states=CorrectionState.choices,
            may_amend=may(self.staff, "followups.record_visit"), mine=asked.get("mine") == "true",
        )  # fmt: skip
        return no_store(self.render_to_response(context))

    def _row(self, correction: ReportCorrection, today: date | None) -> dict[str, Any]:
        task = correction.visit.task
        is_open = correction.state == CorrectionState.OPEN
        is_own = is_open and makes(correction, self.staff)
        return {
            "correction": correction,
            "name": task.loan.borrower.name if is_own else name_for(self.staff, task),
            "is_late": is_open and today is not None and correction.due_on < today,
            "may_amend": is_own,
        }


class CorrectionStep(PageView):
    """A step about a correction; what was typed stays in the form that is shown again where it is refused."""

    permission = "followups.review"
    http_method_names = ["post"]
    template_name = "followups/report.html"

    def refused(self, report_id: int, refusal: ActionRefused, form: CorrectionForm, step: str) -> HttpResponse:
        report = visible_or_404(visible_reports(self.staff), pk=report_id)
        typed = {**form.cleaned_data, "field": refusal.field, "fault": refusal.message, step: True}
        if not refusal.field:
            messages.error(self.request, refusal.message)
        context = self.get_context_data(**report_context(report, self.staff), typed=typed)
        return no_store(self.render_to_response(context, status=409 if refusal.conflict else 422))


class CorrectReport(CorrectionStep):
    """Opens the correction of an approved report."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        report = visible_or_404(VisitReport.objects.visible_to(self.staff), pk=pk)
        form = CorrectionForm(request.POST)
        form.is_valid()
        code, words = form.cleaned_data.get("code", ""), form.cleaned_data.get("words", "")
        try:
            made = actions.open_report_correction(
                report_id=report.pk, code=code, words=words, by=self.staff, at=self.at
            )
        except ActionRefused as refusal:
            return self.refused(report.pk, refusal, form, "opens")
        messages.success(request, _("已发起更正，由%(name)s办理。") % {"name": made.officer.name})
        return redirect("followups:report", pk=report.pk)


class WithdrawCorrection(CorrectionStep):
    """Ends a correction that is not approved yet."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        correction = visible_or_404(correction_rows(self.staff), pk=pk)
        form = CorrectionForm(request.POST)
        form.is_valid()
        try:
            actions.withdraw_correction(
                correction_id=correction.pk, words=form.cleaned_data.get("words", ""), by=self.staff, at=self.at
            )
        except ActionRefused as refusal:
            return self.refused(correction.corrects_id, refusal, form, "withdraws")
        messages.success(request, _("已撤回更正，原报告继续有效。"))
        return redirect("followups:report", pk=correction.corrects_id)
