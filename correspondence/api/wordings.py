"""Wordings of reminders over the API: versions, a new one, its decision by another person."""

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from correspondence.actions import decide_wording, propose_wording, withdraw_wording
from correspondence.actions.wordings import APPROVE, PROPOSE
from correspondence.models import Channel, MessageKind, Template
from correspondence.queries import sample_of, wordings
from correspondence.rules.wording import LONGEST, fill
from loans.queries import open_business_date
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes

VIEW = "correspondence.view_wording"
STATES = ("WAITING", "APPROVED", "RETURNED", "WITHDRAWN")


class WordingRow(serializers.ModelSerializer[Template]):
    """A version; `in_force_until` is the first day on which it is not used any more, null while none is known."""

    kind = serializers.ChoiceField(choices=MessageKind.choices)
    channel = serializers.ChoiceField(choices=Channel.choices)
    state = serializers.ChoiceField(choices=STATES, read_only=True)
    in_force_from = serializers.DateField(source="in_force.lower")
    in_force_until = serializers.DateField(source="in_force.upper", allow_null=True)

    class Meta:
        model = Template
        fields = [
            "id", "kind", "channel", "version", "state", "text", "in_force_from", "in_force_until", "purpose", "maker",
            "made_at", "checker", "checked_at", "ended_by", "ended_at", "remark", "content_sha256",
        ]  # fmt: skip


class WordingTold(WordingRow):
    """A version, and how it reads for the newest reminder of its kind, the name masked."""

    preview = serializers.CharField(read_only=True)

    class Meta(WordingRow.Meta):
        fields = [*WordingRow.Meta.fields, "preview"]


class WordingForm(StrictSerializer):
    kind = serializers.ChoiceField(choices=MessageKind.choices)
    text = TextField(max_length=LONGEST, help_text="With the fields {bank} {note_tail} {about} {amount} {hotline}.")
    from_on = DayField(help_text="First day of use, after the business date.")
    reason = TextField(max_length=200, help_text="Why it changes; at least 4 characters.")


class WordingDecisionForm(StrictSerializer):
    approve = serializers.BooleanField()
    content_sha256 = TextField(max_length=64, help_text="The hash of the version that was read.")
    remark = TextField(max_length=200, required=False, help_text="Needed when it is sent back.")


class WordingWithdrawalForm(StrictSerializer):
    reason = TextField(max_length=200)


class Wordings(ListView):
    """Every version of every reminder's wording, the newest first."""

    permission = {"GET": VIEW, "POST": PROPOSE}
    serializer_class = WordingRow
    filterset_class = None
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Template]:
        return wordings()

    @reads(WordingRow(many=True), operation_id="wordings_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(WordingForm, WordingTold, status=201, operation_id="wordings_propose")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(WordingForm)

        def effect() -> Response:
            return Response(_told(propose_wording(**asked, by=self.staff, at=self.at), self), status=201)

        return self.once(effect)


class OneWording(ApiView):
    permission = VIEW

    @reads(WordingTold, operation_id="wordings_read")
    def get(self, request: Request, pk: int) -> Response:
        return Response(_told(self.visible(wordings(), pk=pk), self))


class WordingDecision(ApiView):
    """Another person approves exactly the words that were read, or sends them back with a reason."""

    permission = APPROVE

    @writes(WordingDecisionForm, WordingTold, operation_id="wordings_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        wording = self.visible(wordings(), pk=pk)
        asked = self.sent(WordingDecisionForm)

        def effect() -> Response:
            return Response(_told(decide_wording(wording_id=wording.pk, **asked, by=self.staff, at=self.at), self))

        return self.once(effect)


class WordingWithdrawal(ApiView):
    """The maker takes back a version that waits."""

    permission = PROPOSE

    @writes(WordingWithdrawalForm, WordingTold, operation_id="wordings_withdraw")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        wording = self.visible(wordings(), pk=pk)
        asked = self.sent(WordingWithdrawalForm)

        def effect() -> Response:
            return Response(_told(withdraw_wording(wording_id=wording.pk, **asked, by=self.staff, at=self.at), self))

        return self.once(effect)


def _told(wording: Template, view: ApiView) -> dict[str, Any]:
    day: date = open_business_date() or view.at.date()
    sample = sample_of(wording.kind, view.staff, day)
    return {**WordingRow(wording).data, "preview": fill(wording.text, sample.fields)}
