"""What a dry run of a follow-up policy found, over the API: its figures, workload by week and month, changed loans."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.filters import PolicyLoadFilter, PolicyLoanFilter
from followups.models.policy import PolicyRun, PolicyRunLoad, PolicyRunLoan, PolicyRunState
from followups.queries.policy import loads_of, runs, visible_loans
from loans.models import Loan
from people.api.views import ApiView, ListView, reads


class DryRunFull(serializers.ModelSerializer[PolicyRun]):
    """A dry run; `parts_done` of `parts` ranges of the book are done. `summary` is empty until it is DONE."""

    state = serializers.ChoiceField(choices=PolicyRunState.choices)
    policy = serializers.IntegerField(source="policy_id")
    parts = serializers.SerializerMethodField()
    parts_done = serializers.SerializerMethodField()
    summary = serializers.DictField()

    class Meta:
        model = PolicyRun
        fields = [
            "id", "policy", "against_version", "content_sha256", "as_of", "state", "asked_by", "asked_at", "ended_at",
            "parts", "parts_done", "summary",
        ]  # fmt: skip

    def get_parts(self, run: PolicyRun) -> int:
        return run.parts.count()

    def get_parts_done(self, run: PolicyRun) -> int:
        return run.parts.filter(loans__isnull=False).count()


class DryRunLoan(serializers.ModelSerializer[PolicyRunLoan]):
    """A loan whose next visit changes: NEW, EARLIER, METHOD, GONE, or ASKS (checklist or role)."""

    loan_note_no = serializers.SerializerMethodField()

    class Meta:
        model = PolicyRunLoan
        fields = [
            "loan_id", "loan_note_no", "change", "before_on", "before_method", "before_line", "after_on",
            "after_method", "after_line",
        ]  # fmt: skip

    @extend_schema_field({"type": "string"})
    def get_loan_note_no(self, row: PolicyRunLoan) -> str:
        return str(self.context["notes"][row.loan_id])


class DryRunLoad(serializers.ModelSerializer[PolicyRunLoad]):
    """Visits of an officer in a week (unit W) or of a branch in a month (unit M); officer 0 is nobody's."""

    class Meta:
        model = PolicyRunLoad
        fields = [
            "unit", "branch_id", "officer_id", "starts_on", "phone_before", "field_before", "off_site_before",
            "phone_after", "field_after", "off_site_after",
        ]  # fmt: skip


class DryRunDetail(ApiView):
    """One dry run."""

    permission = "followups.view_policy"

    @reads(DryRunFull, operation_id="dry_runs_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(DryRunFull(self.visible(runs(), pk=pk)).data)


class DryRunLoans(ListView):
    """Loans one may see whose next visit the draft changes."""

    permission = "followups.view_policy"
    serializer_class = DryRunLoan
    filterset_class = PolicyLoanFilter
    orderings = {"loan": ("loan_id",)}

    def rows(self) -> QuerySet[PolicyRunLoan]:
        return visible_loans(self.visible(runs(), pk=self.kwargs["pk"]), self.staff)

    @reads(DryRunLoan(many=True), operation_id="dry_runs_loans")
    def get(self, request: Request, pk: int) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        ids = [row.loan_id for row in page]
        notes = dict(Loan.objects.filter(pk__in=ids).values_list("pk", "loan_note_no"))
        return self.get_paginated_response(DryRunLoan(page, many=True, context={"notes": notes}).data)


class DryRunLoads(ListView):
    """Workload before and after, by officer and week or by branch and month."""

    permission = "followups.view_policy"
    serializer_class = DryRunLoad
    filterset_class = PolicyLoadFilter
    orderings = {"id": ("id",)}

    def rows(self) -> QuerySet[PolicyRunLoad]:
        return loads_of(self.visible(runs(), pk=self.kwargs["pk"]), self.staff)

    @reads(DryRunLoad(many=True), operation_id="dry_runs_loads")
    def get(self, request: Request, pk: int) -> Response:
        return self.listed()
