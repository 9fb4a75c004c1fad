"""Tasks over the API: the list, one task with why and its clock, and the steps that need no visit form."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions, queries, wording
from followups.filters import TaskFilter
from followups.models import EventKind, Level, Method, Outcome, PauseReason, TaskEvent, TaskKind, TaskState, VisitTask
from followups.rules import clock
from loans.api import BranchBrief, MaskedBorrower, StaffBrief, money
from loans.queries import calendar, open_business_date
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes
from people.models import Staff
from people.queries import branch_ids_visible_to


class TaskLoan(serializers.Serializer[Any]):
    """The loan of a task, as much as a worklist shows."""

    id = serializers.IntegerField()
    loan_note_no = serializers.CharField()
    borrower = MaskedBorrower()
    principal_balance = money(source="position.principal_balance")


class TaskRow(serializers.ModelSerializer[VisitTask]):
    """One row of a worklist. `time_left` is workdays until the limit, negative past it, null once ended."""

    number = serializers.CharField()
    loan = TaskLoan()
    branch = BranchBrief()
    assigned_to = StaffBrief(allow_null=True)
    kind = serializers.ChoiceField(choices=TaskKind.choices)
    method = serializers.ChoiceField(choices=Method.choices)
    level = serializers.ChoiceField(choices=Level.choices)
    state = serializers.ChoiceField(choices=TaskState.choices)
    outcome = serializers.ChoiceField(choices=Outcome.choices, allow_blank=True)
    why = serializers.SerializerMethodField()
    time_left = serializers.SerializerMethodField()
    days_past_due = serializers.SerializerMethodField()
    overdue_amount = money(allow_null=True)
    loan_to_value = serializers.DecimalField(9, 1, allow_null=True)
    last_visit_on = serializers.DateField(allow_null=True)
    along_count = serializers.SerializerMethodField(
        help_text="How many other tasks this visit does along, of branches one sees."
    )
    along_of = serializers.SerializerMethodField(
        help_text="The task whose visit does this one along; null also where that is of a branch one does not see."
    )

    class Meta:
        model = VisitTask
        fields = [
            "id", "number", "loan", "branch", "kind", "rule", "cycle", "is_light", "method", "subject", "level",
            "opens_on", "due_on", "paused_until", "time_left", "assigned_to", "state", "why", "days_past_due",
            "overdue_amount", "loan_to_value", "last_visit_on", "along_count", "along_of", "created_on", "closed_on",
            "outcome", "version",
        ]  # fmt: skip

    def get_why(self, task: VisitTask) -> str:
        return wording.why(task)

    @extend_schema_field({"type": "integer"})
    def get_along_count(self, task: Any) -> int:
        return queries.along_seen(task, self.context["staff"])

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_along_of(self, task: Any) -> int | None:
        return task.along_of if task.along_branch in branch_ids_visible_to(self.context["staff"]) else None

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_time_left(self, task: VisitTask) -> int | None:
        today = self.context.get("today")
        if today is None or task.closed_on is not None:
            return None
        return clock.time_left(task.due_on, today, self.context["calendar"])

    def get_days_past_due(self, task: VisitTask) -> int:
        since, today = task.loan.position.overdue_since, self.context.get("today")
        return max(0, (today - since).days) if since and today else 0


def row_context(tasks: Iterable[VisitTask], staff: Staff) -> dict[str, Any]:
    """Who reads, business date and one workday calendar for all the rows."""
    today = open_business_date()
    if today is None:
        return {"staff": staff}
    days = [today, *(task.due_on for task in tasks)]
    return {"staff": staff, "today": today, "calendar": calendar(min(days), max(days))}


class ClockStep(serializers.Serializer[Any]):
    code = serializers.CharField()
    from_at = serializers.DateTimeField()
    to_at = serializers.DateTimeField(allow_null=True)
    workdays = serializers.IntegerField()
    paused = serializers.IntegerField(help_text="Workdays on which the clock stood; not among `workdays`.")
    limit = serializers.IntegerField(
        allow_null=True,
        help_text="Workdays within which the step is to be done; null where only the whole has a limit.",
    )
    is_late = serializers.BooleanField()


class EventRow(serializers.ModelSerializer[TaskEvent]):
    kind = serializers.ChoiceField(choices=EventKind.choices)

    class Meta:
        model = TaskEvent
        fields = ["kind", "at", "business_date", "actor"]


class PersonFacts(serializers.Serializer[Any]):
    """Full name and address in an own open task or the own portfolio, else masked."""

    name = serializers.CharField()
    address = serializers.CharField()
    district = serializers.CharField()
    phone = serializers.CharField()
    id_no = serializers.CharField()


class TaskFull(TaskRow):
    """A task with the lines that explain it, its clock and its history."""

    why_lines = serializers.SerializerMethodField()
    policy_version = serializers.IntegerField()
    policy_line = serializers.IntegerField()
    clock = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()
    person = serializers.SerializerMethodField()
    visit_version = serializers.SerializerMethodField()
    second_visitor = StaffBrief(
        source="proposed_second", allow_null=True, help_text="Who is to go along; who went is named in the visit."
    )

    class Meta(TaskRow.Meta):
        fields = [
            *TaskRow.Meta.fields, "why_lines", "policy_version", "policy_line", "checklist", "role", "is_pinned",
            "evidence", "clock", "events", "person", "visit_version", "second_visitor",
        ]  # fmt: skip

    def get_why_lines(self, task: VisitTask) -> list[str]:
        return list(wording.why_lines(task))

    @extend_schema_field(ClockStep(many=True))
    def get_clock(self, task: VisitTask) -> Any:
        return ClockStep(queries.clock_of(task)["steps"], many=True).data

    @extend_schema_field(EventRow(many=True))
    def get_events(self, task: VisitTask) -> Any:
        return EventRow(queries.task_history(task), many=True).data

    @extend_schema_field(PersonFacts)
    def get_person(self, task: VisitTask) -> Any:
        return PersonFacts(queries.person_facts(task, self.context["staff"])).data

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_visit_version(self, task: VisitTask) -> int | None:
        visit = getattr(task, "visit", None)
        return visit.version if visit else None


def full_task(view: ApiView, pk: int) -> Any:
    """The task as its detail endpoint shows it now."""
    task = view.visible(queries.desk(view.staff), pk=pk)
    return TaskFull(task, context=row_context([task], view.staff)).data


class TaskList(ListView):
    """Follow-up tasks one may see; `officer=<staff number>&open=true` is a person's desk."""

    permission = "followups.view"
    filterset_class = TaskFilter
    serializer_class = TaskRow
    orderings = {
        "urgency": ("level", "due_on", "id"),
        "due_on": ("due_on", "id"),
        "created_on": ("created_on", "id"),
        "id": ("id",),
    }

    def rows(self) -> QuerySet[VisitTask]:
        return queries.desk(self.staff)

    @reads(TaskRow(many=True), operation_id="tasks_list")
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(TaskRow(page, many=True, context=row_context(page, self.staff)).data)


