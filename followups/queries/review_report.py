"""What a reviewer sees beside a report's content: proof of each change, what was promised last time, its measures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from followups.models import Measure, PromiseToPay, ReportState, VisitAttachment, VisitAttempt, VisitReport
from followups.queries.attachments import attachments_visible_to
from followups.queries.measures import measures_of
from followups.rules.attachments import PDF, by_question
from people.models import Staff

# How a change was verified says what should prove it.
ON_PAPER = ("PAYSLIP", "SOCIAL_SECURITY", "BUREAU", "DOCUMENT", "OTHER")
SHOWN = 3
PROMISES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves a change: the files of its question, recordings; `is_missing` when something should and nothing does,
    `is_general` when only files that name no question could."""

    files: tuple[Mapping[str, Any], ...] = ()
    recordings: tuple[str, ...] = ()
    is_missing: bool = False
    is_general: bool = False


@dataclass(frozen=True, slots=True)
class Filed:
    """The files of a report by the question they prove, by its key; those that name none are under the empty one."""

    by_item: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def general(self) -> Sequence[Mapping[str, Any]]:
        return self.by_item.get("", ())


def filed_under(content: Mapping[str, Any]) -> Filed:
    """The files of a report's content. A report of before files could name a question has general evidence alone."""
    asked = {row["key"] for section in content["sections"] for row in section["items"]}
    return Filed(by_question(((each.get("item", ""), each) for each in content["attachments"]), asked))


def proof_of(row: Mapping[str, Any], filed: Filed, recordings: Sequence[str]) -> Proof:
    """The proof beside one changed row: exactly its own files; how it was verified says what should be there."""
    own, how = tuple(filed.by_item.get(row["key"], ())), row["verified_by"]
    if how == "SYSTEM":
        return Proof(files=own)
    if how == "SITE" or how in ON_PAPER:
        is_shown = bool(_showing(own, how))
        is_general = not is_shown and bool(_showing(filed.general, how))
        return Proof(files=own, is_missing=not is_shown and not is_general, is_general=is_general)
    told = tuple(recordings[:SHOWN])
    return Proof(files=own, recordings=told, is_missing=not told and not own)


def _showing(files: Sequence[Mapping[str, Any]], how: str) -> list[Mapping[str, Any]]:
    """Files that can show what was verified so: what was seen on site is on a photo."""
    return [each for each in files if how != "SITE" or each["media_type"] != PDF]


def others_proved(content: Mapping[str, Any], filed: Filed) -> list[dict[str, Any]]:
    """Questions that did not change and have files all the same, in the report's order: {label, files}."""
    changed = {row["key"] for row in content["differences"]}
    return [
        {"label": row["label"], "files": filed.by_item[row["key"]]}
        for section in content["sections"]
        for row in section["items"]
        if row["key"] in filed.by_item and row["key"] not in changed
    ]


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


def promises_before(report: VisitReport) -> list[PromiseToPay]:
    """What the borrower promised to pay at earlier visits of the loan and how each stands, the latest first."""
    task = report.visit.task
    found = PromiseToPay.objects.filter(loan=task.loan_id, attempt__at__lte=report.submitted_at)
    return list(
        found.exclude(attempt__task=task).select_related("attempt").order_by("-made_on", "-id")[:PROMISES_SHOWN]
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
