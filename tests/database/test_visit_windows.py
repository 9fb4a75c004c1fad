"""One window writes on a visit; others read until they take over, and nothing typed is lost (S1.22, S2.14)."""

from datetime import timedelta
from typing import Any

import pytest

from followups import actions
from followups.models import TaskEvent, Visit, VisitLease
from followups.queries.leases import LAPSES
from journal.models import Entry
from people.models import Staff
from tests.database.test_visits import AT, Road, filled
from tests.factories import make_branch, make_staff

FIRST, SECOND = "window-one", "window-two"


@pytest.fixture
def road(db: None) -> Road:
    found = Road()
    found.start()
    return found


def hold(road: Road, tab: str, *, seconds: int = 0, by: Staff | None = None, **more: Any) -> VisitLease:
    at = AT + timedelta(seconds=seconds)
    return actions.hold_visit(task_id=road.task.pk, tab=tab, by=by or road.officer, at=at, **more)


def save(road: Road, tab: str, *, version: int = 1, seconds: int = 0) -> Visit:
    visit = Visit.objects.select_related("checklist", "task").get(task=road.task)
    return actions.save_draft(
        task_id=road.task.pk, version=version, draft=filled(visit), tab=tab, by=road.officer,
        at=AT + timedelta(seconds=seconds),
    )  # fmt: skip


def written() -> tuple[Any, ...]:
    leases = list(VisitLease.objects.values_list("visit_id", "tab", "by_id", "since"))
    return leases, list(Visit.objects.values_list("version", "draft")), TaskEvent.objects.count(), Entry.objects.count()


def test_the_first_window_holds_the_visit_and_the_second_is_told_by_whom(road: Road) -> None:
    assert hold(road, FIRST).tab == FIRST
    seen = written()
    found = hold(road, SECOND, seconds=30)
    assert (found.tab, found.by, found.since) == (FIRST, road.officer, AT)
    assert written() == seen


def test_the_second_window_saves_nothing_and_hands_nothing_in(road: Road) -> None:
    hold(road, FIRST)
    seen = written()
    with pytest.raises(actions.HeldElsewhere) as refusal:
        save(road, SECOND)
    assert refusal.value.conflict and refusal.value.who == "周楠" and "周楠" in refusal.value.message
    visit = Visit.objects.select_related("checklist", "task").get(task=road.task)
    with pytest.raises(actions.HeldElsewhere):
        actions.submit_visit(task_id=road.task.pk, version=1, draft=filled(visit), tab=SECOND, by=road.officer, at=AT)
    assert written() == seen
    assert save(road, FIRST).version == 2


def test_a_window_without_a_name_is_held_by_its_version_alone(road: Road) -> None:
    hold(road, FIRST)
    assert save(road, "").version == 2
    with pytest.raises(actions.StaleVersion):
        save(road, FIRST, version=1)


def test_taken_over_by_a_click_the_first_reads_and_it_is_on_record(road: Road) -> None:
    hold(road, FIRST)
    assert hold(road, SECOND, seconds=5, take=True).tab == SECOND
    assert Entry.objects.get(kind="followups.visit_taken_over").data["held_by"] == road.officer.staff_no
    with pytest.raises(actions.HeldElsewhere):
        save(road, FIRST, seconds=6)
    assert hold(road, FIRST, seconds=6).tab == SECOND


def test_a_window_that_is_heard_of_no_more_lets_go(road: Road) -> None:
    hold(road, FIRST)
    hold(road, FIRST, seconds=LAPSES - 1)
    assert hold(road, SECOND, seconds=LAPSES + 1).tab == FIRST, "a beat keeps it"
    assert hold(road, SECOND, seconds=2 * LAPSES).tab == SECOND
    assert not Entry.objects.filter(kind="followups.visit_taken_over").exists(), "nobody was there to take it from"
    assert save(road, SECOND, seconds=2 * LAPSES).version == 2


def test_a_window_that_is_shut_lets_go_of_its_own_alone(road: Road) -> None:
    hold(road, FIRST)
    actions.let_go(task_id=road.task.pk, tab=SECOND, by=road.officer)
    assert VisitLease.objects.filter(tab=FIRST).exists()
    actions.let_go(task_id=road.task.pk, tab=FIRST, by=road.officer)
    assert hold(road, SECOND, seconds=1).tab == SECOND


def test_only_who_works_on_the_visit_may_hold_it(road: Road) -> None:
    colleague, stranger = make_staff("LOAN_OFFICER", road.branch), make_staff("LOAN_OFFICER", make_branch())
    seen = written()
    with pytest.raises(actions.NotYours):
        hold(road, FIRST, by=colleague)
    with pytest.raises(type(road.task).DoesNotExist):
        hold(road, FIRST, by=stranger)
    for tab in ("", "short", "x" * 41, "<script>", "a b c d e f g"):
        with pytest.raises(actions.WrongState):
            hold(road, tab)
    assert written() == seen
    road.submit()
    with pytest.raises(actions.AlreadySubmitted):
        hold(road, FIRST)
