"""Files of money, the break queue and unmatched receipts over the API. Files are sent in at `config/files_api.py`."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans import actions
from loans.api.fields import StaffBrief
from loans.api.receipts import LoanNotFound, ReceiptRow
from loans.api.refunds import YesNoField
from loans.break_reasons import reason_in_words
from loans.filters import BreakFilter, DebitFilter, MoneyFileFilter, ReturnFilter
from loans.models import (
    BreakState,
    DebitInstruction,
    DebitResult,
    MoneyFile,
    MoneyFileKind,
    MoneyReturn,
    ReceiptBreak,
    ReturnState,
)
from loans.queries.files import (
    breaks_visible_to,
    files_visible_to,
    find_loan,
    receipts_visible_to,
    returns_visible_to,
)
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes

_COUNTS = ("integer", "string", "boolean")


class MoneyFileRow(serializers.ModelSerializer[MoneyFile]):
    kind = serializers.ChoiceField(choices=MoneyFileKind.choices)
    counts = serializers.SerializerMethodField()

    class Meta:
        model = MoneyFile
        fields = ["id", "kind", "name", "sha256", "business_date", "actor", "at", "counts"]

    @extend_schema_field({"type": "object", "additionalProperties": {"oneOf": [{"type": word} for word in _COUNTS]}})
    def get_counts(self, file: MoneyFile) -> dict[str, Any]:
        return {name: value for name, value in file.counts.items() if name != "up_to"}


class MoneyFiles(ListView):
    """Files that went out and came in, the newest first."""

    permission = "loans.post_receipts"
    filterset_class = MoneyFileFilter
    serializer_class = MoneyFileRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[MoneyFile]:
        return files_visible_to(self.staff)

    @reads(MoneyFileRow(many=True), operation_id="money_files_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class MoneyFileDetail(ApiView):
    permission = "loans.post_receipts"

    @reads(MoneyFileRow, operation_id="money_files_read")
    def get(self, request: Request, pk: int) -> Response:
        return Response(MoneyFileRow(self.visible(files_visible_to(self.staff), pk=pk)).data)


class MoneyFileContent(ApiView):
    """The very bytes of a file of debits; what came in is not kept, only its hash."""

    permission = "loans.post_receipts"

    @reads(OpenApiTypes.BINARY, media_type="text/csv", more_refusals=(422,), operation_id="money_files_content")
    def get(self, request: Request, pk: int) -> HttpResponse:
        out = files_visible_to(self.staff).filter(kind=MoneyFileKind.DEBITS_OUT)
        file: MoneyFile = self.visible(out, pk=pk)
        response = HttpResponse(actions.debit_content(file), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{file.name}"'
        response["X-Content-SHA256"] = file.sha256
        return response


class DebitRow(serializers.ModelSerializer[DebitInstruction]):
    """One debit as it was asked for, and the core bank's answer."""

    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    result = serializers.ChoiceField(choices=DebitResult.choices)
    receipt_id = serializers.IntegerField(allow_null=True)

    class Meta:
        model = DebitInstruction
        fields = [
            "id", "serial", "loan_id", "loan_note_no", "amount", "value_on", "result", "paid", "failure", "receipt_id",
        ]  # fmt: skip


class MoneyFileDebits(ListView):
    """The debits of a file that went out, with what became of each."""

    permission = "loans.post_receipts"
    filterset_class = DebitFilter
    serializer_class = DebitRow
    orderings = {"id": ("id",)}
    default_ordering = "id"

    def rows(self) -> QuerySet[DebitInstruction]:
        file: MoneyFile = self.visible(files_visible_to(self.staff), pk=self.kwargs["pk"])
        return DebitInstruction.objects.filter(file=file).select_related("loan")

    @reads(DebitRow(many=True), operation_id="money_files_debits")
    def get(self, request: Request, pk: int) -> Response:
        return self.listed()


class NothingSent(StrictSerializer):
    """An empty object."""


class Debits(ApiView):
    """Makes the file of debits of the open business date: 201 when it is new, 200 when it was made before."""

    permission = "loans.post_receipts"

    @writes(NothingSent, MoneyFileRow, status=201, key_required=True, operation_id="debits_make")
    def post(self, request: Request) -> HttpResponseBase:
        self.sent(NothingSent)

        def effect() -> Response:
            file, is_new = actions.make_debits(by=self.staff, at=self.at)
            return Response(MoneyFileRow(file).data, status=201 if is_new else 200)

        return self.once(effect, required=True)


