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
from followups.filters import ReportFilter
from followups.forms import DecisionForm, ReturnForm, chosen_reports
from followups.models import PHOTO_HINTS, ReportHint, VisitReport, VisitTask
from followups.queries import content_for, report_rows
from followups.queries.attachments import attachments_visible_to
from followups.queries.review_figures import PARTS, month_tasks, strip
from followups.review_wording import distance, hint_words, state_words
from followups.rules import similarity
from followups.rules.review import MOST_AT_ONCE
from followups.views.desk_list import id_of
from followups.views.reuse import used_of
from followups.views.review_queue import CHIP_CODES, QUEUE_ORDER, asked_queue, next_after, queue_rows, tabs
from followups.views.review_report import report_context
from followups.views.rows import left_of_task, name_for
from journal.errors import ActionRefused
from loans.queries import calendar, open_business_date
from people.actions import NotAllowed
from people.models import Staff
from people.paging import Order, page_of
from people.web import PageView, no_store, visible_or_404

REPORTS_ORDER = Order("submitted", gettext_lazy("提交时间"), ("-id",))
MONTH_ORDER = Order("due", gettext_lazy("应完成日"), ("due_on", "id"))


def visible_reports(staff: Staff) -> QuerySet[VisitReport]:
    """Reports of branches one sees, with all that the report page shows."""
    found = VisitReport.objects.visible_to(staff).select_related(
        "visit__task__loan__borrower",
        "visit__task__loan__position",
        "visit__task__assigned_to",
        "visit__lead_visitor",
        "visit__second_visitor",
        "submitted_by",
        "endorsed_by",
        "decided_by",
        "branch",
        "pdf",
        "quality",
    )
    return found.defer("visit__draft", "visit__known")


class ReviewPage(PageView):
    permission = "followups.review"
    template_name = "followups/review.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        narrowed = asked_queue(self.request, self.staff, today).qs
        page = page_of(narrowed.defer("content"), QUEUE_ORDER, cursor=self.request.GET.get("cursor", ""))
        report = self._chosen(page.rows)
        rows = queue_rows(page.rows, staff=self.staff, today=today)
        shown = report_context(report, self.staff) if report else {}
        if report and shown["may_decide"]:
            actions.open_report(report_id=report.pk, by=self.staff, at=self.at)
        chip = self.request.GET.get("chip", "")
        return super().get_context_data(
            **kwargs,
            rows=rows,
            page=page,
            order=QUEUE_ORDER,
            chips=tabs(self.staff, today, chip),
            chip=chip if chip in CHIP_CODES else "",
            next_report=next_after(rows, report.pk) if report else None,
            most_at_once=MOST_AT_ONCE,
            strip=strip(self.staff, today),
            page_keys=[
                ("A", _("通过")),
                ("B", _("退回")),
                ("J K", _("移动")),
                ("Space", _("看证据")),
                ("N", _("备注")),
                ("X", _("勾选")),
            ],
            **shown,
        )

    def _chosen(self, rows: list[Any]) -> VisitReport | None:
        """The report named in the address, else the first of the queue."""
        text = self.request.GET.get("report", "")
        reports = visible_reports(self.staff)
        if id_of(text):
            found: VisitReport | None = reports.filter(pk=id_of(text)).first()
            if found:
                return found
        return reports.filter(pk=rows[0].pk).first() if rows else None


