"""计时暂停: the clock stands for a reason, the limit moves along, past it another person decides (S2.2, S2.13)."""

from datetime import date, timedelta
from typing import Any

import pytest

from followups import actions
from followups.models import EventKind, TaskEvent, VisitTask
from followups.queries import clock_of
from followups.views.rows import left_of_task
from journal.errors import ActionRefused
from journal.models import Entry
from loans.models import BusinessDate
from loans.queries import calendar
from people.actions import NotAllowed
from people.models import Staff
from tests.database.test_visits import AT, TODAY, Road, filled
from tests.factories import make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def pause(road: Road, days: int = 5, *, by: Staff | None = None, reason: str = "HOSPITAL", **more: Any) -> VisitTask:
    until = TODAY + timedelta(days=days)
    return actions.pause_clock(task_id=road.task.pk, reason=reason, until=until, by=by or road.officer, at=AT, **more)


def turn_to(day: date) -> None:
    """The bank's days go on to this one."""
    BusinessDate.objects.filter(is_open=True).update(is_open=False, closed_at=AT)
    BusinessDate.objects.create(day=day, is_open=True, opened_at=AT)


def written() -> tuple[Any, ...]:
    tasks = list(VisitTask.objects.order_by("id").values_list("due_on", "paused_until", "version"))
    return (tasks, TaskEvent.objects.count(), Entry.objects.count())


def workdays(start: date, end: date) -> int:
    return calendar(start, end).workdays_between(start, end)


def test_the_limit_moves_by_the_workdays_left_out(road: Road) -> None:
    before = road.task.due_on
    task = pause(road, 5, note="住院至周五")
    assert task.paused_until == TODAY + timedelta(days=5) and task.is_pinned
    assert workdays(before, task.due_on) == workdays(TODAY, task.paused_until) == 5
    event = road.task.events.get(kind=EventKind.PAUSED)
    assert event.data["code"] == "HOSPITAL" and event.data["reason"] == "住院至周五"
    fact = Entry.objects.get(kind="followups.clock_paused")
    assert fact.data["workdays"] == 5 and "住院" not in str(fact.data)


def test_the_row_says_the_clock_stands_and_its_steps_leave_it_out(road: Road) -> None:
    task = pause(road, 5)
    assert left_of_task(task, TODAY, calendar(TODAY, task.due_on)).word == "计时暂停"
    later = TODAY + timedelta(days=5)
    turn_to(later)
    (step,) = clock_of(task)["steps"]
    assert (step.workdays, step.paused) == (0, 5)
    after = later + timedelta(days=3)
    assert left_of_task(task, after, calendar(TODAY, task.due_on)).word != "计时暂停"


def test_let_run_early_the_limit_comes_back_by_what_was_not_needed(road: Road) -> None:
    before = road.task.due_on
    pause(road, 10)
    turn_to(TODAY + timedelta(days=3))
    task = actions.resume_clock(task_id=road.task.pk, by=road.officer, at=AT)
    assert task.paused_until is None
    assert workdays(before, task.due_on) == workdays(TODAY, TODAY + timedelta(days=2))
    seen = written()
    with pytest.raises(actions.PauseWrong):
        actions.resume_clock(task_id=road.task.pk, by=road.officer, at=AT)
    assert written() == seen


def test_a_limit_moved_by_hand_since_stays_where_it_is(road: Road) -> None:
    task = pause(road, 10)
    wanted = task.due_on - timedelta(days=3)
    actions.reschedule(task_id=task.pk, to=wanted, reason="客户提前出院", code="HOSPITAL", by=road.officer, at=AT)
    assert actions.resume_clock(task_id=task.pk, by=road.officer, at=AT).due_on == wanted


def test_a_visit_handed_in_ends_the_pause(road: Road) -> None:
    pause(road, 5)
    visit = road.start()
    actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=filled(visit), by=road.officer, at=AT)
    road.task.refresh_from_db()
    assert road.task.paused_until is None
    kinds = list(road.task.events.order_by("id").values_list("kind", flat=True))
    assert [kind for kind in kinds if kind != "ATTEMPTED"][-3:] == ["STARTED", "RESUMED", "SUBMITTED"]


# S1.22
def test_past_the_limit_another_person_decides(road: Road) -> None:
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch)
    seen = written()
    with pytest.raises(actions.PauseWrong, match="另一名主管"):
        pause(road, 20)
    VisitTask.objects.filter(pk=road.task.pk).update(assigned_to=both)
    with pytest.raises(actions.PauseWrong, match="另一名主管"):
        pause(road, 20, by=both)
    assert written() == seen
    task = pause(road, 20, by=road.manager)
    assert task.paused_until == TODAY + timedelta(days=20)


def test_pauses_add_up_to_the_limit(road: Road) -> None:
    pause(road, 11)  # nine workdays
    turn_to(TODAY + timedelta(days=12))
    seen = written()
    with pytest.raises(actions.PauseWrong, match="累计"):
        pause(road, 16)
    assert written() == seen
    assert pause(road, 13).paused_until == TODAY + timedelta(days=13)


# S2.6
def test_a_first_follow_up_goes_past_day_90_only_by_another_person(db: None) -> None:
    road = Road(kind="FIRST", rule="FIRST", cycle="90")
    type(road.loan).objects.filter(pk=road.loan.pk).update(disbursed_on=TODAY - timedelta(days=70))
    seen = written()
    with pytest.raises(actions.PauseWrong, match="90"):
        pause(road, 3)
    assert written() == seen
    assert pause(road, 3, by=road.manager).due_on > TODAY + timedelta(days=20)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"reason": "TIRED"}, "reason"),
        ({"days": 0}, "until"),
        ({"days": -3}, "until"),
        ({"days": 300}, "until"),
        ({"note": "a\u202eb"}, "note"),
    ],
)
def test_a_pause_without_reason_or_end_is_refused(road: Road, given: Any, field: str) -> None:
    seen = written()
    with pytest.raises(ActionRefused) as refusal:
        pause(road, **given)
    assert refusal.value.field == field and written() == seen


def test_a_clock_that_stands_is_not_stopped_again_and_strangers_stop_none(road: Road) -> None:
    pause(road, 3)
    colleague, auditor = make_staff("LOAN_OFFICER", road.branch), make_staff("AUDITOR", road.branch)
    stranger = make_staff("LOAN_OFFICER", make_branch())
    seen = written()
    with pytest.raises(actions.PauseWrong, match="已暂停"):
        pause(road, 5)
    with pytest.raises(actions.NotYours):
        pause(road, 5, by=colleague)
    with pytest.raises(NotAllowed):
        pause(road, 5, by=auditor)
    with pytest.raises(VisitTask.DoesNotExist):
        pause(road, 5, by=stranger)
    assert written() == seen


def test_putting_off_past_the_limit_is_another_persons_too(road: Road) -> None:
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch)
    VisitTask.objects.filter(pk=road.task.pk).update(assigned_to=both)
    later = road.task.due_on + timedelta(days=3)
    seen = written()
    with pytest.raises(actions.WrongDate):
        actions.reschedule(task_id=road.task.pk, to=later, reason="客户出差", code="BORROWER_AWAY", by=both, at=AT)
    with pytest.raises(actions.ReasonMissing):
        actions.reschedule(task_id=road.task.pk, to=later, reason="客户出差", code="TIRED", by=road.manager, at=AT)
    assert written() == seen
    actions.reschedule(task_id=road.task.pk, to=later, reason="客户出差", code="BORROWER_AWAY", by=road.manager, at=AT)
    assert road.task.events.get(kind=EventKind.RESCHEDULED).data["code"] == "BORROWER_AWAY"