class BreakRow(serializers.ModelSerializer[ReceiptBreak]):
    """A row that could not be used as it came; `receipt` is the money that came with it."""

    file_id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=MoneyFileKind.choices, source="file.kind")
    state = serializers.ChoiceField(choices=BreakState.choices)
    reason = serializers.SerializerMethodField()
    row = serializers.DictField(child=serializers.CharField())
    receipt = ReceiptRow(allow_null=True)
    resolved_by = StaffBrief(allow_null=True)

    class Meta:
        model = ReceiptBreak
        fields = [
            "id", "file_id", "kind", "line", "row", "column", "reason", "receipt", "state", "resolved_by",
            "resolved_at", "resolution",
        ]  # fmt: skip

    def get_reason(self, found: ReceiptBreak) -> str:
        return reason_in_words(found.reason)


class Breaks(ListView):
    """The break queue, open and settled."""

    permission = "loans.post_receipts"
    filterset_class = BreakFilter
    serializer_class = BreakRow
    orderings = {"id": ("id",)}
    default_ordering = "id"

    def rows(self) -> QuerySet[ReceiptBreak]:
        return breaks_visible_to(self.staff).select_related("file", "receipt", "resolved_by")

    @reads(BreakRow(many=True), operation_id="breaks_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class NoteForm(StrictSerializer):
    note = TextField(max_length=200, help_text="Why it is settled so; at least 4 characters.")


class CloseBreak(ApiView):
    """Closes a row that brought no money, with a note."""

    permission = "loans.post_receipts"

    @writes(NoteForm, BreakRow, operation_id="breaks_close")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        found = self.visible(breaks_visible_to(self.staff), pk=pk)
        note = self.sent(NoteForm)["note"]

        def effect() -> Response:
            return Response(BreakRow(actions.close_break(break_id=found.pk, note=note, by=self.staff, at=self.at)).data)

        return self.once(effect)


class MatchForm(NoteForm):
    loan = TextField(max_length=40, help_text="Loan-note number or external id.")


class MatchReceipt(ApiView):
    """Gives an unmatched receipt to its loan and posts it on its value date."""

    permission = "loans.post_receipts"

    @writes(MatchForm, ReceiptRow, key_required=True, operation_id="receipts_match")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        receipt = self.visible(receipts_visible_to(self.staff), pk=pk)
        asked = self.sent(MatchForm)

        def effect() -> Response:
            loan = find_loan(asked["loan"], self.staff)
            if loan is None:
                raise LoanNotFound(_("没有这笔贷款。"), field="loan")
            done = actions.match_receipt(
                receipt_id=receipt.pk, loan_id=loan.pk, note=asked["note"], by=self.staff, at=self.at
            )
            return Response(ReceiptRow(done).data)

        return self.once(effect, required=True)


class ReturnRow(serializers.ModelSerializer[MoneyReturn]):
    """A return of unmatched money, and the money as it stands."""

    receipt = ReceiptRow()
    state = serializers.ChoiceField(choices=ReturnState.choices)
    proposed_by = StaffBrief()
    decided_by = StaffBrief(allow_null=True)

    class Meta:
        model = MoneyReturn
        fields = [
            "id", "receipt", "reason", "state", "proposed_by", "proposed_at", "decided_by", "decided_at",
            "decision_note",
        ]  # fmt: skip


class ReturnReceipt(ApiView):
    """Asks that an unmatched or waiting receipt goes back to its sender; another person decides."""

    permission = "loans.post_receipts"

    @writes(NoteForm, ReturnRow, status=201, key_required=True, operation_id="receipts_return")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        receipt = self.visible(receipts_visible_to(self.staff), pk=pk)
        note = self.sent(NoteForm)["note"]

        def effect() -> Response:
            asked = actions.propose_return(receipt_id=receipt.pk, note=note, by=self.staff, at=self.at)
            return Response(ReturnRow(asked).data, status=201)

        return self.once(effect, required=True)


class Returns(ListView):
    """Returns of unmatched money, asked for and decided."""

    permission = "loans.post_receipts"
    filterset_class = ReturnFilter
    serializer_class = ReturnRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[MoneyReturn]:
        return returns_visible_to(self.staff).select_related("receipt", "proposed_by", "decided_by")

    @reads(ReturnRow(many=True), operation_id="returns_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class ReturnDecisionForm(StrictSerializer):
    approve = YesNoField()
    note = TextField(max_length=200, required=False, allow_blank=True, help_text="Required to reject.")


class DecideReturn(ApiView):
    """A second person records that the money went back, or rejects the return."""

    permission = "loans.approve_refund"

    @writes(ReturnDecisionForm, ReturnRow, key_required=True, operation_id="returns_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.visible(returns_visible_to(self.staff), pk=pk)
        sent = self.sent(ReturnDecisionForm)

        def effect() -> Response:
            done = actions.decide_return(
                return_id=asked.pk, approve=sent["approve"], note=sent.get("note", ""), by=self.staff, at=self.at
            )
            return Response(ReturnRow(done).data)

        return self.once(effect, required=True)
