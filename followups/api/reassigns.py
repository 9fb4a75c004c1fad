"""Asking over the API that a task goes to somebody else, and deciding it."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.reassigns import ASKS, DECIDES, ask_to_reassign, decide_reassign
from followups.api.tasks import TaskFull, full_task
from followups.forms import visitors_of
from followups.models import ReassignState, VisitTask
from loans.api import StaffBrief
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, writes
from people.queries import branch_ids_visible_to


class ReassignForm(StrictSerializer):
    reason = TextField(max_length=300)


class ReassignDecisionForm(StrictSerializer):
    approve = serializers.BooleanField()
    officer = TextField(max_length=20, required=False, help_text="Staff number of who gets the task; to approve.")
    note = TextField(max_length=300, required=False, help_text="Why the task stays; to refuse.")


class ReassignReply(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    task_id = serializers.IntegerField()
    reason = serializers.CharField()
    state = serializers.ChoiceField(choices=ReassignState.choices)
    asked_by = StaffBrief()


class TaskReassign(ApiView):
    """Asks that a task one holds goes to somebody else; it stays until another person decides."""

    permission = ASKS

    @writes(ReassignForm, ReassignReply, status=201, operation_id="tasks_reassign")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(ReassignForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            made = ask_to_reassign(task_id=task.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(ReassignReply(made).data, status=201)

        return self.once(effect)


class TaskReassignDecide(ApiView):
    """Gives the task to the officer named, or refuses with a note; never by who asked."""

    permission = DECIDES

    @writes(ReassignDecisionForm, TaskFull, operation_id="tasks_reassign_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(ReassignDecisionForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            offered = visitors_of(branch_ids_visible_to(self.staff))
            decide_reassign(
                task_id=task.pk, approve=asked["approve"], note=asked.get("note", ""), by=self.staff, at=self.at,
                officer=offered.filter(staff_no=asked.get("officer", "")).first(),
            )  # fmt: skip
            return Response(full_task(self, pk))

        return self.once(effect)
