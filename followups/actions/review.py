"""The reviewer's decision: approve exactly the content that was seen, or return it with a reason.

Nobody decides on a report of an own visit. A red report has two reviewers: the manager's opinion,
then the risk head's approval. Approval files the PDF, opens the measures and lets changed facts flow
down to the rooms that own them, in the same transaction.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from followups import report_pdf
from followups.actions.correcting import correct, put_aside
from followups.actions.corrections import give_back, require_last_word
from followups.actions.events import close_events
from followups.actions.handing_down import hand_down
from followups.actions.measures import open_measures
from followups.actions.merging import close_members
from followups.actions.places import note_place
from followups.actions.projects import share_project
from followups.actions.refusals import (
    AlreadyDecided,
    AlreadyEndorsed,
    ManagerFirst,
    NotApprovedYet,
    OwnReport,
    ReasonMissing,
    RiskHeadOnly,
    StaleReport,
)
from followups.actions.tasks import add_event, add_events, change_task, checked_reason, guard, locked_with_members, tell
from followups.actions.telling import open_result
from followups.models import (
    EventKind,
    Outcome,
    ReportOpening,
    ReportState,
    ReportTemplate,
    ReturnReason,
    TaskState,
    VisitReport,
    VisitTask,
)
from followups.queries.events import behind
from followups.queries.facts import is_known_to
from followups.queries.returns import returnable
from followups.queries.review import REVIEWS, document_of, makers_of, turn_fault
from followups.rules.review import MANAGER, RISK
from journal.actions import store_exhibit
from journal.models import Exhibit
from journal.queries import exhibit_bytes
from loans.queries import hold_business_date, lock_positions, require_business_date
from people.actions import NotAllowed, require
from people.models import Staff
from people.queries import may

REASON_LEAST = 5
# A red report is not endorsed or approved without a word.
OPINION_LEAST = 2
# Any of these lets one take the PDF of a visible report (decision 0007); an own portfolio needs none.
TAKING = ("followups.review", "people.reveal", "journal.view")


@transaction.atomic
def approve_report(*, report_id: int, content_sha256: str, note: str = "", by: Staff, at: datetime) -> VisitReport:
    """Approves the content with this hash: PDF filed, task closed, changed facts handed down. One winner.

    Of a red report the manager's approval is an opinion, and the report goes on to the risk head, who approves it.
    """
    hold_business_date()
    task, report = _to_decide(report_id, content_sha256, by)
    words = checked_reason(note, least=OPINION_LEAST if report.needs_risk_head else 0, field="note")
    if report.corrects is None:
        guard(task, TaskState.CLOSED)
    else:
        require_last_word(report.corrects, task)
    if report.waits_for == MANAGER and report.needs_risk_head:
        return _endorse(task, report, words, by=by, at=at)
    return approve_held(task, report, words, by=by, at=at)


def prepare_approvals(reports: Sequence[VisitReport], note: str, *, by: Staff, at: datetime) -> None:
    """Begins to set what these reports become if this person approves them now with this word; changes nothing.

    Each approval takes what is ready. One that is made otherwise, or not at all, is set as it then is.
    """
    template = report_pdf.template()
    for report in reports:
        decision = _decision(report, note, template, by=by, at=at)
        report_pdf.begin_ahead(document_of(report, decision), template)


def approve_held(task: VisitTask, report: VisitReport, note: str, *, by: Staff, at: datetime) -> VisitReport:
    """The approval of a report that is held and may be approved by this person now."""
    template = report_pdf.template()
    report.decision = _decision(report, note, template, by=by, at=at)
    document = report_pdf.begin(document_of(report), template)
    if report.corrects_id is not None:
        put_aside(report)
        exhibit = _file(report, document, note, template, by=by, at=at)
        correct(task, report, pdf_sha256=exhibit.sha256, by=by, at=at)
        return report
    change_task(task, state=TaskState.CLOSED, outcome=Outcome.APPROVED, closed_on=require_business_date())
    facts = {"report_id": report.pk, "version": report.version}
    ended: dict[str, Mapping[str, Any]] = {
        EventKind.APPROVED: facts,
        EventKind.CLOSED: {"outcome": Outcome.APPROVED.value},
    }
    add_events(task, ended, by=by.staff_no, at=at)
    known = behind(task)
    close_events(report, known, by=by, at=at)
    close_members(task, report, known, by=by, at=at)
    share_project(task, report, by=by, at=at)
    note_place(task, by=by, at=at)
    hand_down(task, report, by=by, at=at)
    opened = open_measures(task, report, by=by, at=at)
    open_result(task, report, by=by, at=at)
    exhibit = _file(report, document, note, template, by=by, at=at)
    tell(
        task,
        "followups.report_approved",
        by=by,
        at=at,
        content_sha256=report.content_sha256,
        pdf_sha256=exhibit.sha256,
        conclusion=report.conclusion,
        measures=[measure.pk for measure in opened],
        **facts,
    )
    return report


def _file(
    report: VisitReport, document: "Future[bytes]", note: str, template: str, *, by: Staff, at: datetime
) -> Exhibit:
    """The report is approved with these bytes, which are kept."""
    exhibit = store_exhibit(content=document.result(), media_type="application/pdf", at=at)
    _decide(
        report, state=ReportState.APPROVED, note=note, by=by, at=at, pdf=exhibit, decision=report.decision,
        template_id=_keep_template(template, at),
    )  # fmt: skip
    return exhibit


def _endorse(task: VisitTask, report: VisitReport, words: str, *, by: Staff, at: datetime) -> VisitReport:
    """The manager's opinion of a red report; its time limit begins anew with the risk head."""
    fields = {"endorsed_by": by, "endorsed_at": at, "endorsement": words}
    VisitReport.objects.filter(pk=report.pk).update(**fields)
    for name, value in fields.items():
        setattr(report, name, value)
    facts = {"report_id": report.pk, "version": report.version}
    add_event(task, EventKind.ENDORSED, by=by.staff_no, at=at, **facts)
    tell(task, "followups.report_endorsed", by=by, at=at, content_sha256=report.content_sha256, **facts)
    return report


