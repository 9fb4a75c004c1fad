"""Attempts to reach a borrower over the API, and what follows when nobody is reached."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.api.tasks import TaskFull, full_task
from followups.models import ContactOutcome, Method, PromiseState, VisitAttempt, VisitTask
from followups.rules.checklist import TEXT_LIMIT
from loans.api import StaffBrief
from loans.api.fields import MoneyField
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, reads, writes


class AttemptEntry(StrictSerializer):
    """How one attempt ended; `next_at` is the hour agreed with the borrower."""

    outcome = serializers.ChoiceField(choices=ContactOutcome.choices)
    note = TextField(max_length=TEXT_LIMIT, allow_blank=True, required=False)
    recording = TextField(max_length=40, allow_blank=True, required=False)
    next_at = serializers.DateTimeField(required=False, allow_null=True)
    promise_amount = MoneyField(required=False, allow_null=True, help_text="What a borrower reached promises to pay.")
    promise_on = DayField(required=False, allow_null=True)


class LostEntry(StrictSerializer):
    note = TextField(max_length=TEXT_LIMIT, help_text="Why, for the record.")


class PromiseRow(serializers.Serializer[Any]):
    """What the borrower promised to pay, and what the evening of that day found."""

    amount = MoneyField()
    promised_on = serializers.DateField()
    state = serializers.ChoiceField(choices=PromiseState.choices)
    decided_on = serializers.DateField(allow_null=True)


class AttemptRow(serializers.Serializer[Any]):
    """One attempt as it was kept; `next_at` is proposed, or agreed when an appointment was made."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    business_date = serializers.DateField()
    method = serializers.ChoiceField(choices=Method.choices)
    by = StaffBrief()
    outcome = serializers.ChoiceField(choices=ContactOutcome.choices)
    note = serializers.CharField(allow_blank=True)
    recording = serializers.CharField(allow_blank=True)
    next_at = serializers.DateTimeField(allow_null=True)
    promise = PromiseRow(allow_null=True, default=None)


class Attempts(ApiView):
    """The attempts of a task, oldest first; POST keeps one more."""

    permission = {"GET": "followups.view", "POST": "followups.record_visit"}

    def _task(self, pk: int) -> VisitTask:
        task: VisitTask = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        return task

    @reads(AttemptRow(many=True), operation_id="tasks_attempts_list")
    def get(self, request: Request, pk: int) -> Response:
        rows = VisitAttempt.objects.filter(task=self._task(pk)).select_related("by", "promise").order_by("id")
        return Response(AttemptRow(rows, many=True).data)

    @writes(AttemptEntry, AttemptRow, status=201, operation_id="tasks_attempts_create")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, task = self.sent(AttemptEntry), self._task(pk)

        def effect() -> Response:
            attempt = actions.record_attempt(task_id=task.pk, **asked, by=self.staff, at=self.at)
            return Response(AttemptRow(attempt).data, status=201)

        return self.once(effect)


class CloseAsLost(ApiView):
    """Ends a task whose borrower cannot be reached (疑似失联); 422 until the attempts say so."""

    permission = "followups.record_visit"

    @writes(LostEntry, TaskFull, operation_id="tasks_lost")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(LostEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.close_as_lost(task_id=task.pk, note=asked["note"], by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class AskForField(ApiView):
    """Makes a visit that reaches nobody a field visit."""

    permission = "followups.record_visit"

    @writes(LostEntry, TaskFull, operation_id="tasks_field")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(LostEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.ask_for_field_visit(task_id=task.pk, note=asked["note"], by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)
