"""Notices over the API: what is told to the person, marking it read; asking to skip a first follow-up and deciding."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.api.tasks import TaskFull, full_task
from followups.models import AlertAudience, AlertCode, Audience, NoticeCode, SkipState, VisitTask
from followups.queries.alerts import ToldAlert, told_alerts
from followups.queries.notices import Told, last_told, told
from loans.api import StaffBrief
from loans.queries import require_business_date
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, reads, writes


class NoticeReply(serializers.Serializer[Any]):
    """The highest step that a task has reached."""

    id = serializers.IntegerField()
    task_id = serializers.IntegerField()
    task_number = serializers.CharField()
    code = serializers.ChoiceField(choices=NoticeCode.choices)
    audience = serializers.ChoiceField(choices=Audience.choices)
    due_on = serializers.DateField()
    raised_on = serializers.DateField()
    officer = StaffBrief(allow_null=True)
    late_workdays = serializers.IntegerField(
        allow_null=True, help_text="Of a step past its own limit (STEP_…): by how many workdays it is today."
    )
    correction_id = serializers.IntegerField(
        allow_null=True, help_text="Of a report that is to be amended (CORRECT, CORRECT_BACK): its correction."
    )
    is_new = serializers.BooleanField()


class AlertReply(serializers.Serializer[Any]):
    """A signal, a step of its chain that nobody took in time, a new version of the policy or a new regulation."""

    id = serializers.IntegerField()
    signal_id = serializers.IntegerField(allow_null=True)
    policy_id = serializers.IntegerField(allow_null=True)
    regulation_id = serializers.IntegerField(allow_null=True)
    code = serializers.ChoiceField(choices=AlertCode.choices)
    audience = serializers.ChoiceField(choices=AlertAudience.choices)
    due_on = serializers.DateField()
    raised_on = serializers.DateField()
    is_new = serializers.BooleanField()


class NoticeList(serializers.Serializer[Any]):
    """`last` and `last_alert` are what to send back as `up_to` and `alerts_up_to` once these are read."""

    last = serializers.IntegerField()
    results = NoticeReply(many=True)
    last_alert = serializers.IntegerField()
    alerts = AlertReply(many=True)


class ReadForm(StrictSerializer):
    up_to = serializers.IntegerField(min_value=0, max_value=2**62)
    alerts_up_to = serializers.IntegerField(min_value=0, max_value=2**62, required=False, default=0)


class SkipForm(StrictSerializer):
    reason = TextField(max_length=500)


class SkipDecisionForm(StrictSerializer):
    approve = serializers.BooleanField()
    note = TextField(max_length=500, required=False)
    content_sha256 = TextField(max_length=64, help_text="Of the request that was read.")


class SkipReply(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    task_id = serializers.IntegerField()
    reason = serializers.CharField()
    state = serializers.ChoiceField(choices=SkipState.choices)
    asked_by = StaffBrief()
    content_sha256 = serializers.CharField()


class Notices(ApiView):
    """What is told to the person of tasks that still run; POST marks it read."""

    permission = "followups.view"

    @reads(NoticeList, operation_id="notices_list")
    def get(self, request: Request) -> Response:
        return Response(self._shown())

    @writes(ReadForm, NoticeList, operation_id="notices_read")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(ReadForm)

        def effect() -> Response:
            actions.mark_read(**asked, by=self.staff, at=self.at)
            return Response(self._shown())

        return self.once(effect)

    def _shown(self) -> Any:
        today = require_business_date()
        rows, alerts = told(self.staff, today), told_alerts(self.staff, today)
        shown = {
            "last": last_told(rows), "results": [_row(one) for one in rows],
            "last_alert": max((one.alert.pk for one in alerts), default=0), "alerts": [_alert(one) for one in alerts],
        }  # fmt: skip
        return NoticeList(shown).data


def _alert(one: ToldAlert) -> dict[str, Any]:
    alert = one.alert
    return {
        "id": alert.pk, "signal_id": alert.signal_id, "policy_id": alert.policy_id,
        "regulation_id": alert.regulation_id, "code": alert.code,
        "audience": alert.audience, "due_on": alert.due_on, "raised_on": alert.raised_on, "is_new": one.is_new,
    }  # fmt: skip


def _row(one: Told) -> dict[str, Any]:
    notice = one.notice
    return {
        "id": notice.pk, "task_id": notice.task_id, "task_number": notice.task.number, "code": notice.code,
        "audience": notice.audience, "due_on": notice.due_on, "raised_on": notice.raised_on,
        "officer": one.officer, "late_workdays": one.late_workdays or None,
        "correction_id": one.correction.pk if one.correction else None, "is_new": one.is_new,
    }  # fmt: skip


class TaskSkip(ApiView):
    """Asks that a first follow-up need not be made."""

    permission = ("followups.record_visit", "followups.assign")

    @writes(SkipForm, SkipReply, status=201, operation_id="tasks_skip")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(SkipForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            made = actions.ask_to_skip(task_id=task.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(SkipReply(made).data, status=201)

        return self.once(effect)


class TaskSkipDecide(ApiView):
    """Approves or refuses it; never who asked or has the task."""

    permission = "followups.review"

    @writes(SkipDecisionForm, TaskFull, operation_id="tasks_skip_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(SkipDecisionForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.decide_skip(
                task_id=task.pk, approve=asked["approve"], note=asked.get("note", ""),
                content_sha256=asked["content_sha256"], by=self.staff, at=self.at,
            )  # fmt: skip
            return Response(full_task(self, pk))

        return self.once(effect)
