"""The visit register (贷后检查台账): a month's follow-ups one by one, and by officer what became of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from followups.models import (
    EventKind,
    ReportState,
    TaskEvent,
    TaskState,
    VisitAttempt,
    VisitReport,
    VisitTask,
)
from followups.queries.review_figures import PARTS, parts_of
from people.models import Staff

# Why a follow-up is not closed, in the order in which one of them is told.
UNCLOSED = ("IN_REVIEW", "RETURNED", "PAUSED", "UNDER_WAY", "NOT_REACHED", "UNASSIGNED", "NOT_BEGUN")


@dataclass(frozen=True, slots=True)
class Register:
    """Which month of whom: `part` is due, done, open or late; empty names mean all."""

    first: date
    last: date
    today: date
    branch: str = ""
    officer: str = ""
    part: str = PARTS[0]


@dataclass(frozen=True, slots=True)
class OfficerLine:
    """One officer's month; `done_late` are those done whose first report came past the limit, of `done`."""

    staff_no: str
    name: str
    due: int
    done: int
    done_late: int
    open: int
    late: int
    unclosed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a row of the register says beyond its task."""

    report: VisitReport | None
    submitted_on: date | None
    why: str
    attempts: int
    last_outcome: str
    pause_reason: str


def register_tasks(staff: Staff, asked: Register) -> QuerySet[VisitTask]:
    """The visible tasks of a part of the month, each with `why` it is not closed."""
    found = parts_of(staff, asked.first, asked.last, asked.today)[asked.part]
    if asked.branch:
        found = found.filter(branch__code=asked.branch)
    if asked.officer:
        found = found.filter(assigned_to__staff_no=asked.officer)
    return _with_why(found, asked.today)


def by_officer(staff: Staff, asked: Register) -> list[OfficerLine]:
    """The month by who has it, those that nobody has last; one statement."""
    whole = register_tasks(staff, Register(asked.first, asked.last, asked.today, asked.branch, asked.officer))
    first_report = VisitReport.objects.filter(visit__task=OuterRef("pk"), version=1).values("submitted_on")[:1]
    is_late = Q(closed_on__isnull=True, due_on__lt=asked.today) & ~Q(state=TaskState.SUBMITTED)
    is_open = Q(closed_on__isnull=True) & ~is_late
    rows: Any = (
        whole.annotate(made_on=Coalesce(Subquery(first_report), F("closed_on")))
        .values("assigned_to__staff_no", "assigned_to__name")
        .annotate(
            due=Count("pk"),
            done=Count("pk", filter=Q(state=TaskState.CLOSED)),
            done_late=Count("pk", filter=Q(state=TaskState.CLOSED, made_on__gt=F("due_on"))),
            open=Count("pk", filter=is_open),
            late=Count("pk", filter=is_late),
            **{why.lower(): Count("pk", filter=Q(why=why)) for why in UNCLOSED},
        )
        .order_by(F("assigned_to__staff_no").asc(nulls_last=True))
    )
    return [
        OfficerLine(
            row["assigned_to__staff_no"] or "", row["assigned_to__name"] or "", row["due"], row["done"],
            row["done_late"], row["open"], row["late"],
            {why: row[why.lower()] for why in UNCLOSED if row[why.lower()]},
        )
        for row in rows
    ]  # fmt: skip


def _with_why(tasks: QuerySet[VisitTask], today: date) -> QuerySet[VisitTask]:
    """Tasks with `why`, why each is not closed; empty where it is."""
    return tasks.annotate(
        why=Case(
            When(closed_on__isnull=False, then=Value("")),
            When(state=TaskState.SUBMITTED, then=Value("IN_REVIEW")),
            When(state=TaskState.RETURNED, then=Value("RETURNED")),
            When(paused_until__gte=today, then=Value("PAUSED")),
            When(state=TaskState.IN_PROGRESS, then=Value("UNDER_WAY")),
            When(Exists(VisitAttempt.objects.filter(task=OuterRef("pk"))), then=Value("NOT_REACHED")),
            When(assigned_to__isnull=True, then=Value("UNASSIGNED")),
            default=Value("NOT_BEGUN"),
        )
    )


def standings(tasks: Iterable[Any]) -> dict[int, Standing]:
    """What the register says of tasks of `register_tasks`: report, day handed in, why open; three statements."""
    found = {task.pk: task for task in tasks}
    reports: dict[int, list[VisitReport]] = {}
    made = VisitReport.objects.filter(visit__task__in=found).defer("content").select_related("visit")
    for report in made.order_by("visit", "version"):
        reports.setdefault(report.visit.task_id, []).append(report)
    attempts: dict[int, list[str]] = {}
    for task_id, outcome in (
        VisitAttempt.objects.filter(task__in=found).order_by("id").values_list("task_id", "outcome")
    ):
        attempts.setdefault(task_id, []).append(outcome)
    pauses: dict[int, str] = {}
    paused = TaskEvent.objects.filter(task__in=found, kind=EventKind.PAUSED).order_by("id")
    for task_id, data in paused.values_list("task_id", "data"):
        pauses[task_id] = str(data.get("code", ""))
    return {
        pk: _standing(task.why, reports.get(pk, []), attempts.get(pk, []), pauses.get(pk, ""))
        for pk, task in found.items()
    }


def _standing(why: str, reports: list[VisitReport], attempts: list[str], pause: str) -> Standing:
    # A correction under review is not the report yet.
    is_waiting = [one.state == ReportState.SUBMITTED and one.corrects_id is not None for one in reports]
    told = [one for one, waits in zip(reports, is_waiting, strict=True) if not waits]
    live = next((one for one in reversed(told) if one.state != ReportState.RETURNED), None)
    return Standing(
        live, reports[0].submitted_on if reports else None, why, len(attempts), attempts[-1] if attempts else "",
        pause if why == "PAUSED" else "",
    )  # fmt: skip


def ordered(tasks: QuerySet[VisitTask]) -> QuerySet[VisitTask]:
    """As the register lists them."""
    return tasks.select_related("loan__borrower", "assigned_to", "branch", "proposed_second").order_by("due_on", "id")
