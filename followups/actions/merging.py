"""One customer, one talk: untouched tasks of a customer or a home are done in the visit of one of them.

A joint report closes them all when it is approved; with one report each, the answers of the talk stand in the drafts
of the others, which their officer checks and hands in. A person may take a task out again until the visit is handed in.
Across branches each task gets its own report, which its own branch reviews, and the visit is made by who sees them all.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from collateral.models import Charge
from followups.actions.refusals import AlreadySubmitted, MergedElsewhere, NotYours
from followups.actions.tasks import (
    add_event,
    change_task,
    checked_reason,
    give,
    lock_together,
    locked_task,
    require_no_approver,
    require_officer_fits,
    require_to_do,
    take,
    tell,
)
from followups.batch.talks import standing
from followups.models import EventKind, MergedTask, MergeMode, Outcome, TaskState, Visit, VisitReport, VisitTask
from followups.queries.cover import is_held_by
from followups.queries.events import Behind
from followups.queries.form import asked_of
from followups.queries.merging import companions, lead_of, links_of, within_days
from followups.rules.facts import OFF_SITE, WEIGHT
from journal.errors import ActionRefused
from loans.queries import require_business_date
from people.actions import NotAllowed, require
from people.models import Staff
from people.queries import branch_ids_visible_to, may

MOST = 10
# What the borrower says of himself; the rest is asked of each home and loan.
OF_THE_BORROWER = ("identity", "employment", "income", "debts", "needs", "education")


class MergeRefused(ActionRefused):
    code = "merge_refused"


class NotTogether(MergeRefused):
    """Also for tasks that are another branch's, or nobody's."""

    def __init__(self) -> None:
        words = _("只能合并同一客户、配偶、共同借款人或同一房屋、应完成日相差%(days)s天以内、尚未开始的任务。")
        super().__init__(words % {"days": within_days()}, field="task")


@transaction.atomic
def merge_tasks(*, lead_id: int, task_ids: Sequence[int], mode: str, by: Staff, at: datetime) -> list[MergedTask]:
    """Has the lead's visit do these tasks along; it takes the earliest date, heaviest method and worst level."""
    _require_may(by)
    if mode not in MergeMode.values:
        raise MergeRefused(_("请选择合并报告或各出一份报告。"), field="mode")
    wanted = sorted({*task_ids} - {lead_id})
    if not wanted or len(wanted) > MOST:
        raise MergeRefused(_("请选择要一并办理的任务。"), field="task")
    tasks = {pk: locked_task(pk, by) for pk in sorted({lead_id, *wanted})}
    lead = tasks[lead_id]
    require_to_do(lead)
    _require_lead(lead, by)
    offered = {task.pk for task in companions(lead, by)}
    known = {link.task_id for link in links_of(lead)}
    members = [tasks[pk] for pk in wanted if pk not in known]
    if any(member.pk not in offered for member in members):
        raise NotTogether
    for member in members:
        _require_hold(member, by)
    if not members:
        return []
    if lead.assigned_to is None and may(by, "followups.record_visit"):
        require_no_approver(lead, by)
        take(lead, by, at=at)
    _require_across(lead, members, mode)
    own = standing(lead)
    _tighten(lead, members, by=by, at=at)
    return [_link(lead, member, mode, own, by=by, at=at) for member in members]


def _require_may(by: Staff) -> None:
    if not may(by, "followups.record_visit"):
        require(by, "followups.assign")


def _require_across(lead: VisitTask, members: Sequence[VisitTask], mode: str) -> None:
    """The officer of the visit sees all its branches, and in a report nobody reads of another branch's loan."""
    foreign = [member for member in members if member.branch_id != lead.branch_id]
    if not foreign:
        return
    if lead.assigned_to is None:
        raise MergeRefused(_("请先把%(number)s分派给能查看各机构的主办人。") % {"number": lead.number}, field="task")
    for member in foreign:
        require_officer_fits(member, lead.assigned_to)
    if mode == MergeMode.JOINT:
        raise MergeRefused(_("跨机构的任务须各出一份报告，由各自机构审核。"), field="mode")


def _require_hold(task: VisitTask, by: Staff) -> None:
    if may(by, "followups.assign") or task.assigned_to is None or is_held_by(task, by):
        return
    raise NotYours(task.assigned_to.name)


