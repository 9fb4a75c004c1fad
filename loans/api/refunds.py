"""Refunds of over-payment over the API: one person asks, another decides."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans import actions
from loans.actions.refunds import refund_warnings
from loans.api.fields import MoneyField, StaffBrief
from loans.api.receipts import LoanNotFound
from loans.filters import RefundFilter
from loans.models import Refund, RefundState
from loans.queries.files import find_loan, refunds_visible_to
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes


class RefundRow(serializers.ModelSerializer[Refund]):
    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    state = serializers.ChoiceField(choices=RefundState.choices)
    proposed_by = StaffBrief()
    decided_by = StaffBrief(allow_null=True)

    class Meta:
        model = Refund
        fields = [
            "id", "loan_id", "loan_note_no", "amount", "reason", "state", "proposed_by", "proposed_at", "decided_by",
            "decided_at", "decision_note", "refunded_on",
        ]  # fmt: skip


class RefundTold(RefundRow):
    """A refund with what speaks against it while it is to be decided."""

    warnings = serializers.SerializerMethodField()

    class Meta(RefundRow.Meta):
        fields = [*RefundRow.Meta.fields, "warnings"]

    def get_warnings(self, refund: Refund) -> list[str]:
        if refund.state != RefundState.PROPOSED:
            return []
        return refund_warnings(refund.loan_id, refund.loan.position.suspense, refund.amount)


class RefundForm(StrictSerializer):
    loan = TextField(max_length=40, help_text="Loan-note number or external id.")
    amount = MoneyField()
    reason = TextField(max_length=200, help_text="Why and where the money goes back; at least 4 characters.")


class YesNoField(serializers.BooleanField):
    """A JSON yes or no; not a word or a number that may mean one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError(_("请填 true 或 false。"))
        return data


class RefundDecisionForm(StrictSerializer):
    approve = YesNoField()
    note = TextField(max_length=200, required=False, allow_blank=True, help_text="Required to reject.")


class Refunds(ListView):
    """Refunds of loans one may see."""

    permission = {"GET": "loans.view", "POST": "loans.post_receipts"}
    filterset_class = RefundFilter
    serializer_class = RefundRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Refund]:
        return refunds_visible_to(self.staff).select_related("loan", "proposed_by", "decided_by")

    @reads(RefundRow(many=True), operation_id="refunds_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(RefundForm, RefundTold, status=201, key_required=True, operation_id="refunds_propose")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(RefundForm)

        def effect() -> Response:
            loan = find_loan(asked["loan"], self.staff)
            if loan is None:
                raise LoanNotFound(_("没有这笔贷款。"), field="loan")
            made = actions.propose_refund(
                loan_id=loan.pk, amount=asked["amount"], reason=asked["reason"], by=self.staff, at=self.at
            )
            return Response(RefundTold(made).data, status=201)

        return self.once(effect, required=True)


class RefundDetail(ApiView):
    permission = "loans.view"

    @reads(RefundTold, operation_id="refunds_read")
    def get(self, request: Request, pk: int) -> Response:
        seen = refunds_visible_to(self.staff).select_related("loan__position", "proposed_by", "decided_by")
        found = self.visible(seen, pk=pk)
        return Response(RefundTold(found).data)


class RefundDecision(ApiView):
    """A second person approves (the money leaves suspense) or rejects."""

    permission = "loans.approve_refund"

    @writes(RefundDecisionForm, RefundTold, key_required=True, operation_id="refunds_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        refund = self.visible(refunds_visible_to(self.staff), pk=pk)
        asked = self.sent(RefundDecisionForm)

        def effect() -> Response:
            done = actions.decide_refund(
                refund_id=refund.pk, approve=asked["approve"], note=asked.get("note", ""), by=self.staff, at=self.at
            )
            return Response(RefundTold(done).data)

        return self.once(effect, required=True)
