"""Buttons of the contact part: how a call ended, and what becomes of a borrower whom nobody reaches."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from followups import actions
from followups.forms import AttemptForm, LostForm
from followups.models import ContactOutcome, Method, Visit, VisitTask
from followups.views.task import TaskStep


class RecordAttempt(TaskStep):
    permission = "followups.record_visit"

    def step(self, task: VisitTask) -> str:
        form = AttemptForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        attempt = actions.record_attempt(task_id=task.pk, **form.cleaned_data, by=self.staff, at=self.at)
        outcome = str(ContactOutcome(attempt.outcome).label)
        if attempt.next_at is None:
            return _("已记录：%(outcome)s。") % {"outcome": outcome}
        hour = f"{timezone.localtime(attempt.next_at):%m-%d %H:%M}"
        return _("已记录：%(outcome)s。下次联系 %(hour)s。") % {"outcome": outcome, "hour": hour}


class CloseAsLost(TaskStep):
    permission = "followups.record_visit"

    def step(self, task: VisitTask) -> str:
        form = LostForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        actions.close_as_lost(task_id=task.pk, note=form.cleaned_data["note"], by=self.staff, at=self.at)
        return _("%(number)s 已按疑似失联办结。") % {"number": task.number}

    def back(self, task: VisitTask) -> HttpResponse:
        return redirect("followups:task", pk=task.pk)


class AskForField(TaskStep):
    permission = "followups.record_visit"

    def step(self, task: VisitTask) -> str:
        form = LostForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        actions.ask_for_field_visit(task_id=task.pk, note=form.cleaned_data["note"], by=self.staff, at=self.at)
        return _("已改为%(method)s。") % {"method": Method.FIELD.label}

    def after(self, task: VisitTask) -> HttpResponse:
        is_begun = Visit.objects.filter(task=task).exists()
        return redirect("followups:visit" if is_begun else "followups:task", pk=task.pk)
