"""The demo's past, lived day by day: money comes in, officers make what is due, managers review, evenings close."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial

from django.db import transaction

from config import day_end
from config.demo import money, tour
from config.demo.book import BUSINESS_DATE, clock
from config.demo.situations import is_told_by_story
from config.demo.visits import (
    amend,
    approve,
    at_hour,
    dice_of,
    end_measures,
    prepare,
    send_back,
    sign_out,
    tell_results,
    visit,
    waiting_reports,
)
from followups.models import Level, MergedTask, TaskState, VisitTask
from journal.errors import ActionRefused
from loans.models import Workday
from loans.rules.dates import add_months

# An ordinary visit is made when it is due within so many days, on these days of the week.
AHEAD, VISITING = timedelta(days=6), (1, 3)
URGENT_AHEAD = timedelta(days=1)
# Of the last days, what waits for review; at the tour's branch all of it.
LAST_DAYS, SHOWN_DAYS, TOUR_BRANCH = timedelta(days=3), timedelta(days=2), "0101"
Scenes = Mapping[date, list[Callable[[date], None]]]


def live(first: date, scenes: Scenes, tapes: Callable[[date], None], say: Callable[[str], None]) -> None:
    """From the first open day up to the business date, which stays open."""
    workdays = set(
        Workday.objects.filter(day__range=[first, BUSINESS_DATE], is_workday=True).values_list("day", flat=True)
    )
    day, month = first, first
    receipts: Mapping[date, list[money.ReceiptRow]] = defaultdict(list)
    while day < BUSINESS_DATE:
        if day.day == 1 or day == first:
            say(f"{day:%Y-%m}")
            tapes(day)
            month = min(add_months(day, 1, 1), BUSINESS_DATE) - timedelta(days=1)
            receipts = money.receipts_of_month(day, month)
        for scene in scenes.get(day, ()):
            scene(day)
        if day in workdays:
            work(day, say)
        money.pay(receipts.get(day, []), day)
        if day.day in money.CURE_DAYS:
            money.cure(day, leave=money.leave_on(day))
        day_end.run(through=day, at_clock=partial(clock, day, 21))
        day += timedelta(days=1)


def work(day: date, say: Callable[[str], None]) -> None:
    """What officers do of a day, and what their managers decide of it."""
    sign_out()
    waiting = len(waiting_reports())
    for place, task in enumerate(_due(day)):
        try:
            with transaction.atomic():
                report = visit(task, at_hour(day, place))
        except ActionRefused as refusal:
            if day == task.due_on:
                say(f"{day} {task.number} not visited: {refusal.message}")
            continue
        if day < BUSINESS_DATE - LAST_DAYS:
            prepare(report, _decided_at(day, waiting))
        waiting += 1
        if place % 25 == 24 and report.visit.method == "PHONE" and "monthly_income" in report.visit.draft["answers"]:
            send_back(report, clock(day, 18, 5))
            amend(task, clock(day, 18, 40), {}, "已补充近三个月工资流水，与系统一致。")
    for place, report in enumerate(waiting_reports()):
        is_seen = report.branch.code == TOUR_BRANCH and day >= BUSINESS_DATE - SHOWN_DAYS
        if day < BUSINESS_DATE - LAST_DAYS or (place % 3 == 0 and not is_seen):
            approve(report, _decided_at(day, place))
    tell_results(day)
    end_measures(day)


def _decided_at(day: date, place: int) -> datetime:
    """When the nth report that waits is looked at."""
    return clock(day, 19, place % 60)


def _due(day: date) -> list[VisitTask]:
    """Tasks that people make today: urgent ones on their last days, the others twice a week; a few stay past limit."""
    ahead = AHEAD if day.weekday() in VISITING else URGENT_AHEAD
    along = MergedTask.objects.filter(ended_at__isnull=True).values("task_id")
    found = VisitTask.objects.filter(state=TaskState.PLANNED, is_light=False, due_on__lte=day + ahead)
    found = found.exclude(method="OFF_SITE", evidence__isnull=True).exclude(pk__in=along)
    rows = found.select_related("assigned_to", "branch", "loan__portfolio_officer").order_by("level", "due_on", "id")
    return [task for task in rows if _is_made(task, day)]


def _is_made(task: VisitTask, day: date) -> bool:
    if tour.is_kept(task, day) or is_told_by_story(task.loan, day):
        return False
    is_slow = dice_of(task).random() < 0.05 and task.level != Level.RED
    return not is_slow or task.due_on < day - timedelta(days=3)
