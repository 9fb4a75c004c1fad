"""Who makes a follow-up and when: assigning, claiming, rescheduling; the lock and state guard of all steps."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from followups.actions.refusals import (
    AlreadySubmitted,
    MergedElsewhere,
    NotYours,
    ReasonMissing,
    SecondVisitorWrong,
    TaskAlreadyEnded,
    WrongDate,
    WrongOfficer,
    WrongState,
    fault_sentence,
)
from followups.batch.sight import part_out_of_sight
from followups.models import EventKind, PauseReason, TaskEvent, TaskKind, TaskState, Visit, VisitTask
from followups.queries.assigning import is_kept_from_visits, visiting_roles
from followups.queries.cover import is_held_by
from followups.queries.merging import lead_of, links_of
from followups.rules import states
from followups.rules.checklist import TEXT_LIMIT, needs_pair, text_faults
from followups.rules.escalation import LAST_FIRST_DAY
from journal.actions import record
from loans import sql
from loans.models import Loan, Position
from loans.queries import require_business_date
from people.actions import require
from people.models import Branch, Party, Staff
from people.queries import branch_ids_visible_to, may, sees_every_branch

# States in which the visit is still to be made or mended.
TO_DO = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.RETURNED)
_FURTHEST = timedelta(days=365)
# A visible task and what its visit does along. Plain SQL, for every step of every visit begins with it.
_WITH_MEMBERS = """
WITH own AS (SELECT id FROM followups_visittask
              WHERE id = %s AND (%s::bigint[] IS NULL OR branch_id = ANY(%s::bigint[])))
SELECT id FROM own
UNION ALL SELECT m.task_id FROM followups_mergedtask m JOIN own ON own.id = m.lead_id WHERE m.ended_at IS NULL
"""
# What is read along with a task.
_BESIDE: dict[type[Model], list[str]] = {
    model: [each.attname for each in model._meta.concrete_fields] for model in (Loan, Position, Party, Branch, Staff)
}
_COLUMNS = ", ".join(f"{name}.{each}" for name, of in zip("lpbhs", _BESIDE.values(), strict=True) for each in of)
_WITH_LOAN = f"""
SELECT {_COLUMNS}
  FROM followups_visittask t JOIN loans_loan l ON l.id = t.loan_id JOIN loans_position p ON p.loan_id = l.id
  JOIN people_party b ON b.id = l.borrower_id JOIN people_branch h ON h.id = t.branch_id
  LEFT JOIN people_staff s ON s.id = t.assigned_to_id
 WHERE t.id = %(task)s
"""  # noqa: S608 - names of columns
_ADD_EVENTS = """
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT %(task)s, u.kind, %(at)s, %(today)s, %(by)s, u.data::jsonb
  FROM unnest(%(kinds)s::text[], %(data)s::text[]) WITH ORDINALITY AS u(kind, data, n) ORDER BY u.n RETURNING id
"""
# Events that say by when a task is due.
_SETS_DUE = (EventKind.PLANNED, EventKind.BROUGHT_FORWARD, EventKind.RESCHEDULED)


def locked_task(task_id: int, by: Staff) -> VisitTask:
    """The task under its lock; VisitTask.DoesNotExist when it is missing or another branch's.

    Related rows are read after the lock is held: joined to the locking query they would be those of
    before the wait, and a task just claimed by somebody would still look unassigned.
    """
    return VisitTask.objects.visible_to(by).select_for_update().get(pk=task_id)


def lock_together(task_ids: Iterable[int]) -> None:
    """Locks a visit and what it does along, in the order of their ids whoever asks: nobody waits in a circle."""
    list(VisitTask.objects.select_for_update().filter(pk__in=list(task_ids)).order_by("pk").values_list("pk"))


def locked_with_members(task_id: int, by: Staff) -> VisitTask:
    """As `locked_task`, and what its visit does along is locked with it in the order of `lock_together`, by the same
    statement: for whoever gives, begins, hands in or decides a visit, which touches what belongs to it."""
    seen = None if sees_every_branch(by) else branch_ids_visible_to(by)
    wanted = RawSQL(_WITH_MEMBERS, [task_id, seen, seen])  # noqa: S611 - a constant
    held = {task.pk: task for task in VisitTask.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    if task_id not in held:
        raise VisitTask.DoesNotExist(task_id)
    return held[task_id]


def with_loan(task: VisitTask) -> VisitTask:
    """A locked task with its loan, borrower and position, its branch and who has it, read now by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_LOAN, {"task": task.pk})
        row = iter(cursor.fetchone())
    read: dict[type[Model], Any] = {
        model: model.from_db(connection.alias, columns, list(islice(row, len(columns))))
        for model, columns in _BESIDE.items()
    }
    loan = read[Loan]
    loan.position, loan.borrower = read[Position], read[Party]
    task.loan, task.branch = loan, read[Branch]
    task.assigned_to = read[Staff] if read[Staff].pk is not None else None
    return task


