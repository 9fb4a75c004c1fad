"""我的工作台: what is to be done, sorted by when and how urgent, with the row's details beside the list.

Filters, order and the open row live in the address. Officers start with their own work, those who
assign or oversee with everything they see.
"""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from followups import actions
from followups.filters import DESK_CHIPS, TaskFilter, count_chips, desk_chip
from followups.forms import AssignForm, visitors_of
from followups.models import Method, TaskKind, TaskState, VisitTask
from followups.queries import desk
from followups.views.rows import DeskRow, desk_rows
from followups.views.task import drawer_context
from journal.errors import ActionRefused
from loans.queries import open_business_date
from people.models import Branch, Staff
from people.paging import Order, page_of
from people.queries import branch_ids_visible_to, may
from people.web import PageView, no_store

ORDERS = (
    Order("time", gettext_lazy("时限，红色优先"), ("bucket", "level", "due_on", "id")),
    Order("due", gettext_lazy("应完成日"), ("due_on", "level", "id")),
    Order("overdue", gettext_lazy("逾期最久"), ("overdue_from", "due_on", "id")),
    Order("new", gettext_lazy("最近生成"), ("-id",)),
)
BUCKETS = (
    (0, gettext_lazy("今天")),
    (1, gettext_lazy("本周")),
    (2, gettext_lazy("下周")),
    (3, gettext_lazy("更晚")),
    (4, gettext_lazy("待审核")),
)
_NEVER = date(9999, 12, 31)
MOST_AT_ONCE = 100


