"""What a report says of risk: the signals it raises and the score it keeps, as they stand in its content."""

from datetime import datetime

from followups.models import VisitReport, VisitTask
from followups.queries.score import scored_of
from people.models import Staff
from risk.actions import correct_warnings, keep_score, warn_of_visit
from risk.rules.score import facts_from
from risk.rules.signals import Warned


def warn_of(report: VisitReport, task: VisitTask, *, by: Staff, at: datetime) -> None:
    """Raises the signals that stand in the report, and ends those that only an earlier version of it had."""
    if not report.content["signals"] and report.version == 1:
        return
    warn_of_visit(
        loan_id=task.loan_id, visit_id=report.visit_id, report_id=report.pk, version=report.version,
        warned=_warned(report), policy_version=report.content["signal_policy"], by=by, at=at,
    )  # fmt: skip


def warn_otherwise(old: VisitReport, report: VisitReport, task: VisitTask, *, by: Staff, at: datetime) -> None:
    """Raises what a correction warns of beside the corrected version, and ends what it no longer does."""
    said = {one.code for one in _warned(old)}
    warned = _warned(report)
    correct_warnings(
        loan_id=task.loan_id, visit_id=report.visit_id, report_id=report.pk, version=report.version,
        warned=[one for one in warned if one.code not in said], stands={one.code for one in warned},
        policy_version=report.content["signal_policy"], by=by, at=at,
    )  # fmt: skip


def keep_score_of(report: VisitReport, task: VisitTask, *, by: Staff, at: datetime) -> None:
    """Keeps the score that stands in the report; a bank without a score policy has none."""
    if said := report.content.get("score"):
        keep_score(
            loan_id=task.loan_id, visit_id=report.visit_id, report_id=report.pk, scored=scored_of(said),
            facts=facts_from(said["facts"]), policy_version=said["policy"], by=by, at=at,
        )  # fmt: skip


def _warned(report: VisitReport) -> list[Warned]:
    return [
        Warned(one["family"], one["code"], one["level"], one["line"], one["inputs"])
        for one in report.content["signals"]
    ]
