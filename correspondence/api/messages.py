"""Messages over the API: the list, one of them with its words, taking one back."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from correspondence.actions import cancel_message
from correspondence.filters import MessageFilter
from correspondence.models import Message, MessageKind, MessageState, Reason
from correspondence.queries import is_past, messages_visible_to, shown
from loans.api.fields import StaffBrief
from loans.queries import open_business_date
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes


class MessageRow(serializers.ModelSerializer[Message]):
    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    kind = serializers.ChoiceField(choices=MessageKind.choices)
    state = serializers.ChoiceField(choices=MessageState.choices)
    reason = serializers.ChoiceField(choices=Reason.choices, allow_blank=True)
    ended_by = StaffBrief(allow_null=True)

    class Meta:
        model = Message
        fields = [
            "id", "loan_id", "loan_note_no", "kind", "about", "step", "amount", "channel", "template_version",
            "business_date", "not_before", "expires_on", "state", "reason", "ended_on", "ended_by", "note",
        ]  # fmt: skip


class MessageTold(MessageRow):
    """A message with its words (the name as this person may see it), and whether it is past."""

    words = serializers.CharField(read_only=True)
    is_past = serializers.BooleanField(read_only=True)

    class Meta(MessageRow.Meta):
        fields = [*MessageRow.Meta.fields, "words", "is_past"]


class CancelForm(StrictSerializer):
    reason = TextField(max_length=200, help_text="Why it is not to be sent; at least 4 characters.")


class Messages(ListView):
    """Messages about loans one may see; `state` WAITING are those that may still go, PAST those nobody sent in time."""

    permission = "correspondence.view"
    filterset_class = MessageFilter
    serializer_class = MessageRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Message]:
        return messages_visible_to(self.staff)

    @reads(MessageRow(many=True), operation_id="messages_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class OneMessage(ApiView):
    permission = "correspondence.view"

    @reads(MessageTold, operation_id="messages_read")
    def get(self, request: Request, pk: int) -> Response:
        return Response(_told(self.visible(messages_visible_to(self.staff), pk=pk), self.staff))


class MessageCancel(ApiView):
    """Takes a waiting message back."""

    permission = "correspondence.cancel"

    @writes(CancelForm, MessageTold, operation_id="messages_cancel")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        message = self.visible(messages_visible_to(self.staff), pk=pk)
        asked = self.sent(CancelForm)

        def effect() -> Response:
            cancel_message(message_id=message.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(_told(messages_visible_to(self.staff).get(pk=message.pk), self.staff))

        return self.once(effect)


def _told(message: Message, staff: Any) -> dict[str, Any]:
    today = open_business_date()
    (row,) = shown([message], staff, today)
    return {**MessageRow(message).data, "words": row.words, "is_past": is_past(message, today)}