def id_of(text: str) -> int:
    """The id that a text from outside names; 0, which no row has, when it names none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def in_buckets(tasks: QuerySet[VisitTask], today: date) -> QuerySet[Any]:
    """Adds the part of the list a task stands in: due by today, this week, next week, later, in review."""
    sunday = today + timedelta(days=6 - today.weekday())
    bucket = Case(
        When(state=TaskState.SUBMITTED, then=Value(4)),
        When(due_on__lte=today, then=Value(0)),
        When(due_on__lte=sunday, then=Value(1)),
        When(due_on__lte=sunday + timedelta(days=7), then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return tasks.annotate(bucket=bucket, overdue_from=Coalesce(F("loan__position__overdue_since"), Value(_NEVER)))


class DeskPage(PageView):
    permission = "followups.view"
    template_name = "followups/desk.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The desk is also the front door: who has no desk is shown to the first page of the own role."""
        member = request.user
        if isinstance(member, Staff) and not may(member, self.permission):
            for permission, page in (("loans.view", "loans:list"), ("operations.view", "operations")):
                if may(member, permission):
                    return redirect(page)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        scope = self._scope()
        seen = VisitTask.objects.visible_to(self.staff).still_open()
        scoped = self._scoped(seen, scope)
        narrowed = TaskFilter(self._parameters(), queryset=scoped, request=self.request)
        order = next((order for order in ORDERS if order.code == self.request.GET.get("sort")), ORDERS[0])
        wanted = in_buckets(TaskFilter(self._parameters(), queryset=self._scoped(desk(self.staff), scope)).qs, today)
        page = page_of(wanted.filter(closed_on__isnull=True), order, cursor=self.request.GET.get("cursor", ""))
        rows = desk_rows(page.rows, staff=self.staff, today=today)
        return super().get_context_data(
            **kwargs,
            rows=rows,
            page=page,
            order=order,
            orders=ORDERS,
            scope=scope,
            scopes=self._scopes(seen),
            chips=self._chips(scoped, today),
            groups=self._groups(narrowed.qs, today) if order.code == "time" else {},
            is_chosen=bool(self._chosen()),
            filter_words=self._filter_words(narrowed),
            officers=self._officers(),
            page_keys=self._keys(),
            branches=self._branches(),
            kinds=TaskKind.choices,
            methods=Method.choices,
            **{**self._drawer(rows), "may_assign": may(self.staff, "followups.assign")},
        )

    def _parameters(self) -> Any:
        return self.request.GET

    def _scope(self) -> str:
        default = "mine" if may(self.staff, "followups.record_visit") else "branch"
        scope = self.request.GET.get("scope", "")
        return scope if scope in ("mine", "branch", "unassigned") else default

    def _scoped(self, tasks: QuerySet[VisitTask], scope: str) -> QuerySet[VisitTask]:
        if scope == "mine":
            return tasks.filter(assigned_to=self.staff)
        return tasks.filter(assigned_to__isnull=True) if scope == "unassigned" else tasks

    def _scopes(self, seen: QuerySet[VisitTask]) -> list[tuple[str, str, int]]:
        count = seen.aggregate(
            mine=Count("pk", filter=Q(assigned_to=self.staff)),
            branch=Count("pk"),
            unassigned=Count("pk", filter=Q(assigned_to__isnull=True)),
        )
        words = {"mine": _("我的"), "branch": _("机构全部"), "unassigned": _("未分派")}
        shown = ("mine", "branch", "unassigned") if may(self.staff, "followups.record_visit") else words
        return [
            (code, words[code], count[code])
            for code in shown
            if code != "mine" or may(self.staff, "followups.record_visit")
        ]

    def _chips(self, scoped: QuerySet[VisitTask], today: date) -> list[dict[str, Any]]:
        counts = count_chips(scoped, DESK_CHIPS, desk_chip, today)
        active = self.request.GET.get("chip", "")
        rest = [
            {"code": code, "label": label, "count": counts[code], "is_on": active == code} for code, label in DESK_CHIPS
        ]
        return [{"code": None, "label": _("全部"), "count": counts["all"], "is_on": not active}, *rest]

    def _groups(self, tasks: QuerySet[VisitTask], today: date) -> dict[int, dict[str, Any]]:
        """Heading of each part of the list: how many there are and how many of them in the field."""
        sums = (
            in_buckets(tasks, today)
            .order_by()
            .values("bucket")
            .annotate(count=Count("pk"), field=Count("pk", filter=Q(method=Method.FIELD)))
        )
        labels = dict(BUCKETS)
        return {
            row["bucket"]: {
                "label": labels[row["bucket"]],
                "words": ngettext("%(count)s 项", "%(count)s 项", row["count"]) % {"count": row["count"]},
                "field": row["field"],
            }
            for row in sums
        }

    def _filter_words(self, narrowed: TaskFilter) -> list[dict[str, Any]]:
        """The filters in force as removable words, for the empty list."""
        return [
            {"name": name, "label": narrowed.filters[name].label, "value": self.request.GET.get(name, "")}
            for name in narrowed.filters
            if self.request.GET.get(name)
        ]

    def _officers(self) -> list[Any]:
        return list(visitors_of(branch_ids_visible_to(self.staff))) if may(self.staff, "followups.assign") else []

    def _branches(self) -> list[Branch]:
        ids = branch_ids_visible_to(self.staff)
        return list(Branch.objects.filter(pk__in=ids).order_by("path")) if len(ids) > 1 else []

    def _keys(self) -> list[tuple[str, str]]:
        return [
            ("J K", _("移动")),
            ("Enter", _("打开")),
            ("C", _("拨号")),
            ("R", _("改约")),
            ("X", _("选择")),
            ("P", _("打印")),
        ]

    def _chosen(self) -> int:
        return id_of(self.request.GET.get("task", ""))

    def _drawer(self, rows: list[DeskRow]) -> dict[str, Any]:
        """The row named in the address, else the first of the page."""
        chosen = self._chosen()
        task = desk(self.staff).filter(pk=chosen).first() if chosen else rows[0].task if rows else None
        return drawer_context(task, self.staff) if task else {}


class AssignMany(PageView):
    """Gives the ticked tasks to one officer; the first refusal says which task and stops nothing else."""

    permission = "followups.assign"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AssignForm(request.POST, branch_ids=branch_ids_visible_to(self.staff))
        back = request.POST.get("next", "")
        target = back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else reverse("followups:desk")
        if not form.is_valid():
            messages.error(request, _("请选择主办人。"))
            return redirect(target)
        ids = [id_of(text) for text in request.POST.getlist("task")][:MOST_AT_ONCE]
        found = list(VisitTask.objects.visible_to(self.staff).filter(pk__in=ids).order_by("pk"))
        done = 0
        if not found:
            messages.error(request, _("没有可分派的任务，请先勾选。"))
        for task in found:
            try:
                actions.assign(task_id=task.pk, officer=form.cleaned_data["officer"], by=self.staff, at=self.at)
                done += 1
            except ActionRefused as refusal:
                messages.error(request, f"{task.number} {refusal.message}")
        if done:
            words = ngettext("已将 %(count)s 项分派给%(name)s。", "已将 %(count)s 项分派给%(name)s。", done)
            messages.success(request, words % {"count": done, "name": form.cleaned_data["officer"].name})
        return redirect(target)
