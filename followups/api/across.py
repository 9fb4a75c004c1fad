"""跨机构同户 over the API: pairs that wait for who sees both branches, and what is decided about one."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.across import REASON_MOST, leave_apart, visit_together
from followups.api.tasks import TaskFull, full_task
from followups.filters import AcrossFilter
from followups.models import AcrossPair, AcrossWhy, Method, VisitTask
from followups.queries.across import ASSIGNS, able_for, pairs_visible_to
from loans.api import BranchBrief, StaffBrief
from loans.api.fields import MaskedBorrower
from loans.queries import require_business_date
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes
from people.models import Staff


class AcrossTask(serializers.ModelSerializer[VisitTask]):
    number = serializers.CharField()
    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    borrower = MaskedBorrower(source="loan.borrower")
    branch = BranchBrief()
    assigned_to = StaffBrief(allow_null=True)
    method = serializers.ChoiceField(choices=Method.choices)

    class Meta:
        model = VisitTask
        fields = ["id", "number", "loan_id", "loan_note_no", "borrower", "branch", "assigned_to", "method", "due_on"]


class AcrossRow(serializers.ModelSerializer[AcrossPair]):
    """Two talks of one household in branches that neither officer sees together; `due_on` is the earlier limit."""

    one = AcrossTask()
    other = AcrossTask()
    why = serializers.ChoiceField(choices=AcrossWhy.choices)
    due_on = serializers.DateField()
    left_by = StaffBrief(allow_null=True)

    class Meta:
        model = AcrossPair
        fields = ["id", "one", "other", "why", "due_on", "found_on", "left_on", "left_by", "reason"]


class AcrossFull(AcrossRow):
    able = serializers.SerializerMethodField(
        help_text="Who could make one visit of both: sees both branches, may be given visits, approved neither loan."
    )

    class Meta(AcrossRow.Meta):
        fields = [*AcrossRow.Meta.fields, "able"]

    def get_able(self, pair: AcrossPair) -> list[dict[str, str]]:
        return list(StaffBrief(self.context["able"], many=True).data)


class AcrossTogetherForm(StrictSerializer):
    officer = TextField(max_length=20, help_text="Staff number of one of `able`.")


class ApartForm(StrictSerializer):
    reason = TextField(max_length=REASON_MOST)


class AcrossPairs(ListView):
    """Pairs of branches one sees both; `state` OPEN waits for a decision, LEFT is left apart."""

    permission = ASSIGNS
    filterset_class = AcrossFilter
    serializer_class = AcrossRow
    orderings = {"id": ("id",), "due_on": ("due_on", "id")}
    default_ordering = "due_on"

    def rows(self) -> QuerySet[AcrossPair]:
        return pairs_visible_to(self.staff)

    @reads(AcrossRow(many=True), operation_id="across_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class _OnePair(ApiView, abstract=True):
    def pair(self, pk: int) -> AcrossPair:
        found: AcrossPair = self.visible(pairs_visible_to(self.staff, pk), pk=pk)
        return found

    def full(self, pair: AcrossPair) -> Response:
        able: list[Staff] = []
        if pair.left_on is None:
            able = able_for([pair], by=self.staff, as_of=require_business_date())[pair.pk]
        return Response(AcrossFull(pair, context={"able": able}).data)


class AcrossDetail(_OnePair):
    """One pair, with who could make one visit of it."""

    permission = ASSIGNS

    @reads(AcrossFull, operation_id="across_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return self.full(self.pair(pk))


class AcrossTogether(_OnePair):
    """Gives both tasks to an officer who sees both branches, as one visit with a report each; answers with that task.

    Sent again for the same officer nothing changes. `unmerge/` of the other task undoes it.
    """

    permission = ASSIGNS

    @writes(AcrossTogetherForm, TaskFull, operation_id="across_together")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(AcrossTogetherForm)
        pair = self.visible(AcrossPair.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            officer = Staff.objects.filter(staff_no=asked["officer"]).first()
            lead = visit_together(pair_id=pair.pk, officer=officer, by=self.staff, at=self.at)
            return Response(full_task(self, lead.pk))

        return self.once(effect)


class AcrossApart(_OnePair):
    """Keeps that each branch makes its own visit; neither the machine nor the list takes it up again."""

    permission = ASSIGNS

    @writes(ApartForm, AcrossFull, operation_id="across_apart")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(ApartForm)
        pair = self.visible(AcrossPair.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            leave_apart(pair_id=pair.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return self.full(self.pair(pk))

        return self.once(effect)