def _keep_template(text: str, at: datetime) -> str:
    """Keeps the template under its hash, once; gives the hash."""
    digest = str(report_pdf.set_with(text)["template_sha256"])
    ReportTemplate.objects.bulk_create([ReportTemplate(sha256=digest, text=text, kept_at=at)], ignore_conflicts=True)
    return digest


def _decision(report: VisitReport, note: str, template: str, *, by: Staff, at: datetime) -> dict[str, Any]:
    """What the document says of its review, and with what it is set; kept, so that the same bytes can be made again."""
    reviews = []
    if report.endorsed_by is not None and report.endorsed_at is not None:
        reviews.append(_review("manager", report.endorsed_by, report.endorsement, report.endorsed_at))
    reviews.append(_review("risk" if report.needs_risk_head else "manager", by, note, at))
    return {
        "by": by.name, "staff_no": by.staff_no, "at": _instant(at), "note": note, "reviews": reviews,
        "set_with": report_pdf.set_with(template),
    }  # fmt: skip


def _review(role: str, by: Staff, text: str, at: datetime) -> dict[str, str]:
    return {"role": role, "name": by.name, "staff_no": by.staff_no, "text": text, "at": _instant(at)}


@transaction.atomic
def return_report(
    *,
    report_id: int,
    content_sha256: str,
    code: str = ReturnReason.OTHER,
    reason: str,
    sections: Sequence[str] = (),
    section_codes: Mapping[str, str] | None = None,
    by: Staff,
    at: datetime,
) -> VisitReport:
    """Sends the report back with a coded reason, a line and the sections to mend; the draft opens again.

    A section without a coded reason of its own (`section_codes`) is to be mended for the reason of the whole.
    """
    hold_business_date()
    task, report = _to_decide(report_id, content_sha256, by)
    if code not in ReturnReason.values:
        raise ReasonMissing(_("请选择退回原因。"), field="code", code="not_a_choice")
    reason = checked_reason(reason, least=REASON_LEAST)
    codes = _codes_of(report, sections, section_codes or {}, code)
    is_correction = report.corrects_id is not None
    if not is_correction:
        guard(task, TaskState.RETURNED)
    _decide(report, state=ReportState.RETURNED, note=reason, by=by, at=at, return_code=code)
    if is_correction:
        give_back(task, report, at=at)
    else:
        change_task(task, state=TaskState.RETURNED)
    facts = {
        "report_id": report.pk, "version": report.version, "sections": list(codes), "code": code, "codes": codes,
    }  # fmt: skip
    kind = EventKind.CORRECTION_RETURNED if is_correction else EventKind.RETURNED
    add_event(task, kind, by=by.staff_no, at=at, **facts)
    told = "followups.correction_returned" if is_correction else "followups.report_returned"
    tell(task, told, by=by, at=at, **facts)
    return report


