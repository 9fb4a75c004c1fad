"""跨机构同户: pairs that wait for who sees both branches, one visit made of a pair, or each left to its own branch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups.actions.across import leave_apart, visit_together
from followups.actions.list_file import Listed
from followups.filters import ACROSS_STATES, AcrossFilter
from followups.models import AcrossPair, Method, VisitTask
from followups.queries.across import ASSIGNS, able_for, pairs_visible_to, to_decide
from followups.views.list_file import ListFile, filters_of, in_parts
from followups.views.rows import name_for
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.statement_xlsx import Cell
from people.models import Staff
from people.paging import Order, capped, counts_of, page_of
from people.queries import branches_visible_to
from people.queries.leave import know_day
from people.web import PageView, no_store, visible_or_404

OPEN, LEFT = (code for code, _label in ACROSS_STATES)
ORDERS = {
    OPEN: Order("due", gettext_lazy("应完成日"), ("due_on", "id")),
    LEFT: Order("left", gettext_lazy("最新在前"), ("-left_on", "-id")),
}
# The days ahead that the page offers.
WITHIN = ((gettext_lazy("7 天内到期"), 7), (gettext_lazy("30 天内到期"), 30))


@dataclass(frozen=True, slots=True)
class AcrossRow:
    """A pair as the person sees it, with who could make the one visit."""

    pair: Any
    name: str
    able: Sequence[Staff] = ()

    @property
    def tasks(self) -> tuple[VisitTask, VisitTask]:
        return self.pair.one, self.pair.other


def asked_pairs(request: HttpRequest, staff: Staff) -> AcrossFilter:
    """The pairs that the address asks for; those that wait unless it asks for those left apart."""
    given = request.GET.copy()
    given["state"] = LEFT if given.get("state") == LEFT else OPEN
    base = to_decide(staff) if given["state"] == OPEN else pairs_visible_to(staff)
    return AcrossFilter(given, queryset=base, request=request)


def across_rows(pairs: Iterable[AcrossPair], staff: Staff, today: date) -> list[AcrossRow]:
    pairs = list(pairs)
    able = able_for((pair for pair in pairs if pair.left_on is None), by=staff, as_of=today)
    return [AcrossRow(pair, _names(pair, staff), able.get(pair.pk, ())) for pair in pairs]


def _names(pair: AcrossPair, staff: Staff) -> str:
    """Both borrowers where they are two."""
    name = name_for(staff, pair.one)
    if pair.one.loan.borrower_id == pair.other.loan.borrower_id:
        return name
    return name + _("、") + name_for(staff, pair.other)


class AcrossPage(PageView):
    permission = ASSIGNS
    template_name = "followups/across/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = open_business_date()
        if today is None:
            return no_store(self.render_to_response(self.get_context_data(is_closed=True)))
        know_day(self.staff, today)
        narrowed = asked_pairs(request, self.staff)
        state = narrowed.data["state"]
        page = page_of(narrowed.qs, ORDERS[state], cursor=request.GET.get("cursor", ""))
        days = [(label, (today + timedelta(days=number)).isoformat()) for label, number in WITHIN]
        context = self.get_context_data(
            page=page, rows=across_rows(page.rows, self.staff, today), state=state, states=ACROSS_STATES,
            count=capped(counts_of({"all": narrowed.qs.order_by()})["all"]), within=days,
            due_to=narrowed.data.get("due_to", ""), branch=narrowed.data.get("branch", ""),
            branches=list(branches_visible_to(self.staff).values_list("code", "name")), business_date=today,
        )  # fmt: skip
        return no_store(self.render_to_response(context))


class AcrossCount(PageView):
    """How many wait, for the menu; loaded when it is opened."""

    permission = ASSIGNS
    template_name = "followups/across/count.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        count = counts_of({"all": to_decide(self.staff).order_by()})["all"]
        return no_store(self.render_to_response({"count": capped(count) if count else ""}))


class _Decide(PageView):
    permission = ASSIGNS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        # Also one that is decided: pressed twice it is told what came of it.
        pair = visible_or_404(AcrossPair.objects.visible_to(self.staff), pk=pk)
        try:
            done = self.step(pair)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, done)
        return redirect(reverse("followups:across"))

    def step(self, pair: AcrossPair) -> str:
        raise NotImplementedError


class VisitTogether(_Decide):
    """Gives both tasks to the officer named, as one visit."""

    def step(self, pair: AcrossPair) -> str:
        officer = Staff.objects.filter(staff_no=self.request.POST.get("officer", "")[:20]).first()
        lead = visit_together(pair_id=pair.pk, officer=officer, by=self.staff, at=self.at)
        return _("已并为一次回访 %(number)s，由%(name)s办理，各出一份报告。") % {
            "number": lead.number, "name": lead.assigned_to.name if lead.assigned_to else "",
        }  # fmt: skip


class LeaveApart(_Decide):
    """Keeps that each branch makes its own visit."""

    def step(self, pair: AcrossPair) -> str:
        leave_apart(pair_id=pair.pk, reason=self.request.POST.get("reason", ""), by=self.staff, at=self.at)
        return _("已登记为不合并，由各机构分别回访。")


class AcrossFile(ListFile):
    """The list as a workbook, a row a pair."""

    permission = ASSIGNS

    def listed(self, today: date) -> Listed:
        narrowed = asked_pairs(self.request, self.staff)
        count, rows = in_parts(
            narrowed.qs, ORDERS[narrowed.data["state"]].columns,
            lambda pairs: map(_cells, across_rows(pairs, self.staff, today)),
        )  # fmt: skip
        one = [_("任务"), _("借据号"), _("机构"), _("主办人"), _("方式"), _("应完成日")]
        heads = [
            _("客户"), _("同户依据"), *one, *(f"{head} 2" for head in one), _("可办理人"), _("发现日"), _("不合并原因"),
            _("决定人"), _("决定日"),
        ]  # fmt: skip
        return Listed("across", _("跨机构同户"), heads, rows, count, filters_of(narrowed))


def _cells(row: AcrossRow) -> list[Cell]:
    pair = row.pair
    return [
        row.name, str(pair.get_why_display()), *(cell for task in row.tasks for cell in _task_cells(task)),
        _("、").join(one.name for one in row.able), pair.found_on, pair.reason,
        pair.left_by.name if pair.left_by else "", pair.left_on,
    ]  # fmt: skip


def _task_cells(task: VisitTask) -> list[Cell]:
    return [
        task.number, task.loan.loan_note_no, task.branch.name, task.assigned_to.name if task.assigned_to else "",
        str(Method(task.method).label), task.due_on,
    ]  # fmt: skip
