"""By which method a visit is made: whoever holds the task may make it heavier; lighter is another person's decision."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import LightItem, MethodWrong, NotYours, WrongState
from followups.actions.tasks import (
    add_event,
    change_task,
    checked_reason,
    locked_task,
    require_on_its_own,
    require_to_do,
    tell,
)
from followups.models import EventKind, Level, Method, Subject, TaskKind, Visit, VisitTask
from followups.queries.cover import is_held_by
from followups.queries.form import asked_of
from followups.rules.checklist import CALLING
from followups.rules.facts import WEIGHT
from people.actions import require
from people.models import Staff
from people.queries import may

REASON_LEAST = 2
# A home is looked at, on the spot or by video; it cannot be called, nor does it come to the counter.
OF_A_HOME = (Method.FIELD, Method.VIDEO)


def may_be_self_service(task: VisitTask) -> bool:
    """May the borrower answer by himself? Never the first visit, nor what an event or a grave warning asks for."""
    return task.kind == TaskKind.PERIODIC and task.level > Level.ORANGE


@transaction.atomic
def choose_method(*, task_id: int, method: str, note: str, by: Staff, at: datetime) -> VisitTask:
    """Makes the visit by another method, begun or not; answers that the new one does not ask go."""
    may_assign = may(by, "followups.assign")
    if not may_assign:
        require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    require_to_do(task)
    if task.is_light:
        raise LightItem
    is_holder = is_held_by(task, by)
    if not may_assign and not is_holder:
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    require_on_its_own(task)
    if method not in Method.values or method == Method.OFF_SITE:
        raise MethodWrong(_("请从所列方式中选择。"))
    if method == Method.SELF_SERVICE and not may_be_self_service(task):
        raise MethodWrong(_("只有没有红橙预警的定期回访可以由客户自助填报。"))
    if task.subject != Subject.LOAN and method not in OF_A_HOME:
        raise MethodWrong(_("仅查押品的回访只能实地走访或视频查看。"))
    words = checked_reason(note, least=REASON_LEAST, field="note")
    if method == task.method:
        raise WrongState(_("本次已是%(method)s。") % {"method": Method(method).label})
    if WEIGHT[method] < WEIGHT[task.method] and (is_holder or not may_assign):
        raise MethodWrong(_("改为较轻的方式须由另一名主管决定。"))
    change_method(task, method, words, by=by, at=at)
    return task


def change_method(task: VisitTask, method: str, words: str, *, by: Staff, at: datetime) -> None:
    """Writes the method of a locked task and its visit, with event and fact."""
    before = task.method
    change_task(task, method=method)
    for visit in Visit.objects.filter(task=task).select_related("checklist"):
        visit.task, visit.method = task, method
        asked = {item["key"] for item in asked_of(visit)}
        draft = {key: value for key, value in visit.draft.items() if _is_kept(key, method)}
        draft["answers"] = {key: each for key, each in (draft.get("answers") or {}).items() if key in asked}
        Visit.objects.filter(pk=visit.pk).update(
            method=method, draft=draft, version=visit.version + 1, saved_at=at, saved_by=by.staff_no
        )
    add_event(task, EventKind.METHOD_CHANGED, by=by.staff_no, at=at, reason=words, method=method, was=before)
    tell(task, "followups.method_changed", by=by, at=at, method=method, was=before)


def _is_kept(key: str, method: str) -> bool:
    """What the other method asks beside the checklist and this one does not is let go."""
    if key == "contact_outcome":
        return method in CALLING
    return key not in ("photo_exit", "note_left") or method == Method.FIELD
