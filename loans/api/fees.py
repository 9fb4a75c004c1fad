"""What a loan owes, what an amount would pay of it, and its fees, over the API."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans import actions, queries
from loans.api.fields import MoneyField, money
from loans.models import Fee, Loan
from loans.queries.charges import fees_visible_to
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes


class InstallmentOwedRow(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    due_on = serializers.DateField()
    principal = money()
    interest = money()
    penalty = money()
    compound = money()
    total = money()


class OwedReply(serializers.Serializer[Any]):
    """What is billed or charged and not paid on a day."""

    on = serializers.DateField()
    principal = money()
    interest = money()
    penalty = money()
    compound = money()
    fees = money()
    total = money()
    suspense = money()
    installments = InstallmentOwedRow(many=True)


class LoanOwed(ApiView):
    """What a loan owes on the open business date, charges included."""

    permission = "loans.view"

    @reads(OwedReply, operation_id="loans_owed")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        return Response(OwedReply(queries.charges_owed(loan, queries.require_business_date())).data)


class AllocationForm(StrictSerializer):
    amount = MoneyField()
    value_on = DayField()


class AllocationPart(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    penalty = money()
    compound = money()
    interest = money()
    principal = money()
    total = money()


class AllocationReply(serializers.Serializer[Any]):
    """What an amount would pay; the rest goes to suspense. `replays`: receipts after it are spread anew."""

    amount = money()
    value_on = serializers.DateField()
    fees = money()
    rows = AllocationPart(many=True)
    rest = money()
    order = serializers.ListField(child=serializers.CharField())
    replays = serializers.BooleanField()


class LoanAllocation(ApiView):
    """What a receipt would pay if it came now; stores nothing."""

    permission = "loans.view"

    @writes(AllocationForm, AllocationReply, operation_id="loans_allocation")
    def post(self, request: Request, pk: int) -> Response:
        loan = self.visible(Loan.objects.visible_to(self.staff).select_related("position"), pk=pk)
        asked = self.sent(AllocationForm)
        since = max(filter(None, (loan.baseline_on or loan.disbursed_on, loan.position.written_off_on)))
        if asked["value_on"] < since:
            raise serializers.ValidationError({"value_on": [_("起息日早于贷款的基准日、放款日或核销日。")]})
        return Response(AllocationReply(queries.allocation_preview(loan, **asked)).data)


class FeeRow(serializers.ModelSerializer[Fee]):
    loan_id = serializers.IntegerField()

    class Meta:
        model = Fee
        fields = [
            "id", "loan_id", "code", "amount", "paid", "waived", "charged_on", "charged_by", "reason", "settled_on",
            "waived_on",
        ]  # fmt: skip


class ChargeForm(StrictSerializer):
    code = TextField(max_length=40, help_text="The item's code on the cost disclosure.")
    amount = MoneyField()
    reason = TextField(max_length=200, help_text="At least 4 characters.")


class LoanFees(ListView):
    """Fees of a loan; a new one counts from the open business date on."""

    permission = {"GET": "loans.view", "POST": "loans.charge_fee"}
    serializer_class = FeeRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Fee]:
        return Fee.objects.filter(loan_id=self.visible(self._loans(), pk=self.kwargs["pk"]).pk)

    def _loans(self) -> QuerySet[Loan]:
        return Loan.objects.visible_to(self.staff)

    @reads(FeeRow(many=True), operation_id="loans_fees")
    def get(self, request: Request, pk: int) -> Response:
        return self.listed()

    @writes(ChargeForm, FeeRow, status=201, key_required=True, operation_id="loans_fees_charge")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        loan = self.visible(self._loans(), pk=pk)
        asked = self.sent(ChargeForm)

        def effect() -> Response:
            fee = actions.charge_fee(loan_id=loan.pk, **asked, by=self.staff, at=self.at)
            return Response(FeeRow(fee).data, status=201)

        return self.once(effect, required=True)


class WaiveForm(StrictSerializer):
    reason = TextField(max_length=200, help_text="At least 4 characters.")


class WaiveFee(ApiView):
    """Somebody other than who charged a fee waives what is not paid of it."""

    permission = "loans.charge_fee"

    @writes(WaiveForm, FeeRow, key_required=True, operation_id="fees_waive")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        fee = self.visible(fees_visible_to(self.staff), pk=pk)
        asked = self.sent(WaiveForm)

        def effect() -> Response:
            done = actions.waive_fee(fee_id=fee.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(FeeRow(done).data)

        return self.once(effect, required=True)
