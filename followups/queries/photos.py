"""What photos of a visit look like beside those of other loans, and where they were taken."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection

from collateral.models import Charge
from followups.models import VisitAttachment, VisitTask
from followups.rules.attachments import ALIKE_BITS, likeness
from people.models import Staff

# Bands find the few that may be alike, bits decide; what was taken out again does not count, nor what was taken for
# another loan of the same borrower.
_ALIKE = """
SELECT DISTINCT ON (p.id) p.id, a.id, v.task_id, bit_count((p.look # a.look)::bit(64)) AS bits, l.loan_note_no
  FROM followups_visitattachment p
  JOIN followups_visitattachment a ON a.look_bands && p.look_bands AND a.look IS NOT NULL AND a.visit_id <> p.visit_id
  JOIN followups_visit v ON v.id = a.visit_id
  JOIN followups_visittask t ON t.id = v.task_id
  JOIN loans_loan l ON l.id = t.loan_id
 WHERE p.id = ANY(%(ids)s) AND p.look IS NOT NULL AND t.loan_id <> %(loan)s
   AND l.borrower_id <> (SELECT borrower_id FROM loans_loan WHERE id = %(loan)s)
   AND bit_count((p.look # a.look)::bit(64)) <= %(most)s
   AND NOT EXISTS (SELECT FROM followups_attachmentremoval r WHERE r.attachment_id = a.id)
 ORDER BY p.id, bits, a.id
"""


@dataclass(frozen=True)
class Alike:
    """A photo of another loan's visit that looks the same; `task` where the reader may see that visit."""

    attachment_id: int
    task_id: int
    bits: int
    loan_note_no: str
    task: VisitTask | None = None

    @property
    def percent(self) -> int:
        return likeness(self.bits)


def alike(rows: Iterable[VisitAttachment], loan_id: int) -> dict[int, Alike]:
    """Attachment -> the most alike photo with a visit to another loan: one statement."""
    ids = [row.pk for row in rows if row.look is not None]
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, {"ids": ids, "loan": loan_id, "most": ALIKE_BITS})
        return {pk: Alike(*found) for pk, *found in cursor.fetchall()}


def alike_shown(rows: Iterable[VisitAttachment], loan_id: int, staff: Staff) -> dict[int, Alike]:
    """The same with the proof, for whoever may see the other visit: two statements."""
    found = alike(rows, loan_id)
    seen = VisitTask.objects.visible_to(staff).filter(pk__in=[one.task_id for one in found.values()])
    tasks = {task.pk: task for task in seen.select_related("loan")} if found else {}
    return {pk: replace(one, task=tasks.get(one.task_id)) for pk, one in found.items()}


def alike_from(rows: Iterable[VisitAttachment], loan_id: int) -> list[dict[str, Any]]:
    """What the photos among these look like: {attachment, name, other, task, loan_note_no, percent} of another loan."""
    listed = list(rows)
    found = alike(listed, loan_id)
    return [
        {
            "attachment": row.pk, "name": row.name, "other": one.attachment_id, "task": one.task_id,
            "loan_note_no": one.loan_note_no, "percent": one.percent,
        }
        for row in listed if (one := found.get(row.pk))
    ]  # fmt: skip


def far_off(rows: Iterable[VisitAttachment]) -> list[dict[str, Any]]:
    """Which photos were taken away from the home: {attachment, name, meters}."""
    return [{"attachment": row.pk, "name": row.name, "meters": row.meters_off} for row in rows if row.is_far]


def place_of_home(loan_id: int) -> tuple[Decimal, Decimal] | None:
    """Where the loan's first home stands, once a visit has found it."""
    charge = Charge.objects.filter(loan_id=loan_id).select_related("property").order_by("id").first()
    home = charge.property if charge else None
    if home is None or home.latitude is None or home.longitude is None:
        return None
    return home.latitude, home.longitude


def flags_of(rows: Iterable[VisitAttachment], loan_id: int) -> dict[int, dict[str, Any]]:
    """What a report says of each photo: has another loan one like it, and how far off was it taken."""
    listed = list(rows)
    found = alike(listed, loan_id)
    return {
        row.pk: {"is_alike": row.pk in found, "meters_off": str(row.meters_off) if row.is_far else ""} for row in listed
    }
