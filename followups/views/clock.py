"""Buttons that stop a task's clock, let it run, change the method, or ask for a visit to the home alone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from followups import actions
from followups.forms import MethodForm, PauseForm, PropertyVisitForm
from followups.models import Method, VisitTask
from followups.views.task import TaskStep


class PauseClock(TaskStep):
    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        form = PauseForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        actions.pause_clock(task_id=task.pk, **form.cleaned_data, by=self.staff, at=self.at)
        return _("计时暂停至 %(day)s。") % {"day": form.cleaned_data["until"].isoformat()}


class ResumeClock(TaskStep):
    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        task = actions.resume_clock(task_id=task.pk, by=self.staff, at=self.at)
        return _("已恢复计时，应完成日 %(day)s。") % {"day": task.due_on.isoformat()}


class ChooseMethod(TaskStep):
    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        form = MethodForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        method = form.cleaned_data["method"]
        actions.choose_method(task_id=task.pk, method=method, note=form.cleaned_data["note"], by=self.staff, at=self.at)
        return _("已改为%(method)s。") % {"method": Method(method).label}


class AskForPropertyVisit(TaskStep):
    """Asked for on a task's page, of the same loan; leads to the new task."""

    permission = "followups.view"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.made: VisitTask | None = None
        return super().post(request, pk)

    def step(self, task: VisitTask) -> str:
        form = PropertyVisitForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        self.made = actions.ask_for_property_visit(loan_id=task.loan_id, **form.cleaned_data, by=self.staff, at=self.at)
        return _("已生成押品回访 %(number)s。") % {"number": self.made.number}

    def after(self, task: VisitTask) -> HttpResponse:
        return redirect("followups:task", pk=self.made.pk if self.made else task.pk)