def guard(task: VisitTask, new: str, outcome: str = "") -> None:
    """Refuses an illegal change of state with a sentence for the person."""
    try:
        states.guard(task.state, new, outcome)
    except states.IllegalState as error:
        if task.state in states.ENDED:
            raise TaskAlreadyEnded from error
        if task.state == TaskState.SUBMITTED:
            raise AlreadySubmitted from error
        raise WrongState(_("该任务当前状态不能进行此操作。")) from error


def require_to_do(task: VisitTask) -> None:
    """Refuses unless the visit is still to be made or mended."""
    if task.state in states.ENDED:
        raise TaskAlreadyEnded
    if task.state == TaskState.SUBMITTED:
        raise AlreadySubmitted


def change_task(task: VisitTask, **fields: Any) -> None:
    """Writes fields of a locked task and counts its version up."""
    VisitTask.objects.filter(pk=task.pk).update(version=F("version") + 1, **fields)
    for name, value in fields.items():
        setattr(task, name, value)
    task.version += 1


def add_event(task: VisitTask, kind: str, *, by: str, at: datetime, **facts: Any) -> TaskEvent:
    return add_events(task, {kind: facts}, by=by, at=at)[0]


def add_events(task: VisitTask, events: Mapping[str, Mapping[str, Any]], *, by: str, at: datetime) -> list[TaskEvent]:
    """What a step brings about in one statement: the facts of each event by its kind, in their order."""
    today = require_business_date()
    kinds, data = [str(kind) for kind in events], [json.dumps(facts) for facts in events.values()]
    asked = {"task": task.pk, "at": at, "today": today, "by": by, "kinds": kinds, "data": data}
    made = sorted(pk for (pk,) in sql.rows(_ADD_EVENTS, asked))
    return [
        TaskEvent(pk=pk, task=task, kind=kind, at=at, business_date=today, actor=by, data=dict(facts))
        for pk, (kind, facts) in zip(made, events.items(), strict=True)
    ]


def tell(task: VisitTask, kind: str, *, by: Staff, at: datetime, **facts: Any) -> None:
    """Records a fact about the task under its loan; ids, codes and hashes only."""
    record(
        kind=kind,
        subject_type="visit_task",
        subject_id=task.pk,
        loan_id=task.loan_id,
        by=by.staff_no,
        at=at,
        business_date=require_business_date(),
        data={"loan_id": task.loan_id, "task_id": task.pk, **facts},
    )


def checked_reason(reason: str, *, least: int, field: str = "reason", ask: str = "") -> str:
    """The reason without outer space; refused when too short, too long or unseen characters are in it.

    `ask` is the sentence that asks for what is no reason, with %(least)s.
    """
    words = reason.strip()
    if len(words) < least:
        raise ReasonMissing((ask or _("请写明原因（至少 %(least)s 个字）。")) % {"least": least}, field=field)
    faults = text_faults(words, TEXT_LIMIT, lines=True)
    if faults:
        raise ReasonMissing(
            _("文字过长，最多 %(most)s 个字。") % {"most": TEXT_LIMIT}
            if "too_long" in faults
            else fault_sentence(faults[0]),
            field=field,
            code=faults[0],
        )
    return words


def require_visitor(task: VisitTask, by: Staff) -> None:
    """Who holds the task, or the second visitor of the visit; anybody who may when nobody has the task."""
    if task.assigned_to_id is None or is_held_by(task, by):
        return
    if not Visit.objects.filter(task=task, second_visitor=by).exists():
        raise NotYours(task.assigned_to.name if task.assigned_to else "")


