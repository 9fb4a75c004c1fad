"""What is done with ticked rows of the desk, one task at a time: who goes along, an off-site check closed by a person.

Each is an action of its own, so that a refusal says which row and stops nothing else.
"""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from correspondence.actions.appointments import announce_visit
from correspondence.models import Message
from followups.actions.merging import MergeRefused, merge_tasks
from followups.actions.refusals import NotYours, SecondVisitorWrong, WrongState
from followups.actions.tasks import (
    add_event,
    change_task,
    checked_reason,
    guard,
    locked_task,
    require_certificate,
    require_officer_fits,
    require_to_do,
    tell,
)
from followups.models import EventKind, MergedTask, MergeMode, Method, Outcome, Subject, TaskState, Visit, VisitTask
from followups.queries.assigning import not_independent
from followups.queries.cover import is_held_by
from followups.rules.facts import TALKS, WEIGHT
from journal.errors import ActionRefused
from loans.queries import lock_positions, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import may

RECORDS, ASSIGNS = "followups.record_visit", "followups.assign"


class OffSiteRefused(ActionRefused):
    """The check is not one that a person may close without a visit."""

    code = "off_site_refused"


def _held(task_id: int, by: Staff) -> VisitTask:
    """The locked task, still to be made, of who holds it or assigns."""
    if not may(by, ASSIGNS):
        require(by, RECORDS)
    task = locked_task(task_id, by)
    require_to_do(task)
    if not may(by, ASSIGNS) and not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    return task


@transaction.atomic
def name_second(*, task_id: int, second: Staff, by: Staff, at: datetime) -> VisitTask:
    """Says who is to go along (协办人); who really goes is named in the visit. The same one again changes nothing."""
    task = _held(task_id, by)
    if task.method == Method.OFF_SITE or task.is_light:
        raise SecondVisitorWrong(_("非现场检查和逾期跟踪不需要协办人。"))
    if task.assigned_to_id == second.pk:
        raise SecondVisitorWrong(_("协办人不能同时为主办人。"))
    if second.branch_id != task.branch_id:
        raise SecondVisitorWrong(_("协办人须为该贷款所属机构另一名在岗的回访人员，请从名单中选择。"))
    if second.pk in not_independent(task.loan):
        raise SecondVisitorWrong(_("协办人须独立：管户客户经理和贷款审批人不能协办该贷款。"))
    require_officer_fits(task, second)
    if Visit.objects.filter(task=task, lead_visitor=second).exists():
        raise SecondVisitorWrong(_("协办人不能同时为主办人。"))
    if task.proposed_second_id == second.pk:
        return task
    require_certificate(second, is_second=True)
    change_task(task, proposed_second=second)
    add_event(task, EventKind.SECOND_PROPOSED, by=by.staff_no, at=at, second=second.staff_no, to="")
    tell(task, "followups.second_named", by=by, at=at, second=second.staff_no)
    return task


@transaction.atomic
def announce(*, task_id: int, on: date, by: Staff, at: datetime) -> Message:
    """Has the borrower told when the visit comes; for who holds the task and has not handed it in."""
    require(by, RECORDS)
    task = locked_task(task_id, by)
    require_to_do(task)
    if not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    if task.is_light or task.method not in TALKS or task.subject == Subject.PROPERTY:
        raise WrongState(_("该任务不需要约见客户。"))
    made = announce_visit(loan_id=task.loan_id, on=on, by=by, at=at)
    tell(task, "followups.visit_announced", by=by, at=at, message_id=made.pk, on=on.isoformat())
    return made


@transaction.atomic
def close_off_site(*, task_id: int, note: str, by: Staff, at: datetime) -> VisitTask:
    """Closes an off-site check that was given to a person as a sample, after a look at its evidence.

    One with exceptions needs a visit and a report.
    """
    loan_id = VisitTask.objects.visible_to(by).values_list("loan_id", flat=True).get(pk=task_id)
    lock_positions([loan_id])
    task = _held(task_id, by)
    if task.method != Method.OFF_SITE:
        raise OffSiteRefused(_("不是非现场检查，须按原方式回访。"))
    if task.state != TaskState.PLANNED:
        raise OffSiteRefused(_("已开始办理，请提交报告。"))
    if task.evidence is None:
        raise OffSiteRefused(_("系统尚未检查，到期前会自动核对，无须人工办结。"))
    if task.evidence.get("exceptions"):
        raise OffSiteRefused(_("检查有异常，须回访核实后提交报告，不能直接办结。"))
    if task.evidence.get("missing"):
        raise OffSiteRefused(_("检查缺少须核对的记录，须核对后提交报告，不能直接办结。"))
    words = checked_reason(note, least=2, field="note")
    guard(task, TaskState.CLOSED)
    change_task(task, state=TaskState.CLOSED, outcome=Outcome.CLEAN, closed_on=require_business_date())
    add_event(task, EventKind.CLOSED, by=by.staff_no, at=at, outcome=Outcome.CLEAN.value, reason=words)
    tell(task, "followups.off_site_closed", by=by, at=at)
    return task


@transaction.atomic
def merge_of_customer(*, task_ids: Sequence[int], by: Staff, at: datetime) -> list[MergedTask]:
    """One visit for the ticked tasks of one customer: what is begun leads, then the heaviest way, then the earliest."""
    tasks = list(VisitTask.objects.visible_to(by).filter(pk__in=task_ids).order_by("pk"))
    if len(tasks) < 2:
        raise MergeRefused(_("同户没有其他勾选的任务。"))
    lead = min(
        tasks,
        key=lambda task: (task.state != TaskState.IN_PROGRESS, -WEIGHT[task.method], task.due_on, task.pk),
    )
    members = [task.pk for task in tasks if task.pk != lead.pk]
    is_across = len({task.branch_id for task in tasks}) > 1
    mode = MergeMode.EACH if is_across else MergeMode.JOINT
    return merge_tasks(lead_id=lead.pk, task_ids=members, mode=mode, by=by, at=at)
