"""Loans over the API: list, billed and future installments, postings, receipts, the business date.

What is known of a loan above this room (grade, loan-to-value, visits) is added by the follow-ups'
endpoint of one loan. Borrowers are masked here; a reveal with a reason is made on the pages.
"""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from journal.errors import ActionRefused
from loans import actions, queries
from loans.filters import LoanFilter, ReceiptFilter
from loans.models import (
    Account,
    FiveClass,
    Installment,
    LedgerLine,
    Loan,
    Posting,
    PostingKind,
    Receipt,
    ReceiptState,
    RepaymentMethod,
)
from loans.rules.aging import days_past_due
from loans.rules.money import AmountError, parse_amount
from loans.rules.receipts import parse_receipt
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes
from people.rules.masking import mask_id, mask_name, mask_phone


def money(**options: Any) -> serializers.DecimalField:
    """An amount going out: always a string with two decimals."""
    return serializers.DecimalField(max_digits=15, decimal_places=2, **options)


@extend_schema_field({"type": "string", "pattern": r"^\d{1,13}(\.\d{1,2})?$", "example": "3204.71"})
class MoneyField(serializers.Field[Decimal, str, str, Any]):
    """An amount coming in: a string of digits with at most two decimals, above zero; JSON numbers are refused."""

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str):
            raise serializers.ValidationError(_('金额请用字符串，例如 "3204.71"。'))
        try:
            amount = parse_amount(data)
        except AmountError:
            raise serializers.ValidationError(_("金额须为最多 13 位整数、最多两位小数的数字。")) from None
        if amount <= 0:
            raise serializers.ValidationError(_("金额须大于零。"))
        return amount

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


class BranchBrief(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class StaffBrief(serializers.Serializer[Any]):
    staff_no = serializers.CharField()
    name = serializers.CharField()


class MaskedBorrower(serializers.Serializer[Any]):
    """A borrower as shown to those who have not asked with a reason."""

    name = serializers.SerializerMethodField()
    id_no = serializers.SerializerMethodField()
    phone = serializers.SerializerMethodField()

    def get_name(self, party: Any) -> str:
        return mask_name(party.name)

    def get_id_no(self, party: Any) -> str:
        return mask_id(party.id_no)

    def get_phone(self, party: Any) -> str:
        return mask_phone(party.phone)


class LoanRow(serializers.ModelSerializer[Loan]):
    """A loan as it stands on the open business date (`as_of` in the serializer's context)."""

    borrower = MaskedBorrower()
    branch = BranchBrief()
    portfolio_officer = StaffBrief(allow_null=True)
    repayment_method = serializers.ChoiceField(choices=RepaymentMethod.choices)
    principal_balance = money(source="position.principal_balance")
    annual_rate_percent = serializers.DecimalField(7, 4, source="position.annual_rate_percent")
    installment_amount = money(source="position.installment_amount")
    next_due_on = serializers.DateField(source="position.next_due_on", allow_null=True)
    overdue_since = serializers.DateField(source="position.overdue_since", allow_null=True)
    days_past_due = serializers.SerializerMethodField()
    five_class = serializers.ChoiceField(choices=FiveClass.choices, source="position.five_class")
    settled_on = serializers.DateField(source="position.settled_on", allow_null=True)

    class Meta:
        model = Loan
        fields = [
            "id", "loan_note_no", "external_id", "borrower", "branch", "portfolio_officer", "principal_original",
            "principal_balance", "annual_rate_percent", "installment_amount", "repayment_method", "disbursed_on",
            "matures_on", "due_day", "next_due_on", "overdue_since", "days_past_due", "five_class", "settled_on",
            "credit_score", "last_visit_on",
        ]  # fmt: skip

    def get_days_past_due(self, loan: Loan) -> int:
        as_of = self.context.get("as_of")
        return days_past_due(loan.position.overdue_since, as_of) if as_of else 0


def visible_loans(view: ApiView) -> QuerySet[Loan]:
    """The loans this person may see, with what a row shows."""
    rows = Loan.objects.visible_to(view.staff)
    return rows.select_related("borrower", "branch", "portfolio_officer", "position")


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
            "number", "due_on", "principal", "interest", "principal_paid", "interest_paid", "overdue_from", "settled_on"
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
    """Receipts of loans one may see; one receipt can be handed in, once."""

    permission = {"GET": "loans.view", "POST": "loans.post_receipts"}
    filterset_class = ReceiptFilter
    serializer_class = ReceiptRow
    orderings = {"id": ("id",), "value_on": ("value_on", "id")}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Receipt]:
        return Receipt.objects.filter(loan__in=Loan.objects.visible_to(self.staff))

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
