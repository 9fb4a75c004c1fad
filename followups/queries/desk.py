"""Which tasks and reports a person sees, each row with all that a worklist shows, in one query."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import (
    Count,
    DateField,
    DecimalField,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, NullIf, Round

from collateral.models import Charge
from followups.models import MergedTask, Outcome, ReportState, TaskEvent, VisitReport, VisitTask
from followups.queries.late_steps import PRESENT_STEP
from followups.queries.review import waiting_for
from followups.rules import clock, step_limits
from followups.rules.facts import OFF_SITE
from followups.rules.turn_around import counted
from loans.models import Installment, Position
from loans.queries import calendar, parameters, require_business_date
from people.models import Staff
from people.queries import branch_ids_visible_to, sees_every_branch

_MONEY = DecimalField(max_digits=18, decimal_places=2)
# What a row shows besides the task's own columns.
BESIDE = ("branch", "assigned_to", "loan__borrower", "loan__position", "loan__branch")
_PRESENT_STEP = re.sub(r"\bt\.", '"followups_visittask".', PRESENT_STEP)
_PERCENT = DecimalField(max_digits=9, decimal_places=1)


def desk(staff: Staff) -> QuerySet[VisitTask]:
    """Visible tasks with the facts of a worklist row; filter, order and slice it further.

    Annotated: property_value, loan_to_value (percent, None while unknown), overdue_amount (billed and
    unpaid, None when nothing is), district, home_address, last_visit_on, last_conclusion, last_outcome,
    along_branches (of the other tasks the visit does along; `along_seen` counts them), along_of (the visit that does it
    along; its along_branch may be one that the person does not see), present_step (what `late_among` reads).
    """
    return _with_row_facts(VisitTask.objects.visible_to(staff).select_related(*BESIDE))


# What `_with_row_facts` adds to a task.
_FACTS = (
    *("property_value", "balance_beside", "overdue_amount", "district", "home_address"),
    *("last_visit_on", "last_outcome", "last_conclusion", "loan_to_value", "loan_count"),
    *("along_branches", "along_of", "along_branch"),
    "present_step",
)
_THESE = -1


def with_row_facts(tasks: Mapping[int, VisitTask]) -> None:
    """Gives the tasks of a page, by id, what `desk` annotates: one statement, put together only once."""
    text, values = _facts_statement()
    with connection.cursor() as cursor:
        cursor.execute(text, [list(tasks) if value == _THESE else value for value in values])
        for pk, *facts in cursor.fetchall():
            vars(tasks[pk]).update(zip(_FACTS, facts, strict=True))


@cache
def _facts_statement() -> tuple[str, tuple[Any, ...]]:
    """The facts of rows for an array of tasks, with its values; `_THESE` stands where the array goes."""
    found = _with_row_facts(VisitTask.objects.filter(pk=_THESE)).values_list("pk", *_FACTS)
    text, values = found.query.sql_with_params()
    one, these = '"followups_visittask"."id" = %s', '"followups_visittask"."id" = ANY(%s::bigint[])'
    assert text.count(one) == values.count(_THESE) == 1
    return text.replace(one, these), values


def _with_row_facts(tasks: QuerySet[VisitTask]) -> QuerySet[VisitTask]:
    charges = Charge.objects.filter(loan_id=OuterRef("loan_id"))
    # A home without a known value leaves the whole unknown: part of a value is no loan-to-value.
    value = (
        charges.order_by()
        .values("loan_id")
        .annotate(total=Sum("property__value"), homes=Count("id"), valued=Count("property__value"))
        .filter(homes=F("valued"))
        .values("total")
    )
    unpaid = (
        Installment.objects.filter(loan_id=OuterRef("loan_id"), settled_on__isnull=True)
        .order_by()
        .values("loan_id")
        .annotate(total=Sum(F("principal") + F("interest") - F("principal_paid") - F("interest_paid")))
        .values("total")
    )
    # All that the homes secure: the other part of a combination loan too.
    charged = Charge.objects.filter(property__charges__loan_id=OuterRef(OuterRef("loan_id")))
    beside = (
        Position.objects.filter(loan_id__in=charged.values("loan_id"))
        .exclude(loan_id=OuterRef("loan_id"))
        .order_by()
        .values(one=Value(1))
        .annotate(total=Sum("principal_balance"))
        .values("total")
    )
    live = (
        Position.objects.filter(loan__borrower_id=OuterRef("loan__borrower_id"), settled_on__isnull=True)
        .order_by()
        .values("loan__borrower_id")
        .annotate(count=Count("loan_id"))
        .values("count")
    )
    ended = VisitTask.objects.filter(
        loan_id=OuterRef("loan_id"), closed_on__isnull=False, outcome__in=[Outcome.APPROVED, Outcome.CLEAN]
    ).order_by("-id")
    approved = VisitReport.objects.filter(
        visit__task__loan_id=OuterRef("loan_id"), state=ReportState.APPROVED
    ).order_by("-submitted_on", "-id")
    return tasks.annotate(
        property_value=Subquery(value, output_field=_MONEY),
        balance_beside=Coalesce(Subquery(beside, output_field=_MONEY), Decimal(0), output_field=_MONEY),
        overdue_amount=Subquery(unpaid, output_field=_MONEY),
        district=Subquery(charges.order_by("id").values("property__district")[:1]),
        home_address=Subquery(charges.order_by("id").values("property__address")[:1]),
        last_visit_on=Coalesce(
            Subquery(ended.values("closed_on")[:1]), F("loan__last_visit_on"), output_field=DateField()
        ),
        last_outcome=Subquery(ended.values("outcome")[:1]),
        last_conclusion=Subquery(approved.values("conclusion")[:1]),
        loan_count=Coalesce(Subquery(live), 1),
        present_step=RawSQL(_PRESENT_STEP, [], output_field=TextField()),  # noqa: S611 - constants
        **_talk(),
    ).annotate(
        loan_to_value=Round(
            ExpressionWrapper(
                (F("loan__position__principal_balance") + F("balance_beside")) * 100 / NullIf(F("property_value"), 0),
                output_field=_PERCENT,
            ),
            precision=1,
        )
    )


def _talk() -> dict[str, Any]:
    """What a visit does along, or which one does the task along: one talk is one piece of work."""
    links = MergedTask.objects.filter(ended_at__isnull=True).order_by()
    along = links.filter(lead_id=OuterRef("id"), task__closed_on__isnull=True)
    led = links.filter(task_id=OuterRef("id"), lead__closed_on__isnull=True).exclude(lead__method=OFF_SITE)
    return {
        "along_branches": ArraySubquery(along.values("task__branch_id")),
        "along_of": Subquery(led.values("lead_id")[:1]),
        "along_branch": Subquery(led.values("lead__branch_id")[:1]),
    }


def along_seen(task: Any, staff: Staff) -> int:
    """How many other tasks the visit does along, of a task of `desk`: of another branch's nobody below is told."""
    found: list[int] = task.along_branches
    if not found or sees_every_branch(staff):
        return len(found)
    seen = branch_ids_visible_to(staff)
    return sum(branch_id in seen for branch_id in found)


