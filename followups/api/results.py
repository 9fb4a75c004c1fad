"""告知客户 over the API: what is to be told, telling it, correcting that; and where visits stand, for one customer."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.api.tasks import Nothing
from followups.customer_wording import what, words
from followups.filters import ResultFilter
from followups.models import CustomerResult, HeardBy, ResultTelling, TellChannel, TellWhy, VisitTask
from followups.queries.customer_status import VisitStatus, visits_for_customer
from followups.queries.results import results_visible_to, tellings_of
from followups.rules.customer_status import STAGES
from loans.api import BranchBrief, StaffBrief
from loans.models import Loan
from loans.queries import parameter, require_business_date
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes

ANY_OF = ("followups.record_visit", "followups.assign")


class ResultRow(serializers.ModelSerializer[CustomerResult]):
    """A result that the customer is to be told; `told_on` is null until then."""

    task_number = serializers.CharField(source="task.number")
    loan_id = serializers.IntegerField(source="task.loan_id")
    report_id = serializers.IntegerField()
    branch = BranchBrief(source="task.branch")
    officer = StaffBrief(source="task.assigned_to", allow_null=True)
    why = serializers.ListField(child=serializers.ChoiceField(choices=TellWhy.choices))

    class Meta:
        model = CustomerResult
        fields = ["task_id", "task_number", "loan_id", "report_id", "branch", "officer", "why", "since", "tell_by",
                  "told_on"]  # fmt: skip


class TellingRow(serializers.ModelSerializer[ResultTelling]):
    """One telling, or with `undoes_id` the correction of one."""

    channel = serializers.ChoiceField(choices=TellChannel.choices, allow_blank=True)
    heard_by = serializers.ChoiceField(choices=HeardBy.choices, allow_blank=True)
    by = StaffBrief()
    undoes_id = serializers.IntegerField(allow_null=True)

    class Meta:
        model = ResultTelling
        fields = ["id", "undoes_id", "channel", "heard_by", "told_at", "words", "by", "at"]


class TaskResultReply(serializers.Serializer[Any]):
    """`result` is null where there is nothing to tell."""

    result = ResultRow(allow_null=True)
    tellings = TellingRow(many=True)


class TellingEntry(StrictSerializer):
    """How and when the customer was told, and in which words."""

    channel = serializers.ChoiceField(choices=TellChannel.choices)
    heard_by = serializers.ChoiceField(choices=HeardBy.choices, required=False)
    told_at = serializers.DateTimeField(required=False, help_text="Now, where it is left out.")
    words = TextField(max_length=300)


class TellingUndo(StrictSerializer):
    reason = TextField(max_length=300)


class CustomerAsked(StrictSerializer):
    """Both numbers have to be those of one loan."""

    id_no = TextField(max_length=18, help_text="Identity number of the borrower.")
    loan_note_no = TextField(max_length=40)


class CustomerVisit(serializers.Serializer[Any]):
    """Where one visit stands, in the customer's words and in the language asked for."""

    number = serializers.CharField()
    what = serializers.CharField()
    is_own = serializers.BooleanField(help_text="It answers something that the customer told or asked.")
    stage = serializers.ChoiceField(choices=list(STAGES))
    words = serializers.CharField()
    since = serializers.DateField()
    expected_on = serializers.DateField(allow_null=True)
    is_late = serializers.BooleanField()


class CustomerStatusReply(serializers.Serializer[Any]):
    loan_note_no = serializers.CharField()
    hotline = serializers.CharField()
    visits = CustomerVisit(many=True)


class Results(ListView):
    """What customers are to be told, of branches one sees."""

    permission = "followups.view"
    filterset_class = ResultFilter
    serializer_class = ResultRow
    orderings = {"tell_by": ("tell_by", "id"), "id": ("id",)}

    def rows(self) -> QuerySet[CustomerResult]:
        return results_visible_to(self.staff)

    @reads(ResultRow(many=True), operation_id="results_list")
    def get(self, request: Request) -> Response:
        return self.listed()


def _shown(view: ApiView, task: VisitTask) -> Any:
    result = results_visible_to(view.staff).filter(task=task).first()
    tellings = tellings_of(result) if result else []
    return TaskResultReply({"result": result, "tellings": tellings}).data


class TaskResult(ApiView):
    """The result of a task with its tellings; POST keeps that the customer was told."""

    permission = {"GET": "followups.view", "POST": ANY_OF}

    @reads(TaskResultReply, operation_id="tasks_result_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(_shown(self, self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)))

    @writes(TellingEntry, TaskResultReply, status=201, operation_id="tasks_result_tell")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(TellingEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        asked.setdefault("told_at", timezone.localtime(self.at))

        def effect() -> Response:
            actions.tell_result(task_id=task.pk, **asked, by=self.staff, at=self.at)
            return Response(_shown(self, task), status=201)

        return self.once(effect)


class TaskResultAsked(ApiView):
    """The customer asked to be told a result that else need not be."""

    permission = ANY_OF

    @writes(Nothing, TaskResultReply, status=201, operation_id="tasks_result_ask")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(Nothing)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.ask_for_result(task_id=task.pk, by=self.staff, at=self.at)
            return Response(_shown(self, task), status=201)

        return self.once(effect)


class TaskResultUndo(ApiView):
    """Corrects a telling that was not: another fact, by which the clock runs again."""

    permission = ANY_OF

    @writes(TellingUndo, TaskResultReply, operation_id="tasks_result_undo")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(TellingUndo)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.undo_telling(task_id=task.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(_shown(self, task))

        return self.once(effect)


class LoanCustomerStatus(ApiView):
    """Where the visits of a loan stand, as the customer may hear it from staff."""

    permission = "loans.view"

    @reads(CustomerStatusReply, operation_id="loans_customer_status_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(_for_customer(self.visible(Loan.objects.visible_to(self.staff), pk=pk)))


class CustomerStatus(ApiView):
    """The same for a channel of the bank on behalf of one borrower: both numbers name the loan, or nothing does."""

    permission = "followups.customer_status"

    @writes(CustomerAsked, CustomerStatusReply, operation_id="customer_status")
    def post(self, request: Request) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(CustomerAsked)
        until = actions.guesses_until(self.staff, self.at)
        if until is not None:
            raise Throttled(wait=(until - self.at).total_seconds())
        loan = actions.answer_customer(**asked, by=self.staff, at=self.at)
        if loan is None:
            raise Http404
        return Response(_for_customer(loan))


def _for_customer(loan: Loan) -> Any:
    today = require_business_date()
    visits = [_visit(one) for one in visits_for_customer(loan, today)]
    hotline = str(parameter("bank_hotline", today, default=""))
    return CustomerStatusReply({"loan_note_no": loan.loan_note_no, "hotline": hotline, "visits": visits}).data


def _visit(one: VisitStatus) -> dict[str, Any]:
    status = one.status
    return {
        "number": one.number, "what": what(one), "is_own": one.is_own, "stage": status.stage, "words": words(one),
        "since": status.since, "expected_on": status.expected_on, "is_late": status.is_late,
    }  # fmt: skip