def require_officer_fits(task: VisitTask, officer: Staff) -> None:
    """An officer must be active, may record visits and sees the loan's branch."""
    if not officer.is_active or not may(officer, "followups.record_visit"):
        raise WrongOfficer(_("%(name)s没有回访岗位或已停用。") % {"name": officer.name})
    if task.branch_id not in branch_ids_visible_to(officer):
        raise WrongOfficer(_("%(name)s不属于该贷款的机构。") % {"name": officer.name})


def require_role(task: VisitTask, officer: Staff) -> None:
    """Who leads the visit must have the role that its policy line asks for."""
    if task.role and not officer.roles.filter(code=task.role).exists():
        role = visiting_roles().get(task.role, task.role)
        raise WrongOfficer(
            _("回访策略要求由“%(role)s”办理，%(name)s没有该岗位。") % {"role": role, "name": officer.name}
        )


def require_certificate(officer: Staff, *, is_second: bool = False) -> None:
    """Without a certificate nobody is given new visits once the warning period is over; what one has stays."""
    if is_kept_from_visits(officer.pk, require_business_date()):
        refused = SecondVisitorWrong if is_second else WrongOfficer
        raise refused(_("%(name)s没有有效的回访证书，不能再接新的回访任务。") % {"name": officer.name})


def goes_alone(task: VisitTask, officer: Staff) -> bool:
    """Would the officer make the visit alone? Where two have to go, the visit itself asks for the other one."""
    if task.is_light or needs_pair(task.method, task.level):
        return False
    visit = getattr(task, "visit", None)
    return not {task.proposed_second_id, visit.second_visitor_id if visit else None} - {None, officer.pk}


def require_no_approver(task: VisitTask, officer: Staff, *, within: VisitTask | None = None) -> None:
    """Who approved the loan is never its only visitor; `within` is the follow-up whose visit makes this one too."""
    if task.loan.approver_id == officer.pk and goes_alone(within or task, officer):
        raise WrongOfficer(
            _("该贷款由%(name)s审批，不能由其一人回访；请先指定协办人，或改派他人。") % {"name": officer.name}
        )


def require_on_its_own(task: VisitTask) -> None:
    """Refuses what is done to a task that another visit does along."""
    link = lead_of(task)
    if link is not None:
        raise MergedElsewhere("" if link.is_across else link.lead.number)


def give(task: VisitTask, officer: Staff, *, by: Staff, at: datetime, **facts: str) -> None:
    """Assigns a locked task, with event and fact; who has not the role that its policy line asks for is refused."""
    require_role(task, officer)
    before = task.assigned_to
    change_task(task, assigned_to=officer)
    add_event(
        task,
        EventKind.ASSIGNED,
        by=by.staff_no,
        at=at,
        **{"from": before.staff_no if before else "", "to": officer.staff_no, **facts},
    )
    tell(task, "followups.task_assigned", by=by, at=at, officer=officer.staff_no)


def _give_along(task: VisitTask, officer: Staff, *, by: Staff, at: datetime, **facts: str) -> None:
    """What the visit does along goes with it: one talk is one officer's. What lies in a branch that the officer does
    not see is taken apart: who gives the visit away may not see it either, and could not do that first."""
    links = links_of(task)
    if any(link.is_across for link in links):
        part_out_of_sight(as_of=require_business_date(), at=at, task_ids=[task.pk])
        links = links_of(task)
    for link in links:
        member = link.task
        if member.state == TaskState.PLANNED and member.assigned_to_id != officer.pk:
            require_officer_fits(member, officer)
            require_no_approver(member, officer, within=task)
            give(member, officer, by=by, at=at, **facts)


