"""Keeps a report's quality score: when it is handed in, and again when a hint comes to it afterwards."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from followups.models import ReportQuality, VisitReport, VisitTask
from followups.rules import quality as rules
from loans.queries import calendar

# Who refused was spoken to.
_SPOKEN = ("REACHED", "REFUSED")


def keep_quality(report: VisitReport, task: VisitTask, hints: Collection[str], *, at: datetime) -> None:
    """Scores a report with the codes of its hints; called in the transaction that hands it in."""
    first = _first_day(report)
    days = calendar(min(task.due_on, first), max(task.due_on, first))
    found = rules.lines(_made(report, task, hints, first), days)
    kept = ReportQuality(
        report=report, score=rules.score(found), rule_version=rules.VERSION, at=at,
        lines=[line.as_json() for line in found],
    )  # fmt: skip
    ReportQuality.objects.bulk_create(
        [kept], update_conflicts=True, unique_fields=["report"],
        update_fields=["score", "rule_version", "lines", "at"],
    )  # fmt: skip


def score_again(report_ids: Collection[int], *, at: datetime) -> None:
    """The score of reports that a hint came to afterwards."""
    reports = VisitReport.objects.filter(pk__in=report_ids, quality__isnull=False)
    for report in reports.select_related("visit__task").prefetch_related("hints"):
        keep_quality(report, report.visit.task, {hint.code for hint in report.hints.all()}, at=at)


def _first_day(report: VisitReport) -> date:
    if report.version == 1:
        return report.submitted_on
    days = VisitReport.objects.filter(visit=report.visit_id).order_by("version").values_list("submitted_on", flat=True)
    return days[0]


def _times(report: VisitReport) -> int:
    """How often it was handed in; of a correction since the version it corrects, which was none sent back."""
    if report.corrects is None:
        return report.version
    between = VisitReport.objects.filter(visit=report.visit_id, version__gt=report.corrects.version)
    return between.filter(version__lte=report.version).count()


def _made(report: VisitReport, task: VisitTask, hints: Collection[str], first: date) -> rules.Made:
    content: Mapping[str, Any] = report.content
    changes = content["differences"]
    return rules.Made(
        method=report.visit.method,
        asked=sum(len(part["items"]) for part in content["sections"]),
        unverified=len(content["unverified"]),
        changes=len(changes),
        oral_changes=sum(row["verified_by"] == "ORAL" for row in changes),
        files=len(content["attachments"]),
        has_photo_exit=bool(content.get("photo_exit")),
        reached=any(contact.get("code") in _SPOKEN for contact in content.get("contacts", ())),
        version=_times(report),
        due_on=task.due_on,
        submitted_on=first,
        hints=hints,
    )