def task_for(staff: Staff, pk: int) -> VisitTask:
    """One visible task with its row facts; VisitTask.DoesNotExist when missing or another branch's."""
    return desk(staff).get(pk=pk)


def report_for(staff: Staff, pk: int) -> VisitReport:
    """One visible report; VisitReport.DoesNotExist when missing or another branch's."""
    return report_rows(staff).get(pk=pk)


def review_queue(staff: Staff, today: date) -> QuerySet[VisitReport]:
    """Visible reports that wait for this person's decision, the most urgent first."""
    return _beside(waiting_for(staff, today)).order_by("level", "decide_by", "id")


def report_rows(staff: Staff) -> QuerySet[VisitReport]:
    """Visible reports in any state, with what a row shows."""
    return _beside(VisitReport.objects.visible_to(staff))


def _beside(reports: QuerySet[VisitReport]) -> QuerySet[VisitReport]:
    return reports.select_related(
        "visit__task__loan__borrower",
        "visit__task__loan__position",
        "visit__lead_visitor",
        "visit__second_visitor",
        "submitted_by",
        "decided_by",
        "branch",
        "pdf",
    ).defer("visit__draft", "visit__known")


def task_history(task: VisitTask) -> QuerySet[TaskEvent]:
    """The task's events, the oldest first."""
    return TaskEvent.objects.filter(task=task).order_by("id")


def clock_of(task: VisitTask) -> dict[str, Any]:
    """{"steps": the rule's steps with workdays and limits, "left": workdays until the limit (negative = past it)}."""
    today = require_business_date()
    days = calendar(min(task.created_on, today), max(task.due_on, today))
    found = clock.steps(counted(task_history(task), task.opens_on), days, until=today)
    own = step_limits.limits(parameters(step_limits.PARAMETERS.values(), today), task.level)
    return {
        # After the close only the telling of the result may run.
        "steps": [replace(step, limit=own.get(step.code)) for step in found],
        "left": clock.time_left(task.due_on, _end(task, today), days),
    }


def _end(task: VisitTask, today: date) -> date:
    return task.closed_on or today