@transaction.atomic
def assign(*, task_id: int, officer: Staff, reason: str, by: Staff, at: datetime) -> VisitTask:
    """Gives the task to an officer, with a reason; a visit already begun goes with it.

    The same officer again changes nothing.
    """
    require(by, "followups.assign")
    task = locked_with_members(task_id, by)
    require_to_do(task)
    require_on_its_own(task)
    require_officer_fits(task, officer)
    if task.assigned_to_id == officer.pk:
        return task
    require_certificate(officer)
    require_no_approver(task, officer)
    words = checked_reason(reason, least=2)
    visit = getattr(task, "visit", None)
    if visit is not None:
        if visit.second_visitor_id == officer.pk:
            raise WrongOfficer(_("协办人不能同时为主办人。"))
        type(visit).objects.filter(pk=visit.pk).update(lead_visitor=officer)
    if task.proposed_second_id == officer.pk:
        change_task(task, proposed_second=None)
    give(task, officer, by=by, at=at, reason=words)
    _give_along(task, officer, by=by, at=at, reason=words)
    return task


@transaction.atomic
def claim(*, task_id: int, by: Staff, at: datetime) -> VisitTask:
    """Takes an unassigned task for oneself."""
    require(by, "followups.record_visit")
    task = locked_with_members(task_id, by)
    require_to_do(task)
    if task.assigned_to_id == by.pk:
        return task
    if task.assigned_to is not None:
        raise NotYours(task.assigned_to.name)
    require_on_its_own(task)
    require_no_approver(task, by)
    take(task, by, at=at)
    return task


def take(task: VisitTask, by: Staff, *, at: datetime) -> None:
    """Gives a locked task that nobody has to who begins or claims it, with what its visit does along."""
    require_certificate(by)
    give(task, by, by=by, at=at)
    _give_along(task, by, by=by, at=at)


@transaction.atomic
def reschedule(*, task_id: int, to: date, reason: str, code: str = "", by: Staff, at: datetime) -> VisitTask:
    """Fixes the limit to a day; beyond the planned one only by another person, one who assigns tasks; a first
    visit's never past day 90 after disbursement.

    The date is pinned: the planner leaves it alone from now on.
    """
    may_assign = may(by, "followups.assign")
    if not may_assign:
        require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    require_to_do(task)
    if not may_assign and not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    require_on_its_own(task)
    words = checked_reason(reason, least=2)
    if code and code not in PauseReason.values:
        raise ReasonMissing(_("请从所列原因中选择。"), field="code", code="not_a_choice")
    today = require_business_date()
    if to < today:
        raise WrongDate(_("日期不能早于营业日 %(today)s。") % {"today": today.isoformat()})
    if to > max(task.due_on, today) + _FURTHEST:
        raise WrongDate(_("日期过远。"))
    limit = _planned_due(task)
    if to > limit and (not may_assign or is_held_by(task, by)):
        raise WrongDate(_("晚于应完成日 %(due)s 须由主管改约。") % {"due": limit.isoformat()})
    last_day = task.loan.disbursed_on + timedelta(days=LAST_FIRST_DAY)
    if task.kind == TaskKind.FIRST and to > last_day:
        raise WrongDate(
            _("首次回访不得晚于放款后第 %(days)s 天（%(day)s）；确不能办理的，请申请免访，由他人批准。")
            % {"days": LAST_FIRST_DAY, "day": last_day.isoformat()}
        )
    before = task.due_on
    if to == before and task.is_pinned:
        return task
    change_task(task, due_on=to, opens_on=min(task.opens_on, to), is_pinned=True)
    days = {"from": before.isoformat(), "to": to.isoformat()}
    add_event(
        task, EventKind.RESCHEDULED, by=by.staff_no, at=at, reason=words, code=code, sets_limit=may_assign, **days
    )
    tell(task, "followups.task_rescheduled", by=by, at=at, code=code, **days)
    return task


def _planned_due(task: VisitTask) -> date:
    """The day up to which an officer may move the task: the planner's, or what somebody who assigns made of it.

    An own move to an earlier day takes nothing away, so that it can be taken back.
    """
    limit: date | None = None
    for event in task.events.filter(kind__in=_SETS_DUE).order_by("id"):
        if event.kind != EventKind.RESCHEDULED:
            text = event.data.get("due_on")
        elif limit is None and not event.data.get("sets_limit"):
            text = event.data.get("from")
        elif event.data.get("sets_limit") or (limit and str(event.data.get("to")) > limit.isoformat()):
            text = event.data.get("to")
        else:
            text = None
        limit = date.fromisoformat(text) if text else limit
    return max(limit or task.due_on, task.due_on)
