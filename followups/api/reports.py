"""Reports over the API: the list, one report with its content, its PDF, and the manager's decision."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions, queries
from followups.filters import ReportFilter
from followups.models import (
    Conclusion,
    Difference,
    HintCode,
    Level,
    PromiseState,
    PromiseToPay,
    ReportHint,
    ReportState,
    ReturnReason,
    VisitReport,
)
from followups.queries.returns import parts_to_mend, return_of
from followups.queries.review import hints_of
from followups.queries.review_report import promises_before
from followups.rules import checklist
from followups.rules.quality import MOST
from followups.rules.report_masking import mask_place
from loans.api import BranchBrief, MaskedBorrower, StaffBrief
from loans.api.fields import MoneyField
from loans.models import FiveClass
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes
from people.queries import may


class ReportRow(serializers.ModelSerializer[VisitReport]):
    """One row of the review queue."""

    number = serializers.CharField()
    task_id = serializers.IntegerField(source="visit.task_id")
    loan_id = serializers.IntegerField(source="visit.task.loan_id")
    loan_note_no = serializers.CharField(source="visit.task.loan.loan_note_no")
    borrower = MaskedBorrower(source="visit.task.loan.borrower")
    branch = BranchBrief()
    state = serializers.ChoiceField(choices=ReportState.choices)
    conclusion = serializers.ChoiceField(choices=Conclusion.choices)
    suggested_class = serializers.ChoiceField(choices=FiveClass.choices)
    level = serializers.ChoiceField(choices=Level.choices)
    submitted_by = StaffBrief()
    waits_for = serializers.ChoiceField(
        choices=[("", "decided"), ("MANAGER", "manager"), ("RISK", "risk head")],
        help_text="Whose opinion is due; a red report waits for the manager, then for the risk head.",
    )
    decided_by = StaffBrief(allow_null=True)
    corrects = serializers.IntegerField(
        source="corrects_id", allow_null=True, help_text="The version in force that this one is to take the place of."
    )
    corrected_by = serializers.IntegerField(
        source="corrected_by_id", allow_null=True, help_text="The version that took this one's place."
    )

    class Meta:
        model = VisitReport
        fields = [
            "id", "number", "task_id", "loan_id", "loan_note_no", "borrower", "branch", "version", "state",
            "waits_for", "conclusion", "suggested_class", "difference_count", "is_clean", "level", "submitted_by",
            "submitted_at", "submitted_on", "decide_by", "decided_by", "decided_at", "corrects", "corrected_by",
        ]  # fmt: skip


class HintRow(serializers.ModelSerializer[ReportHint]):
    """A quality hint with the figures it rests on; `other` is the report whose words are alike."""

    code = serializers.ChoiceField(choices=HintCode.choices)
    other = serializers.IntegerField(source="other_id", allow_null=True)

    class Meta:
        model = ReportHint
        fields = ["code", "data", "other"]


class QualityLine(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=list(MOST))
    most = serializers.IntegerField()
    got = serializers.IntegerField()
    facts = serializers.JSONField()


class QualityRow(serializers.Serializer[Any]):
    """The quality score with its lines; 100 is the most."""

    score = serializers.IntegerField()
    rule_version = serializers.IntegerField()
    lines = QualityLine(many=True)


class ReturnPart(serializers.Serializer[Any]):
    """A section to mend, with the coded reason."""

    section = serializers.CharField(source="key")
    code = serializers.CharField()


class PastPromise(serializers.ModelSerializer[PromiseToPay]):
    """What the borrower promised to pay at an earlier visit of the loan, and how it stands."""

    task_id = serializers.IntegerField(source="attempt.task_id")
    amount = MoneyField()
    state = serializers.ChoiceField(choices=PromiseState.choices)

    class Meta:
        model = PromiseToPay
        fields = ["task_id", "amount", "made_on", "promised_on", "state", "decided_on"]


class DifferenceRow(serializers.ModelSerializer[Difference]):
    class Meta:
        model = Difference
        fields = ["section", "item", "before", "before_source", "before_on", "after", "verified_by"]

    def to_representation(self, instance: Difference) -> dict[str, Any]:
        """An address in full only where the report's content is."""
        row = super().to_representation(instance)
        if not self.context["is_open"]:
            row |= {side: mask_place(instance.item, row[side]) for side in ("before", "after")}
        return row


class ReportFull(ReportRow):
    """A report with its content; `content_sha256` is what a decision is bound to.

    Name and address are masked in `content` except in the own portfolio, in an own open task and for
    those who must decide; the hash is always that of the unmasked content.
    """

    content = serializers.SerializerMethodField()
    differences = DifferenceRow(many=True)
    has_pdf = serializers.SerializerMethodField()
    endorsed_by = StaffBrief(allow_null=True)
    return_parts = serializers.SerializerMethodField(help_text="What a returned version was to mend; else empty.")
    hints = serializers.SerializerMethodField(help_text="For those who review; empty for others.")
    promises = serializers.SerializerMethodField(
        help_text="What was promised at earlier visits of the loan, the latest first; for those who review."
    )
    quality = serializers.SerializerMethodField(help_text="For those who review; for others once it is decided.")

    class Meta(ReportRow.Meta):
        fields = [
            *ReportRow.Meta.fields, "content", "content_sha256", "differences", "endorsed_by", "endorsed_at",
            "endorsement", "return_code", "return_parts", "decision_note", "has_pdf", "hints", "promises",
            "quality",
        ]  # fmt: skip

    @extend_schema_field(ReturnPart(many=True))
    def get_return_parts(self, report: VisitReport) -> Any:
        return ReturnPart(parts_to_mend(return_of(report)), many=True).data

    @extend_schema_field(HintRow(many=True))
    def get_hints(self, report: VisitReport) -> Any:
        if not may(self.context["staff"], "followups.review"):
            return []
        return HintRow(hints_of([report.pk]).get(report.pk, []), many=True).data

    @extend_schema_field(PastPromise(many=True))
    def get_promises(self, report: VisitReport) -> Any:
        if not may(self.context["staff"], "followups.review"):
            return []
        return PastPromise(promises_before(report), many=True).data

    @extend_schema_field(QualityRow(allow_null=True))
    def get_quality(self, report: VisitReport) -> Any:
        kept = getattr(report, "quality", None)
        is_open = report.state == ReportState.SUBMITTED
        if kept is None or (is_open and not may(self.context["staff"], "followups.review")):
            return None
        return QualityRow(kept).data

    @extend_schema_field(OpenApiTypes.ANY)
    def get_content(self, report: VisitReport) -> Any:
        return queries.content_for(report, self.context["staff"])

    def get_has_pdf(self, report: VisitReport) -> bool:
        return report.pdf_id is not None


