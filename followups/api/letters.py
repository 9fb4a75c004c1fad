"""文书 over the API: the letters of a loan with their delivery; making one, its PDF, how it arrived."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.actions.letters import WITNESSES_MOST, WORDS_MOST, Asked
from followups.models import DeliveryWay, HeardBy, Letter, LetterDelivery, LetterKind, LetterWithdrawal
from followups.queries.letters import LetterRow, letters_of, rows_of
from followups.rules.letters import TYPED_MOST
from loans.api import StaffBrief
from loans.models import Loan
from people.api.fields import DayField, StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, reads, writes

ANY_OF = ("followups.record_visit", "followups.assign")


class DeliveryUndone(serializers.ModelSerializer[LetterDelivery]):
    by = StaffBrief()

    class Meta:
        model = LetterDelivery
        fields = ["words", "by", "at"]


class DeliveryReply(serializers.ModelSerializer[LetterDelivery]):
    """How a letter arrived; `undone_by` is the correction where that was not so."""

    way = serializers.ChoiceField(choices=DeliveryWay.choices)
    received_by = serializers.ChoiceField(choices=HeardBy.choices, allow_blank=True)
    by = StaffBrief()
    undone_by = DeliveryUndone(allow_null=True)

    class Meta:
        model = LetterDelivery
        fields = ["id", "way", "delivered_on", "received_by", "witnesses", "words", "by", "at", "undone_by"]


class WithdrawalReply(serializers.ModelSerializer[LetterWithdrawal]):
    by = StaffBrief()

    class Meta:
        model = LetterWithdrawal
        fields = ["reason", "by", "at"]


class LetterReply(serializers.Serializer[Any]):
    """A letter; what it says stands in the PDF alone. `delivery` is the one that counts, null while none does."""

    id = serializers.IntegerField(source="letter.pk")
    number = serializers.CharField(source="letter.number")
    kind = serializers.ChoiceField(choices=LetterKind.choices, source="letter.kind")
    loan_id = serializers.IntegerField(source="letter.loan_id")
    task_id = serializers.IntegerField(source="letter.task_id", allow_null=True)
    measure_id = serializers.IntegerField(source="letter.measure_id", allow_null=True)
    business_date = serializers.DateField(source="letter.business_date")
    answer_by = serializers.DateField(
        source="letter.answer_by", help_text="The day of the visit, or by when the borrower is to mend or pay."
    )
    total = serializers.DecimalField(
        max_digits=15, decimal_places=2, source="letter.total", allow_null=True, help_text="What a demand asks for."
    )
    content_sha256 = serializers.CharField(source="letter.content_sha256")
    pdf_sha256 = serializers.CharField(source="letter.pdf.sha256")
    made_by = StaffBrief(source="letter.made_by")
    made_at = serializers.DateTimeField(source="letter.made_at")
    delivery = DeliveryReply(source="standing", allow_null=True)
    deliveries = DeliveryReply(many=True)
    withdrawal = WithdrawalReply(allow_null=True, help_text="That it is not to go out, and why.")


class LetterListReply(serializers.Serializer[Any]):
    results = LetterReply(many=True)


class LetterForm(StrictSerializer):
    """A NOTICE names its task, a RECTIFY its measure with both texts; a DEMAND needs nothing more."""

    kind = serializers.ChoiceField(choices=LetterKind.choices)
    task = WholeNumberField(min_value=1, required=False)
    measure = WholeNumberField(min_value=1, required=False)
    found = TextField(max_length=TYPED_MOST, required=False, default="", help_text="What was found; RECTIFY.")
    asked = TextField(max_length=TYPED_MOST, required=False, default="", help_text="What is to be done; RECTIFY.")
    answer_by = DayField(required=False, help_text="What is usual, where it is left out.")


class DeliveryForm(StrictSerializer):
    way = serializers.ChoiceField(choices=DeliveryWay.choices)
    delivered_on = DayField(required=False, help_text="The open business date, where it is left out.")
    received_by = serializers.ChoiceField(
        choices=HeardBy.choices, required=False, help_text="IN_PERSON and MAIL: who took it."
    )
    witnesses = TextField(
        max_length=WITNESSES_MOST, required=False, default="", help_text="LEFT and REFUSED: two names."
    )
    words = TextField(max_length=WORDS_MOST, required=False, default="", help_text="Needed except IN_PERSON.")


class WithdrawalForm(StrictSerializer):
    reason = TextField(max_length=WORDS_MOST)


class DeliveryCorrection(StrictSerializer):
    reason = TextField(max_length=WORDS_MOST)


def _shown(letter: Letter) -> Any:
    return LetterReply(rows_of([letter])[0]).data


def _letters(view: ApiView) -> Any:
    found = Letter.objects.visible_to(view.staff)
    return found.select_related("loan", "task", "pdf", "made_by", "withdrawal__by").defer("content")


class LoanLetters(ApiView):
    """Letters of a loan, the newest 50; POST makes one. The same of the same day is answered with 200."""

    permission = {"GET": "followups.view", "POST": ANY_OF}

    def _loan(self, pk: int) -> Loan:
        loan: Loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        return loan

    @reads(LetterListReply, operation_id="loans_letters_list")
    def get(self, request: Request, pk: int) -> Response:
        rows: list[LetterRow] = letters_of(self._loan(pk).pk)
        return Response(LetterListReply({"results": rows}).data)

    @writes(LetterForm, LetterReply, status=201, operation_id="loans_letters_create")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        sent, loan = self.sent(LetterForm), self._loan(pk)
        asked = Asked(
            kind=sent["kind"], task_id=sent.get("task"), measure_id=sent.get("measure"), found=sent["found"],
            asked=sent["asked"], answer_by=sent.get("answer_by"),
        )  # fmt: skip

        def effect() -> Response:
            letter, is_new = actions.make_letter(loan_id=loan.pk, asked=asked, by=self.staff, at=self.at)
            return Response(_shown(letter), status=201 if is_new else 200)

        return self.once(effect)


class LetterDetail(ApiView):
    """One letter with its deliveries."""

    permission = "followups.view"

    @reads(LetterReply, operation_id="letters_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(_shown(self.visible(_letters(self), pk=pk)))


class LetterPdf(ApiView):
    """The letter and its receipt of delivery as they were made; the taking is recorded."""

    permission = "followups.view"

    @reads(OpenApiTypes.BINARY, media_type="application/pdf", operation_id="letters_pdf")
    def get(self, request: Request, pk: int) -> HttpResponse:
        letter = self.visible(_letters(self), pk=pk)
        return HttpResponse(
            actions.hand_out_letter(letter=letter, by=self.staff, at=self.at),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{letter.number}.pdf"'},
        )


class LetterDeliver(ApiView):
    """Keeps how a letter arrived; one that came back may be delivered again."""

    permission = ANY_OF

    @writes(DeliveryForm, LetterReply, status=201, operation_id="letters_deliver")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        sent = self.sent(DeliveryForm)
        letter = self.visible(_letters(self), pk=pk)

        def effect() -> Response:
            actions.deliver_letter(letter_id=letter.pk, **sent, by=self.staff, at=self.at)
            return Response(_shown(letter), status=201)

        return self.once(effect)


class LetterUndo(ApiView):
    """Corrects a delivery that was not: another fact, by which the letter is undelivered again."""

    permission = ANY_OF

    @writes(DeliveryCorrection, LetterReply, operation_id="letters_undo")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        sent = self.sent(DeliveryCorrection)
        letter = self.visible(_letters(self), pk=pk)

        def effect() -> Response:
            actions.undo_delivery(letter_id=letter.pk, reason=sent["reason"], by=self.staff, at=self.at)
            return Response(_shown(letter))

        return self.once(effect)


class LetterWithdraw(ApiView):
    """Says that a letter which did not arrive is not to go out; once and for good."""

    permission = ANY_OF

    @writes(WithdrawalForm, LetterReply, status=201, operation_id="letters_withdraw")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        sent = self.sent(WithdrawalForm)
        letter = self.visible(_letters(self), pk=pk)

        def effect() -> Response:
            actions.withdraw_letter(letter_id=letter.pk, reason=sent["reason"], by=self.staff, at=self.at)
            return Response(_shown(self.visible(_letters(self), pk=pk)), status=201)

        return self.once(effect)
