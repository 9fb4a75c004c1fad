"""What visits have found of a borrower so far, for whoever decides something about a loan; where a report was used."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from collateral.models import Charge
from followups.models import (
    Decision,
    Event,
    Measure,
    MergedTask,
    MergeMode,
    Outcome,
    ReportReference,
    ReportState,
    VisitReport,
    VisitTask,
)
from followups.queries.events import EventRow, rows_of
from followups.queries.measures import open_measures_visible_to
from followups.queries.projects import shared_leads
from followups.rules import events as rules
from followups.rules.report_masking import masked
from loans.models import Loan
from people.models import Staff
from people.queries import may
from risk.models import Signal

REPORTS, OPEN_SHOWN, EVENTS_READ = 5, 10, 50
# Decisions of people who make and read no visits, and who takes them: for these the card alone is opened.
TAKEN_BY: Final = {Decision.REFUND: "loans.approve_refund", Decision.WAIVER: "loans.charge_fee"}
VISITS: Final = "followups.view"


def may_open(staff: Staff, decision: str, decision_id: int | None) -> bool:
    """Who reads visits opens the card anywhere; who takes such a decision, for one that is there."""
    if may(staff, VISITS):
        return True
    return decision_id is not None and decision in TAKEN_BY and may(staff, TAKEN_BY[Decision(decision)])


@dataclass(frozen=True)
class PastReport:
    """An approved report with its content as the reader may see it."""

    report: VisitReport
    content: dict[str, Any]


@dataclass(frozen=True)
class PastVisits:
    """The borrower's last reports, and what is open: events, warnings, measures, visits still to be made."""

    reports: tuple[PastReport, ...]
    events: tuple[EventRow, ...]
    tasks: tuple[VisitTask, ...]
    signals: tuple[Signal, ...]
    measures: tuple[Measure, ...]


def past_visits(loan: Loan, staff: Staff) -> PastVisits:
    """Of the loan's borrower, as far as this person sees; the caller has checked access to the loan."""
    loan_ids = list(Loan.objects.visible_to(staff).filter(borrower_id=loan.borrower_id).values_list("id", flat=True))
    return PastVisits(
        reports=tuple(
            PastReport(report, report.content if is_own else masked(report.content))
            for report in reports_about(loan_ids, staff)
            for is_own in [report.visit.task.loan.portfolio_officer_id == staff.pk]
        ),
        events=tuple(_open_events(loan, loan_ids, staff)),
        tasks=tuple(_open_tasks(loan_ids, staff)),
        signals=tuple(_open_signals(loan_ids, staff)),
        measures=tuple(
            open_measures_visible_to(staff).filter(loan_id__in=loan_ids).order_by("due_on", "id")[:OPEN_SHOWN]
        ),
    )


def reports_about(loan_ids: list[int], staff: Staff) -> list[VisitReport]:
    """The last approved reports of visits to these loans, joint ones too, the newest first."""
    tasks = VisitTask.objects.filter(loan_id__in=loan_ids, closed_on__isnull=False)
    along = MergedTask.objects.filter(mode=MergeMode.JOINT, task__in=tasks.filter(outcome=Outcome.APPROVED))
    found = VisitReport.objects.visible_to(staff).filter(
        Q(visit__task__in=tasks)
        | Q(visit__task__in=along.values("lead_id"))
        | Q(visit__task__in=shared_leads(loan_ids)),
        state=ReportState.APPROVED,
    )
    found = found.select_related("visit__task__loan", "visit__lead_visitor").defer("visit__draft", "visit__known")
    return list(found.order_by("-submitted_on", "-id")[:REPORTS])


def _open_events(loan: Loan, loan_ids: list[int], staff: Staff) -> list[EventRow]:
    homes = Charge.objects.filter(loan_id__in=loan_ids).values("property_id")
    found = Event.objects.visible_to(staff).filter(
        Q(loan_id__in=loan_ids)
        | Q(subject=rules.CUSTOMER, customer_id=loan.borrower_id)
        | Q(subject=rules.PROPERTY, property_id__in=homes)
    )
    rows = rows_of(list(found.filter(is_baseline=False).order_by("-id")[:EVENTS_READ]))
    return [row for row in rows if row.is_open][:OPEN_SHOWN]


def _open_tasks(loan_ids: list[int], staff: Staff) -> list[VisitTask]:
    found = VisitTask.objects.visible_to(staff).still_open().filter(loan_id__in=loan_ids, is_light=False)
    return list(found.select_related("loan", "assigned_to").order_by("due_on", "id")[:OPEN_SHOWN])


def _open_signals(loan_ids: list[int], staff: Staff) -> list[Signal]:
    """The worst first."""
    found = Signal.objects.visible_to(staff).filter(loan_id__in=loan_ids, closed_on__isnull=True)
    return list(found.order_by("level", "-raised_on", "-id")[:OPEN_SHOWN])


def references_of(report: VisitReport, staff: Staff) -> list[ReportReference]:
    """Where a report was used, the latest first, on loans that this person sees."""
    found = ReportReference.objects.filter(report=report, loan__in=Loan.objects.visible_to(staff))
    return list(found.select_related("by", "loan").order_by("-id")[:50])
