"""Files of a visit as pages, reports and rules read them, each with the question it proves."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from followups.models import AttachmentProof, Visit, VisitAttachment, VisitTask
from followups.queries.photos import alike_shown
from followups.rules.attachments import MEGABYTES, PDF, by_question
from loans.queries import open_business_date, parameter
from people.models import Staff


def attachments_of(visit: Visit) -> QuerySet[VisitAttachment]:
    """What lies with the visit now, the oldest first."""
    return _read(VisitAttachment.objects.filter(visit=visit)).select_related("exhibit", "by").order_by("id")


def attachments_visible_to(staff: Staff) -> QuerySet[VisitAttachment]:
    """Files of tasks one may see, not taken out again."""
    found = VisitAttachment.objects.filter(visit__task__in=VisitTask.objects.visible_to(staff))
    return _read(found).select_related("exhibit", "by", "visit__task__loan__borrower")


def _read(rows: QuerySet[VisitAttachment]) -> QuerySet[VisitAttachment]:
    """What was not taken out again, with the question that each proves (`item`)."""
    last = AttachmentProof.objects.filter(attachment=OuterRef("pk")).order_by("-id").values("item")[:1]
    proves = {"item": Coalesce(Subquery(last), Value(""))}
    return rows.filter(removal__isnull=True).annotate(**proves)


def photos_of(visit: Visit) -> int:
    """How many photos lie with the visit."""
    return attachments_of(visit).exclude(exhibit__media_type=PDF).count()


def photos_among(rows: Iterable[VisitAttachment]) -> int:
    """`photos_of` of a visit whose files are read already."""
    return sum(row.exhibit.media_type != PDF for row in rows)


def reused(rows: Iterable[VisitAttachment], loan_id: int) -> set[int]:
    """Ids of those that lie with a visit to another loan too: as they came, or as they are kept."""
    found = list(rows)
    if not found:
        return set()
    same = Q(sent_sha256__in=[row.sent_sha256 for row in found]) | Q(exhibit__in=[row.exhibit_id for row in found])
    others = VisitAttachment.objects.filter(same, removal__isnull=True).exclude(visit__task__loan_id=loan_id)
    marks = set()
    for sent, kept in others.values_list("sent_sha256", "exhibit_id"):
        marks |= {sent, kept}
    return {row.pk for row in found if row.sent_sha256 in marks or row.exhibit_id in marks}


def reused_from(rows: Iterable[VisitAttachment], loan_id: int) -> list[dict[str, Any]]:
    """Where the photos among these lie too: {attachment, name, other, task, loan_note_no} of another loan's visit."""
    photos = [row for row in rows if row.exhibit.media_type != PDF]
    if not photos:
        return []
    same = Q(sent_sha256__in=[row.sent_sha256 for row in photos]) | Q(exhibit__in=[row.exhibit_id for row in photos])
    others = VisitAttachment.objects.filter(same, removal__isnull=True).exclude(visit__task__loan_id=loan_id)
    known: dict[Any, tuple[int, int, str]] = {}
    columns = ("sent_sha256", "exhibit_id", "pk", "visit__task_id", "visit__task__loan__loan_note_no")
    for sent, kept, *where in others.order_by("-id").values_list(*columns):
        known[sent] = known[kept] = (where[0], where[1], where[2])
    found = []
    for row in photos:
        if at := known.get(row.sent_sha256) or known.get(row.exhibit_id):
            found.append({"attachment": row.pk, "name": row.name, "other": at[0], "task": at[1], "loan_note_no": at[2]})
    return found


def files_shown(visit: Visit, staff: Staff, questions: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What a page lists: the rows, which of them lie with another loan too or look like one there, and how large one
    may be; `questions` are those that a file may prove, by key and name, `filed` their files."""
    rows = list(attachments_of(visit))
    loan_id = visit.task.loan_id
    names = dict(questions)
    return {
        "files": rows,
        "questions": questions,
        "question_names": names,
        "filed": by_question(((row.item, row) for row in rows), names),
        "reused": reused(rows, loan_id),
        "alike": alike_shown(rows, loan_id, staff),
        "megabytes": most_megabytes(),
    }


def most_megabytes() -> int:
    """The largest file taken, in MB."""
    today = open_business_date()
    return int(parameter("visit_file_megabytes", today, MEGABYTES)) if today else MEGABYTES
