"""What is noted beside a report when it is handed in: quality hints with their proof, and the bands of its words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from followups.models import HintCode, ReportHint, ReportText, Visit, VisitAttachment, VisitReport, VisitTask
from followups.queries.attachments import reused_from
from followups.queries.photos import alike_from, far_off
from followups.rules import review, similarity
from followups.rules.report import conclusion_draft
from loans.queries import calendar, parameter

_YEAR = timedelta(days=366)
# Reports of others in the branch that share a band, the newest first; those of the same borrower are of one talk.
_CANDIDATES = """
SELECT r.id, r.content #>> '{conclusion,text}'
  FROM followups_reporttext x JOIN followups_visitreport r ON r.id = x.report_id
  JOIN followups_visit v ON v.id = r.visit_id JOIN followups_visittask t ON t.id = v.task_id
  JOIN loans_loan l ON l.id = t.loan_id
 WHERE x.bands && %(bands)s::bigint[] AND r.branch_id = %(branch)s AND r.submitted_on >= %(since)s
   AND l.borrower_id <> %(borrower)s AND r.id <> %(report)s
 ORDER BY r.id DESC LIMIT 40
"""


def note_hints(
    report: VisitReport, task: VisitTask, visit: Visit, files: Sequence[VisitAttachment], *, at: datetime
) -> list[ReportHint]:
    """Keeps what a reviewer should look at closer; called where the report is made, with the visit's files."""
    limits = review.limits_from(parameter("visit_hints", report.submitted_on, {}))
    rows = [row for part in report.content["sections"] for row in part["items"]]
    reused = reused_from(files, task.loan_id)
    # What is the same photo looks the same too, and is said once.
    others = [row for row in files if row.pk not in {each["attachment"] for each in reused}]
    same_day = VisitReport.objects.filter(submitted_by=report.submitted_by, submitted_on=report.submitted_on, version=1)
    made = review.Made(
        version=report.version,
        method=visit.method,
        seconds=int((at - visit.started_at).total_seconds()),
        hour=timezone.localtime(at).hour,
        found_anything=review.found_anything(rows),
        # The report names every attempt until it was handed in.
        recordings=sum(bool(one["recording"]) for one in report.content["contacts"]) if visit.method == "PHONE" else 0,
        submitted_that_day=same_day.count(),
        workdays_left_in_month=_workdays_left(report),
        reused=reused,
        alike=alike_from(others, task.loan_id),
        far=far_off(files),
    )
    found = [ReportHint(report=report, code=hint.code, data=dict(hint.data)) for hint in review.hints(made, limits)]
    if any(hint.code == review.MONTH_END for hint in found):
        found += _bunched_before(report, same_day, made.submitted_that_day)
    found += _look_alike(report, task, limits.similar_percent)
    return ReportHint.objects.bulk_create(found)


def _workdays_left(report: VisitReport) -> int:
    """Workdays of the month after the report's day."""
    day = report.submitted_on
    last = (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return max(0, calendar(day, last).workdays_between(day, last)) if last > day else 0


def _bunched_before(report: VisitReport, same_day: Any, count: int) -> list[ReportHint]:
    """The reports of the day that came before there were many."""
    earlier = same_day.exclude(pk=report.pk).exclude(hints__code=HintCode.MONTH_END).values_list("pk", flat=True)
    return [ReportHint(report_id=pk, code=HintCode.MONTH_END, data={"reports": count}) for pk in earlier]


def _look_alike(report: VisitReport, task: VisitTask, least: int) -> list[ReportHint]:
    """The report of another borrower that says nearly the same in words of one's own, if there is one."""
    text = str(report.content["conclusion"]["text"])
    if similarity.plain(text) == similarity.plain(conclusion_draft(report.content)):
        # The words that the system drafts from the differences are nobody's copy.
        return []
    bands = similarity.bands(text)
    if not bands:
        return []
    asked: dict[str, Any] = {
        "bands": bands, "branch": report.branch_id, "since": report.submitted_on - _YEAR,
        "borrower": task.loan.borrower_id, "report": report.pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, asked)
        likeness = [(similarity.percent(text, other or ""), pk) for pk, other in cursor.fetchall()]
    ReportText.objects.create(report=report, bands=bands)
    percent, other = max(likeness, default=(0, 0))
    if percent < least:
        return []
    return [ReportHint(report=report, code=HintCode.LOOK_ALIKE, data={"percent": percent}, other_id=other)]
