"""How long follow-ups take, over the API: the figures of a period, and the tasks behind one."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.period_wording import PeriodRefused, asked_period
from followups.queries.turn_around import GROUPS, ONLY, STEPS, Figure, Spread, Taken, tasks_behind, turn_around
from followups.rules.period import Asked
from loans.queries import require_business_date
from people.api.views import ApiView, reads

_PERIOD = (
    OpenApiParameter("from", OpenApiTypes.DATE, description="First day of closing; 90 days before the last."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="Last day of closing; the business date."),
    OpenApiParameter("by", OpenApiTypes.STR, enum=list(GROUPS)),
    OpenApiParameter("branch", OpenApiTypes.STR, description="A branch's code."),
)
_BEHIND = (
    OpenApiParameter("code", OpenApiTypes.STR, description="The line's code; all lines without it."),
    OpenApiParameter("step", OpenApiTypes.STR, enum=list(STEPS)),
    OpenApiParameter("only", OpenApiTypes.STR, enum=list(ONLY)),
)


class SpreadReply(serializers.Serializer[Any]):
    """Workdays; null where no task had the step."""

    p50 = serializers.IntegerField(allow_null=True)
    p90 = serializers.IntegerField(allow_null=True)


class StepReply(SpreadReply):
    step = serializers.ChoiceField(choices=list(STEPS))


class TurnAroundLine(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    closed = serializers.IntegerField()
    late = serializers.IntegerField()
    findings = serializers.IntegerField()
    told_late = serializers.IntegerField(help_text="Results told late, or not by the last day of the period.")
    untold = serializers.IntegerField(help_text="Results that the customer has not been told yet.")
    finding_percent = serializers.IntegerField()
    scored = serializers.IntegerField(help_text="Reports with a quality score.")
    quality = serializers.IntegerField(allow_null=True, help_text="Mean quality score of these, of 100.")
    on_time_percent = serializers.IntegerField()
    total = SpreadReply()
    steps = StepReply(many=True)


class TurnAroundReply(serializers.Serializer[Any]):
    """Workdays to close by group; `whole` is null when nothing was closed."""

    first = serializers.DateField()
    last = serializers.DateField()
    by = serializers.CharField()
    rows = TurnAroundLine(many=True)
    whole = TurnAroundLine(allow_null=True)


class StepDays(serializers.Serializer[Any]):
    step = serializers.ChoiceField(choices=list(STEPS))
    workdays = serializers.IntegerField(allow_null=True)


class TakenReply(serializers.Serializer[Any]):
    """One closed task; its events are those of `/tasks/{id}/`."""

    task_id = serializers.IntegerField()
    total = serializers.IntegerField()
    steps = StepDays(many=True)
    is_late = serializers.BooleanField()
    has_finding = serializers.BooleanField()
    closed_on = serializers.DateField()
    score = serializers.IntegerField(allow_null=True, help_text="Quality score of the approved report.")


class TakenList(serializers.Serializer[Any]):
    results = TakenReply(many=True)


class TurnAroundView(ApiView):
    """Median and ninth decile in workdays of what was closed in a period, by branch, officer, type or method."""

    permission = "loans.view_reports"
    query_parameters = ("from", "to", "by", "branch")

    @reads(TurnAroundReply, operation_id="turn_around_retrieve", parameters=[*_PERIOD])
    def get(self, request: Request) -> Response:
        asked = _asked(request.query_params.dict())
        found = turn_around(self.staff, asked.first, asked.last, by=asked.by, branch=asked.branch)
        reply = {
            "first": found.first, "last": found.last, "by": found.by, "rows": [_line(one) for one in found.rows],
            "whole": _line(found.whole) if found.whole else None,
        }  # fmt: skip
        return Response(TurnAroundReply(reply).data)


class TurnAroundTaskList(ApiView):
    """The tasks behind a figure, the longest first; 200 at most."""

    permission = "loans.view_reports"
    query_parameters = ("from", "to", "by", "branch", "code", "step", "only")

    @reads(TakenList, operation_id="turn_around_tasks_list", parameters=[*_PERIOD, *_BEHIND])
    def get(self, request: Request) -> Response:
        given = request.query_params.dict()
        asked, step, only = _asked(given), given.get("step", ""), given.get("only", "")
        if step and step not in STEPS or only not in ("", *ONLY):
            raise PeriodRefused(_("没有这个步骤或筛选。"), field="step" if step and step not in STEPS else "only")
        taken = tasks_behind(
            self.staff, asked.first, asked.last, by=asked.by, branch=asked.branch, code=given.get("code"),
            step=step, only=only,
        )  # fmt: skip
        return Response(TakenList({"results": [_taken(one) for one in taken]}).data)


def _asked(given: Mapping[str, str]) -> Asked:
    for name in ("from", "to", "by"):
        if given.get(name) == "":
            raise PeriodRefused(_("请填写内容"), field=name)
    return asked_period(given, require_business_date(), GROUPS)


def _spread(found: Spread) -> dict[str, int | None]:
    return {"p50": found.p50, "p90": found.p90}


def _line(figure: Figure) -> dict[str, Any]:
    return {
        "code": figure.code, "name": figure.name, "closed": figure.closed, "late": figure.late,
        "findings": figure.findings, "told_late": figure.told_late, "untold": figure.untold,
        "finding_percent": figure.finding_percent, "scored": figure.scored, "quality": figure.quality,
        "on_time_percent": figure.on_time_percent, "total": _spread(figure.total),
        "steps": [{"step": step, **_spread(figure.steps[step])} for step in STEPS],
    }  # fmt: skip


def _taken(one: Taken) -> dict[str, Any]:
    return {
        "task_id": one.task_id, "total": one.total, "is_late": one.is_late, "has_finding": one.has_finding,
        "closed_on": one.closed_on, "score": one.score,
        "steps": [{"step": step, "workdays": one.steps[step]} for step in STEPS],
    }  # fmt: skip
