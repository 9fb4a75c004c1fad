"""Corrections of approved reports: the one being made of a visit, what a person has to make, who may be asked."""

from typing import Any

from django.db.models import Q, QuerySet

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
from followups.queries.projects import shared_leads
from followups.rules.events import PROJECT_RULE
from people.models import Staff
from people.queries import branch_ids_visible_to, may
from people.queries.leave import covered_ids


def open_correction(task: VisitTask) -> ReportCorrection | None:
    """The correction that is being made of a closed task's report; nothing is read of any other task."""
    if task.state != TaskState.CLOSED or task.outcome != Outcome.APPROVED:
        return None
    found = ReportCorrection.objects.filter(visit__task=task.pk, state=CorrectionState.OPEN)
    return found.select_related("officer", "opened_by", "corrects").first()


def was_corrected(task: VisitTask) -> bool:
    """Has a correction of the task's report been opened before, whatever became of it?"""
    return ReportCorrection.objects.filter(visit__task=task.pk).exists()


def amended(visit: Visit, task: VisitTask) -> Visit:
    """The visit with the answers of its open correction in place of the approved ones; as it is while none is open."""
    found = open_correction(task)
    if found is not None:
        visit.correction, visit.draft = found, found.draft
    return visit


def is_being_corrected_by(task: VisitTask, staff: Staff) -> bool:
    """Does the person make the correction of the task's report now, or sign it beside who makes it?"""
    if task.state != TaskState.CLOSED:
        return False
    own = Q(officer__in=[staff.pk, *covered_ids(staff)]) | Q(visit__second_visitor=staff)
    return ReportCorrection.objects.filter(own, visit__task=task.pk, state=CorrectionState.OPEN).exists()


def later_report(report: VisitReport, loan_id: int) -> str:
    """What other visits of the loan have brought since the version in force: "approved" after it, or "waiting" for
    review; empty when it is the last word. A correction is a newer report than either, and would speak for today."""
    joint = MergedTask.objects.filter(mode=MergeMode.JOINT, task__loan_id=loan_id)
    others = VisitReport.objects.exclude(visit=report.visit_id).filter(
        Q(visit__task__loan=loan_id)
        | Q(visit__task__in=joint.values("lead"))
        | Q(visit__task__in=shared_leads([loan_id]))
    )
    found = others.filter(Q(state=ReportState.APPROVED, pk__gt=report.pk) | Q(state=ReportState.SUBMITTED))
    states = set(found.values_list("state", flat=True))
    return "approved" if ReportState.APPROVED in states else "waiting" if states else ""


def live_correction(visit_id: int) -> ReportCorrection | None:
    """The correction of a visit that has not ended, made or under review."""
    found = ReportCorrection.objects.filter(visit=visit_id, state__in=LIVE)
    return found.select_related("officer", "opened_by", "corrects").first()


def corrections_to_make(staff: Staff) -> QuerySet[ReportCorrection]:
    """What a person has to correct, own ones and those of officers they stand in for."""
    own = Q(officer__in=[staff.pk, *covered_ids(staff)]) & ~Q(opened_by=staff)
    return ReportCorrection.objects.filter(own, state=CorrectionState.OPEN)


def makes(correction: ReportCorrection, staff: Staff) -> bool:
    """May the person make the correction: theirs, or of an officer they stand in for; never who opened it."""
    own = correction.officer_id == staff.pk or correction.officer_id in covered_ids(staff)
    return own and correction.opened_by_id != staff.pk


def can_act(person: Staff, permission: str, branch_id: int) -> bool:
    """Is the person still there for this: in the bank, with the permission, and seeing the branch?"""
    return person.is_active and may(person, permission) and branch_id in branch_ids_visible_to(person)


def may_withdraw(correction: ReportCorrection, staff: Staff) -> bool:
    """Who opened it; another reviewer where that one cannot any more; never who makes it."""
    if staff.pk == correction.officer_id:
        return False
    return correction.opened_by_id == staff.pk or not can_act(
        correction.opened_by, "followups.review", correction.branch_id
    )


def correction_rows(staff: Staff) -> QuerySet[ReportCorrection]:
    """Corrections of branches one sees, in any state, with what a row shows."""
    found = ReportCorrection.objects.visible_to(staff).select_related(
        "corrects", "officer", "opened_by", "report", "visit__task__loan__borrower", "branch"
    )
    return found.defer("before", "draft", "corrects__content", "report__content", "visit__draft", "visit__known")


def writes_on(task: VisitTask, visit: Visit, staff: Staff) -> bool:
    """Does the person hold the visit: its open correction, or else its task?"""
    return makes(visit.correction, staff) if visit.correction else is_held_by(task, staff)


def officer_for(report: VisitReport) -> Staff | None:
    """Who corrects a report: who led the visit, else who keeps the loan now; None when neither can."""
    for person in (report.visit.lead_visitor, report.visit.task.loan.portfolio_officer):
        if person is not None and can_act(person, "followups.record_visit", report.branch_id):
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
    return {
        "corrected_by": report.corrected_by,
        "live_correction": live,
        "may_correct": in_force and live is None and reviews and staff.pk not in makers,
        "may_withdraw": reviews and live is not None and may_withdraw(live, staff),
    }
