"""Corrections of approved reports over the API: what is being corrected, opening one, withdrawing it.

The correction itself is the ordinary visit (`tasks/<id>/draft/`, `submit/`), its review the ordinary decision.
"""

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.filters import CorrectionFilter
from followups.models import CorrectionReason, CorrectionState, ReportCorrection, VisitReport
from followups.queries.corrections import correction_rows
from loans.api import BranchBrief, StaffBrief
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes


class CorrectionRow(serializers.ModelSerializer[ReportCorrection]):
    """`corrects` is the version that was in force, `report_id` the one that took its place."""

    task_id = serializers.IntegerField(source="visit.task_id")
    loan_id = serializers.IntegerField(source="visit.task.loan_id")
    branch = BranchBrief()
    corrects_id = serializers.IntegerField()
    corrects_number = serializers.CharField(source="corrects.number")
    report_id = serializers.IntegerField(allow_null=True)
    code = serializers.ChoiceField(choices=CorrectionReason.choices)
    state = serializers.ChoiceField(choices=CorrectionState.choices)
    opened_by = StaffBrief()
    officer = StaffBrief()

    class Meta:
        model = ReportCorrection
        fields = [
            "id", "task_id", "loan_id", "branch", "corrects_id", "corrects_number", "report_id", "code", "words",
            "state", "opened_by", "opened_at", "opened_on", "officer", "due_on", "ended_at", "ended_words",
        ]  # fmt: skip


class Corrections(ListView):
    """Corrections of reports of branches one sees."""

    permission = "followups.view"
    filterset_class = CorrectionFilter
    serializer_class = CorrectionRow
    orderings = {"id": ("id",), "due_on": ("due_on", "id")}
    default_ordering = "-id"

    def rows(self) -> QuerySet[ReportCorrection]:
        return correction_rows(self.staff)

    @reads(CorrectionRow(many=True), operation_id="corrections_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class CorrectForm(StrictSerializer):
    code = serializers.ChoiceField(choices=CorrectionReason.choices)
    words = TextField(max_length=300)


class CorrectReport(ApiView):
    """Opens the correction of the report in force; by a reviewer who did not make it. The officer then amends it."""

    permission = "followups.review"

    @writes(CorrectForm, CorrectionRow, status=201, operation_id="reports_correct")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(CorrectForm)
        report = self.visible(VisitReport.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            made = actions.open_report_correction(report_id=report.pk, **asked, by=self.staff, at=self.at)
            return Response(CorrectionRow(correction_rows(self.staff).get(pk=made.pk)).data, status=201)

        return self.once(effect)


class WithdrawForm(StrictSerializer):
    words = TextField(max_length=300)


class WithdrawCorrection(ApiView):
    """Ends a correction that is not approved yet; by who opened it. The approved version stands."""

    permission = "followups.review"

    @writes(WithdrawForm, CorrectionRow, operation_id="corrections_withdraw")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(WithdrawForm)
        correction = self.visible(correction_rows(self.staff), pk=pk)

        def effect() -> Response:
            actions.withdraw_correction(correction_id=correction.pk, **asked, by=self.staff, at=self.at)
            return Response(CorrectionRow(correction_rows(self.staff).get(pk=pk)).data)

        return self.once(effect)