class ReportPage(PageView):
    permission = "followups.view"
    template_name = "followups/report.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        report = visible_or_404(visible_reports(self.staff), pk=pk)
        context = report_context(report, self.staff)
        return no_store(
            self.render_to_response(self.get_context_data(**context, references=used_of(report, self.staff)))
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


class ReportsPage(PageView):
    """Reports by who submitted them and when: the list behind a hint or a number."""

    permission = "followups.review"
    template_name = "followups/reports.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        found = ReportFilter(request.GET, queryset=report_rows(self.staff), request=request).qs
        page = page_of(found.defer("content"), REPORTS_ORDER, cursor=request.GET.get("cursor", ""))
        rows = [
            {"report": one, "name": name_for(self.staff, one.visit.task), "state": state_words(one)}
            for one in page.rows
        ]
        context = self.get_context_data(rows=rows, page=page, order=REPORTS_ORDER)
        return no_store(self.render_to_response(context))


class LookAlike(PageView):
    """Two reports whose words are alike, passage by passage; only where a hint says so."""

    permission = "followups.review"
    template_name = "followups/look_alike.html"

    def get(self, request: HttpRequest, pk: int, other: int) -> HttpResponse:
        seen = visible_reports(self.staff)
        report = visible_or_404(seen.filter(hints__other_id=other), pk=pk)
        beside = visible_or_404(seen, pk=other)
        texts = [str(content_for(one, self.staff)["conclusion"]["text"]) for one in (report, beside)]
        hint = ReportHint.objects.filter(report=report, other=beside).order_by("id").first()
        context = self.get_context_data(
            sides=[
                (report, name_for(self.staff, report.visit.task)),
                (beside, name_for(self.staff, beside.visit.task)),
            ],
            percent=hint.data["percent"] if hint else 0,
            passages=similarity.passages(*texts),
        )
        return no_store(self.render_to_response(context))


class PhotoProof(PageView):
    """The photo that a hint is about, beside the one of another loan that it is or looks like."""

    permission = "followups.review"
    template_name = "followups/photo_proof.html"

    def get(self, request: HttpRequest, pk: int, hint: int) -> HttpResponse:
        report = visible_or_404(visible_reports(self.staff), pk=pk)
        found = visible_or_404(ReportHint.objects.filter(report=report, code__in=PHOTO_HINTS), pk=hint)
        ids = [found.data["attachment"], *([found.data["other"]] if "other" in found.data else [])]
        files = attachments_visible_to(self.staff).in_bulk(ids)
        context = self.get_context_data(
            report=report,
            hint=hint_words(found, report, files),
            sides=[
                (file, name_for(self.staff, file.visit.task), distance(file.meters_off or 0) if file.is_far else "")
                for file in (files[each] for each in ids if each in files)
            ],
            is_other_hidden="other" in found.data and found.data["other"] not in files,
        )
        return no_store(self.render_to_response(context))


class MonthTasks(PageView):
    """The follow-ups behind a number of the strip below the review desk."""

    permission = "followups.review"
    template_name = "followups/month_tasks.html"

    def get(self, request: HttpRequest, part: str) -> HttpResponse:
        today = open_business_date()
        if today is None or part not in PARTS:
            raise Http404
        tasks: QuerySet[VisitTask] = month_tasks(self.staff, today, part).select_related(
            "loan__borrower", "assigned_to", "branch"
        )
        page = page_of(tasks, MONTH_ORDER, cursor=request.GET.get("cursor", ""))
        dues = [task.due_on for task in page.rows] + [today]
        days = calendar(min(dues), max(dues))
        rows = [
            {
                "task": task,
                "name": name_for(self.staff, task),
                "left": None if task.closed_on else left_of_task(task, today, days),
            }
            for task in page.rows
        ]
        titles = {"due": _("本月应完成"), "done": _("已完成"), "open": _("在办"), "late": _("已超时限")}
        context = self.get_context_data(rows=rows, page=page, order=MONTH_ORDER, part=part, parts=titles.items())
        return no_store(self.render_to_response(context))


class Decision(PageView):
    """Approve or return: the reviewer sends the hash of what was read, so that nothing else is decided."""

    permission = "followups.review"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        report = visible_or_404(VisitReport.objects.visible_to(self.staff), pk=pk)
        try:
            done = self.decide(report)
        except ActionRefused as refusal:
            return self.refused(report, refusal)
        messages.success(request, done)
        return redirect(self._desk(request.POST.get("next", "")))

    def _desk(self, following: str) -> str:
        """The review desk with the tab that was open, at the report that comes next."""
        chip = self.request.POST.get("chip", "")
        asked = [f"chip={chip}"] if chip in CHIP_CODES else []
        asked += [f"report={following}"] if id_of(following) else []
        return reverse("followups:review") + (f"?{'&'.join(asked)}" if asked else "")

    def decide(self, report: VisitReport) -> str:
        raise NotImplementedError

    def refused(self, report: VisitReport, refusal: ActionRefused) -> HttpResponse:
        """Back to the desk with the reason on top."""
        messages.error(self.request, refusal.message)
        return redirect(self._desk(str(report.pk)))


class ApproveReport(Decision):
    def decide(self, report: VisitReport) -> str:
        form = DecisionForm(self.request.POST)
        if not form.is_valid():
            raise ActionRefused(_("备注过长，最多 500 个字。"), field="note")
        done = actions.approve_report(
            report_id=report.pk,
            content_sha256=form.cleaned_data["content_sha256"],
            note=form.cleaned_data["note"],
            by=self.staff,
            at=self.at,
        )
        if done.waits_for:
            return _("已签署意见，报告 %(number)s 送风险负责人审核。") % {"number": report.number}
        return _("报告 %(number)s 已通过。") % {"number": report.number}


class ReturnReport(Decision):
    """What was typed stays in the form that is shown again where something is missing."""

    template_name = "followups/return.html"

    def decide(self, report: VisitReport) -> str:
        form = ReturnForm(self.request.POST)
        if not form.is_valid():
            raise ActionRefused(_("请写明退回原因。"), field="reason")
        actions.return_report(
            report_id=report.pk,
            content_sha256=form.cleaned_data["content_sha256"],
            code=form.cleaned_data["code"],
            reason=form.cleaned_data["reason"],
            sections=form.cleaned_data["sections"],
            section_codes=form.cleaned_data["section_codes"],
            by=self.staff,
            at=self.at,
        )
        count = len(form.cleaned_data["sections"])
        words = ngettext(
            "报告 %(number)s 已退回，%(count)s 部分须修改。", "报告 %(number)s 已退回，%(count)s 部分须修改。", count
        )
        return words % {"number": report.number, "count": count}

    def refused(self, report: VisitReport, refusal: ActionRefused) -> HttpResponse:
        if not isinstance(refusal, actions.ReasonMissing):
            return super().refused(report, refusal)
        form = ReturnForm(self.request.POST)
        form.is_valid()
        typed = {**form.cleaned_data, "field": refusal.field, "fault": refusal.message}
        chip, following = self.request.POST.get("chip", ""), self.request.POST.get("next", "")
        context = self.get_context_data(
            **report_context(visible_or_404(visible_reports(self.staff), pk=report.pk), self.staff),
            typed=typed,
            chip=chip if chip in CHIP_CODES else "",
            next_report=following if id_of(following) else "",
        )
        return no_store(self.render_to_response(context, status=422))


class ApproveClean(PageView):
    """批量通过 of the ticked clean phone reports: all or none."""

    permission = "followups.review"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            done = actions.approve_clean(
                reports=chosen_reports(request.POST.getlist("report")), by=self.staff, at=self.at
            )
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            words = ngettext("已批量通过 %(count)s 份报告。", "已批量通过 %(count)s 份报告。", len(done))
            messages.success(request, words % {"count": len(done)})
        return redirect(f"{reverse('followups:review')}?chip=clean")
