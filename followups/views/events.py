"""事项: what happened to a loan, its borrower and its homes; entering it, taking a mistake back; merging of tasks."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collateral import actions as collateral
from collateral.models import Charge, ChargeKind
from collateral.queries import charges_of
from followups.actions import events as actions
from followups.actions import merging
from followups.event_wording import kind_words
from followups.models import Event, EventSource, MergeMode, VisitTask
from followups.queries.events import events_of
from followups.rules import events as rules
from followups.views.desk_list import id_of
from followups.views.leave import day_of
from followups.views.rows import borrower_for
from followups.views.task import TaskStep
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import open_business_date
from loans.views.files import answer
from people.queries import may
from people.web import PageView, no_store, visible_or_404

_NAMES = ("code", "happened_on", "words", "source", "evidence")


def kinds_told(source: str) -> list[tuple[str, str]]:
    """What a person may enter from this source: code and name."""
    return [(kind.code, kind_words(kind.code)) for kind in rules.told_by(source)]


class LoanEvents(PageView):
    permission = "followups.view"
    acts_with = actions.RECORDS
    template_name = "followups/events/loan.html"

    def loan(self) -> Loan:
        found: Loan = visible_or_404(
            Loan.objects.visible_to(self.staff).select_related("borrower", "branch", "position"), pk=self.kwargs["pk"]
        )
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self._context(self.loan())))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan()
        typed = {name: request.POST.get(name, "").strip() for name in _NAMES}
        try:
            event, is_new = self._enter(loan, typed)
        except ActionRefused as refusal:
            context = self._context(loan, refused=refusal.message, field=refusal.field, typed=typed)
            return no_store(answer(self, context, refusal))
        what = {"what": kind_words(event.code)}
        if not is_new:
            messages.success(request, _("%(what)s已登记过，没有重复登记。") % what)
        elif event.is_baseline:
            messages.success(request, _("%(what)s在期初已存在，只登记，不触发回访。") % what)
        else:
            messages.success(request, _("已登记%(what)s，系统当日生成或并入不定期回访。") % what)
        return redirect("followups:loan_events", pk=loan.pk)

    def _enter(self, loan: Loan, typed: dict[str, str]) -> tuple[Event, bool]:
        happened_on = day_of(typed["happened_on"])
        if happened_on is None:
            raise actions.EventRefused(_("请填写有效日期，如 2026-10-30"), field="happened_on")
        return actions.record_event(
            loan_id=loan.pk, code=typed["code"], happened_on=happened_on, words=typed["words"],
            source=typed["source"] or rules.STAFF, evidence=typed["evidence"], by=self.staff, at=self.at,
        )  # fmt: skip

    def _notice(self, loan: Loan) -> Charge | None:
        """The advance notice that secures the loan, for those who may say when it could be made formal."""
        if not may(self.staff, collateral.RECORD):
            return None
        return next((each for each in charges_of(loan.pk)[:1] if each.kind == ChargeKind.ADVANCE_NOTICE), None)

    def _context(self, loan: Loan, **more: Any) -> dict[str, Any]:
        rows = events_of(loan)
        name = borrower_for(self.staff, loan)
        return self.get_context_data(
            **{
                "loan": loan,
                "name": name,
                "rows": rows,
                "open_count": sum(row.is_open for row in rows),
                "may_record": may(self.staff, actions.RECORDS) and loan.position.settled_on is None,
                "may_withdraw": may(self.staff, actions.WITHDRAWS),
                "notice": self._notice(loan),
                "kinds": kinds_told(rules.STAFF),
                "sources": [(code, EventSource(code).label) for code in actions.TELLERS],
                "business_date": open_business_date(),
                "typed": {},
                **more,
            }
        )


class RecordRegistrable(PageView):
    """Says from which day the advance notice could be made a formal mortgage."""

    permission = collateral.RECORD
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = visible_or_404(Loan.objects.visible_to(self.staff), pk=pk)
        day = day_of(request.POST.get("registrable_on", ""))
        try:
            if day is None:
                raise actions.EventRefused(_("请填写有效日期，如 2026-10-30"), field="registrable_on")
            collateral.record_registrable(loan_id=loan.pk, registrable_on=day, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("已登记。"))
        return redirect("followups:loan_events", pk=loan.pk)


class WithdrawEvent(PageView):
    """Takes back what was entered by mistake."""

    permission = actions.WITHDRAWS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = visible_or_404(Event.objects.visible_to(self.staff), pk=pk)
        try:
            actions.withdraw_event(event_id=event.pk, reason=request.POST.get("reason", ""), by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("已撤回%(what)s。") % {"what": kind_words(event.code)})
        return redirect("followups:loan_events", pk=event.loan_id)


class MergeTasks(TaskStep):
    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        ids = [id_of(text) for text in self.request.POST.getlist("task")]
        visible = set(VisitTask.objects.visible_to(self.staff).filter(pk__in=ids).values_list("pk", flat=True))
        mode = self.request.POST.get("mode", MergeMode.JOINT)
        done = merging.merge_tasks(lead_id=task.pk, task_ids=sorted(visible), mode=mode, by=self.staff, at=self.at)
        words = ngettext("并入 %(count)s 项，一次走访。", "并入 %(count)s 项，一次走访。", len(done))
        return words % {"count": len(done)} if done else ""


class UnmergeTask(TaskStep):
    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        merging.unmerge_task(task_id=task.pk, reason=self.request.POST.get("reason", ""), by=self.staff, at=self.at)
        return _("%(number)s 已拆开，单独回访。") % {"number": task.number}
