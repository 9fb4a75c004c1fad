"""A report as its reader sees it: what changed with its proof, hints, what was promised, who has the next word."""

from datetime import date
from typing import Any

from followups.models import CorrectionReason, ReportState, ReturnReason, VisitReport
from followups.quality_wording import quality_lines
from followups.queries import content_for
from followups.queries.corrections import correction_context
from followups.queries.returns import parts_to_mend, return_of, returnable
from followups.queries.review import hints_of, makers_of, reviewers_of, turn_fault
from followups.queries.review_report import (
    attempts_on,
    filed_under,
    files_seen,
    measures_beside,
    others_proved,
    promises_before,
    proof_of,
    report_before,
)
from followups.review_wording import hint_words, state_words
from followups.rules.review import MANAGER, RISK
from followups.views.rows import left_of, name_of_report
from followups.views.task import actors_of
from followups.views.visit import in_language
from loans.queries import calendar, open_business_date
from people.models import Staff
from people.queries import may

REVIEWS = "followups.review"


def report_context(report: VisitReport, staff: Staff) -> dict[str, Any]:
    """The report in the reader's language with its place among the versions and who may decide."""
    today = open_business_date()
    assert today is not None
    visit, task = report.visit, report.visit.task
    is_waiting = report.state == ReportState.SUBMITTED
    versions = visit.reports.select_related("submitted_by", "decided_by").defer("content").order_by("-version")
    days = calendar(min(report.decide_by, today), max(report.decide_by, today))
    content = in_language(content_for(report, staff))
    return {
        "report": report,
        "task": task,
        "content": content,
        "name": name_of_report(staff, report),
        "report_left": left_of(report.decide_by, today, days) if is_waiting else None,
        "state_word": state_words(report),
        "versions": versions,
        "reviews": in_language(reviews_of(report)),
        "mended": in_language(parts_to_mend(return_of(report))),
        "actors": actors_of([report.submitted_by.staff_no]),
        "measures": measures_beside(report),
        **correction_context(report, staff, makers_of(report)),
        "correction_reasons": CorrectionReason.choices,
        **_quality(report, staff),
        **_proofs(report, content),
        **_turn(report, staff, today, is_waiting),
        **(_for_reviewers(report, staff) if may(staff, REVIEWS) else {}),
    }


def _quality(report: VisitReport, staff: Staff) -> dict[str, Any]:
    """For those who review; for who is reviewed once it is decided."""
    quality = getattr(report, "quality", None)
    if quality is None or (report.state == ReportState.SUBMITTED and not may(staff, REVIEWS)):
        return {}
    return {"quality": quality, "quality_lines": quality_lines(quality)}


def _turn(report: VisitReport, staff: Staff, today: date, is_waiting: bool) -> dict[str, Any]:
    """Whose turn it is, and what this person may do."""
    fault = turn_fault(report, staff, today)
    return {
        "is_waiting": is_waiting,
        "is_own": staff.pk in makers_of(report),
        "may_decide": not fault,
        "is_risk_step": report.waits_for == RISK,
        "is_endorsing": report.needs_risk_head and report.waits_for == MANAGER,
        "reviewers": reviewers_of(report, today)[:3] if is_waiting and fault else [],
        "section_choices": _choices(report),
        "return_reasons": ReturnReason.choices,
    }


def _choices(report: VisitReport) -> list[dict[str, str]]:
    both = [{"key": key, "label": {"zh": zh, "en": en}} for key, zh, en in returnable(report)]
    return list(in_language(both))


def _for_reviewers(report: VisitReport, staff: Staff) -> dict[str, Any]:
    """Hints and the visit before: for those who review, not for who is reviewed."""
    hints = hints_of([report.pk]).get(report.pk, [])
    others = [hint.data["other"] for hint in hints if "other" in hint.data]
    seen = files_seen(staff, others)
    before = report_before(report)
    return {
        "hints": [hint_words(hint, report, seen) for hint in hints],
        "before": before,
        "before_content": in_language(content_for(before, staff)) if before else None,
        "promises": promises_before(report),
    }


def _proofs(report: VisitReport, content: dict[str, Any]) -> dict[str, Any]:
    """Each change with what proves it, the other questions that have files, general evidence, and all contacts."""
    attempts = attempts_on(report)
    recordings = [attempt.recording for attempt in attempts if attempt.recording]
    filed = filed_under(content)
    return {
        "attempts": attempts,
        "changes": [{**row, "proof": proof_of(row, filed, recordings)} for row in content["differences"]],
        "general_files": filed.general,
        "other_proofs": others_proved(content, filed),
        "is_resubmitted": bool(content.get("returned") or content.get("corrects")),
    }


def reviews_of(report: VisitReport) -> list[dict[str, Any]]:
    """What reviewers said of this version, in their order, from what is kept of it."""
    if report.decision and report.decision.get("reviews"):
        return [dict(each) for each in report.decision["reviews"]]
    found: list[dict[str, Any]] = []
    if report.endorsed_by is not None:
        found.append(
            {"role": "manager", "name": report.endorsed_by.name, "text": report.endorsement, "at": report.endorsed_at}
        )
    if report.decided_by is not None:
        role = "risk" if report.needs_risk_head and report.endorsed_by_id else "manager"
        found.append(
            {"role": role, "name": report.decided_by.name, "text": report.decision_note, "at": report.decided_at}
        )
    return found
