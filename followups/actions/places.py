"""Where a home stands: found by the first field visit that brought a sharp position, with the borrower's consent."""

from datetime import datetime

from collateral.actions import record_place
from followups.models import Method, Subject, VisitAttachment, VisitTask
from followups.rules.attachments import SHARP_METERS
from people.models import Staff


def note_place(task: VisitTask, *, by: Staff, at: datetime) -> bool:
    """Keeps the sharpest position of the visit's photos as the home's, if none is known; called in the approval."""
    if task.method != Method.FIELD or task.subject == Subject.PROJECT:
        return False
    found = VisitAttachment.objects.filter(
        visit__task=task, removal__isnull=True, accuracy_meters__lte=SHARP_METERS
    )  # fmt: skip
    sharpest = found.order_by("accuracy_meters", "id").first()
    if sharpest is None or sharpest.latitude is None or sharpest.longitude is None:
        return False
    return record_place(
        loan_id=task.loan_id, latitude=sharpest.latitude, longitude=sharpest.longitude, by=by.staff_no, at=at
    )
