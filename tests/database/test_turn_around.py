"""How long follow-ups take, from their events, by branch, officer, type and method (S2.1, S2.2, S2.26)."""

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from followups.models import TaskEvent, VisitTask
from followups.queries import clock_of
from followups.queries.turn_around import STEPS, breaching, tasks_behind, turn_around
from followups.rules import clock
from followups.rules.turn_around import counted
from loans.models import Parameter
from loans.queries import calendar
from tests.factories import book_loan, make_branch, make_staff, open_bank

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 9, 1), date(2026, 11, 30)


class Book:
    """Two branches with an officer each, a manager of the first."""

    def __init__(self) -> None:
        open_bank(date(2026, 11, 1))
        self.home, self.other = make_branch(), make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.home, "周楠")
        self.stranger = make_staff("LOAN_OFFICER", self.other, "赵川")
        self.manager = make_staff("BRANCH_MANAGER", self.home, "何建平")
        assert self.home.parent is not None
        self.risk = make_staff("RISK_MANAGER", self.home.parent, "风险")

    def closed(self, *steps: tuple[str, date], home: bool = True, **given: object) -> VisitTask:
        """A task whose events happened on these days; the last closes it."""
        branch, officer = (self.home, self.officer) if home else (self.other, self.stranger)
        loan = book_loan(branch, officer)
        created = steps[0][1]
        fields = {"opens_on": created, "due_on": created + timedelta(days=20), "kind": "PERIODIC", **given}
        task = VisitTask.objects.create(
            loan=loan, branch=branch, assigned_to=officer, rule="PERIODIC", cycle="1", policy_version=1,
            policy_line=1, created_on=created, **{"method": "PHONE", **fields},
        )  # fmt: skip
        for kind, day in steps:
            at = datetime.combine(day, time(10), ZoneInfo("Asia/Shanghai"))
            TaskEvent.objects.create(task=task, kind=kind, at=at, business_date=day, actor="system")
        outcome = "SUSPECTED_LOST" if steps[-1][0] == "CLOSED" else "APPROVED"
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE followups_visittask SET state = 'CLOSED', outcome = %s, closed_on = %s WHERE id = %s",
                [outcome, steps[-1][1], task.pk],
            )
        return task


def road(created: date, *workdays: int) -> list[tuple[str, date]]:
    """Planned, started, submitted, approved, each so many days after the one before."""
    days = [created]
    for more in workdays:
        days.append(days[-1] + timedelta(days=more))
    return list(zip(("PLANNED", "STARTED", "SUBMITTED", "APPROVED"), days, strict=True))


@pytest.fixture
def book() -> Book:
    return Book()


def test_figures_by_group_with_steps_on_time_and_only_of_the_visible_branches(book: Book) -> None:
    monday = date(2026, 10, 19)
    for wait in (0, 1, 2, 3, 4):
        book.closed(*road(monday, wait, 0, 0))
    book.closed(*road(monday, 7, 7, 14), method="FIELD", due_on=monday + timedelta(days=5))
    book.closed(*road(monday, 1, 1, 1), home=False)
    found = turn_around(book.manager, FIRST, LAST)
    (line,) = found.rows
    assert (line.code, line.closed, line.late, line.on_time_percent) == (book.home.code, 6, 1, 83)
    assert (line.total.p50, line.total.p90) == (2, 20)
    assert [(line.steps[step].p50, line.steps[step].p90) for step in STEPS] == [
        (2, 5),
        (0, 5),
        (0, 10),
        (None, None),
        (None, None),
    ]
    assert found.whole is not None and found.whole.closed == 6
    by_method = {line.code: line.closed for line in turn_around(book.risk, FIRST, LAST, by="method").rows}
    assert by_method == {"PHONE": 6, "FIELD": 1}
    officers = {line.name: line.closed for line in turn_around(book.risk, FIRST, LAST, by="officer").rows}
    assert officers == {"周楠": 6, "赵川": 1}
    assert [line.code for line in turn_around(book.risk, FIRST, LAST, by="kind").rows] == ["PERIODIC"]
    assert turn_around(book.manager, FIRST, LAST, branch=book.other.code).whole is None
    assert turn_around(book.manager, FIRST, monday - timedelta(days=1)).whole is None


