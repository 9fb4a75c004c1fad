"""What a reviewer sees beside a report's content: proof of each change, what was promised last time, its measures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from followups.models import Measure, ReportState, VisitAttachment, VisitAttempt, VisitReport
from followups.queries.attachments import attachments_visible_to
from followups.queries.measures import measures_of
from followups.rules.attachments import PDF
from people.models import Staff

# How a change was verified says what should prove it.
ON_PAPER = ("PAYSLIP", "SOCIAL_SECURITY", "BUREAU", "DOCUMENT", "OTHER")
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves a change: files, recordings; `is_missing` when something should and nothing does."""

    files: tuple[Mapping[str, Any], ...] = ()
    recordings: tuple[str, ...] = ()
    is_missing: bool = False


def proof_of(row: Mapping[str, Any], files: Sequence[Mapping[str, Any]], recordings: Sequence[str]) -> Proof:
    """The proof beside one changed row, by how it is said to have been verified."""
    how = row["verified_by"]
    if how == "SITE":
        found = tuple(each for each in files if each["media_type"] != PDF)
        return Proof(files=found[:SHOWN], is_missing=not found)
    if how in ON_PAPER:
        return Proof(files=tuple(files[:SHOWN]), is_missing=not files)
    if how == "SYSTEM":
        return Proof()
    return Proof(recordings=tuple(recordings[:SHOWN]), is_missing=not recordings)


def attempts_on(report: VisitReport) -> list[VisitAttempt]:
    """Contacts of the task up to the submission of this version, the newest first."""
    found = VisitAttempt.objects.filter(task_id=report.visit.task_id, at__lte=report.submitted_at)
    return list(found.select_related("by", "promise").order_by("-id")[:10])


def report_before(report: VisitReport) -> VisitReport | None:
    """The last approved report of the loan before this visit."""
    found = VisitReport.objects.filter(visit__task__loan_id=report.visit.task.loan_id, state=ReportState.APPROVED)
    earlier = found.exclude(visit_id=report.visit_id).filter(submitted_at__lt=report.submitted_at)
    return (
        earlier.select_related("visit").defer("visit__draft", "visit__known").order_by("-submitted_on", "-id").first()
    )


def measures_beside(report: VisitReport) -> list[Measure]:
    """The loan's measures, the newest first: what was promised, and what this report opened once it was approved."""
    return list(measures_of(report.visit.task.loan_id)[:12])


def files_seen(staff: Staff, ids: Iterable[int]) -> set[int]:
    """Which of these files the person may open."""
    wanted = list(ids)
    if not wanted:
        return set()
    rows: Iterable[VisitAttachment] = attachments_visible_to(staff).filter(pk__in=wanted)
    return {row.pk for row in rows}