def _require_lead(lead: VisitTask, by: Staff) -> None:
    _require_hold(lead, by)
    elsewhere = lead_of(lead)
    if elsewhere is not None:
        raise MergedElsewhere("" if elsewhere.is_across else elsewhere.lead.number)
    if lead.is_light or lead.method == OFF_SITE or lead.state == TaskState.RETURNED:
        raise MergeRefused(_("该任务不能一并办理其他任务。"))


def _tighten(lead: VisitTask, members: Sequence[VisitTask], *, by: Staff, at: datetime) -> None:
    """The one visit is as early, as thorough and as urgent as each of its tasks asks."""
    heaviest = max((lead, *members), key=lambda task: WEIGHT[task.method])
    method = heaviest.method if WEIGHT[heaviest.method] > WEIGHT[lead.method] else lead.method
    if method != lead.method and lead.state != TaskState.PLANNED:
        raise MergeRefused(_("已开始的回访方式较轻，请以%(number)s为主。") % {"number": heaviest.number}, field="task")
    due_on = min(task.due_on for task in (lead, *members))
    level = min(task.level for task in (lead, *members))
    before = {"due_before": lead.due_on.isoformat(), "method_before": lead.method}
    if (due_on, method, level) == (lead.due_on, lead.method, lead.level):
        return
    moved = due_on != lead.due_on or method != lead.method
    change_task(lead, due_on=due_on, opens_on=min(lead.opens_on, due_on), method=method, level=level)
    if moved:
        add_event(
            lead, EventKind.BROUGHT_FORWARD, by=by.staff_no, at=at, due_on=due_on.isoformat(), method=method, **before
        )


def _link(
    lead: VisitTask, member: VisitTask, mode: str, own: Mapping[str, Any], *, by: Staff, at: datetime
) -> MergedTask:
    undo = {"own": own, "given": standing(lead), "from": member.assigned_to_id}
    MergedTask.objects.filter(task=member, ended_at__isnull=True).update(ended_at=at, ended_by="system")
    if lead.assigned_to is not None and member.assigned_to_id != lead.assigned_to_id:
        require_officer_fits(member, lead.assigned_to)
        require_no_approver(member, lead.assigned_to, within=lead)
        give(member, lead.assigned_to, by=by, at=at)
    link = MergedTask.objects.create(
        lead=lead, task=member, mode=mode, merged_by=by.staff_no, at=at, business_date=require_business_date(),
        undo=undo, is_across=lead.branch_id != member.branch_id,
    )  # fmt: skip
    add_event(member, EventKind.JOINED, by=by.staff_no, at=at, lead=lead.pk)
    tell(member, "followups.task_merged", by=by, at=at, lead=lead.pk, mode=mode)
    return link


@transaction.atomic
def unmerge_task(*, task_id: int, reason: str, by: Staff, at: datetime) -> VisitTask:
    """Takes a task out of the visit it was to be done along with; refused once that is handed in."""
    _require_may(by)
    found = lead_of(VisitTask.objects.visible_to(by).get(pk=task_id))
    lock_together([task_id, *([found.lead_id] if found else [])])
    task = locked_task(task_id, by)
    link = lead_of(task)
    if link is None or found is None or link.lead_id != found.lead_id:
        raise MergeRefused(_("该任务没有并入其他回访。"))
    lead = VisitTask.objects.select_for_update().get(pk=link.lead_id)
    if not may(by, "followups.assign") and not is_held_by(lead, by):
        raise NotAllowed(_("只有主办人或主管可以拆开。"))
    if lead.state == TaskState.SUBMITTED:
        raise AlreadySubmitted
    words = checked_reason(reason, least=2)
    MergedTask.objects.filter(pk=link.pk).update(ended_at=at, ended_by=by.staff_no, reason=words[:200])
    _put_back(lead, task, link, by=by, at=at)
    tell(task, "followups.task_unmerged", by=by, at=at, lead=lead.pk)
    return task


