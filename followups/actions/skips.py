"""A first follow-up that cannot be made (S2.6): somebody asks, with a reason; somebody else decides about exactly that.

Without an approval a first follow-up stays open until it is made, however late: it can be neither moved past day 90 nor
cancelled.
"""

import hashlib
import json
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import NotYours, WrongState
from followups.actions.tasks import add_event, change_task, checked_reason, guard, locked_task, tell
from followups.models import EventKind, Outcome, SkipRequest, SkipState, TaskKind, TaskState, VisitTask
from followups.queries.cover import is_held_by
from journal.errors import ActionRefused
from loans.queries import lock_positions, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import may

DECIDES = "followups.review"


class SkipRefused(ActionRefused):
    """The request cannot be decided so."""

    code = "skip_refused"


class OwnSkip(SkipRefused):
    code = "own_skip"

    def __init__(self) -> None:
        super().__init__(_("不能批准本人提出或本人主办的免访申请，须由他人批准。"))


class SkipDecided(SkipRefused):
    code = "skip_decided"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("没有待批准的免访申请，或内容已变化，请刷新。"))


def _sha256(task_id: int, reason: str, asked_by: str) -> str:
    said = json.dumps([task_id, reason, asked_by], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def waiting_skip(task: VisitTask) -> SkipRequest | None:
    """The request that waits for a decision."""
    return SkipRequest.objects.filter(task=task, state=SkipState.WAITING).select_related("asked_by").first()


@transaction.atomic
def ask_to_skip(*, task_id: int, reason: str, by: Staff, at: datetime) -> SkipRequest:
    """Asks that a first follow-up that nobody has begun need not be made; the task stays open meanwhile."""
    may_assign = may(by, "followups.assign")
    if not may_assign:
        require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    guard(task, TaskState.CANCELLED, Outcome.SKIPPED)
    if task.kind != TaskKind.FIRST:
        raise WrongState(_("只有首次回访可以申请免访。"))
    if not may_assign and not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    words = checked_reason(reason, least=4)
    if waiting_skip(task) is not None:
        raise WrongState(_("已有待批准的免访申请。"))
    made = SkipRequest.objects.create(
        task=task, reason=words, asked_by=by, asked_at=at, content_sha256=_sha256(task.pk, words, by.staff_no)
    )
    add_event(task, EventKind.SKIP_ASKED, by=by.staff_no, at=at, reason=words, skip_id=made.pk)
    tell(task, "followups.skip_asked", by=by, at=at, skip_id=made.pk, sha256=made.content_sha256)
    return made


@transaction.atomic
def decide_skip(*, task_id: int, approve: bool, note: str, content_sha256: str, by: Staff, at: datetime) -> VisitTask:
    """Approves or refuses what was asked; never by who asked or who has the task."""
    require(by, DECIDES)
    loan_id = VisitTask.objects.visible_to(by).values_list("loan_id", flat=True).get(pk=task_id)
    lock_positions([loan_id])
    task = locked_task(task_id, by)
    asked = waiting_skip(task)
    if asked is None or asked.content_sha256 != content_sha256:
        raise SkipDecided
    if by.pk in (asked.asked_by_id, task.assigned_to_id):
        raise OwnSkip
    words = checked_reason(note, least=0 if approve else 4, field="note")
    if approve:
        guard(task, TaskState.CANCELLED, Outcome.SKIPPED)
    state = SkipState.APPROVED if approve else SkipState.REFUSED
    SkipRequest.objects.filter(pk=asked.pk).update(state=state, decided_by=by, decided_at=at, note=words)
    if approve:
        change_task(task, state=TaskState.CANCELLED, outcome=Outcome.SKIPPED, closed_on=require_business_date())
        add_event(
            task, EventKind.CANCELLED, by=by.staff_no, at=at, outcome=Outcome.SKIPPED.value, reason=asked.reason,
            skip_id=asked.pk,
        )  # fmt: skip
    else:
        add_event(task, EventKind.SKIP_REFUSED, by=by.staff_no, at=at, reason=words, skip_id=asked.pk)
    tell(task, "followups.skip_decided", by=by, at=at, skip_id=asked.pk, approved=approve, sha256=content_sha256)
    return task
