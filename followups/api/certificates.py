"""Certificates to make visits, over the API."""

from datetime import date
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.batch.assigning import gate_of
from loans.api import StaffBrief
from loans.queries import require_business_date
from people.actions import certificates
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, reads, writes
from people.models import Certificate, Staff
from people.queries import branch_ids_visible_to
from people.queries.certificates import ENTERS, certificates_visible_to


class CertificateRow(serializers.ModelSerializer[Certificate]):
    """`last` is the last day on which it is valid; both are null for one that was ended before it began."""

    staff = StaffBrief()
    first = serializers.DateField(source="valid.lower", allow_null=True)
    last = serializers.SerializerMethodField()

    class Meta:
        model = Certificate
        fields = ["id", "staff", "code", "first", "last"]

    @extend_schema_field({"type": "string", "format": "date", "nullable": True})
    def get_last(self, made: Certificate) -> date | None:
        return date.fromordinal(made.valid.upper.toordinal() - 1) if made.valid.upper else None


class CertificateGate(serializers.Serializer[Any]):
    """From which day on certificates keep people from new work."""

    from_on = serializers.DateField()
    is_on = serializers.BooleanField()
    days_left = serializers.IntegerField()


class CertificateList(serializers.Serializer[Any]):
    gate = CertificateGate()
    results = CertificateRow(many=True)


class CertificateForm(StrictSerializer):
    staff = TextField(max_length=20, help_text="Staff number of who holds it.")
    first = DayField()
    last = DayField()


class CertificateEnd(StrictSerializer):
    """Ending asks for nothing."""


class Certificates(ApiView):
    """Certificates of the branches one sees; the newest 200."""

    permission = {"GET": "followups.view", "POST": ENTERS}

    @reads(CertificateList, operation_id="certificates_list")
    def get(self, request: Request) -> Response:
        found = certificates_visible_to(self.staff).order_by("-id")[:200]
        gate = gate_of(require_business_date())
        return Response(CertificateList({"gate": gate, "results": list(found)}).data)

    @writes(CertificateForm, CertificateRow, status=201, operation_id="certificates_enter")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(CertificateForm)
        within = Staff.objects.filter(branch_id__in=branch_ids_visible_to(self.staff))
        staff = within.filter(staff_no=asked["staff"]).first()
        if staff is None:
            raise certificates.CertificateRefused(_("请从名单中选择持证人。"), field="staff")

        def effect() -> Response:
            made = certificates.enter_certificate(
                staff=staff, first=asked["first"], last=asked["last"], by=self.staff, at=self.at
            )
            return Response(CertificateRow(made).data, status=201)

        return self.once(effect)


class EndCertificate(ApiView):
    """Ends a certificate yesterday."""

    permission = ENTERS

    @writes(CertificateEnd, CertificateRow, operation_id="certificates_end")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(CertificateEnd)
        made = self.visible(certificates_visible_to(self.staff), pk=pk)

        def effect() -> Response:
            ended = certificates.end_certificate(certificate_id=made.pk, by=self.staff, at=self.at)
            return Response(CertificateRow(ended).data)

        return self.once(effect)
