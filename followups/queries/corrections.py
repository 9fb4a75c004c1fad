"""Corrections of approved reports: the one being made of a visit, what a person has to make, who may be asked."""

from typing import Any

from django.db.models import QuerySet

from followups.models import (
    CorrectionState,
    MergedTask,
    MergeMode,
    Outcome,
    ReportCorrection,
    ReportState,
    TaskState,
    Visit,
    VisitReport,
    VisitTask,
)
from followups.models.corrections import LIVE
from followups.queries.cover import is_held_by
from followups.rules.events import PROJECT_RULE
from people.models import Staff
from people.queries import branch_ids_visible_to, may


def open_correction(task: VisitTask) -> ReportCorrection | None:
    """The correction that is being made of a closed task's report; nothing is read of any other task."""
    if task.state != TaskState.CLOSED or task.outcome != Outcome.APPROVED:
        return None
    found = ReportCorrection.objects.filter(visit__task=task.pk, state=CorrectionState.OPEN)
    return found.select_related("officer", "opened_by", "corrects").first()


def amended(visit: Visit, task: VisitTask) -> Visit:
    """The visit with the answers of its open correction in place of the approved ones; as it is while none is open."""
    found = open_correction(task)
    if found is not None:
        visit.correction, visit.draft = found, found.draft
    return visit


def is_being_corrected_by(task: VisitTask, staff: Staff) -> bool:
    """Does the person make the correction of the task's report now?"""
    found = ReportCorrection.objects.filter(visit__task=task.pk, officer=staff, state=CorrectionState.OPEN)
    return task.state == TaskState.CLOSED and found.exists()


def live_correction(visit_id: int) -> ReportCorrection | None:
    """The correction of a visit that has not ended, made or under review."""
    found = ReportCorrection.objects.filter(visit=visit_id, state__in=LIVE)
    return found.select_related("officer", "opened_by", "corrects").first()


def corrections_to_make(staff: Staff) -> QuerySet[ReportCorrection]:
    """What a person has to correct."""
    return ReportCorrection.objects.filter(officer=staff, state=CorrectionState.OPEN)


def correction_rows(staff: Staff) -> QuerySet[ReportCorrection]:
    """Corrections of branches one sees, in any state, with what a row shows."""
    found = ReportCorrection.objects.visible_to(staff).select_related(
        "corrects", "officer", "opened_by", "report", "visit__task__loan__borrower", "branch"
    )
    return found.defer("before", "draft", "corrects__content", "report__content", "visit__draft", "visit__known")


def writes_on(task: VisitTask, visit: Visit, staff: Staff) -> bool:
    """Does the person hold the visit: its open correction, or else its task?"""
    return visit.correction.officer_id == staff.pk if visit.correction else is_held_by(task, staff)


def officer_for(report: VisitReport) -> Staff | None:
    """Who corrects a report: who led the visit, else who keeps the loan now; None when neither can."""
    for person in (report.visit.lead_visitor, report.visit.task.loan.portfolio_officer):
        able = person is not None and person.is_active and may(person, "followups.record_visit")
        if person is not None and able and report.branch_id in branch_ids_visible_to(person):
            return person
    return None


def speaks_for_others(task: VisitTask) -> bool:
    """Was the report shared into other loans: a development's, or a talk that closed other tasks along?"""
    joint = MergedTask.objects.filter(lead=task, mode=MergeMode.JOINT, task__outcome=Outcome.APPROVED)
    return task.rule == PROJECT_RULE or joint.exists()


def correction_context(report: VisitReport, staff: Staff, makers: set[int]) -> dict[str, Any]:
    """What a report's page says of corrections, and what this person may do about them."""
    in_force = report.state == ReportState.APPROVED
    live = live_correction(report.visit_id) if in_force else None
    reviews = may(staff, "followups.review")
    is_opener = live is not None and (live.opened_by_id == staff.pk or not live.opened_by.is_active)
    return {
        "corrected_by": report.corrected_by,
        "live_correction": live,
        "may_correct": in_force and live is None and reviews and staff.pk not in makers,
        "may_withdraw": reviews and is_opener,
    }
