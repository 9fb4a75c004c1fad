"""Asking that a task goes to somebody else (申请改派): who has it asks, another person who assigns decides to whom."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import NotYours, WrongState
from followups.actions.tasks import add_event, assign, checked_reason, locked_task, require_to_do, tell
from followups.models import (
    Audience,
    EventKind,
    Notice,
    NoticeCode,
    ReassignRequest,
    ReassignState,
    VisitTask,
)
from followups.queries.cover import is_held_by
from journal.errors import ActionRefused
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff

ASKS, DECIDES = "followups.record_visit", "followups.assign"


class ReassignRefused(ActionRefused):
    """The request cannot be made or decided so."""

    code = "reassign_refused"


class OwnReassign(ReassignRefused):
    code = "own_reassign"

    def __init__(self) -> None:
        super().__init__(_("不能决定本人提出的改派申请，须由他人决定。"))


class ReassignDecided(ReassignRefused):
    code = "reassign_decided"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("没有待决定的改派申请，请刷新。"))


def waiting_reassign(task: VisitTask) -> ReassignRequest | None:
    """The request that waits for a decision."""
    found = ReassignRequest.objects.filter(task=task, state=ReassignState.WAITING)
    return found.select_related("asked_by").first()


@transaction.atomic
def ask_to_reassign(*, task_id: int, reason: str, by: Staff, at: datetime) -> ReassignRequest:
    """Asks that a task one holds goes to somebody else; until it is decided the task and its limit stay."""
    require(by, ASKS)
    task = locked_task(task_id, by)
    require_to_do(task)
    if task.assigned_to is None:
        raise WrongState(_("任务尚未分派，无须申请改派。"))
    if not is_held_by(task, by):
        raise NotYours(task.assigned_to.name)
    words = checked_reason(reason, least=4)
    if waiting_reassign(task) is not None:
        raise WrongState(_("已有待决定的改派申请。"))
    made = ReassignRequest.objects.create(task=task, reason=words[:300], asked_by=by, asked_at=at)
    add_event(task, EventKind.REASSIGN_ASKED, by=by.staff_no, at=at, reason=made.reason, reassign_id=made.pk)
    tell(task, "followups.reassign_asked", by=by, at=at, reassign_id=made.pk)
    _notify(task, NoticeCode.REASSIGN, Audience.MANAGER, at)
    return made


@transaction.atomic
def decide_reassign(
    *, task_id: int, approve: bool, officer: Staff | None = None, note: str, by: Staff, at: datetime
) -> VisitTask:
    """Gives the task to the officer, or says why it stays; never by who asked."""
    require(by, DECIDES)
    task = locked_task(task_id, by)
    asked = waiting_reassign(task)
    if asked is None:
        raise ReassignDecided
    if by.pk == asked.asked_by_id:
        raise OwnReassign
    words = checked_reason(note, least=0 if approve else 4, field="note")[:300]
    if approve:
        if officer is None or officer.pk == task.assigned_to_id:
            raise ReassignRefused(_("请选择改派给谁，不能仍是原主办人。"), field="officer")
        task = assign(task_id=task.pk, officer=officer, reason=_("改派：%(reason)s") % {"reason": asked.reason},
                      by=by, at=at)  # fmt: skip
    else:
        add_event(task, EventKind.REASSIGN_REFUSED, by=by.staff_no, at=at, reason=words, reassign_id=asked.pk)
    ReassignRequest.objects.filter(pk=asked.pk).update(
        state=ReassignState.APPROVED if approve else ReassignState.REFUSED, decided_by=by, decided_at=at,
        given_to=officer if approve else None, note=words,
    )  # fmt: skip
    tell(task, "followups.reassign_decided", by=by, at=at, reassign_id=asked.pk, approved=approve)
    _notify(task, NoticeCode.ANSWERED, Audience.OFFICER, at)
    return task


def _notify(task: VisitTask, code: str, audience: str, at: datetime) -> None:
    """Rings the bell the same day, once a limit."""
    today = require_business_date()
    Notice.objects.bulk_create(
        [Notice(task=task, branch=task.branch, code=code, audience=audience, due_on=task.due_on, raised_on=today,
                tell_on=today, at=at)],
        ignore_conflicts=True,
    )  # fmt: skip
