"""告知客户: the list of what is to be told, the buttons of a task, what a customer may hear on the telephone."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups import actions
from followups.customer_wording import what, words
from followups.forms import TellingForm
from followups.models import CustomerResult, TellWhy, VisitTask
from followups.queries.cover import is_held_by
from followups.queries.customer_status import visits_for_customer
from followups.queries.results import of_own, results_visible_to
from followups.views.rows import left_of, name_for
from followups.views.task import TaskStep
from loans.models import Loan
from loans.queries import calendar, open_business_date
from people.models import Staff
from people.paging import Order, page_of
from people.queries import may
from people.queries.leave import know_day
from people.rules.masking import mask_name
from people.web import PageView, no_store, visible_or_404

UNTOLD = Order("tell_by", gettext_lazy("告知时限"), ("tell_by", "id"))
TOLD = Order("told", gettext_lazy("最近告知"), ("-told_on", "-id"))


def states() -> list[tuple[str, str]]:
    return [("untold", _("待告知")), ("late", _("已超时限")), ("told", _("已告知"))]


@dataclass(frozen=True)
class AskedResults:
    """What the address asks for: which results, whose, in which order."""

    found: QuerySet[CustomerResult]
    order: Order
    state: str
    is_mine: bool
    has_scopes: bool


def asked_results(request: HttpRequest, staff: Staff, today: date) -> AskedResults:
    state = request.GET.get("state", "")
    state = state if state in dict(states()) else "untold"
    records = may(staff, "followups.record_visit")
    is_mine = records and request.GET.get("scope") != "branch"
    found = results_visible_to(staff)
    found = found.filter(of_own(staff)) if is_mine else found
    found = found.filter(told__isnull=False) if state == "told" else found.untold()
    found = found.filter(tell_by__lt=today) if state == "late" else found
    return AskedResults(found, TOLD if state == "told" else UNTOLD, state, is_mine, records)


def result_rows(results: list[CustomerResult], staff: Staff, today: date) -> list[dict[str, Any]]:
    """Rows of results: the customer as far as the person may see who it is, the time left, why it is told."""
    ends = [today, *(one.tell_by for one in results)]
    days = calendar(min(ends), max(ends))
    labels = dict(TellWhy.choices)
    return [
        {
            "result": one,
            # Who is to tell the customer has to know who that is.
            "name": one.task.loan.borrower.name if _tells(one, staff) else name_for(staff, one.task),
            "left": left_of(one.tell_by, today, days),
            "why": _("、").join(str(labels.get(code, code)) for code in one.why),
        }
        for one in results
    ]


def _tells(result: CustomerResult, staff: Staff) -> bool:
    return result.told_id is None and (is_held_by(result.task, staff) or may(staff, "followups.assign"))


class ResultsPage(PageView):
    """What customers are to be told: one's own, or of the branches one sees; the first to be missed first."""

    permission = "followups.view"
    template_name = "followups/results/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = open_business_date()
        if today is None:
            return no_store(self.render_to_response(self.get_context_data(is_closed=True)))
        know_day(self.staff, today)
        asked = asked_results(request, self.staff, today)
        page = page_of(asked.found, asked.order, cursor=request.GET.get("cursor", ""))
        context = self.get_context_data(
            rows=result_rows(page.rows, self.staff, today), page=page, order=asked.order, state=asked.state,
            states=states(), scope="mine" if asked.is_mine else "branch", has_scopes=asked.has_scopes,
            business_date=today,
        )  # fmt: skip
        return no_store(self.render_to_response(context))


class TellResult(TaskStep):
    """The customer was told; or, with nothing to be told yet, asked for the result."""

    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        if self.request.POST.get("verb") == "ask":
            made = actions.ask_for_result(task_id=task.pk, by=self.staff, at=self.at)
            if made.told_id is not None:
                return _("该结果已告知客户。")
            return _("该结果须在 %(day)s 前告知客户。") % {"day": made.tell_by.isoformat()}
        form = TellingForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        typed = form.cleaned_data
        told_at: datetime = typed.pop("told_at") or timezone.localtime(self.at)
        actions.tell_result(task_id=task.pk, **typed, told_at=told_at, by=self.staff, at=self.at)
        return _("已登记告知客户。")


class UndoTelling(TaskStep):
    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        actions.undo_telling(
            task_id=task.pk, reason=self.request.POST.get("reason", ""), by=self.staff, at=self.at
        )  # fmt: skip
        return _("已更正：尚未告知客户。")


class CustomerStatusPage(PageView):
    """What a customer who asks may hear of this loan's visits; to be read out as it stands."""

    permission = "loans.view"
    template_name = "followups/results/status.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = visible_or_404(Loan.objects.visible_to(self.staff).select_related("borrower"), pk=pk)
        today = open_business_date()
        if today is None:
            return no_store(self.render_to_response(self.get_context_data(is_closed=True)))
        name = loan.borrower.name
        rows = [(one, what(one), words(one)) for one in visits_for_customer(loan, today)]
        context = self.get_context_data(
            loan=loan,
            name=name if loan.portfolio_officer_id == self.staff.pk else mask_name(name),
            rows=rows,
            business_date=today,
        )
        return no_store(self.render_to_response(context))
