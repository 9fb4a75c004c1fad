"""Pages of repricing runs: the days to come, a run with its items, the decision of a second person, the notices."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from journal.errors import ActionRefused
from loans.actions.pricing_documents import DOCUMENT_LANGUAGE, print_notice, take_notice, take_notices
from loans.actions.repricing import ask_for_preview, cancel_repricing, decide_repricing
from loans.filters import ITEM_STATES, DirectionChoice, RepricingItemFilter
from loans.models import RepricingItem, RepricingRun, RepricingState
from loans.queries import open_business_date
from loans.queries.names import borrower_name
from loans.queries.repricing import (
    branch_codes_seen,
    items_seen,
    months_to_come,
    notices_visible_to,
    progress_of,
    totals_seen,
)
from loans.repricing_wording import failure_words, held_words, split_words, until_regular_words
from loans.views.files import answer
from loans.views.lists import filter_words
from loans.views.pricing import PricingPage, asked_form, handed_out, typed_day
from people.paging import Order, page_of
from people.queries import may
from people.web import PageView, no_store, visible_or_404

NEWEST_RUN = Order("new", gettext_lazy("最近"), ("-id",))
BY_LOAN = Order("loan", gettext_lazy("贷款"), ("loan__loan_note_no",))
DAYS_SHOWN = 400
_WITHOUT_PREVIEW = (RepricingState.PREVIEWING, RepricingState.FAILED)


class RunPages(PricingPage):
    permission = "loans.view_repricing"
    tab = "loans:repricing_runs"

    def found(self, pk: int) -> RepricingRun:
        run: RepricingRun = visible_or_404(RepricingRun.objects.select_related("proposed_by", "decided_by"), pk=pk)
        return run


class RunList(RunPages):
    """Repricing days to come, and the runs that there were."""

    template_name = "loans/repricing_runs.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown()

    def shown(self, refusal: ActionRefused | None = None, **more: Any) -> HttpResponse:
        runs = RepricingRun.objects.select_related("proposed_by", "decided_by")
        page = page_of(runs, NEWEST_RUN, cursor=self.request.GET.get("cursor", ""))
        codes, today = branch_codes_seen(self.staff), open_business_date()
        context = self.get_context_data(
            page=page,
            rows=[{"run": run, "totals": totals_seen(run, codes)} for run in page.rows],
            months=months_to_come(self.staff, today, DAYS_SHOWN) if today else [],
            may_propose=may(self.staff, "loans.propose_repricing"),
            refused=refusal.message if refusal else "",
            field=refusal.field if refusal else "",
            **more,
        )
        return answer(self, context, refusal)


class ProposeRun(RunList):
    """Asks for a preview of the book over a window of days; the run's page shows how far it is."""

    permission = "loans.propose_repricing"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        typed = {name: request.POST.get(name, "").strip() for name in ("from_on", "to_on")}
        try:
            window = {name: typed_day(text, name) for name, text in typed.items()}
            run = ask_for_preview(**window, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self.shown(refusal, typed=typed)
        messages.success(request, _("开始试算 %(count)d 笔，完成后待另一人审批。") % {"count": run.to_preview})
        return redirect("loans:repricing_run", pk=run.pk)


class RunPage(RunPages):
    """One run: totals, rates used, branches, items with filters, and what may be done with it."""

    template_name = "loans/repricing_run.html"
    part_template = "loans/parts/repricing_progress.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.found(pk)
        if request.GET.get("previewing") and run.state != RepricingState.PREVIEWING and getattr(request, "htmx", None):
            # The preview came to its end while the page showed its progress: the page is another one now.
            response = HttpResponse(status=204)
            response["HX-Refresh"] = "true"
            return no_store(response)
        return self.shown(run)

    def shown(self, run: RepricingRun, refusal: ActionRefused | None = None, **more: Any) -> HttpResponse:
        if run.state in _WITHOUT_PREVIEW:
            return self.shown_without_preview(run, refusal, **more)
        narrowed = RepricingItemFilter(self.request.GET, queryset=items_seen(run, self.staff), request=self.request)
        page = page_of(narrowed.qs, BY_LOAN, cursor=self.request.GET.get("cursor", ""))
        progress, is_approved = progress_of(run), run.state == RepricingState.APPROVED
        context = self.get_context_data(
            run=run,
            totals=totals_seen(run, branch_codes_seen(self.staff)),
            progress=progress,
            done=sum(progress.values()) - progress["PENDING"],
            all_items=sum(progress.values()),
            is_running=self._is_running(run, progress),
            page=page,
            rows=[_row(item, borrower_name(item.loan, self.staff), is_approved) for item in page.rows],
            filter_words=filter_words(narrowed),
            states=ITEM_STATES,
            directions=DirectionChoice.DIRECTIONS,
            **self._may(run, progress),
            refused=refusal.message if refusal else "",
            field=refusal.field if refusal else "",
            **more,
        )
        return answer(self, context, refusal)

    def shown_without_preview(
        self, run: RepricingRun, refusal: ActionRefused | None = None, **more: Any
    ) -> HttpResponse:
        """A run that is being previewed, or whose preview came to nothing: how far it is, and the way to stop it."""
        is_previewing = run.state == RepricingState.PREVIEWING
        context = self.get_context_data(
            run=run,
            is_previewing=is_previewing,
            has_no_preview=True,
            failure=failure_words(run.failure) if run.failure else "",
            may_cancel=is_previewing and may(self.staff, "loans.propose_repricing"),
            refused=refusal.message if refusal else "",
            **more,
        )
        return answer(self, context, refusal)

    def _may(self, run: RepricingRun, progress: dict[str, int]) -> dict[str, bool]:
        is_open = run.state == RepricingState.PROPOSED
        has_open_items = run.state == RepricingState.APPROVED and progress["PENDING"] > 0
        may_approve = may(self.staff, "loans.approve_repricing")
        return {
            "may_decide": is_open and may_approve and run.proposed_by_id != self.staff.pk,
            "is_own": is_open and may_approve and run.proposed_by_id == self.staff.pk,
            "may_cancel": (is_open or has_open_items) and may(self.staff, "loans.propose_repricing"),
            "may_export": run.state == RepricingState.APPROVED,
            "may_export_names": run.state == RepricingState.APPROVED and may(self.staff, "loans.export_names"),
        }

    def _is_running(self, run: RepricingRun, progress: dict[str, int]) -> bool:
        """True while the evening has items of this run to apply."""
        today = open_business_date()
        if run.state != RepricingState.APPROVED or not progress["PENDING"] or today is None:
            return False
        return run.items.filter(state="PENDING", effective_on__lte=today).exists()


def _row(item: RepricingItem, name: str, is_approved: bool) -> dict[str, Any]:
    change = item.new_installment - item.old_installment
    return {
        "item": item,
        "name": name,
        "change": change,
        "reason": held_words(item.reason) if item.reason else "",
        "split": split_words(item),
        "until_regular": _("；").join(until_regular_words(item)),
        "has_notice": item.state in ("APPLIED", "UNCHANGED") or item.state == "PENDING" and is_approved,
    }


class DecideRun(RunPage):
    """Approves or rejects the content that was shown."""

    permission = "loans.approve_repricing"
    part_template = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        run, note = self.found(pk), request.POST.get("note", "")
        approve = request.POST.get("verb") == "approve"
        try:
            done = decide_repricing(
                run_id=run.pk, approve=approve, note=note, content_sha256=request.POST.get("content_sha256", ""),
                by=self.staff, at=self.at,
            )  # fmt: skip
        except ActionRefused as refusal:
            return self.shown(self.found(pk), refusal, note=note)
        messages.success(request, _("批次%(state)s。") % {"state": done.get_state_display()})
        return redirect("loans:repricing_run", pk=run.pk)


class CancelRun(RunPage):
    """Takes back what is not applied yet."""

    permission = "loans.propose_repricing"
    part_template = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        run, reason = self.found(pk), request.POST.get("reason", "")
        try:
            cancel_repricing(run_id=run.pk, reason=reason, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self.shown(self.found(pk), refusal, reason=reason)
        messages.success(request, _("批次已撤回，未生效的部分不再生效。"))
        return redirect("loans:repricing_run", pk=run.pk)


class Notices(PageView):
    """The notices of a run as a file; the taking is recorded."""

    permission = "loans.view_repricing"

    def get(self, request: HttpRequest, pk: int, form: str) -> HttpResponse:
        run = visible_or_404(RepricingRun.objects.all(), pk=pk)
        try:
            with_names = request.GET.get("names") == "1"
            document = take_notices(run=run, form=asked_form(form), with_names=with_names, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return redirect("loans:repricing_run", pk=run.pk)
        return handed_out(document)


class NoticePage(PageView):
    """What one borrower is told, to be printed; on paper it is the same as the PDF."""

    permission = "loans.view"
    template_name = "loans/repricing_notice.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        item: RepricingItem = visible_or_404(notices_visible_to(self.staff), pk=pk)
        try:
            notice = print_notice(item=item, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return answer(self, self.get_context_data(item=item, refused=refusal.message), refusal)
        with translation.override(DOCUMENT_LANGUAGE):
            context = self.get_context_data(item=item, notice=notice)
            # The paper is Chinese whatever the language of who prints it.
            paper = render_to_string("loans/parts/repricing_notice.html", context, request=request)
        return no_store(self.render_to_response({**context, "paper": paper}))


class NoticePdf(PageView):
    """The same as a document; the taking is recorded."""

    permission = "loans.view"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        item: RepricingItem = visible_or_404(notices_visible_to(self.staff), pk=pk)
        try:
            return handed_out(take_notice(item=item, by=self.staff, at=self.at))
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return redirect("loans:repricing_notice", pk=pk)
