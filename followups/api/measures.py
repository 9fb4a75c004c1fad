"""Measures over the API: the catalogue, what is open on which loan, and the word that ends one."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.filters import MeasureFilter
from followups.models import Measure, MeasureState, ResponseMeasure
from followups.queries.measures import catalogue, measures_visible_to
from loans.api import BranchBrief, StaffBrief
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes


class MeasureKindRow(serializers.ModelSerializer[ResponseMeasure]):
    """A kind of measure; `conclusions` says for which conclusions it may be proposed."""

    class Meta:
        model = ResponseMeasure
        fields = ["code", "name_zh", "name_en", "conclusions", "workdays"]


class MeasureRow(serializers.ModelSerializer[Measure]):
    kind = MeasureKindRow()
    owner = StaffBrief()
    branch = BranchBrief()
    state = serializers.ChoiceField(choices=MeasureState.choices)
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    report_id = serializers.IntegerField()

    class Meta:
        model = Measure
        fields = [
            "id", "loan_id", "loan_note_no", "report_id", "branch", "kind", "words", "owner", "due_on", "state",
            "opened_on", "ended_on", "ended_words",
        ]  # fmt: skip


class MeasureKinds(ApiView):
    """What may be proposed."""

    permission = "followups.view"

    @reads(MeasureKindRow(many=True), operation_id="measure_kinds")
    def get(self, request: Request) -> Response:
        return Response(MeasureKindRow(catalogue(), many=True).data)


class Measures(ListView):
    """Measures opened by approved reports, of branches one sees."""

    permission = "followups.view"
    filterset_class = MeasureFilter
    serializer_class = MeasureRow
    orderings = {"id": ("id",), "due_on": ("due_on", "id")}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Measure]:
        return measures_visible_to(self.staff)

    @reads(MeasureRow(many=True), operation_id="measures_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class EndForm(StrictSerializer):
    is_done = serializers.BooleanField(help_text="False: the measure is no longer needed.")
    words = TextField(max_length=300)


class EndMeasure(ApiView):
    """Says what became of a measure; by its owner, or by who assigns work."""

    permission = "followups.view"

    @writes(EndForm, MeasureRow, operation_id="measures_end")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(EndForm)
        measure = self.visible(measures_visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.end_measure(measure_id=measure.pk, **asked, by=self.staff, at=self.at)
            return Response(MeasureRow(measures_visible_to(self.staff).get(pk=pk)).data)

        return self.once(effect)