def _put_back(lead: VisitTask, task: VisitTask, link: MergedTask, *, by: Staff, at: datetime) -> None:
    """Undoes what the merge made of the visit and whose it made the task; what has moved since stays as it is."""
    undo = link.undo or {}
    owner = Staff.objects.filter(pk=undo.get("from") or 0, is_active=True).first()
    is_given = owner is not None and owner.pk != task.assigned_to_id and task.assigned_to_id == lead.assigned_to_id
    if owner is not None and is_given and task.branch_id in branch_ids_visible_to(owner):
        give(task, owner, by=by, at=at)
    before = {"due_before": lead.due_on.isoformat(), "method_before": lead.method}
    rest = [each for each in links_of(lead) if each.undo]
    own = min([link, *rest], key=lambda each: each.pk).undo
    if lead.state == TaskState.PLANNED and own and standing(lead) == undo.get("given"):
        for name, value in _strictest(own["own"], [standing(each.task) for each in links_of(lead)]).items():
            setattr(lead, name, value)
        change_task(lead, due_on=lead.due_on, opens_on=lead.opens_on, method=lead.method, level=lead.level)
        for each in rest:
            MergedTask.objects.filter(pk=each.pk).update(
                undo={**(each.undo or {}), "own": own["own"], "given": standing(lead)}
            )
    facts = {"member": task.pk, "due_on": lead.due_on.isoformat(), "method": lead.method, **before}
    add_event(lead, EventKind.SPLIT, by=by.staff_no, at=at, **facts)


def _strictest(own: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The visit as it would be had it only ever done these along."""
    every = [own, *members]
    due_on = min(date.fromisoformat(each["due_on"]) for each in every)
    return {
        "due_on": due_on,
        "opens_on": min(date.fromisoformat(own["opens_on"]), due_on),
        "method": max((each["method"] for each in every), key=lambda one: (WEIGHT[one], one == own["method"])),
        "level": min(int(each["level"]) for each in every),
    }


def carry_over(
    task: VisitTask, visit: Visit, *, begin: Callable[..., Visit], keep: Callable[..., Visit], by: Staff, at: datetime
) -> list[VisitTask]:
    """Hands the answers of the talk to the drafts of the tasks that get a report of their own; called on submission."""
    done, seen = [], branch_ids_visible_to(by)
    for link in links_of(task):
        if link.mode != MergeMode.EACH or link.task.state != TaskState.PLANNED:
            continue
        MergedTask.objects.filter(pk=link.pk).update(ended_at=at, ended_by=by.staff_no)
        if link.task.branch_id not in seen:
            # Who stood in for the officer does not see the other branch: its task is the officer's own work again.
            facts = {"member": link.task_id, "lead": task.pk, "why": "NO_SIGHT"}
            add_event(link.task, EventKind.SPLIT, by=by.staff_no, at=at, **facts)
            continue
        own = begin(task_id=link.task_id, by=by, at=at)
        draft = _answers_for(
            own,
            visit,
            is_same_person=task.loan.borrower_id == link.task.loan.borrower_id,
            is_same_home=_share_home(task.loan_id, link.task.loan_id),
        )
        keep(task_id=link.task_id, version=own.version, draft=draft, by=by, at=at)
        done.append(link.task)
    return done


def _answers_for(own: Visit, visit: Visit, *, is_same_person: bool, is_same_home: bool) -> dict[str, Any]:
    """Answers of the talk that hold for the other task too; its conclusion is its own.

    What a borrower says of himself holds for himself alone, what is said of a home for every loan on it.
    """
    sections = {item["key"]: item["section"] for item in asked_of(own)}
    answers = {
        key: answer
        for key, answer in (visit.draft.get("answers") or {}).items()
        if key in sections and (is_same_person if sections[key] in OF_THE_BORROWER else is_same_home)
    }
    kept = {name: visit.draft[name] for name in ("contact_outcome", "second_visitor") if visit.draft.get(name)}
    return {"answers": answers, **kept}


def _share_home(one: int, other: int) -> bool:
    homes = Charge.objects.filter(loan_id=one).values("property_id")
    return one == other or Charge.objects.filter(loan_id=other, property_id__in=homes).exists()


def close_members(
    task: VisitTask, report: VisitReport, known: Behind, *, by: Staff, at: datetime
) -> Sequence[VisitTask]:
    """Closes the tasks that a joint report answers; called in its approval."""
    if not known.has_links:
        return ()
    for member in known.members:
        locked = locked_task(member.pk, by)
        if locked.state != TaskState.PLANNED:
            continue
        change_task(locked, state=TaskState.CLOSED, outcome=Outcome.APPROVED, closed_on=require_business_date())
        facts = {"report_id": report.pk, "version": report.version, "lead": task.pk}
        add_event(locked, EventKind.CLOSED, by=by.staff_no, at=at, outcome=Outcome.APPROVED.value, **facts)
        tell(locked, "followups.report_approved", by=by, at=at, conclusion=report.conclusion,
             content_sha256=report.content_sha256, **facts)  # fmt: skip
    MergedTask.objects.filter(lead=task, ended_at__isnull=True).update(ended_at=at, ended_by=by.staff_no)
    return known.members
