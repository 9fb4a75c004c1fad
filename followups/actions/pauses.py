"""计时暂停: the clock of a task stands for a coded reason, and its limit moves by the workdays that are left out.

Who holds the task pauses it for as many workdays in all as the bank allows (`visit_pause_workdays`).
Beyond that, and past day 90 of a first follow-up, another person decides: one who assigns tasks and does not hold this.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import NotYours, PauseWrong
from followups.actions.tasks import (
    add_event,
    change_task,
    checked_reason,
    locked_task,
    require_on_its_own,
    require_to_do,
    tell,
)
from followups.models import EventKind, PauseReason, TaskEvent, TaskKind, VisitTask
from followups.queries.cover import is_held_by
from followups.rules import clock
from loans.queries import calendar, parameter, require_business_date
from loans.rules.calendar import Calendar
from people.actions import require
from people.models import Staff
from people.queries import may

ALONE_WORKDAYS = 10
FIRST_BY_DAY = 90
_FURTHEST = timedelta(days=180)


@transaction.atomic
def pause_clock(*, task_id: int, reason: str, until: date, note: str = "", by: Staff, at: datetime) -> VisitTask:
    """Stops the clock on the days after today up to and including `until`; the limit moves by their workdays."""
    may_assign, task = _to_pause(task_id, by)
    require_on_its_own(task)
    today = require_business_date()
    if reason not in PauseReason.values:
        raise PauseWrong(_("请从所列原因中选择。"), field="reason")
    words = checked_reason(note, least=0, field="note")
    if task.paused_until is not None and task.paused_until >= today:
        raise PauseWrong(_("计时已暂停至 %(day)s，请先恢复。") % {"day": task.paused_until.isoformat()})
    if not today < until <= today + _FURTHEST:
        raise PauseWrong(_("暂停须止于今天之后 180 天以内的一天。"), field="until")
    days = calendar(min(today, task.created_on), max(task.due_on, until) + _FURTHEST)
    count = days.workdays_between(today, until)
    due_on = days.add_workdays(task.due_on, count)
    if not _may_decide(task, by, may_assign) and _needs_another(task, count, due_on, days):
        raise PauseWrong(
            _("累计超过 %(most)s 个工作日，或首次回访晚于放款后 90 天，须由另一名主管暂停。") % {"most": _alone(today)},
            field="until",
        )
    before = task.due_on
    change_task(task, due_on=due_on, is_pinned=True, paused_until=until)
    facts = {
        "code": reason,
        "until": until.isoformat(),
        "workdays": count,
        "from": before.isoformat(),
        "to": due_on.isoformat(),
    }
    add_event(task, EventKind.PAUSED, by=by.staff_no, at=at, reason=words, **facts)
    tell(task, "followups.clock_paused", by=by, at=at, **facts)
    return task


@transaction.atomic
def resume_clock(*, task_id: int, by: Staff, at: datetime) -> VisitTask:
    """Lets the clock run again from today; the limit comes back by the workdays that were not needed."""
    _may_assign, task = _to_pause(task_id, by)
    if task.paused_until is None or task.paused_until < require_business_date():
        raise PauseWrong(_("计时没有暂停。"))
    end_pause(task, by=by, at=at)
    return task


def end_pause(task: VisitTask, *, by: Staff, at: datetime) -> None:
    """Ends the pause of a locked task, if there is one; a limit that was moved since then stays where it is."""
    today = require_business_date()
    if task.paused_until is None or task.paused_until < today:
        return
    paused: TaskEvent = task.events.filter(kind=EventKind.PAUSED).latest("id")
    due_on = task.due_on
    if due_on == date.fromisoformat(paused.data["to"]):
        was = date.fromisoformat(paused.data["from"])
        days = calendar(min(was, paused.business_date), max(due_on, today) + _FURTHEST)
        used = max(0, days.workdays_between(paused.business_date, today - timedelta(days=1)))
        due_on = days.add_workdays(was, used)
    change_task(task, due_on=due_on, opens_on=min(task.opens_on, due_on), paused_until=None)
    add_event(task, EventKind.RESUMED, by=by.staff_no, at=at, to=due_on.isoformat())
    tell(task, "followups.clock_resumed", by=by, at=at, to=due_on.isoformat())


def _to_pause(task_id: int, by: Staff) -> tuple[bool, VisitTask]:
    may_assign = may(by, "followups.assign")
    if not may_assign:
        require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    require_to_do(task)
    if not may_assign and not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    return may_assign, task


def _may_decide(task: VisitTask, by: Staff, may_assign: bool) -> bool:
    """The second person: who assigns, and does not hold the task."""
    return may_assign and not is_held_by(task, by)


def _alone(today: date) -> int:
    return int(parameter("visit_pause_workdays", today, ALONE_WORKDAYS))


def _needs_another(task: VisitTask, count: int, due_on: date, days: Calendar) -> bool:
    stood = clock.pauses(task.events.order_by("id"))
    before = sum(days.workdays_between(begun, last) for begun, last in stood)
    latest = task.loan.disbursed_on + timedelta(days=FIRST_BY_DAY)
    return before + count > _alone(require_business_date()) or (task.kind == TaskKind.FIRST and due_on > latest)
