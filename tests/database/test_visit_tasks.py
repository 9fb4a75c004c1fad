"""Who makes a visit and when: claiming, assigning, rescheduling, and tasks that have ended."""

from datetime import timedelta

import pytest

from followups import actions
from followups.actions import refusals
from followups.models import EventKind, TaskEvent, Visit
from journal.models import Entry
from tests.database.test_visits import TODAY, Road, make_task, written
from tests.factories import AT, make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def test_a_light_item_has_no_visit(db: None) -> None:
    road = Road(is_light=True)
    with pytest.raises(refusals.LightItem):
        road.start()


def test_an_unassigned_task_is_claimed_by_starting_and_then_taken(db: None) -> None:
    road = Road()
    task = make_task(road.loan, None, cycle="2")
    actions.start_visit(task_id=task.pk, by=road.officer, at=AT)
    kinds = list(TaskEvent.objects.filter(task=task).order_by("id").values_list("kind", flat=True))
    assert kinds == ["PLANNED", "ASSIGNED", "STARTED"]
    other = make_staff("LOAN_OFFICER", road.branch)
    for call in (actions.claim, actions.start_visit):
        with pytest.raises(refusals.NotYours):
            call(task_id=task.pk, by=other, at=AT)
    with pytest.raises(refusals.NotYours):
        actions.save_draft(task_id=task.pk, version=1, draft={}, by=other, at=AT)


def test_assignment_goes_to_an_officer_of_the_branch(road: Road) -> None:
    stranger = make_staff("LOAN_OFFICER", make_branch())
    for officer in (stranger, road.manager):
        with pytest.raises(refusals.WrongOfficer):
            actions.assign(task_id=road.task.pk, officer=officer, reason="客户经理休假", by=road.manager, at=AT)
    other = make_staff("LOAN_OFFICER", road.branch)
    road.start()
    actions.assign(task_id=road.task.pk, officer=other, reason="客户经理休假", by=road.manager, at=AT)
    assert Visit.objects.get(task=road.task).lead_visitor == other
    assert Entry.objects.filter(kind="followups.task_assigned", loan_id=road.loan.pk).count() == 1
    before = written()
    actions.assign(task_id=road.task.pk, officer=other, reason="客户经理休假", by=road.manager, at=AT)
    assert written() == before, "the same officer again changes nothing"


def test_rescheduling_beyond_the_limit_is_the_managers(road: Road) -> None:
    later, earlier = road.task.due_on + timedelta(days=3), road.task.due_on - timedelta(days=3)
    for to, reason in ((later, "客户出差"), (TODAY - timedelta(days=1), "客户出差"), (earlier, " ")):
        with pytest.raises((refusals.WrongDate, refusals.ReasonMissing)):
            actions.reschedule(task_id=road.task.pk, to=to, reason=reason, by=road.officer, at=AT)
    actions.reschedule(task_id=road.task.pk, to=earlier, reason="客户约定", by=road.officer, at=AT)
    actions.reschedule(task_id=road.task.pk, to=later, reason="客户出差", by=road.manager, at=AT)
    road.task.refresh_from_db()
    assert road.task.due_on == later and road.task.is_pinned
    events = TaskEvent.objects.filter(task=road.task, kind=EventKind.RESCHEDULED)
    assert events.count() == 2


def test_an_ended_task_stays_ended(road: Road) -> None:
    road.approve(road.submit())
    for call in (
        lambda: road.start(),
        lambda: actions.claim(task_id=road.task.pk, by=road.officer, at=AT),
        lambda: actions.assign(
            task_id=road.task.pk, officer=road.officer, reason="客户经理休假", by=road.manager, at=AT
        ),
        lambda: actions.reschedule(task_id=road.task.pk, to=TODAY, reason="改期", by=road.manager, at=AT),
        lambda: actions.save_draft(task_id=road.task.pk, version=1, draft={}, by=road.officer, at=AT),
    ):
        with pytest.raises(refusals.TaskAlreadyEnded):
            call()


def test_an_own_move_to_an_earlier_day_can_be_taken_back(road: Road) -> None:
    planned = road.task.due_on
    for to in (planned - timedelta(days=10), planned - timedelta(days=3), planned):
        actions.reschedule(task_id=road.task.pk, to=to, reason="客户约定", by=road.officer, at=AT)
    road.task.refresh_from_db()
    assert road.task.due_on == planned
    with pytest.raises(refusals.WrongDate, match=planned.isoformat()):
        actions.reschedule(
            task_id=road.task.pk, to=planned + timedelta(days=1), reason="客户出差", by=road.officer, at=AT
        )


def test_the_limit_a_manager_set_binds_the_officer(road: Road) -> None:
    earlier = road.task.due_on - timedelta(days=5)
    actions.reschedule(task_id=road.task.pk, to=earlier, reason="须提前", by=road.manager, at=AT)
    with pytest.raises(refusals.WrongDate, match=earlier.isoformat()):
        actions.reschedule(
            task_id=road.task.pk, to=earlier + timedelta(days=1), reason="客户出差", by=road.officer, at=AT
        )
