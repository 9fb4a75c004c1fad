"""The desk of the tour's officer on the business date: so many tasks due today, one late, one returned, one red.

What is too much is made by the officer or goes to a colleague, what is too little is brought forward, as officers do.
"""

from datetime import date, timedelta

from django.db.models import QuerySet

from config.demo import book, stories
from config.demo.book import BUSINESS_DATE, TOUR_OFFICER, clock, external_id
from config.demo.visits import approve, at_hour, person, visit
from followups.actions import assign, reschedule
from followups.filters import desk_chip
from followups.models import Level, TaskState, VisitTask
from followups.queries.cover import held_by
from followups.queries.merging import alone

DUE_TODAY = 8
# From here on the officer leaves what is due later for the tour.
KEPT_FROM = BUSINESS_DATE - timedelta(days=4)
COLLEAGUE, MANAGER = "A0102", "M0101"
_FIT = {"state": TaskState.PLANNED, "is_light": False, "method": "PHONE"}


def is_kept(task: VisitTask, day: date) -> bool:
    """Is the task left for the tour's officer to show?"""
    is_own = task.assigned_to is not None and task.assigned_to.staff_no == TOUR_OFFICER
    return is_own and day >= KEPT_FROM and task.due_on >= BUSINESS_DATE


def arrange() -> None:
    """The morning of the business date at the officer's desk."""
    stories.red_today(BUSINESS_DATE)
    red, late, back, tour = (
        external_id(one) for one in (book.RED_TODAY, book.LEFT, book.RETURNED_TOUR, book.FIRST_TOUR)
    )
    _away(_chip("urgent").exclude(loan__external_id=red), is_approved=True)
    _away(_chip("past_limit").exclude(loan__external_id=late))
    _away(_chip("returned").exclude(loan__external_id=back))
    today = _chip("today")
    keep = list(today.filter(loan__external_id=tour).values_list("pk", flat=True))
    others = today.exclude(pk__in=keep).exclude(loan__external_id__in=[red, back])
    keep += list(others.filter(**_FIT).order_by("pk").values_list("pk", flat=True)[: DUE_TODAY - len(keep)])
    _away(today.exclude(pk__in=keep).exclude(loan__external_id=back))
    _bring_forward(DUE_TODAY - _chip("today").count())


def _chip(code: str) -> QuerySet[VisitTask]:
    officer = person(TOUR_OFFICER)
    mine = VisitTask.objects.visible_to(officer).still_open().filter(alone()).filter(held_by(officer))
    return mine.filter(desk_chip(code, BUSINESS_DATE))


def _away(tasks: QuerySet[VisitTask], *, is_approved: bool = False) -> None:
    """Made, and left to review or approved, where it can be made; else given to a colleague."""
    rows = tasks.select_related("assigned_to", "branch", "loan__portfolio_officer").order_by("pk")
    for place, task in enumerate(list(rows)):
        can_be_made = task.state == TaskState.PLANNED and not task.is_light
        if can_be_made and (task.method != "OFF_SITE" or task.evidence is not None):
            report = visit(task, at_hour(BUSINESS_DATE, place))
            if is_approved:
                approve(report, clock(BUSINESS_DATE, 18, place))
        elif task.state != TaskState.SUBMITTED:
            assign(
                task_id=task.pk, officer=person(COLLEAGUE), reason="当日任务较多，协助办理", by=person(MANAGER),
                at=clock(BUSINESS_DATE, 8, 30),
            )  # fmt: skip


def _bring_forward(wanted: int) -> None:
    """The next calls of the officer, taken today."""
    officer = person(TOUR_OFFICER)
    ahead = (
        VisitTask.objects.visible_to(officer).still_open().filter(held_by(officer), due_on__gt=BUSINESS_DATE, **_FIT)
    )
    for task in ahead.filter(level=Level.NONE).order_by("due_on", "pk")[: max(0, wanted)]:
        reschedule(
            task_id=task.pk, to=BUSINESS_DATE, reason="本周集中电话回访", by=officer, at=clock(BUSINESS_DATE, 8, 45)
        )
