"""A task's clock over the API: stopped for a coded reason, let run; another method; a visit to the home alone."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.api.tasks import Nothing, TaskFull, full_task
from followups.models import Method, PauseReason, VisitTask
from followups.rules.checklist import TEXT_LIMIT
from loans.models import Loan
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, writes

ANY_OF = ("followups.record_visit", "followups.assign")


class PauseEntry(StrictSerializer):
    """Why the clock stands, and on which day for the last time."""

    reason = serializers.ChoiceField(choices=PauseReason.choices)
    until = DayField()
    note = TextField(max_length=TEXT_LIMIT, allow_blank=True, required=False)


class MethodEntry(StrictSerializer):
    method = serializers.ChoiceField(choices=Method.choices)
    note = TextField(max_length=TEXT_LIMIT, help_text="Why, for the record.")


class PropertyVisitEntry(StrictSerializer):
    """A visit to the home alone: on the spot, or by video."""

    due_on = DayField()
    method = serializers.ChoiceField(choices=Method.choices, required=False)
    reason = TextField(max_length=TEXT_LIMIT)


class Pause(ApiView):
    """Stops the clock (计时暂停); past the bank's limit only another person who assigns may."""

    permission = ANY_OF

    @writes(PauseEntry, TaskFull, operation_id="tasks_pause")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(PauseEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.pause_clock(task_id=task.pk, **asked, by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class Resume(ApiView):
    """Lets the clock run again."""

    permission = ANY_OF

    @writes(Nothing, TaskFull, operation_id="tasks_resume")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(Nothing)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.resume_clock(task_id=task.pk, by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class ChooseMethod(ApiView):
    """Makes the visit by another method; a lighter one is another person's decision."""

    permission = ANY_OF

    @writes(MethodEntry, TaskFull, operation_id="tasks_method")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(MethodEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.choose_method(task_id=task.pk, **asked, by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class PropertyVisits(ApiView):
    """Asks for a visit to the home alone; the reply is the new task."""

    permission = ANY_OF

    @writes(PropertyVisitEntry, TaskFull, status=201, operation_id="loans_property_visits_create")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PropertyVisitEntry)
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            task = actions.ask_for_property_visit(loan_id=loan.pk, **asked, by=self.staff, at=self.at)
            return Response(full_task(self, task.pk), status=201)

        return self.once(effect)
