"""Sets approved reports anew, corrected ones too, each from its kept content by its kept template, and compares with
what was filed.

What differs was set by another program or other fonts than are installed now (the report names both), or is damaged.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from typst import TypstError

from followups import report_pdf
from followups.models import ReportState, VisitReport
from followups.queries.review import document_of
from journal.queries import exhibit_bytes

MISSING, SAME, DIFFERENT = "template not kept", "same", "different"
AT_ONCE = 200
# A corrected report was approved once, and its document stands.
FILED = (ReportState.APPROVED, ReportState.CORRECTED)


@dataclass(frozen=True, slots=True)
class Again:
    """One report: MISSING, SAME or DIFFERENT, and with what it was set when it was filed."""

    number: str
    found: str
    set_with: Mapping[str, str]


def set_again(report: VisitReport) -> bytes:
    """The report's PDF once more, by the template that it was approved with (ValueError where that was not kept)."""
    if report.template is None:
        raise ValueError(f"the template of {report.number} was not kept")
    return report_pdf.render(document_of(report), report.template.text)


def compared(report_ids: Iterable[int] | None = None) -> Iterator[Again]:
    """Approved reports, all or these, in the order in which they were made."""
    reports = VisitReport.objects.filter(state__in=FILED, pdf__isnull=False)
    if report_ids is not None:
        reports = reports.filter(pk__in=list(report_ids))
    reports = reports.select_related("pdf", "template", "decided_by", "endorsed_by").order_by("id")
    for report in reports.iterator(chunk_size=AT_ONCE):
        yield Again(report.number, _found(report), (report.decision or {}).get("set_with") or {})


def _found(report: VisitReport) -> str:
    if report.template is None:
        return MISSING
    assert report.pdf is not None
    try:
        return SAME if set_again(report) == exhibit_bytes(report.pdf) else DIFFERENT
    except TypstError:
        # Today's typesetter does not take the template of that day.
        return DIFFERENT
