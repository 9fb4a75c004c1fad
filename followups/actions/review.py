"""The reviewer's decision: approve exactly the content that was seen, or return it with a reason.

Nobody decides on a report of an own visit. Approval files the PDF and lets changed facts flow
down to the rooms that own them, in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from collateral.actions import record_registration, update_occupancy
from followups import report_pdf
from followups.actions.events import close_events
from followups.actions.merging import close_members
from followups.actions.projects import share_project
from followups.actions.refusals import AlreadyDecided, NotApprovedYet, OwnReport, ReasonMissing, StaleReport, WrongState
from followups.actions.tasks import add_event, change_task, checked_reason, guard, locked_task, tell
from followups.models import EventKind, Outcome, ReportState, TaskState, VisitReport, VisitTask
from followups.queries.facts import is_known_to
from followups.rules.checklist import SECTIONS, answer_of
from followups.rules.report import content_sha256 as sha256_of
from journal.actions import store_exhibit
from journal.queries import exhibit_bytes
from loans.queries import require_business_date
from people.actions import NotAllowed, change_phone, record_profile, require
from people.models import Staff
from people.queries import may

REASON_LEAST = 5
# Any of these lets one take the PDF of a visible report (decision 0007); an own portfolio needs none.
TAKING = ("followups.review", "people.reveal", "journal.view")


@transaction.atomic
def approve_report(*, report_id: int, content_sha256: str, note: str = "", by: Staff, at: datetime) -> VisitReport:
    """Approves the content with this hash: PDF filed, task closed, changed facts handed down. One winner."""
    task, report = _to_decide(report_id, content_sha256, by)
    note = checked_reason(note, least=0, field="note")
    guard(task, TaskState.CLOSED)
    document = {
        **report.content,
        "content_sha256": report.content_sha256,
        "decision": {"by": by.name, "staff_no": by.staff_no, "at": _instant(at), "note": note},
    }
    exhibit = store_exhibit(content=report_pdf.render(document), media_type="application/pdf", at=at)
    _decide(report, state=ReportState.APPROVED, note=note, by=by, at=at, pdf=exhibit)
    change_task(task, state=TaskState.CLOSED, outcome=Outcome.APPROVED, closed_on=require_business_date())
    facts = {"report_id": report.pk, "version": report.version}
    add_event(task, EventKind.APPROVED, by=by.staff_no, at=at, **facts)
    add_event(task, EventKind.CLOSED, by=by.staff_no, at=at, outcome=Outcome.APPROVED.value)
    close_events(task, report, by=by, at=at)
    close_members(task, report, by=by, at=at)
    share_project(task, report, by=by, at=at)
    _hand_down(task, report, by=by, at=at)
    tell(
        task,
        "followups.report_approved",
        by=by,
        at=at,
        content_sha256=report.content_sha256,
        pdf_sha256=exhibit.sha256,
        conclusion=report.conclusion,
        **facts,
    )
    return report


@transaction.atomic
def return_report(
    *, report_id: int, content_sha256: str, reason: str, sections: Sequence[str] = (), by: Staff, at: datetime
) -> VisitReport:
    """Sends the report back with a reason and the sections to mend; the draft opens again."""
    task, report = _to_decide(report_id, content_sha256, by)
    reason = checked_reason(reason, least=REASON_LEAST)
    known = [key for key, _zh, _en in SECTIONS]
    if any(section not in known for section in sections):
        raise ReasonMissing(_("报告没有这一部分，请从所列部分中选择。"), field="sections", code="not_a_choice")
    guard(task, TaskState.RETURNED)
    _decide(report, state=ReportState.RETURNED, note=reason, by=by, at=at)
    change_task(task, state=TaskState.RETURNED)
    chosen = [key for key in known if key in sections]
    facts = {"report_id": report.pk, "version": report.version, "sections": chosen}
    add_event(task, EventKind.RETURNED, by=by.staff_no, at=at, **facts)
    tell(task, "followups.report_returned", by=by, at=at, **facts)
    return report


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
    require(by, "followups.review")
    task_id = VisitReport.objects.visible_to(by).values_list("visit__task_id", flat=True).get(pk=report_id)
    task = locked_task(task_id, by)
    report = VisitReport.objects.select_for_update().get(pk=report_id)
    visit = report.visit
    if by.pk in (report.submitted_by_id, visit.lead_visitor_id, visit.second_visitor_id):
        raise OwnReport
    if report.state != ReportState.SUBMITTED:
        raise AlreadyDecided(report.decided_by.name if report.decided_by else "", report.decided_at)
    if report.content_sha256 != content_sha256:
        raise StaleReport
    return task, report


def _decide(report: VisitReport, *, state: str, note: str, by: Staff, at: datetime, **more: Any) -> None:
    fields = {"state": state, "decided_by": by, "decided_at": at, "decision_note": note, **more}
    VisitReport.objects.filter(pk=report.pk).update(**fields)
    for name, value in fields.items():
        setattr(report, name, value)


def _instant(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def _hand_down(task: VisitTask, report: VisitReport, *, by: Staff, at: datetime) -> None:
    """What the visit found becomes what the bank knows. The full values are those the content's hash binds."""
    draft = report.visit.draft
    if sha256_of(draft) != report.content["answers_sha256"]:
        raise WrongState(_("回访内容与报告不一致，不能审核通过。"))
    found = _found(report.content, draft)
    party_id = task.loan.borrower_id
    actor = by.staff_no
    if found.keys() & {"employer", "monthly_income", "other_monthly_debt"}:
        record_profile(
            party_id=party_id,
            known_on=report.submitted_on,
            source="VISIT",
            monthly_income=_amount(found.get("monthly_income")),
            employer=found.get("employer", ""),
            other_monthly_debt=_amount(found.get("other_monthly_debt")),
            by=actor,
            at=at,
            loan_id=task.loan_id,
        )
    if "phone" in found:
        change_phone(party_id=party_id, phone=found["phone"], by=actor, at=at, loan_id=task.loan_id)
    if "occupancy" in found:
        update_occupancy(loan_id=task.loan_id, is_owner_occupied=found["occupancy"] == "OWNER", by=actor, at=at)
    if found.keys() & {"registration_kind", "registration_no"}:
        record_registration(
            loan_id=task.loan_id,
            kind=found.get("registration_kind"),
            registration_no=found.get("registration_no"),
            by=actor,
            at=at,
        )


def _found(content: Mapping[str, Any], draft: Mapping[str, Any]) -> dict[str, str]:
    """Item key → full new value, for facts that changed or were recorded for the first time."""
    rows = [row for section in content["sections"] for row in section["items"]]
    return {
        row["key"]: str(answer_of(draft, row["key"]).get("now") or "")
        for row in rows
        if row["state"] in ("CHANGED", "BASELINE")
    }


def _amount(value: str | None) -> Decimal | None:
    return Decimal(value) if value else None
