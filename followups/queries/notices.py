"""Which notices a person is told: own tasks and covered ones, as a manager of a branch, as head above it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from followups.models import (
    Audience,
    Notice,
    NoticeCode,
    NoticesRead,
    ReassignRequest,
    ReassignState,
    ReportCorrection,
    SkipRequest,
    SkipState,
    TaskEvent,
    TaskState,
)
from followups.queries.corrections import corrections_to_make
from followups.queries.late_steps import late_steps
from followups.queries.merging import told_elsewhere
from followups.queries.review import waiting_for
from people.models import Staff
from people.queries import branch_ids_visible_to, may
from people.queries.leave import covered_ids

MOST = 200
MOST_COUNTED = 99
# In the order of the steps; as texts 80 would come after 120.
_STEPS: list[str] = list(NoticeCode.values)
_OF_ONE_VISIT = (NoticeCode.LIMIT_80, NoticeCode.LIMIT_100, NoticeCode.LIMIT_120, NoticeCode.NOBODY)
_BEGIN_STEPS = ("STARTED", "SUBMITTED", "RETURNED")
_BESIDE = ("task__loan__borrower", "task__loan__position", "task__loan__branch", "task__branch", "task__assigned_to")


@dataclass(frozen=True, slots=True)
class Told:
    """A task with the highest step that is told of it; of a step of the visit, how many workdays it is late today."""

    notice: Notice
    is_new: bool
    late_workdays: int = 0
    correction: ReportCorrection | None = None

    @property
    def officer(self) -> Staff | None:
        """Who has it: of a correction who makes it, else who holds the task."""
        return self.correction.officer if self.correction else self.notice.task.assigned_to


def notices_for(staff: Staff, today: date) -> QuerySet[Notice]:
    """Notices told by today of tasks that still run and whose limit is still the one they are about.

    The head is whoever reviews and sits above the branch; there is always one, for risk managers sit at the top.
    """
    found = _told_to(staff, today).filter(task__closed_on__isnull=True)
    # A step of the visit is told of until another one begins; all else until the report is handed in.
    moved_on = TaskEvent.objects.filter(
        task=OuterRef("task_id"), kind__in=_BEGIN_STEPS, business_date__gt=OuterRef("raised_on")
    )
    of_step = Q(code__startswith="STEP")
    found = found.filter(of_step & ~Exists(moved_on) | ~of_step & ~Q(task__state=TaskState.SUBMITTED))
    found = found.filter(Q(due_on=F("task__due_on")) | ~Q(code__startswith="LIMIT"))
    # What another visit does along is told by the limit of that visit, unless a person put that off beyond its own.
    elsewhere = told_elsewhere(staff, lead__due_on__lte=OuterRef("task__due_on"))
    return found.exclude(Q(elsewhere), code__in=_OF_ONE_VISIT)


def result_notices_for(staff: Staff, today: date) -> QuerySet[Notice]:
    """Notices told by today of results that nobody has told the customer yet."""
    return _told_to(staff, today).filter(code__startswith="TELL", task__result__told__isnull=True)


def correction_notices_for(staff: Staff, today: date) -> QuerySet[Notice]:
    """Notices of corrections that the person has to make now, while standing in too; not what was withdrawn or made."""
    making = corrections_to_make(staff).filter(visit__task=OuterRef("task_id"), due_on=OuterRef("due_on"))
    found = Notice.objects.visible_to(staff).filter(code__startswith="CORRECT", tell_on__lte=today)
    return found.filter(Exists(making))


def every_notice_for(staff: Staff, today: date) -> tuple[QuerySet[Notice], ...]:
    """All that is told to the person, by what it is about."""
    return tuple(of(staff, today) for of in (notices_for, result_notices_for, correction_notices_for))


def _told_to(staff: Staff, today: date) -> QuerySet[Notice]:
    mine = Q(audience=Audience.OFFICER, task__assigned_to__in=[staff.pk, *covered_ids(staff, today)])
    if may(staff, "followups.assign"):
        mine |= Q(audience=Audience.MANAGER, branch__in=branch_ids_visible_to(staff))
    if may(staff, "followups.review"):
        mine |= Q(audience=Audience.BRANCH_HEAD, branch__in=branch_ids_visible_to(staff)) & ~Q(branch=staff.branch_id)
    mine |= Q(audience=Audience.REVIEWER, task__in=waiting_for(staff, today).values("visit__task_id"))
    return Notice.objects.visible_to(staff).filter(mine, tell_on__lte=today)


def unread(staff: Staff, today: date) -> int:
    """How many tasks have something new, 100 for more than 99."""
    read = NoticesRead.objects.filter(staff=staff).values_list("up_to", flat=True).first() or 0
    first, *others = (
        found.filter(pk__gt=read).order_by().values("task_id").distinct()[: MOST_COUNTED + 1]
        for found in every_notice_for(staff, today)
    )
    return first.union(*others).count()


def told(staff: Staff, today: date, most: int = MOST) -> list[Told]:
    """The newest notices, of a task and kind only the highest step, red and the longest ago due first."""
    read = NoticesRead.objects.filter(staff=staff).values_list("up_to", flat=True).first() or 0
    newest: list[Notice] = []
    for rows in every_notice_for(staff, today):
        newest += rows.select_related(*_BESIDE).order_by("-id")[: most * 3]
    found: dict[tuple[int, str], Told] = {}
    for notice in newest:
        key = (notice.task_id, notice.code.partition("_")[0])
        kept = found.get(key)
        if kept is None or _STEPS.index(notice.code) > _STEPS.index(kept.notice.code):
            found[key] = Told(notice, notice.pk > read or (kept is not None and kept.is_new))
    ordered = sorted(found.values(), key=lambda one: (one.notice.task.level, _due_on(one.notice), one.notice.pk))
    return _completed(ordered[:most], staff, today)


def _due_on(notice: Notice) -> date:
    """The day it is about: what runs by that of the task, what comes after its end by its own."""
    return notice.due_on if notice.task.closed_on else notice.task.due_on


def _completed(rows: list[Told], staff: Staff, today: date) -> list[Told]:
    """With how late steps are, and with the corrections that are to be made."""
    late = late_steps([one.notice.task_id for one in rows if one.notice.is_of_step], day=today)
    corrected = [one.notice.task_id for one in rows if one.notice.is_of_correction]
    making: dict[int, ReportCorrection] = {}
    if corrected:
        open_ones = corrections_to_make(staff).filter(visit__task__in=corrected)
        # what is being typed stays where it is
        open_ones = open_ones.select_related("officer", "visit").defer(
            "before", "draft", "visit__draft", "visit__known"
        )
        making = {one.visit.task_id: one for one in open_ones}
    found = []
    for one in rows:
        if one.notice.is_of_step and one.notice.task_id in late:
            one = replace(one, late_workdays=late[one.notice.task_id].late.workdays)
        elif one.notice.is_of_correction:
            one = replace(one, correction=making.get(one.notice.task_id))
        found.append(one)
    return found


def last_told(rows: Iterable[Told]) -> int:
    """Up to where somebody has read who saw these rows."""
    return max((row.notice.pk for row in rows), default=0)


def waiting_skips(staff: Staff) -> QuerySet[SkipRequest]:
    """Requests to skip a first follow-up that this person may decide."""
    found = SkipRequest.objects.filter(state=SkipState.WAITING, task__branch__in=branch_ids_visible_to(staff))
    found = found.exclude(asked_by=staff).exclude(task__assigned_to=staff)
    return found.select_related("task__loan__borrower", "task__branch", "asked_by").order_by("asked_at", "id")


def waiting_reassigns(staff: Staff) -> QuerySet[ReassignRequest]:
    """Requests for somebody else that this person may decide."""
    found = ReassignRequest.objects.filter(state=ReassignState.WAITING, task__closed_on__isnull=True)
    found = found.filter(task__branch__in=branch_ids_visible_to(staff)).exclude(asked_by=staff)
    return found.select_related("task__loan__borrower", "task__branch", "asked_by").order_by("asked_at", "id")
