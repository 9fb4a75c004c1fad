"""Results that customers are to be told: whose, by when, and what was told."""

from typing import Any

from django.db.models import Q, QuerySet

from followups.models import CustomerResult, ReportState, ResultQuerySet, ResultTelling, VisitReport, VisitTask
from followups.queries.cover import held_by
from followups.rules import telling as rules
from people.models import Staff
from people.queries import may
from people.queries.leave import covered_ids

_BESIDE = ("task__loan__borrower", "task__branch", "task__assigned_to", "report", "told__by")


def results_visible_to(staff: Staff) -> ResultQuerySet:
    """Results of the branches one sees, with what a list shows."""
    found = CustomerResult.objects.visible_to(staff).select_related(*_BESIDE)
    return found.defer("report__content", "report__decision")


def of_own(staff: Staff) -> Q:
    """Condition of what a person has to tell: who records visits the own ones, the others all they see."""
    if not may(staff, "followups.record_visit"):
        return Q()
    return Q(task__assigned_to__in=[staff.pk, *covered_ids(staff)])


def untold_of(staff: Staff) -> QuerySet[Any, Any]:
    """The last days of what somebody has still to tell, the first to be missed first, as a list of `lists_of`."""
    found = CustomerResult.objects.visible_to(staff).untold().filter(of_own(staff))
    return found.order_by("tell_by", "id").values("tell_by")


def telling_of(task: VisitTask, staff: Staff) -> dict[str, Any]:
    """What the task's page shows of it: the result, its tellings with their corrections, what one may do."""
    result = CustomerResult.objects.filter(task=task).select_related("told__by").first()
    may_tell = task.closed_on is not None and (
        may(staff, "followups.assign")
        or (may(staff, "followups.record_visit") and VisitTask.objects.filter(held_by(staff), pk=task.pk).exists())
    )
    found: dict[str, Any] = {"result": result, "may_tell": may_tell}
    if result is None:
        return {**found, "may_ask": may_tell and _could_be_told(task)}
    rows = ResultTelling.objects.filter(result=result).select_related("by", "undone_by__by").order_by("id")
    return {**found, "tellings": [row for row in rows if row.undoes_id is None]}


def tellings_of(result: CustomerResult) -> QuerySet[ResultTelling]:
    """Every telling and correction, the oldest first."""
    return ResultTelling.objects.filter(result=result).select_related("by").order_by("id")


def _could_be_told(task: VisitTask) -> bool:
    report = VisitReport.objects.filter(visit__task=task, state=ReportState.APPROVED).values("visit__method").first()
    return report is not None and rules.may_be_told(method=report["visit__method"], subject=task.subject)
