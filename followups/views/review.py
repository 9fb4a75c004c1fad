"""审核台 and the report: what changed first, the decision beside it, nobody decides on an own report."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from followups import actions
from followups.filters import REVIEW_CHIPS, ReportFilter, count_chips, review_chip
from followups.forms import DecisionForm, ReturnForm
from followups.models import ReportState, VisitReport
from followups.queries import content_for, review_queue
from followups.queries.reuse import references_of
from followups.views.rows import left_of, name_for, queue_rows
from followups.views.task import actors_of
from followups.views.visit import in_language
from journal.errors import ActionRefused
from loans.queries import calendar, open_business_date
from people.actions import NotAllowed
from people.models import Staff
from people.paging import Order, page_of
from people.queries import may
from people.web import PageView, no_store, visible_or_404

QUEUE_ORDER = Order("urgency", gettext_lazy("红色、剩余时限优先"), ("level", "decide_by", "id"))


def visible_reports(staff: Staff) -> QuerySet[VisitReport]:
    """Reports of branches one sees, with all that the report page shows."""
    found = VisitReport.objects.visible_to(staff).select_related(
        "visit__task__loan__borrower",
        "visit__task__loan__position",
        "visit__task__assigned_to",
        "visit__lead_visitor",
        "visit__second_visitor",
        "submitted_by",
        "decided_by",
        "branch",
        "pdf",
    )
    return found.defer("visit__draft", "visit__known")


def report_context(report: VisitReport, staff: Staff) -> dict[str, Any]:
    """The report in the reader's language with its place among the versions and who may decide."""
    today = open_business_date()
    assert today is not None
    visit, task = report.visit, report.visit.task
    is_waiting = report.state == ReportState.SUBMITTED
    is_own = staff.pk in (report.submitted_by_id, visit.lead_visitor_id, visit.second_visitor_id)
    versions = visit.reports.select_related("submitted_by", "decided_by").defer("content").order_by("-version")
    days = calendar(min(report.decide_by, today), max(report.decide_by, today))
    return {
        "report": report,
        "task": task,
        "content": in_language(content_for(report, staff)),
        "name": name_for(staff, task),
        "report_left": left_of(report.decide_by, today, days) if is_waiting else None,
        "versions": versions,
        "is_own": is_own,
        "may_decide": is_waiting and not is_own and may(staff, "followups.review"),
        "is_waiting": is_waiting,
        "section_choices": [(part["key"], part["label"]) for part in in_language(report.content)["sections"]],
        "actors": actors_of([report.submitted_by.staff_no]),
    }


class ReviewPage(PageView):
    permission = "followups.review"
    template_name = "followups/review.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        waiting = VisitReport.objects.visible_to(self.staff).filter(state=ReportState.SUBMITTED)
        narrowed = ReportFilter(self.request.GET, queryset=review_queue(self.staff), request=self.request).qs
        page = page_of(narrowed.defer("content"), QUEUE_ORDER, cursor=self.request.GET.get("cursor", ""))
        rows = queue_rows(page.rows, staff=self.staff, today=today)
        report = self._chosen(rows)
        return super().get_context_data(
            **kwargs,
            rows=rows,
            page=page,
            order=QUEUE_ORDER,
            chips=self._chips(waiting, today),
            page_keys=[
                ("A", _("通过")),
                ("B", _("退回")),
                ("J K", _("移动")),
                ("Space", _("展开未变化")),
                ("N", _("备注")),
            ],
            **(report_context(report, self.staff) if report else {}),
        )

    def _chips(self, waiting: QuerySet[VisitReport], today: Any) -> list[dict[str, Any]]:
        counts, active = count_chips(waiting, REVIEW_CHIPS, review_chip, today), self.request.GET.get("chip", "")
        rest = [
            {"code": code, "label": label, "count": counts[code], "is_on": active == code}
            for code, label in REVIEW_CHIPS
        ]
        return [{"code": None, "label": _("待我审核"), "count": counts["all"], "is_on": not active}, *rest]

    def _chosen(self, rows: list[Any]) -> VisitReport | None:
        """The report named in the address, else the first of the queue."""
        text = self.request.GET.get("report", "")
        reports = visible_reports(self.staff)
        if text.isascii() and text.isdigit() and len(text) < 19:
            found: VisitReport | None = reports.filter(pk=int(text)).first()
            if found:
                return found
        return reports.filter(pk=rows[0].report.pk).first() if rows else None


class ReportPage(PageView):
    permission = "followups.view"
    template_name = "followups/report.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        report = visible_or_404(visible_reports(self.staff), pk=pk)
        context = report_context(report, self.staff)
        return no_store(
            self.render_to_response(self.get_context_data(**context, references=references_of(report, self.staff)))
        )


class ReportPdf(PageView):
    """The stored bytes of an approved report; there is no PDF of anything else."""

    permission = "followups.view"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        report = visible_or_404(VisitReport.objects.visible_to(self.staff).select_related("pdf"), pk=pk)
        try:
            content = actions.hand_out_pdf(report=report, by=self.staff, at=self.at)
        except actions.NotApprovedYet as refusal:
            raise Http404 from refusal
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        response = HttpResponse(content, content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="{report.number}.pdf"'
        response["X-Content-Type-Options"] = "nosniff"
        return no_store(response)


class Decision(PageView):
    """Approve or return: the reviewer sends the hash of what was read, so that nothing else is decided."""

    permission = "followups.review"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        report = visible_or_404(VisitReport.objects.visible_to(self.staff), pk=pk)
        try:
            done = self.decide(report)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return redirect(f"{reverse('followups:review')}?report={report.pk}")
        messages.success(request, done)
        return redirect("followups:review")

    def decide(self, report: VisitReport) -> str:
        raise NotImplementedError


class ApproveReport(Decision):
    def decide(self, report: VisitReport) -> str:
        form = DecisionForm(self.request.POST)
        if not form.is_valid():
            raise ActionRefused(_("备注过长，最多 500 个字。"), field="note")
        actions.approve_report(
            report_id=report.pk,
            content_sha256=form.cleaned_data["content_sha256"],
            note=form.cleaned_data["note"],
            by=self.staff,
            at=self.at,
        )
        return _("报告 %(number)s 已通过。") % {"number": report.number}


class ReturnReport(Decision):
    def decide(self, report: VisitReport) -> str:
        form = ReturnForm(self.request.POST)
        if not form.is_valid():
            raise ActionRefused(_("请写明退回原因。"), field="reason")
        actions.return_report(
            report_id=report.pk,
            content_sha256=form.cleaned_data["content_sha256"],
            reason=form.cleaned_data["reason"],
            sections=form.cleaned_data["sections"],
            by=self.staff,
            at=self.at,
        )
        count = len(form.cleaned_data["sections"])
        words = ngettext(
            "报告 %(number)s 已退回，%(count)s 部分须修改。", "报告 %(number)s 已退回，%(count)s 部分须修改。", count
        )
        return words % {"number": report.number, "count": count}
