"""The approval of a correction: its version takes the place of the one before it, and of what that one left behind.

The task, what was closed along with it and the places stay as they are. What cannot be taken back is named in the fact.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from followups.actions.handing_down import found_in, standing, write_down
from followups.actions.measures import change_measures
from followups.actions.refusals import WrongState
from followups.actions.report_risk import keep_score_of, warn_otherwise
from followups.actions.tasks import add_event, tell
from followups.actions.telling import tell_again
from followups.models import (
    CorrectionState,
    EventKind,
    ReportCorrection,
    ReportState,
    Visit,
    VisitReport,
    VisitTask,
)
from followups.rules import correction as rules
from people.models import Staff
from risk.actions import confirm_of_report


def put_aside(report: VisitReport) -> None:
    """The version in force gives way to the one that corrects it, in the same transaction that approves that one."""
    assert report.corrects_id is not None
    given_way = VisitReport.objects.filter(pk=report.corrects_id, state=ReportState.APPROVED)
    if given_way.update(state=ReportState.CORRECTED, corrected_by=report) != 1:
        raise WrongState(_("被更正的版本已不是现行版本。"))


def correct(task: VisitTask, report: VisitReport, *, pdf_sha256: str, by: Staff, at: datetime) -> None:
    """What follows from the approval of a correction; its PDF is filed and the old version put aside already."""
    old = report.corrects
    assert old is not None
    made = ReportCorrection.objects.select_for_update().get(visit=report.visit_id, state=CorrectionState.SUBMITTED)
    written, left = _hand_down_anew(task, old, report, made, by=by, at=at)
    Visit.objects.filter(pk=report.visit_id).update(draft=made.draft)
    ReportCorrection.objects.filter(pk=made.pk).update(
        state=CorrectionState.APPROVED, report=report, ended_by=by, ended_at=at
    )
    is_settled = task.loan.position.settled_on is not None
    if not is_settled:
        warn_otherwise(old, report, task, by=by, at=at)
    confirm_of_report(report_id=report.pk, words=_("报告审核通过"), by=by, at=at)
    keep_score_of(report, task, by=by, at=at)
    # On a settled loan nobody is warned and nothing is left to be done.
    dropped, opened = ([], []) if is_settled else change_measures(task, report, by=by, at=at)
    facts: dict[str, Any] = {"report_id": report.pk, "version": report.version, "corrected_version": old.version}
    add_event(task, EventKind.CORRECTED, by=by.staff_no, at=at, reason=made.words, **facts)
    is_told_again = old.conclusion != report.conclusion and tell_again(task, report, by=by, at=at)
    tell(
        task, "followups.report_corrected", by=by, at=at, corrected_report_id=old.pk,
        content_sha256=report.content_sha256, pdf_sha256=pdf_sha256, conclusion=report.conclusion, written=written,
        left=left, dropped=dropped, measures=opened, is_told_again=is_told_again, **facts,
    )  # fmt: skip


def _hand_down_anew(
    task: VisitTask, old: VisitReport, report: VisitReport, made: ReportCorrection, *, by: Staff, at: datetime
) -> tuple[list[str], list[str]]:
    """Registers that were written, and those that were left because somebody has recorded otherwise since."""
    seen_on = old.submitted_on
    first = rules.registers(found_in(old, made.before), seen_on)
    second = rules.registers(found_in(report, made.draft), seen_on)
    now, known_on = standing(task)
    moved = rules.moves(first, second, rules.baseline(report.visit.known), now)
    write_down(task, moved.write, known_on=max(known_on or seen_on, seen_on), by=by, at=at)
    return sorted(moved.write), list(moved.left)
