"""Measures and look-alike reports for the matrices of pages and API."""

from typing import Any

from followups.models import Measure, ReportCorrection, ReportHint, ResponseMeasure, VisitReport
from tests.factories import AT
from tests.web.api_bank import Bank
from tests.web.visit_rows import attachment_in

NOTHING = 987654321


def measure_in(bank: Bank, place: str, report_id: int) -> int:
    """An open measure on the place's loan."""
    loan = bank.loans[place]
    told = {
        "loan": loan, "branch": loan.branch, "owner": bank.staff["officer"], "due_on": AT.date(),
        "opened_by": bank.staff["manager"], "opened_at": AT, "opened_on": AT.date(),
    }  # fmt: skip
    kind = ResponseMeasure.objects.get(code="PROOF")
    return Measure.objects.get_or_create(report_id=report_id, kind=kind, defaults=told)[0].pk


def alike_in(reports: dict[str, Any], place: str) -> list[int]:
    """A report and the one that it looks like; here the same, for the pages only look whether a hint says so."""
    report: VisitReport | None = reports.get(place)
    if report is None:
        return [NOTHING, NOTHING]
    data = {"percent": 100}
    ReportHint.objects.get_or_create(report=report, code="LOOK_ALIKE", other=report, defaults={"data": data})
    return [report.pk, report.pk]


def photo_hint_in(bank: Bank, reports: dict[str, Any], place: str) -> list[int]:
    """A report and the hint about its photo."""
    report: VisitReport | None = reports.get(place)
    if report is None:
        return [NOTHING, NOTHING]
    data = {"attachment": attachment_in(bank, place), "name": "a.jpg", "meters": 1113}
    return [report.pk, ReportHint.objects.get_or_create(report=report, code="PHOTO_FAR", defaults={"data": data})[0].pk]


def correction_in(bank: Bank, place: str, report_id: int) -> int:
    """A correction of the place's report that the manager opened and the officer makes."""
    report = VisitReport.objects.select_related("visit").get(pk=report_id)
    told = {
        "branch": report.branch, "corrects": report, "after_version": 1, "code": "OTHER", "words": "核对后发现有误",
        "opened_by": bank.staff["manager"], "opened_at": AT, "opened_on": AT.date(), "officer": bank.staff["officer"],
        "due_on": AT.date(), "before": report.visit.draft, "draft": report.visit.draft,
    }  # fmt: skip
    return ReportCorrection.objects.get_or_create(visit=report.visit, defaults=told)[0].pk
