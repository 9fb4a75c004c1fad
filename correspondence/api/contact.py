"""What the borrower of a loan wants, over the API: its history, stopping reminders, and sending them again."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from correspondence.actions import resume_contact, stop_contact
from correspondence.actions.contact import RECORD
from correspondence.models import Channel, ContactPreference, Ground, Heard
from correspondence.queries import preferences_of
from loans.api.fields import StaffBrief
from loans.models import Loan
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, reads, writes

_MOST = 200


class ContactRow(serializers.ModelSerializer[ContactPreference]):
    """That the borrower is not written to, from `business_date` until `ended_on`; null: still."""

    channel = serializers.ChoiceField(choices=Channel.choices)
    ground = serializers.ChoiceField(choices=Ground.choices)
    heard = serializers.ChoiceField(choices=Heard.choices)
    ended_heard = serializers.ChoiceField(choices=Heard.choices, allow_blank=True)
    recorded_by = StaffBrief()
    ended_by = StaffBrief(allow_null=True)

    class Meta:
        model = ContactPreference
        fields = [
            "id", "channel", "ground", "heard", "reason", "business_date", "recorded_by", "recorded_at", "ended_on",
            "ended_heard", "ended_reason", "ended_by", "ended_at",
        ]  # fmt: skip


class ContactHistory(serializers.Serializer[Any]):
    results = ContactRow(many=True)


class ContactStop(StrictSerializer):
    ground = serializers.ChoiceField(choices=Ground.choices)
    heard = serializers.ChoiceField(choices=Heard.choices)
    reason = TextField(max_length=200, help_text="What was said; at least 4 characters.")


class ContactResumption(StrictSerializer):
    heard = serializers.ChoiceField(choices=Heard.choices)
    reason = TextField(max_length=200, help_text="What was said; at least 4 characters.")


class LoanContact(ApiView):
    """Whether the borrower of a loan gets reminders by SMS; what is recorded counts for all loans of the borrower."""

    permission = {"GET": "loans.view", "POST": RECORD}

    @reads(ContactHistory, operation_id="loan_contact_list")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        return Response(ContactHistory({"results": list(preferences_of(loan)[:_MOST])}).data)

    @writes(ContactStop, ContactRow, status=201, operation_id="loan_contact_stop")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        asked = self.sent(ContactStop)

        def effect() -> Response:
            made = stop_contact(loan_id=loan.pk, **asked, by=self.staff, at=self.at)
            return Response(ContactRow(made).data, status=201)

        return self.once(effect)


class ResumeContact(ApiView):
    """The borrower is written to again, from the next reminder on."""

    permission = RECORD

    @writes(ContactResumption, ContactRow, operation_id="loan_contact_resume")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        asked = self.sent(ContactResumption)

        def effect() -> Response:
            return Response(ContactRow(resume_contact(loan_id=loan.pk, **asked, by=self.staff, at=self.at)).data)

        return self.once(effect)
