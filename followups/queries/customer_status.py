"""Where the visits of one loan stand, as the customer may hear it; one statement reads the last year."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from followups.models import (
    ContactOutcome,
    CustomerResult,
    EventSource,
    EventVisit,
    MergedTask,
    ReportState,
    VisitAttempt,
    VisitReport,
    VisitTask,
)
from followups.rules import customer_status as rules
from followups.rules import telling
from loans.models import Loan
from loans.queries import calendar, parameter
from people.models import Staff

MOST = 10
_BACK = timedelta(days=366)
_AHEAD = timedelta(days=120)
_REACHED = (ContactOutcome.REACHED, ContactOutcome.APPOINTED, ContactOutcome.REFUSED)


@dataclass(frozen=True)
class VisitStatus:
    """One follow-up: its number, whether it answers the customer's own word, where it stands."""

    number: str
    kind: str
    is_own: bool
    status: rules.Status
    channel: str
    officer: str


def loan_of_customer(staff: Staff, *, id_no: str, loan_note_no: str) -> Loan | None:
    """The loan that both numbers name: who knows only one of them learns nothing."""
    found = Loan.objects.visible_to(staff).filter(loan_note_no=loan_note_no, borrower__id_no=id_no)
    return found.select_related("borrower").first()


def visits_for_customer(loan: Loan, today: date) -> list[VisitStatus]:
    """The follow-ups of the last year that are the customer's to know, the newest first; 10 at most."""
    tasks = list(_tasks(loan, today))
    _share_results(tasks, loan)
    ends = [each for task in tasks for each in (task.due_on, task.report_decide_by) if each is not None]
    days = calendar(min([today, *ends]), max([today, *ends]) + _AHEAD)
    terms = telling.terms_from(parameter("visit_result_telling", today, {}))
    found = []
    for task in tasks:
        by = terms.workdays.get(str(task.level), terms.workdays["9"])
        status = rules.status(_facts(task), today, by, days)
        if status is not None:
            officer = task.assigned_to.name if task.assigned_to else ""
            found.append(VisitStatus(task.number, task.kind, task.is_own, status, _channel(task), officer))
    return found[:MOST]


def _tasks(loan: Loan, today: date) -> QuerySet[Any]:
    reports = VisitReport.objects.filter(visit__task=OuterRef("pk")).exclude(state=ReportState.RETURNED)
    first = VisitReport.objects.filter(visit__task=OuterRef("pk")).order_by("version")
    own = EventVisit.objects.filter(task=OuterRef("pk"), event__source=EventSource.BORROWER)
    reached = VisitAttempt.objects.filter(task=OuterRef("pk"), outcome__in=_REACHED)
    joint = MergedTask.objects.filter(task=OuterRef("pk")).order_by("-id")
    # What the customer told of this loan may be answered by a visit to another of theirs.
    answers = EventVisit.objects.filter(event__loan=loan, event__source=EventSource.BORROWER).values("task")
    recent = Q(closed_on__isnull=True) | Q(closed_on__gte=today - _BACK)
    return (
        VisitTask.objects.filter(recent, Q(loan=loan) | Q(pk__in=answers, loan__borrower=loan.borrower_id))
        .select_related("assigned_to", "result__told")
        .annotate(
            is_own=Exists(own),
            is_reached=Exists(reached),
            joint_lead=Subquery(joint.values("lead")[:1]),
            report_decide_by=Subquery(reports.values("decide_by")[:1]),
            report_submitted_on=Subquery(first.values("submitted_on")[:1]),
        )
        .order_by("-id")[: MOST * 4]
    )


def _share_results(tasks: list[Any], loan: Loan) -> None:
    """What a visit along with another came to is the result of that one, where it is the same customer's."""
    joint = {task.pk: task.joint_lead for task in tasks if task.closed_on and not task.report_submitted_on}
    leads = {lead for lead in joint.values() if lead is not None}
    found: dict[int | None, CustomerResult] = {}
    if leads:
        shared = CustomerResult.objects.filter(task__in=leads, task__loan__borrower=loan.borrower_id)
        found = {result.task_id: result for result in shared.select_related("told")}
    for task in tasks:
        vars(task)["heard"] = getattr(task, "result", None) or found.get(joint.get(task.pk))


def _channel(task: Any) -> str:
    result = task.heard
    return result.told.channel if result and result.told else ""


def _facts(task: Any) -> rules.Facts:
    result = task.heard
    return rules.Facts(
        kind=task.kind,
        method=task.method,
        subject=task.subject,
        state=task.state,
        outcome=task.outcome,
        is_light=task.is_light,
        is_own=task.is_own,
        is_contacted=task.is_reached or task.report_submitted_on is not None,
        due_on=task.due_on,
        created_on=task.created_on,
        submitted_on=task.report_submitted_on,
        decide_by=task.report_decide_by,
        closed_on=task.closed_on,
        tell_by=result.tell_by if result else None,
        told_on=result.told_on if result else None,
    )