def visible_reports(view: ApiView) -> QuerySet[VisitReport]:
    """Every report this person may see, decided ones too."""
    rows = VisitReport.objects.visible_to(view.staff)
    return rows.select_related(
        "visit__task__loan__borrower", "branch", "submitted_by", "endorsed_by", "decided_by", "pdf", "quality"
    ).defer("visit__draft", "visit__known")  # fmt: skip


def full_report(view: ApiView, pk: int) -> Any:
    """The report as its detail endpoint shows it now."""
    report = view.visible(visible_reports(view).prefetch_related("differences"), pk=pk)
    context = {"staff": view.staff, "is_open": queries.is_open_to(report, view.staff)}
    return ReportFull(report, context=context).data


class ReportList(ListView):
    """Reports one may see; `state=SUBMITTED` is the review queue."""

    permission = "followups.view"
    filterset_class = ReportFilter
    serializer_class = ReportRow
    orderings = {
        "id": ("id",),
        "urgency": ("level", "decide_by", "id"),
        "submitted_on": ("submitted_on", "id"),
    }
    default_ordering = "-id"

    def rows(self) -> QuerySet[VisitReport]:
        return visible_reports(self)

    @reads(ReportRow(many=True), operation_id="reports_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class ReportDetail(ApiView):
    """One report with its content."""

    permission = "followups.view"

    @reads(ReportFull, operation_id="reports_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(full_report(self, pk))


class ReportPdf(ApiView):
    """The PDF that was filed on approval; 409 before that, so that no unapproved document goes round."""

    permission = "followups.view"

    @reads(OpenApiTypes.BINARY, media_type="application/pdf", more_refusals=(409,), operation_id="reports_pdf")
    def get(self, request: Request, pk: int) -> HttpResponse:
        report = self.visible(visible_reports(self), pk=pk)
        return HttpResponse(
            actions.hand_out_pdf(report=report, by=self.staff, at=self.at),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{report.number}.pdf"'},
        )


class ApproveForm(StrictSerializer):
    content_sha256 = TextField(
        min_length=64, max_length=64, help_text="As read; 409 when the report is another one now."
    )
    note = TextField(max_length=300, allow_blank=True, required=False, default="")


SECTION_CHOICES = [(key, english) for key, _chinese, english in checklist.SECTIONS]
AT_LEAST_ONE = gettext_lazy("请至少选择一个需修改的部分。")


class ReturnForm(StrictSerializer):
    content_sha256 = TextField(min_length=64, max_length=64)
    code = serializers.ChoiceField(choices=ReturnReason.choices)
    reason = TextField(max_length=300)
    sections = serializers.ListField(
        child=serializers.ChoiceField(choices=SECTION_CHOICES),
        allow_empty=False,
        max_length=len(checklist.SECTIONS),
        error_messages={"required": AT_LEAST_ONE, "empty": AT_LEAST_ONE},
        help_text="What is to be mended, one at least; the officer lands there.",
    )
    section_codes = serializers.DictField(
        child=serializers.ChoiceField(choices=ReturnReason.choices),
        required=False,
        default=dict,
        help_text="Section → its own reason; a section without one is to be mended for `code`.",
    )


class Approve(ApiView):
    """Approves a report as it was read; never by who made it.

    Of a red report the manager's approval is an opinion: `waits_for` is RISK then, and the risk head approves.
    """

    permission = "followups.review"

    @writes(ApproveForm, ReportFull, operation_id="reports_approve")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(ApproveForm)
        report = self.visible(visible_reports(self), pk=pk)

        def effect() -> Response:
            actions.approve_report(
                report_id=report.pk,
                content_sha256=asked["content_sha256"],
                note=asked["note"],
                by=self.staff,
                at=self.at,
            )
            return Response(full_report(self, pk))

        return self.once(effect)


class Return(ApiView):
    """Sends a report back to the officer, with the reason and the sections to mend."""

    permission = "followups.review"

    @writes(ReturnForm, ReportFull, operation_id="reports_return")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(ReturnForm)
        report = self.visible(visible_reports(self), pk=pk)

        def effect() -> Response:
            actions.return_report(
                report_id=report.pk,
                content_sha256=asked["content_sha256"],
                code=asked["code"],
                reason=asked["reason"],
                sections=asked["sections"],
                section_codes=asked["section_codes"],
                by=self.staff,
                at=self.at,
            )
            return Response(full_report(self, pk))

        return self.once(effect)
