"""The manager's review over the API: opening a report, approving clean ones together, the figures of the strip."""

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.api.reports import ReportFull, ReportRow, full_report, visible_reports
from followups.queries.review_figures import strip
from followups.rules.review import MOST_AT_ONCE
from loans.queries import require_business_date
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, reads, writes


class NoForm(StrictSerializer):
    """Nothing is sent."""


class OpenReport(ApiView):
    """Gives a report to read and keeps that this reviewer has read it; only opened reports may go together."""

    permission = "followups.review"

    @writes(NoForm, ReportFull, operation_id="reports_open")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(NoForm)
        report = self.visible(visible_reports(self), pk=pk)

        def effect() -> Response:
            actions.open_report(report_id=report.pk, by=self.staff, at=self.at)
            return Response(full_report(self, pk))

        return self.once(effect)


class ChosenReport(StrictSerializer):
    id = serializers.IntegerField(min_value=1)
    content_sha256 = TextField(min_length=64, max_length=64)


class TogetherForm(StrictSerializer):
    reports = ChosenReport(many=True, allow_empty=False, max_length=MOST_AT_ONCE)  # type: ignore[call-arg]


class ApprovedTogether(serializers.Serializer[Any]):
    approved = ReportRow(many=True)


class ApproveClean(ApiView):
    """Approves clean phone reports together (20 at most), each opened before by this reviewer: all or none."""

    permission = "followups.review"

    @writes(TogetherForm, ApprovedTogether, operation_id="reports_approve_clean")
    def post(self, request: Request) -> HttpResponseBase:
        asked = {row["id"]: row["content_sha256"] for row in self.sent(TogetherForm)["reports"]}

        def effect() -> Response:
            done = actions.approve_clean(reports=asked, by=self.staff, at=self.at)
            rows = visible_reports(self).filter(pk__in=[report.pk for report in done]).order_by("id")
            return Response({"approved": ReportRow(rows, many=True).data})

        return self.once(effect)


class OfficerLoad(serializers.Serializer[Any]):
    staff_no = serializers.CharField()
    name = serializers.CharField()
    count = serializers.IntegerField()


class ReviewStrip(serializers.Serializer[Any]):
    """The month's follow-ups of the visible branches; workdays to close; visits due by Sunday by officer."""

    first = serializers.DateField()
    last = serializers.DateField()
    counts = serializers.SerializerMethodField()
    p50 = serializers.IntegerField(allow_null=True)
    p90 = serializers.IntegerField(allow_null=True)
    load = OfficerLoad(many=True)

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_counts(self, found: Any) -> dict[str, int]:
        return dict(found.counts)


class ReviewFigures(ApiView):
    """The figures below the review desk."""

    permission = "followups.review"

    @reads(ReviewStrip, operation_id="review_figures")
    def get(self, request: Request) -> Response:
        return Response(ReviewStrip(strip(self.staff, require_business_date())).data)
