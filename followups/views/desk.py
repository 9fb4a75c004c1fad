"""我的工作台: what is to be done, sorted by when and how urgent, with the row's details beside the list.

Filters, order and the open row live in the address. Officers start with their own work, those who
assign or oversee with everything they see.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followups import actions
from followups.filters import DESK_CHIPS, TaskFilter
from followups.forms import AssignForm, visitors_of
from followups.models import Method, TaskKind, VisitTask
from followups.queries import desk
from followups.queries.cover import held_by
from followups.views import desk_page
from followups.views.desk_page import BUCKETS, ORDERS
from followups.views.drawer import drawer_context
from followups.views.rows import DeskRow, desk_rows
from journal.errors import ActionRefused
from loans.queries import OpenDay, open_day
from people.models import Staff
from people.paging import MOST_COUNTED, capped
from people.queries import branch_ids_visible_to, branches_visible_to, may, sees_every_branch
from people.queries.leave import covered_ids, know_day
from people.web import PageView, no_store

MOST_AT_ONCE = 100


def id_of(text: str) -> int:
    """The id that a text from outside names; 0, which no row has, when it names none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


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
        bank = open_day()
        if bank is None:
            return super().get_context_data(**kwargs, is_closed=True)
        today, scope = bank.day, self._scope()
        know_day(self.staff, today)
        seen = VisitTask.objects.visible_to(self.staff).still_open()
        scopes = {code: self._scoped(seen, code) for code in self._scope_words()}
        narrowed = TaskFilter(self.request.GET, queryset=self._scoped(seen, scope), request=self.request)
        order = next((order for order in ORDERS if order.code == self.request.GET.get("sort")), ORDERS[0])
        scopes.setdefault(scope, self._scoped(seen, scope))
        cursor, covered = self.request.GET.get("cursor", ""), covered_ids(self.staff)
        asked = desk_page.Asked(scopes, scope, narrowed.qs, today, order, cursor, covered)
        counts = desk_page.counts(asked)
        page = desk_page.page(asked, is_large=desk_page.is_large(counts, scope))
        rows = desk_rows(page.rows, staff=self.staff, today=today, days=bank.days)
        return super().get_context_data(
            **kwargs,
            rows=rows,
            page=page,
            order=order,
            orders=ORDERS,
            scope=scope,
            scopes=[(code, word, counts[f"scope {code}"]) for code, word in self._scope_words().items()],
            chips=self._chips(counts, scope),
            groups=_groups(counts) if order.code == "time" else {},
            is_chosen=bool(self._chosen()),
            filter_words=self._filter_words(narrowed),
            officers=self._officers(),
            page_keys=self._keys(),
            branches=self._branches(),
            kinds=TaskKind.choices,
            methods=Method.choices,
            # The frame shows it too.
            business_date=today,
            **{**self._drawer(rows, bank), "may_assign": may(self.staff, "followups.assign")},
        )

    def _scope(self) -> str:
        default = "mine" if may(self.staff, "followups.record_visit") else "branch"
        scope = self.request.GET.get("scope", "")
        return scope if scope in ("mine", "branch", "unassigned") else default

    def _scoped(self, tasks: QuerySet[VisitTask], scope: str) -> QuerySet[VisitTask]:
        if scope == "mine":
            return tasks.filter(held_by(self.staff))
        return tasks.filter(assigned_to__isnull=True) if scope == "unassigned" else tasks

    def _scope_words(self) -> dict[str, str]:
        words = {"mine": _("我的"), "branch": _("机构全部"), "unassigned": _("未分派")}
        if not may(self.staff, "followups.record_visit"):
            del words["mine"]
        return words

    def _chips(self, counts: Mapping[str, int], scope: str) -> list[dict[str, Any]]:
        active = self.request.GET.get("chip", "")
        rest = [
            {"code": code, "label": label, "count": counts[f"chip {code}"], "is_on": active == code}
            for code, label in DESK_CHIPS
        ]
        return [{"code": None, "label": _("全部"), "count": counts[f"scope {scope}"], "is_on": not active}, *rest]

    def _filter_words(self, narrowed: TaskFilter) -> list[dict[str, Any]]:
        """The filters in force as removable words, for the empty list."""
        return [
            {"name": name, "label": narrowed.filters[name].label, "value": self.request.GET.get(name, "")}
            for name in narrowed.filters
            if self.request.GET.get(name)
        ]

    def _officers(self) -> list[Any]:
        return list(visitors_of(branch_ids_visible_to(self.staff))) if may(self.staff, "followups.assign") else []

    def _branches(self) -> list[tuple[str, str]]:
        if not sees_every_branch(self.staff) and len(branch_ids_visible_to(self.staff)) < 2:
            return []
        found = list(branches_visible_to(self.staff).values_list("code", "name"))
        return found if len(found) > 1 else []

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

    def _drawer(self, rows: list[DeskRow], bank: OpenDay) -> dict[str, Any]:
        """The row named in the address, else the first of the page."""
        chosen = self._chosen()
        task = desk(self.staff).filter(pk=chosen).first() if chosen else rows[0].task if rows else None
        return drawer_context(task, self.staff, bank) if task else {}


def _groups(counts: Mapping[str, int]) -> dict[int, dict[str, Any]]:
    """Heading of each part of the list: how many there are and how many of them in the field."""
    found = {}
    for number, label in BUCKETS:
        count, field = counts[f"part {number}"], counts.get(f"part {number} marked", 0)
        words = ngettext("%(count)s 项", "%(count)s 项", count) % {"count": capped(count)}
        found[number] = {"label": label, "words": words, "field": field if count <= MOST_COUNTED else 0}
    return found


class AssignMany(PageView):
    """Gives the ticked tasks to one officer; the first refusal says which task and stops nothing else."""

    permission = "followups.assign"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AssignForm(request.POST, branch_ids=branch_ids_visible_to(self.staff))
        back = request.POST.get("next", "")
        target = back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else reverse("followups:desk")
        if not form.is_valid():
            messages.error(request, _("请选择主办人，并写明分派原因。"))
            return redirect(target)
        ids = [id_of(text) for text in request.POST.getlist("task")][:MOST_AT_ONCE]
        found = list(VisitTask.objects.visible_to(self.staff).filter(pk__in=ids).order_by("pk"))
        done = 0
        if not found:
            messages.error(request, _("没有可分派的任务，请先勾选。"))
        for task in found:
            try:
                actions.assign(task_id=task.pk, **form.cleaned_data, by=self.staff, at=self.at)
                done += 1
            except ActionRefused as refusal:
                messages.error(request, f"{task.number} {refusal.message}")
        if done:
            words = ngettext("已将 %(count)s 项分派给%(name)s。", "已将 %(count)s 项分派给%(name)s。", done)
            messages.success(request, words % {"count": done, "name": form.cleaned_data["officer"].name})
        return redirect(target)
