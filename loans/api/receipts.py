"""Receipts over the API."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from journal.errors import ActionRefused
from loans import actions
from loans.api.fields import MoneyField
from loans.filters import ReceiptFilter
from loans.models import (
    Loan,
    Receipt,
    ReceiptState,
)
from loans.queries.files import receipts_visible_to
from loans.rules.receipts import parse_receipt
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes


class ReceiptRow(serializers.ModelSerializer[Receipt]):
    state = serializers.ChoiceField(choices=ReceiptState.choices)
    loan_id = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Receipt
        fields = [
            "id", "channel", "serial", "loan_id", "loan_ref", "amount", "value_on", "state", "received_at", "posted_on",
            "reversed_on",
        ]  # fmt: skip


class ReceiptForm(StrictSerializer):
    loan = TextField(max_length=40, help_text="Loan-note number or external id.")
    amount = MoneyField()
    value_on = DayField()
    channel = TextField(max_length=20)
    serial = TextField(max_length=64)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The file's rules hold here too."""
        texts = {**attrs, "amount": f"{attrs['amount']:.2f}", "value_on": attrs["value_on"].isoformat()}
        found = parse_receipt(texts)
        if isinstance(found, tuple):
            raise serializers.ValidationError({problem.column: [_("含有不允许的字符。")] for problem in found})
        return attrs


class LoanNotFound(ActionRefused):
    """No loan that this person may see has the number."""

    code = "loan_not_found"


class ReceiptRefused(ActionRefused):
    """The rules of receipts do not take it."""

    code = "receipt_refused"


class Receipts(ListView):
    """Receipts of loans one may see (unmatched ones for those who see the whole bank); one can be handed in, once."""

    permission = {"GET": "loans.view", "POST": "loans.post_receipts"}
    filterset_class = ReceiptFilter
    serializer_class = ReceiptRow
    orderings = {"id": ("id",), "value_on": ("value_on", "id")}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Receipt]:
        return receipts_visible_to(self.staff)

    @reads(ReceiptRow(many=True), operation_id="receipts_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(ReceiptForm, ReceiptRow, status=201, key_required=True, operation_id="receipts_create")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(ReceiptForm)
        seen = Loan.objects.visible_to(self.staff)
        number = asked["loan"]
        # The note number wins where one loan's number is another's external id, as in files.
        loan = seen.filter(loan_note_no=number).first() or seen.filter(external_id=number).first()

        def effect() -> Response:
            if loan is None:
                raise LoanNotFound(_("没有这笔贷款。"), field="loan")
            row = actions.ReceiptRow(**{**asked, "loan": loan.loan_note_no})
            outcome = actions.post_receipts(rows=[row], by=self.staff, at=self.at).outcomes[0]
            if outcome.state == "REFUSED":
                conflict = outcome.column == "serial"
                raise ReceiptRefused(outcome.reason, field=outcome.column, conflict=conflict)
            receipt = Receipt.objects.get(channel=asked["channel"], serial=asked["serial"])
            return Response(ReceiptRow(receipt).data, status=200 if outcome.state == "DUPLICATE" else 201)

        return self.once(effect, required=True)


class ReversalForm(StrictSerializer):
    reason = TextField(max_length=200, help_text="Why the money is taken out again; at least 4 characters.")


class ReceiptReversal(ApiView):
    """Takes a posted receipt out again; later receipts are allocated anew as if it had never come."""

    permission = "loans.post_receipts"

    @writes(ReversalForm, ReceiptRow, operation_id="receipts_reverse")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        receipt = self.visible(Receipt.objects.filter(loan__in=Loan.objects.visible_to(self.staff)), pk=pk)
        reason = self.sent(ReversalForm)["reason"]

        def effect() -> Response:
            done = actions.reverse_receipt(receipt_id=receipt.pk, reason=reason, by=self.staff, at=self.at)
            return Response(ReceiptRow(done).data)

        return self.once(effect)