def test_each_figure_opens_its_tasks_the_longest_first(book: Book) -> None:
    monday = date(2026, 10, 19)
    tasks = [book.closed(*road(monday, wait, 0, 0)) for wait in (1, 2, 3)]
    slow = book.closed(*road(monday, 0, 7, 0), due_on=monday + timedelta(days=1))
    behind = tasks_behind(book.manager, FIRST, LAST)
    assert [one.task_id for one in behind] == [slow.pk, *(task.pk for task in reversed(tasks))]
    assert len(behind) == turn_around(book.manager, FIRST, LAST).rows[0].closed
    assert [one.task_id for one in tasks_behind(book.manager, FIRST, LAST, only="late")] == [slow.pk]
    waited = tasks_behind(book.manager, FIRST, LAST, step=clock.WAITING, by="officer", code=book.officer.staff_no)
    assert [one.steps[clock.WAITING] for one in waited] == [3, 2, 1, 0]
    assert tasks_behind(book.manager, FIRST, LAST, by="officer", code=book.stranger.staff_no) == []


def test_the_statement_says_of_random_roads_what_the_clock_says(book: Book) -> None:
    chance = Random(5)
    made: dict[int, tuple[VisitTask, list[tuple[str, date]]]] = {}
    for _ in range(40):
        day = FIRST + timedelta(days=chance.randint(0, 20))
        steps = [("PLANNED", day)]
        kinds = ["STARTED", "SUBMITTED", *["RETURNED", "SUBMITTED"] * chance.randint(0, 2), "APPROVED"]
        for kind in kinds if chance.random() < 0.9 else ["STARTED", "CLOSED"]:
            steps.append((kind, steps[-1][1] + timedelta(days=chance.choice((0, 0, 1, 3, 6, 9)))))
        task = book.closed(*steps, opens_on=day + timedelta(days=chance.choice((-5, 0, 0, 2))))
        made[task.pk] = (task, steps)
    days = calendar(FIRST - timedelta(days=30), LAST + timedelta(days=90))
    for one in tasks_behind(book.manager, FIRST, LAST + timedelta(days=60)):
        task, _steps = made.pop(one.task_id)
        events = list(TaskEvent.objects.filter(task=task).order_by("id"))
        wanted: dict[str, int] = {}
        for step in clock.steps(counted(events, task.opens_on), days):
            wanted[step.code] = wanted.get(step.code, 0) + step.workdays
        assert {step: count for step, count in one.steps.items() if count is not None} == wanted
        assert one.total == sum(wanted.values())
    assert made == {}


def test_what_breaches_first_stands_first_reviews_by_their_own_limit(book: Book) -> None:
    monday = date(2026, 11, 2)
    loan = book_loan(book.home, book.officer)
    days = (9, 2, 5)
    for number, day in enumerate(days):
        VisitTask.objects.create(
            loan=loan, branch=book.home, assigned_to=book.officer, kind="PERIODIC", rule="T", cycle=str(number),
            method="PHONE", opens_on=monday, due_on=monday + timedelta(days=day), policy_version=1, policy_line=1,
            created_on=monday,
        )  # fmt: skip
    found = breaching(book.manager, monday + timedelta(days=60), today=monday)
    assert [day for _pk, day in found] == [monday + timedelta(days=day) for day in sorted(days)]
    stranger = make_staff("BRANCH_MANAGER", book.other)
    assert breaching(stranger, monday + timedelta(days=60), today=monday) == []


def test_figures_are_one_statement_for_any_number_of_tasks(book: Book) -> None:
    counts: list[int] = []
    for more in (1, 6):
        for _ in range(more):
            book.closed(*road(date(2026, 10, 19), 1, 1, 1))
        with CaptureQueriesContext(connection) as asked:
            turn_around(book.manager, FIRST, LAST)
        counts.append(len(asked))
    assert counts[0] >= counts[1] <= 2


# S2.26
@pytest.mark.parametrize("level, review", [(9, (2, False)), (1, (1, True))])
def test_each_step_stands_beside_its_own_limit(level: int, review: tuple[int, bool]) -> None:
    """Begun on a Wednesday, handed in on the Monday after next day, reviewed two workdays later."""
    days = (("PLANNED", 1), ("STARTED", 2), ("SUBMITTED", 7), ("APPROVED", 9))
    task = Book().closed(*((kind, date(2026, 9, day)) for kind, day in days), level=level)
    found = {step.code: (step.workdays, step.limit, step.is_late) for step in clock_of(task)["steps"]}
    assert found == {"WAITING": (1, None, False), "VISITING": (3, 2, True), "REVIEWING": (2, *review)}
    Parameter.objects.filter(code="report_workdays").update(value={"1": 3, "9": 5})
    (visiting,) = (step for step in clock_of(task)["steps"] if step.code == "VISITING")
    assert (visiting.limit, visiting.is_late) == ((3, False) if level == 1 else (5, False))
