"""Past visits over the API: opened for a decision, which is recorded; where a report was used."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.reuse import open_past_visits
from followups.models import Decision, TaskState, VisitReport
from followups.queries.reuse import TAKEN_BY, VISITS, references_of
from loans.api import StaffBrief
from loans.models import Loan
from people.api.fields import StrictSerializer, WholeNumberField
from people.api.views import ApiView, reads, writes
from risk.models import SignalLevel, SignalState


class PastVisitsForm(StrictSerializer):
    """For which decision past visits are opened."""

    decision = serializers.ChoiceField(choices=Decision.choices)
    decision_id = WholeNumberField(
        min_value=1,
        required=False,
        allow_null=True,
        help_text="The change, report, refund, fee, signal or task decided on, once there is one.",
    )


class PastReportRow(serializers.Serializer[Any]):
    """An approved report; its texts are masked outside the own portfolio."""

    id = serializers.IntegerField(source="report.pk")
    number = serializers.CharField(source="report.number")
    loan_note_no = serializers.CharField(source="report.visit.task.loan.loan_note_no")
    submitted_on = serializers.DateField(source="report.submitted_on")
    conclusion = serializers.CharField(source="report.conclusion")
    conclusion_text = serializers.CharField(source="content.conclusion.text", allow_blank=True)
    content_sha256 = serializers.CharField(source="report.content_sha256")
    differences = serializers.ListField(child=serializers.DictField(), source="content.differences")
    requests = serializers.ListField(child=serializers.DictField(), source="content.requests")
    unverified = serializers.ListField(child=serializers.DictField(), source="content.unverified")


class PastEventRow(serializers.Serializer[Any]):
    """An event without an end."""

    id = serializers.IntegerField(source="event.pk")
    code = serializers.CharField(source="event.code")
    level = serializers.IntegerField(source="event.level")
    happened_on = serializers.DateField(source="event.happened_on")
    words = serializers.CharField(source="event.words", allow_blank=True)


class PastTaskRow(serializers.Serializer[Any]):
    """A visit still to be made."""

    id = serializers.IntegerField(source="pk")
    number = serializers.CharField()
    state = serializers.ChoiceField(choices=TaskState.choices)
    due_on = serializers.DateField()


class PastSignalRow(serializers.Serializer[Any]):
    """A warning that is not closed."""

    id = serializers.IntegerField(source="pk")
    code = serializers.CharField()
    level = serializers.ChoiceField(choices=SignalLevel.choices)
    state = serializers.ChoiceField(choices=SignalState.choices)
    raised_on = serializers.DateField()
    answer_by = serializers.DateField()


class PastMeasureRow(serializers.Serializer[Any]):
    """A measure that is not done."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.CharField(source="kind.code")
    words = serializers.CharField(allow_blank=True)
    owner = StaffBrief()
    due_on = serializers.DateField()


class PastVisitsCard(serializers.Serializer[Any]):
    """What visits found of a borrower: last reports; open events, warnings, measures; visits still to be made."""

    reports = PastReportRow(many=True)
    events = PastEventRow(many=True)
    signals = PastSignalRow(many=True)
    measures = PastMeasureRow(many=True)
    tasks = PastTaskRow(many=True)


class ReportReferenceRow(serializers.Serializer[Any]):
    """One use of a report: by whom, when, for which decision on which loan."""

    at = serializers.DateTimeField()
    by = StaffBrief()
    decision = serializers.ChoiceField(choices=Decision.choices)
    decision_id = serializers.IntegerField(allow_null=True)
    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")


class ReportReferenceList(serializers.Serializer[Any]):
    results = ReportReferenceRow(many=True)


class PastVisits(ApiView):
    """Opens past visits for a decision on the loan; each report shown is referenced, once a person and day."""

    permission = (VISITS, *TAKEN_BY.values())

    @writes(PastVisitsForm, PastVisitsCard, operation_id="loans_past_visits_open")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PastVisitsForm)
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            _loan, found = open_past_visits(
                loan_id=loan.pk,
                decision=asked["decision"],
                decision_id=asked.get("decision_id"),
                by=self.staff,
                at=self.at,
            )
            return Response(PastVisitsCard(found).data)

        return self.once(effect)


class ReportReferences(ApiView):
    """Where a report was used, the latest first; uses for loans that one does not see are left out."""

    permission = "followups.view"

    @reads(ReportReferenceList, operation_id="reports_references_list")
    def get(self, request: Request, pk: int) -> Response:
        report = self.visible(VisitReport.objects.visible_to(self.staff), pk=pk)
        return Response(ReportReferenceList({"results": references_of(report, self.staff)}).data)
