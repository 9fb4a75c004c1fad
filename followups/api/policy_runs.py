"""What a dry run of a follow-up policy found, over the API: its figures, workload by week and month, changed loans."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.filters import PolicyLoadFilter, PolicyLoanFilter, PolicyOfficerFilter
from followups.models.policy import PolicyRun, PolicyRunLoad, PolicyRunLoan, PolicyRunState
from followups.queries.policy import branches_in, loads_of, officers_in, runs, visible_loans
from followups.queries.policy_load import Cell, OfficerYear, Workload
from loans.api import BranchBrief, StaffBrief
from loans.models import Loan
from people.api.views import ApiView, ListView, reads
from people.models import Branch, Staff
from people.queries import branches_visible_to

_BRANCH = OpenApiParameter(
    "branch", OpenApiTypes.STR, description="A branch's code; figures of its loans alone. 404 for none that one sees."
)


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


class CountPair(serializers.Serializer[Any]):
    """Under the version in force, and under the draft."""

    before = serializers.IntegerField()
    after = serializers.IntegerField()


class HoursPair(serializers.Serializer[Any]):
    """Person-hours."""

    before = serializers.DecimalField(max_digits=None, decimal_places=None)
    after = serializers.DecimalField(max_digits=None, decimal_places=None)


class LoadCell(serializers.Serializer[Any]):
    """A week or a month: visits by people, those of them in the field, person-hours."""

    starts_on = serializers.DateField()
    visits = CountPair()
    in_field = CountPair()
    hours = HoursPair()


class WeekCell(LoadCell):
    over = serializers.IntegerField(help_text="Visits above the ceiling of a week, under the draft.")


class OfficerYearRow(serializers.Serializer[Any]):
    """An officer's year and each of its weeks, over all branches that one sees or the one asked for."""

    officer = StaffBrief()
    branch = BranchBrief()
    visits = CountPair()
    in_field = CountPair()
    hours = HoursPair()
    busiest = CountPair(help_text="Visits of the busiest week.")
    weeks_above = CountPair(help_text="Weeks above the ceiling.")
    weeks = WeekCell(many=True)

    class Meta:
        model = Staff


class BranchYearRow(serializers.Serializer[Any]):
    """A branch's year and each of its months."""

    branch = BranchBrief()
    visits = CountPair()
    in_field = CountPair()
    hours = HoursPair()
    months = LoadCell(many=True)

    class Meta:
        model = Branch


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


class _OfRun(ListView, abstract=True):
    """Lists of a run's workload, narrowed to a branch by its code as the page is."""

    permission = "followups.view_policy"
    query_parameters = ("branch",)

    def load(self) -> Workload:
        run = self.visible(runs().filter(state=PolicyRunState.DONE), pk=self.kwargs["pk"])
        code = self.request.query_params.get("branch")
        if not code:
            return Workload(run, self.staff)
        return Workload(run, self.staff, self.visible(branches_visible_to(self.staff), code=code).pk)


class DryRunOfficers(_OfRun):
    """Visits, field visits and hours of every officer by week, as the page says them."""

    serializer_class = OfficerYearRow
    filterset_class = PolicyOfficerFilter
    orderings = {"officer": ("staff_no",)}

    def rows(self) -> QuerySet[Staff]:
        self.workload = self.load()
        return officers_in(self.workload.run, self.workload.branches)

    @reads(OfficerYearRow(many=True), operation_id="dry_runs_officers", parameters=[_BRANCH])
    def get(self, request: Request, pk: int) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        ids = [officer.pk for officer in page]
        years = {year.officer_id: year for year in self.workload.officers(limit=None, ids=ids)}
        weeks = self.workload.weeks_by(ids)
        rows = [self._row(years[pk], weeks[pk]) for pk in ids]
        return self.get_paginated_response(OfficerYearRow(rows, many=True).data)

    def _row(self, year: OfficerYear, weeks: list[Cell]) -> dict[str, Any]:
        return {
            "officer": year.officer, "branch": year.branch, "visits": year.visits, "in_field": year.in_field,
            "hours": year.hours, "busiest": year.busiest, "weeks_above": year.weeks_above,
            "weeks": [{**_cell(week), "over": self.workload.over(week)} for week in weeks],
        }  # fmt: skip


class DryRunBranches(_OfRun):
    """Visits, field visits and hours of every branch by month, as the page says them."""

    serializer_class = BranchYearRow
    orderings = {"branch": ("code",)}

    def rows(self) -> QuerySet[Branch]:
        self.workload = self.load()
        return branches_in(self.workload.run, self.workload.branches)

    @reads(BranchYearRow(many=True), operation_id="dry_runs_branches", parameters=[_BRANCH])
    def get(self, request: Request, pk: int) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        _months, years = self.workload.months([branch.pk for branch in page])
        by_id = {year.branch.pk: year for year in years if year.branch}
        rows = [
            {
                "branch": branch, "visits": by_id[branch.pk].total, "in_field": by_id[branch.pk].total_in_field,
                "hours": by_id[branch.pk].total_hours,
                "months": [_cell(month) for month in by_id[branch.pk].months if month],
            }
            for branch in page
        ]  # fmt: skip
        return self.get_paginated_response(BranchYearRow(rows, many=True).data)


def _cell(cell: Cell) -> dict[str, Any]:
    return {"starts_on": cell.starts_on, "visits": cell.visits, "in_field": cell.in_field, "hours": cell.hours}


class DryRunLoads(ListView):
    """The rows that workload is counted from, by branch, officer and week or by branch and month."""

    permission = "followups.view_policy"
    serializer_class = DryRunLoad
    filterset_class = PolicyLoadFilter
    orderings = {"id": ("id",)}

    def rows(self) -> QuerySet[PolicyRunLoad]:
        return loads_of(self.visible(runs(), pk=self.kwargs["pk"]), self.staff)

    @reads(DryRunLoad(many=True), operation_id="dry_runs_loads")
    def get(self, request: Request, pk: int) -> Response:
        return self.listed()
