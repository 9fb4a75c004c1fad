"""Printed forms for visits, because many banks forbid own phones: one PDF of the ticked tasks, each print on record."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from followups.actions.refusals import NotYours, TaskAlreadyEnded
from followups.actions.tasks import tell
from followups.models import Checklist, Method, TaskState, VisitTask
from followups.queries.cover import is_held_by
from followups.queries.desk import desk
from followups.queries.facts import is_second_visitor
from followups.queries.field_form import form_content
from followups.rules.states import ENDED
from journal.errors import ActionRefused
from loans.queries import parameter, require_business_date
from people import pdf
from people.actions import require
from people.models import Staff
from people.queries import may

TEMPLATE = Path(__file__).resolve().parent.parent / "typst" / "field_form.typ"
MOST_FORMS = 20


class FormRefused(ActionRefused):
    """There is nothing to ask on paper."""

    code = "form_refused"


class Printed(NamedTuple):
    """The document, and which tasks it leaves out with the reason; no document when it leaves out all."""

    content: bytes
    refused: list[tuple[VisitTask, ActionRefused]]


@transaction.atomic
def print_forms(*, task_ids: Sequence[int], by: Staff, at: datetime) -> Printed:
    """Forms of the visible tasks in their order; what cannot be printed stands on the last page with the reason."""
    if not may(by, "followups.assign"):
        require(by, "followups.record_visit")
    found = desk(by).filter(pk__in=list(task_ids)).select_related("proposed_second").order_by("due_on", "pk")
    today = require_business_date()
    if not Checklist.objects.exists():
        raise FormRefused(_("尚未安装回访清单。"))
    forms: list[dict[str, Any]] = []
    refused: list[tuple[VisitTask, ActionRefused]] = []
    for task in found:
        try:
            _require_printable(task, by, len(forms))
        except ActionRefused as refusal:
            refused.append((task, refusal))
            continue
        forms.append(form_content(task, by, today))
    if not forms:
        return Printed(b"", refused)
    content = pdf.render(
        TEMPLATE,
        {
            "bank": str(parameter("bank_name", today, default="")),
            "by": f"{by.name} {by.staff_no}",
            "at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}",
            "forms": forms,
            "refused": [{"number": task.number, "why": refusal.message} for task, refusal in refused],
        },
    )
    left_out = {task.pk for task, _refusal in refused}
    for task in found:
        if task.pk not in left_out:
            tell(task, "followups.form_printed", by=by, at=at, sha256=hashlib.sha256(content).hexdigest())
    return Printed(content, refused)


def _require_printable(task: VisitTask, by: Staff, printed: int) -> None:
    if task.state in ENDED:
        raise TaskAlreadyEnded
    if task.state == TaskState.SUBMITTED:
        raise FormRefused(_("报告已提交，等待审核。"))
    if task.is_light:
        raise FormRefused(_("逾期跟踪不需要回访表。"))
    if task.method == Method.OFF_SITE and task.evidence is None:
        raise FormRefused(_("系统尚未检查，到期前会自动核对，不需要回访表。"))
    if not may(by, "followups.assign") and not is_held_by(task, by) and not is_second_visitor(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    if printed >= MOST_FORMS:
        raise FormRefused(_("一次最多打印 %(most)s 份，请分批。") % {"most": MOST_FORMS})
