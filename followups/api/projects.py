"""Visits to developments over the API: the loans of one, asking for a visit to it, what each loan took of it."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.projects import REASON_MOST, start_project_visit
from followups.api.clock import ANY_OF
from followups.models import ProjectVisit
from followups.queries.projects import estate_around, members, report_of
from followups.rules.projects import LOANS_MOST
from loans.api.fields import MoneyField
from loans.models import Loan
from people.api.fields import DayField, StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, reads, writes


class EstateLoanRow(serializers.Serializer[Any]):
    """A loan of the development: the untouched task a visit would answer, and the visit it is in already."""

    loan_id = serializers.IntegerField(source="loan.pk")
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    principal_balance = MoneyField(source="loan.position.principal_balance")
    task_id = serializers.IntegerField(source="task.pk", allow_null=True, default=None)
    project_id = serializers.IntegerField(source="project.pk", allow_null=True, default=None)


class EstateFull(serializers.Serializer[Any]):
    """A development as the addresses of its homes name it; its name is empty where they name none."""

    name = serializers.CharField(allow_blank=True)
    balance = MoneyField()
    loans = EstateLoanRow(many=True)


class ProjectVisitEntry(StrictSerializer):
    """The other loans that the visit is for, beside the one it is asked for."""

    loans = serializers.ListField(child=WholeNumberField(min_value=1), max_length=LOANS_MOST)
    reason = TextField(max_length=REASON_MOST)
    due_on = DayField()


class ProjectLoanRow(serializers.Serializer[Any]):
    """What became of the finding for one loan; `is_shared` is null while the visit is being made."""

    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    task_id = serializers.IntegerField(allow_null=True)
    is_shared = serializers.BooleanField(allow_null=True)


class ProjectFull(serializers.Serializer[Any]):
    """A visit to a development, its joint report and its loans."""

    id = serializers.IntegerField()
    estate = serializers.CharField()
    lead_task_id = serializers.IntegerField(source="lead_id")
    reason = serializers.CharField()
    report_id = serializers.SerializerMethodField()
    loans = serializers.SerializerMethodField()

    def get_report_id(self, project: ProjectVisit) -> int | None:
        report = report_of(project)
        return report.pk if report else None

    def get_loans(self, project: ProjectVisit) -> list[dict[str, Any]]:
        return list(ProjectLoanRow(members(project), many=True).data)


class EstateDetail(ApiView):
    """The loans of the loan's development, of its branch."""

    permission = "followups.view"

    @reads(EstateFull, operation_id="loans_estate_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        return Response(EstateFull(estate_around(loan, self.staff)).data)


class ProjectVisits(ApiView):
    """Asks for one visit to the loan's development for it and the loans named."""

    permission = ANY_OF

    @writes(ProjectVisitEntry, ProjectFull, status=201, operation_id="loans_project_visits_create")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(ProjectVisitEntry)
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            project = start_project_visit(
                loan_id=loan.pk,
                loan_ids=asked["loans"],
                reason=asked["reason"],
                due_on=asked["due_on"],
                by=self.staff,
                at=self.at,
            )
            return Response(ProjectFull(project).data, status=201)

        return self.once(effect)


class ProjectDetail(ApiView):
    """A visit to a development and what each of its loans took of it."""

    permission = "followups.view"

    @reads(ProjectFull, operation_id="projects_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(ProjectFull(self.visible(ProjectVisit.objects.visible_to(self.staff), pk=pk)).data)
