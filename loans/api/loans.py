"""Loans over the API: list, billed and future installments, postings, the business date.

What is known of a loan above this room (grade, loan-to-value, visits) is added by the follow-ups'
endpoint of one loan.
"""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans import queries
from loans.api.fields import LoanRow, money, visible_loans
from loans.filters import LoanFilter
from loans.models import (
    Account,
    Installment,
    LedgerLine,
    Loan,
    Posting,
    PostingKind,
)
from people.api.views import ApiView, ListView, reads


class BusinessDateReply(serializers.Serializer[Any]):
    business_date = serializers.DateField(allow_null=True)


class BusinessDate(ApiView):
    """The bank's open day; null before the first import opens the bank."""

    permission = "loans.view"

    @reads(BusinessDateReply, operation_id="business_date")
    def get(self, request: Request) -> Response:
        return Response(BusinessDateReply({"business_date": queries.open_business_date()}).data)


class LoanList(ListView):
    """Loans one may see."""

    permission = "loans.view"
    filterset_class = LoanFilter
    serializer_class = LoanRow
    orderings = {
        "id": ("id",),
        "loan_note_no": ("loan_note_no",),
        "disbursed_on": ("disbursed_on", "id"),
        "matures_on": ("matures_on", "id"),
        "principal_balance": ("position__principal_balance", "id"),
        "next_due_on": ("position__next_due_on?", "id"),
        "overdue_since": ("position__overdue_since?", "id"),
    }

    def rows(self) -> QuerySet[Loan]:
        return visible_loans(self)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "as_of": queries.open_business_date()}

    @reads(LoanRow(many=True), operation_id="loans_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class InstallmentRow(serializers.ModelSerializer[Installment]):
    class Meta:
        model = Installment
        fields = [
            "number", "due_on", "principal", "interest", "principal_paid", "interest_paid", "penalty_paid",
            "compound_paid", "penalty_left", "compound_left", "overdue_from", "settled_on",
        ]  # fmt: skip


class LoanInstallments(ListView):
    """Billed installments of a loan."""

    permission = "loans.view"
    serializer_class = InstallmentRow
    orderings = {"number": ("number",)}
    default_ordering = "-number"

    def rows(self) -> QuerySet[Installment]:
        return queries.installments_of(self.visible(visible_loans(self), pk=self.kwargs["pk"]))

    @reads(InstallmentRow(many=True), operation_id="loans_installments")
    def get(self, request: Request, pk: int) -> Response:
        return self.listed()


class FutureInstallmentRow(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    due_on = serializers.DateField()
    principal = money()
    interest = money()
    amount = money()
    balance = money()


class ScheduleReply(serializers.Serializer[Any]):
    results = FutureInstallmentRow(many=True)


class LoanSchedule(ApiView):
    """Installments not billed yet, computed from the terms in force; all of them, in order."""

    permission = "loans.view"

    @reads(ScheduleReply, operation_id="loans_schedule")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(visible_loans(self), pk=pk)
        return Response(ScheduleReply({"results": queries.future_schedule(loan)}).data)


class LedgerLineRow(serializers.ModelSerializer[LedgerLine]):
    account = serializers.ChoiceField(choices=Account.choices)

    class Meta:
        model = LedgerLine
        fields = ["line", "account", "installment_number", "amount"]


class PostingRow(serializers.ModelSerializer[Posting]):
    """A posting; its lines sum to zero (debit positive, credit negative)."""

    kind = serializers.ChoiceField(choices=PostingKind.choices)
    receipt_id = serializers.IntegerField(allow_null=True)
    reverses_id = serializers.IntegerField(allow_null=True)
    lines = serializers.SerializerMethodField()

    class Meta:
        model = Posting
        fields = [
            "id", "kind", "value_on", "business_date", "booked_at", "receipt_id", "installment_number", "reverses_id",
            "lines",
        ]  # fmt: skip

    @extend_schema_field(LedgerLineRow(many=True))
    def get_lines(self, posting: Posting) -> Any:
        return LedgerLineRow(self.context["lines"].get(posting.pk, []), many=True).data


class LoanPostings(ListView):
    """Postings of a loan with their ledger lines, the newest first."""

    permission = "loans.view"
    serializer_class = PostingRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Posting]:
        return Posting.objects.filter(loan_id=self.visible(visible_loans(self), pk=self.kwargs["pk"]).pk)

    @reads(PostingRow(many=True), operation_id="loans_postings")
    def get(self, request: Request, pk: int) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        lines: dict[int, list[LedgerLine]] = {}
        days = {posting.business_date for posting in page}
        found = LedgerLine.objects.filter(
            business_date__in=days, loan_id=pk, posting_id__in=[posting.pk for posting in page]
        )
        for line in found.order_by("posting_id", "line"):
            lines.setdefault(line.posting_id, []).append(line)
        return self.get_paginated_response(PostingRow(page, many=True, context={"lines": lines}).data)