class TaskDetail(ApiView):
    """One task: why, why this date, its clock and history."""

    permission = "followups.view"

    @reads(TaskFull, operation_id="tasks_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(full_task(self, pk))


class Nothing(StrictSerializer):
    """A request without fields."""


class AssignForm(StrictSerializer):
    officer = TextField(max_length=20, help_text="Staff number of the officer who is to make the visit.")
    reason = TextField(max_length=200, help_text="Why this officer; it stands in the task's history.")


class RescheduleForm(StrictSerializer):
    to = DayField()
    code = serializers.ChoiceField(choices=PauseReason.choices, allow_blank=True, required=False, default="")
    reason = TextField(max_length=200)


class Claim(ApiView):
    """Takes an unassigned task for oneself."""

    permission = "followups.record_visit"

    @writes(Nothing, TaskFull, operation_id="tasks_claim")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(Nothing)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.claim(task_id=task.pk, by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class Assign(ApiView):
    """Gives a task to an officer."""

    permission = "followups.assign"

    @writes(AssignForm, TaskFull, operation_id="tasks_assign")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(AssignForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        within = Staff.objects.filter(branch_id__in=branch_ids_visible_to(self.staff))
        officer = within.filter(staff_no=asked["officer"]).first()
        if officer is None:
            raise actions.WrongOfficer(_("没有这个工号。"))

        def effect() -> Response:
            actions.assign(task_id=task.pk, officer=officer, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class Reschedule(ApiView):
    """Moves a task's limit, with a reason."""

    permission = ("followups.record_visit", "followups.assign")

    @writes(RescheduleForm, TaskFull, operation_id="tasks_reschedule")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(RescheduleForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.reschedule(task_id=task.pk, **asked, by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)
