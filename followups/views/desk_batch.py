"""What is done with the ticked rows of the desk. Each row is an action of its own: who is refused is told why, by row,
and what was done stays done."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followups import actions
from followups.actions import desk_batch
from followups.forms import AssignForm, visitors_of
from followups.models import VisitTask
from followups.rules.period import day_of
from followups.views.desk_list import id_of
from followups.views.rows import name_for
from journal.errors import ActionRefused
from people.models import Staff
from people.queries import branch_ids_visible_to
from people.queries.leave import covered_ids
from people.web import PageView

MOST_AT_ONCE = 100


def ticked(request: HttpRequest, staff: Staff) -> list[VisitTask]:
    """The visible ones of the rows that were ticked."""
    ids = [id_of(text) for text in request.POST.getlist("task")][:MOST_AT_ONCE]
    found = VisitTask.objects.visible_to(staff).filter(pk__in=ids)
    return list(found.select_related("loan__borrower", "assigned_to", "branch").order_by("due_on", "pk"))


class OfTicked(PageView):
    """A button of the batch line: one action a row, then back with what was done and what was not."""

    http_method_names = ["post"]
    permission = "followups.view"

    def post(self, request: HttpRequest) -> HttpResponse:
        covered_ids(self.staff)
        tasks = ticked(request, self.staff)
        if not tasks:
            messages.error(request, self.nothing())
        else:
            self.work(tasks)
        return redirect(self.target())

    def work(self, tasks: list[VisitTask]) -> None:
        raise NotImplementedError

    def nothing(self) -> str:
        return _("请先勾选任务。")

    def target(self) -> str:
        back = self.request.POST.get("next", "")
        return back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else reverse("followups:desk")

    def each(self, tasks: list[VisitTask], act: Callable[[VisitTask], Any]) -> int:
        """Acts on every task; how many were done. A refusal is told with whose and which it is."""
        done = 0
        for task in tasks:
            try:
                act(task)
                done += 1
            except ActionRefused as refusal:
                self.refuse(task, refusal)
        return done

    def refuse(self, task: VisitTask, refusal: ActionRefused) -> None:
        words = _("%(name)s %(number)s：%(why)s")
        told = {"name": name_for(self.staff, task), "number": task.number, "why": refusal.message}
        messages.error(self.request, words % told)


class AssignMany(OfTicked):
    """Gives the ticked tasks to one officer."""

    permission = "followups.assign"

    def nothing(self) -> str:
        return _("没有可分派的任务，请先勾选。")

    def work(self, tasks: list[VisitTask]) -> None:
        form = AssignForm(self.request.POST, branch_ids=branch_ids_visible_to(self.staff))
        if not form.is_valid():
            messages.error(self.request, _("请选择主办人，并写明分派原因。"))
            return
        done = self.each(
            tasks, lambda task: actions.assign(task_id=task.pk, **form.cleaned_data, by=self.staff, at=self.at)
        )
        if done:
            words = ngettext("已将 %(count)s 项分派给%(name)s。", "已将 %(count)s 项分派给%(name)s。", done)
            messages.success(self.request, words % {"count": done, "name": form.cleaned_data["officer"].name})


class MergeTicked(OfTicked):
    """One visit for each customer of whom several tasks are ticked."""

    def work(self, tasks: list[VisitTask]) -> None:
        of_one: dict[int, list[VisitTask]] = defaultdict(list)
        for task in tasks:
            of_one[task.loan.borrower_id].append(task)
        for together in of_one.values():
            lead = together[0]
            try:
                made = desk_batch.merge_of_customer(task_ids=[task.pk for task in together], by=self.staff, at=self.at)
            except ActionRefused as refusal:
                self.refuse(lead, refusal)
                continue
            words = ngettext(
                "%(name)s：并入 %(count)s 项，一次走访。", "%(name)s：并入 %(count)s 项，一次走访。", len(made)
            )
            messages.success(self.request, words % {"name": name_for(self.staff, lead), "count": len(made)})


class SecondOfTicked(OfTicked):
    """Says who is to go along on the ticked visits."""

    def work(self, tasks: list[VisitTask]) -> None:
        offered = visitors_of(branch_ids_visible_to(self.staff))
        second = offered.filter(staff_no=self.request.POST.get("second", "")[:20]).first()
        if second is None:
            messages.error(self.request, _("请选择协办人。"))
            return
        done = self.each(
            tasks, lambda task: desk_batch.name_second(task_id=task.pk, second=second, by=self.staff, at=self.at)
        )
        if done:
            words = ngettext("%(count)s 项已指定协办人%(name)s。", "%(count)s 项已指定协办人%(name)s。", done)
            messages.success(self.request, words % {"count": done, "name": second.name})


class MessageTicked(OfTicked):
    """Puts the announcement of the visit of each ticked task in the queue."""

    def work(self, tasks: list[VisitTask]) -> None:
        on = day_of(self.request.POST.get("on", ""))
        if on is None:
            messages.error(self.request, _("请填写有效日期，如 2026-10-30"))
            return
        done = self.each(tasks, lambda task: desk_batch.announce(task_id=task.pk, on=on, by=self.staff, at=self.at))
        if done:
            words = ngettext("%(count)s 条预约短信已排队待发。", "%(count)s 条预约短信已排队待发。", done)
            messages.success(self.request, words % {"count": done})


class CloseTicked(OfTicked):
    """Closes the ticked off-site checks that a person has looked at."""

    def work(self, tasks: list[VisitTask]) -> None:
        note = self.request.POST.get("note", "")
        done = self.each(
            tasks, lambda task: desk_batch.close_off_site(task_id=task.pk, note=note, by=self.staff, at=self.at)
        )
        if done:
            words = ngettext("%(count)s 项非现场检查已办结。", "%(count)s 项非现场检查已办结。", done)
            messages.success(self.request, words % {"count": done})
