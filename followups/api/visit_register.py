"""The visit register over the API: the month by officer, and one by one."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.models import VisitTask
from followups.queries.review_figures import PARTS
from followups.queries.visit_register import UNCLOSED, Register, Standing, by_officer, register_tasks, standings
from followups.register_wording import MonthRefused, asked_register, days_over
from loans.api import BranchBrief, StaffBrief
from loans.queries import require_business_date
from people.api.views import ApiView, ListView, reads

_MONTH = (
    OpenApiParameter("month", OpenApiTypes.STR, description="YYYY-MM; that of the business date."),
    OpenApiParameter("branch", OpenApiTypes.STR, description="A branch's code."),
    OpenApiParameter("officer", OpenApiTypes.STR, description="A staff number."),
)
_PART = OpenApiParameter("part", OpenApiTypes.STR, enum=list(PARTS))


class UnclosedCount(serializers.Serializer[Any]):
    why = serializers.ChoiceField(choices=list(UNCLOSED))
    count = serializers.IntegerField()


class RegisterLine(serializers.Serializer[Any]):
    """`due` is `done` + `open` + `late`; `done_late` of `done` came past the limit. No staff number: nobody's."""

    staff_no = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    due = serializers.IntegerField()
    done = serializers.IntegerField()
    done_late = serializers.IntegerField()
    open = serializers.IntegerField()
    late = serializers.IntegerField()
    unclosed = UnclosedCount(many=True)


class RegisterReply(serializers.Serializer[Any]):
    month = serializers.CharField()
    rows = RegisterLine(many=True)


class RegisterRow(serializers.ModelSerializer[VisitTask]):
    """A follow-up of the month. `why_open` is empty where it is closed; `days_over` counts calendar days."""

    task_id = serializers.IntegerField(source="pk")
    branch = BranchBrief()
    officer = StaffBrief(source="assigned_to", allow_null=True)
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    submitted_on = serializers.SerializerMethodField()
    days_over = serializers.SerializerMethodField()
    conclusion = serializers.SerializerMethodField()
    report_id = serializers.SerializerMethodField()
    why_open = serializers.SerializerMethodField()

    class Meta:
        model = VisitTask
        fields = ["task_id", "number", "loan_id", "loan_note_no", "branch", "officer", "kind", "method", "state",
                  "due_on", "submitted_on", "closed_on", "days_over", "conclusion", "report_id",
                  "why_open"]  # fmt: skip

    def _standing(self, task: VisitTask) -> Standing:
        found: Standing = self.context["standings"][task.pk]
        return found

    def get_submitted_on(self, task: VisitTask) -> str | None:
        day = self._standing(task).submitted_on
        return day.isoformat() if day else None

    def get_days_over(self, task: VisitTask) -> int:
        return days_over(task, self._standing(task), self.context["today"])

    def get_conclusion(self, task: VisitTask) -> str:
        report = self._standing(task).report
        return report.conclusion if report else ""

    def get_report_id(self, task: VisitTask) -> int | None:
        report = self._standing(task).report
        return report.pk if report else None

    def get_why_open(self, task: VisitTask) -> str:
        return self._standing(task).why


class VisitRegisterView(ApiView):
    """The month's follow-ups by officer: due, done, open and late, and why they are open."""

    permission = "loans.view_reports"
    query_parameters = ("month", "branch", "officer")

    @reads(RegisterReply, operation_id="visit_register_retrieve", parameters=[*_MONTH])
    def get(self, request: Request) -> Response:
        asked = _asked(request)
        rows = [
            {
                "staff_no": line.staff_no, "name": line.name, "due": line.due, "done": line.done,
                "done_late": line.done_late, "open": line.open, "late": line.late,
                "unclosed": [{"why": why, "count": count} for why, count in line.unclosed.items()],
            }
            for line in by_officer(self.staff, asked)
        ]  # fmt: skip
        return Response(RegisterReply({"month": f"{asked.first:%Y-%m}", "rows": rows}).data)


class VisitRegisterRows(ListView):
    """The month's follow-ups one by one."""

    permission = "loans.view_reports"
    query_parameters = ("month", "branch", "officer", "part")
    serializer_class = RegisterRow
    orderings = {"due_on": ("due_on", "id")}
    default_ordering = "due_on"

    def rows(self) -> QuerySet[VisitTask]:
        return register_tasks(self.staff, _asked(self.request)).select_related("loan", "branch", "assigned_to")

    @reads(RegisterRow(many=True), operation_id="visit_register_list", parameters=[*_MONTH, _PART])
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        today = require_business_date()
        context = {"standings": standings(page), "today": today}
        return self.get_paginated_response(RegisterRow(page, many=True, context=context).data)


def _asked(request: Request) -> Register:
    """What the address asks for; 400 at the parameter that is at fault."""
    try:
        return asked_register(request.query_params.dict(), require_business_date())
    except MonthRefused as refusal:
        raise serializers.ValidationError({refusal.field: [refusal.message]}) from refusal