def _codes_of(
    report: VisitReport, sections: Sequence[str], section_codes: Mapping[str, str], code: str
) -> dict[str, str]:
    """Section to mend → coded reason, in the checklist's order; at least one, so that the officer knows where."""
    known = [key for key, _zh, _en in returnable(report)]
    if not sections:
        raise ReasonMissing(_("请至少选择一个需修改的部分。"), field="sections", code="sections_missing")
    if any(section not in known for section in sections):
        raise ReasonMissing(_("报告没有这一部分，请从所列部分中选择。"), field="sections", code="not_a_choice")
    if any(section not in sections for section in section_codes):
        words = _("只能为所选的部分填写退回原因。")
        raise ReasonMissing(words, field="section_codes", code="not_a_choice")
    if any(each not in ReturnReason.values for each in section_codes.values()):
        raise ReasonMissing(_("请选择退回原因。"), field="section_codes", code="not_a_choice")
    return {key: section_codes.get(key, code) for key in known if key in sections}


@transaction.atomic
def open_report(*, report_id: int, by: Staff, at: datetime) -> None:
    """Keeps that a reviewer had the report before the eyes; again, and by who made it, it changes nothing.

    The row is the record: it is added once a person and report, and never changes.
    """
    require(by, REVIEWS)
    report = VisitReport.objects.visible_to(by).select_related("visit").defer("content").get(pk=report_id)
    if report.state == ReportState.SUBMITTED and by.pk not in makers_of(report):
        ReportOpening.objects.bulk_create([ReportOpening(report=report, by=by, at=at)], ignore_conflicts=True)


@transaction.atomic
def hand_out_pdf(*, report: VisitReport, by: Staff, at: datetime) -> bytes:
    """The filed PDF's bytes, with a record of who took them; the caller has checked that the report is visible.

    NotApprovedYet while there is no PDF, so that no unapproved document goes round; NotAllowed for those
    who may not read name and address in full (decision 0007).
    """
    task = VisitTask.objects.select_related("loan").get(visit=report.visit_id)
    if not is_known_to(task, by) and not any(may(by, permission) for permission in TAKING):
        raise NotAllowed(_("您的岗位不能领取该报告的 PDF。"))
    if report.pdf is None:
        raise NotApprovedYet
    content = exhibit_bytes(report.pdf)
    tell(task, "followups.report_handed_out", by=by, at=at, report_id=report.pk, pdf_sha256=report.pdf.sha256)
    return content


def _to_decide(report_id: int, content_sha256: str, by: Staff) -> tuple[VisitTask, VisitReport]:
    """Locks the task, then the report; refuses when it is not this person's to decide now."""
    require(by, REVIEWS)
    visible = VisitReport.objects.visible_to(by)
    task_id, loan_id, corrects = visible.values_list("visit__task_id", "visit__task__loan_id", "corrects").get(
        pk=report_id
    )
    if corrects is not None:
        lock_positions([loan_id])
    task = locked_with_members(task_id, by)
    report = VisitReport.objects.select_for_update().get(pk=report_id)
    require_turn(report, by)
    if report.content_sha256 != content_sha256:
        raise StaleReport
    return task, report


def require_turn(report: VisitReport, by: Staff) -> None:
    """Refuses who may not give the opinion that is due."""
    if by.pk in makers_of(report):
        raise OwnReport
    fault = turn_fault(report, by, require_business_date())
    if fault == "decided":
        raise AlreadyDecided(report.decided_by.name if report.decided_by else "", report.decided_at)
    if fault == "endorsed":
        raise AlreadyEndorsed
    if fault == "manager_first":
        raise ManagerFirst
    if fault:
        raise RiskHeadOnly if report.waits_for == RISK else NotAllowed(_("您的岗位不能审核报告。"))


def _decide(report: VisitReport, *, state: str, note: str, by: Staff, at: datetime, **more: Any) -> None:
    fields = {"state": state, "decided_by": by, "decided_at": at, "decision_note": note, **more}
    VisitReport.objects.filter(pk=report.pk).update(**fields)
    for name, value in fields.items():
        setattr(report, name, value)


def _instant(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")
