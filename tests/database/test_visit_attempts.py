"""Trying to reach a borrower: the log, the next attempt, appointments, refusals, 疑似失联 (S1.18, S1.22, S2.18)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions
from followups.models import EventKind, Outcome, TaskEvent, TaskState, Visit, VisitAttempt
from followups.rules.states import LEGAL, WITH_OUTCOME
from journal.models import Entry
from people.actions import NotAllowed
from tests.database.test_visits import AT, Road, filled
from tests.factories import make_staff


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def attempt(road: Road, outcome: str = "NO_ANSWER", *, days: int = 0, hours: int = 0, **more: Any) -> VisitAttempt:
    at = AT + timedelta(days=days, hours=hours)
    return actions.record_attempt(task_id=road.task.pk, outcome=outcome, by=road.officer, at=at, **more)


def in_vain(road: Road) -> None:
    """Three attempts on different days at different times of day."""
    for day, hours in enumerate((0, 4, 9)):
        attempt(road, days=day, hours=hours)


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (VisitAttempt, TaskEvent, Entry))


def test_an_attempt_is_kept_with_the_next_one_proposed(road: Road) -> None:
    row = attempt(road, recording="1030-118", note="响铃无人接")
    assert (row.by, row.method, row.recording, row.note) == (road.officer, "PHONE", "1030-118", "响铃无人接")
    assert row.next_at is not None and row.next_at.date() > row.at.date()
    event = road.task.events.get(kind=EventKind.ATTEMPTED)
    assert event.data == {"outcome": "NO_ANSWER", "attempt_id": row.pk}
    fact = Entry.objects.get(kind="followups.contact_attempted")
    assert "响铃" not in str(fact.data)


def test_pressed_twice_it_is_one_attempt(road: Road) -> None:
    first = attempt(road)
    before = written()
    assert attempt(road) == first
    assert written() == before
    assert attempt(road, hours=1) != first


def test_who_tries_first_has_an_unassigned_task(db: None) -> None:
    road = Road()
    road.task.assigned_to = None
    type(road.task).objects.filter(pk=road.task.pk).update(assigned_to=None)
    attempt(road)
    road.task.refresh_from_db()
    assert road.task.assigned_to == road.officer


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"outcome": "MAYBE"}, "outcome"),
        ({"outcome": "REFUSED"}, "note"),
        ({"outcome": "REFUSED", "note": "   "}, "note"),
        ({"outcome": "APPOINTED"}, "next_at"),
        ({"outcome": "APPOINTED", "next_at": AT - timedelta(hours=1)}, "next_at"),
        ({"outcome": "APPOINTED", "next_at": AT + timedelta(days=90)}, "next_at"),
        ({"outcome": "NO_ANSWER", "note": "x" * 301}, "note"),
        ({"outcome": "NO_ANSWER", "note": "a\u202eb"}, "note"),
        ({"outcome": "NO_ANSWER", "recording": "9" * 41}, "recording"),
    ],
)
def test_an_attempt_that_does_not_hold_together_is_refused(road: Road, given: Any, field: str) -> None:
    before = written()
    with pytest.raises(actions.WrongAttempt) as refusal:
        attempt(road, **given)
    assert refusal.value.field == field
    assert written() == before


def test_others_may_not_log_attempts_on_a_task(road: Road) -> None:
    colleague = make_staff("LOAN_OFFICER", road.branch, "白露")
    before = written()
    for by, refusal in ((colleague, actions.NotYours), (road.manager, NotAllowed)):
        with pytest.raises(refusal):
            actions.record_attempt(task_id=road.task.pk, outcome="NO_ANSWER", by=by, at=AT)
    assert written() == before


def test_an_appointment_moves_the_task_to_its_day(road: Road) -> None:
    when = AT + timedelta(days=3)
    row = attempt(road, "APPOINTED", next_at=when, note="周三下午方便")
    road.task.refresh_from_db()
    assert (row.next_at, road.task.due_on, road.task.is_pinned) == (when, when.date(), True)
    assert road.task.events.get(kind=EventKind.RESCHEDULED).data["reason"] == "周三下午方便"


def test_past_the_limit_the_appointment_stands_and_the_task_waits_for_a_manager(road: Road) -> None:
    due = road.task.due_on
    row = attempt(road, "APPOINTED", next_at=AT + timedelta(days=40))
    road.task.refresh_from_db()
    assert row.next_at is not None and road.task.due_on == due and not road.task.is_pinned
    assert Entry.objects.filter(kind="followups.appointment_past_limit").count() == 1


def test_a_refusal_is_the_visits_answer_and_the_report_says_so(road: Road) -> None:
    visit = road.start()
    attempt(road, "REFUSED", note="认为没有必要回访")
    kept = Visit.objects.get(pk=visit.pk)
    assert kept.draft["contact_outcome"] == "REFUSED" and kept.version == visit.version + 1
    draft = {**kept.draft, "conclusion": "WATCH", "conclusion_text": "客户拒绝回访，认为没有必要。"}
    with pytest.raises(actions.InvalidAnswers):
        actions.submit_visit(
            task_id=road.task.pk, version=kept.version, draft={**draft, "conclusion": "NO_CONCERN"}, by=road.officer,
            at=AT,
        )  # fmt: skip
    report = actions.submit_visit(task_id=road.task.pk, version=kept.version, draft=draft, by=road.officer, at=AT)
    assert report.content["contact_outcome"] == "REFUSED"
    assert report.content["contact"] == {"code": "REFUSED", "label": {"zh": "拒绝", "en": "Refused"}}
    kept_in_the_report = [(row["code"], row["note"], row["by"]) for row in report.content["contacts"]]
    assert kept_in_the_report == [("REFUSED", "认为没有必要回访", road.officer.name)]


@pytest.mark.parametrize("begun", [False, True])
def test_a_borrower_whom_nobody_reaches_ends_the_task_as_suspected_lost(road: Road, begun: bool) -> None:
    if begun:
        road.start()
    in_vain(road)
    task = actions.close_as_lost(task_id=road.task.pk, note="三次未接通", by=road.officer, at=AT)
    assert (task.state, task.outcome, task.closed_on) == (TaskState.CLOSED, Outcome.SUSPECTED_LOST, date(2026, 11, 1))
    fact = Entry.objects.get(kind="followups.contact_lost")
    assert fact.data["attempts"] == 3
    with pytest.raises(actions.TaskAlreadyEnded):
        attempt(road, days=5)


def test_too_few_attempts_make_nobody_lost(road: Road) -> None:
    attempt(road)
    attempt(road, days=1)
    before = written()
    for step in (actions.close_as_lost, actions.ask_for_field_visit):
        with pytest.raises(actions.NotUnreachable):
            step(task_id=road.task.pk, note="联系不上", by=road.officer, at=AT)
    assert written() == before
    road.task.refresh_from_db()
    assert (road.task.state, road.task.method) == (TaskState.PLANNED, "PHONE")


@pytest.mark.parametrize("begun", [False, True])
def test_instead_the_visit_goes_to_the_door(road: Road, begun: bool) -> None:
    if begun:
        visit = road.start()
        draft = {"answers": {"identity_checked": {"now": "NO"}}, "contact_outcome": "NO_ANSWER"}
        actions.save_draft(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    in_vain(road)
    task = actions.ask_for_field_visit(task_id=road.task.pk, note="电话不通", by=road.officer, at=AT)
    assert task.method == "FIELD" and task.closed_on is None
    visit = road.start()
    assert visit.method == "FIELD"
    if begun:
        assert visit.draft == {"answers": {"identity_checked": {"now": "NO"}}}
    with pytest.raises(actions.WrongState):
        actions.ask_for_field_visit(task_id=road.task.pk, note="电话不通", by=road.officer, at=AT)


def test_the_database_keeps_attempts_and_the_one_way_out(road: Road) -> None:
    row = attempt(road)
    statements = [
        f"UPDATE followups_visitattempt SET outcome = 'REACHED' WHERE id = {row.pk}",
        f"DELETE FROM followups_visitattempt WHERE id = {row.pk}",
    ]
    columns = "task_id, at, business_date, method, by_id, outcome, note, recording, next_at"
    for outcome, note, next_at in (("MAYBE", "", "NULL"), ("REFUSED", "", "NULL"), ("APPOINTED", "", "NULL"),
                                   ("NO_ANSWER", "", "now() - interval '1 day'")):  # fmt: skip
        statements.append(
            f"INSERT INTO followups_visitattempt ({columns}) VALUES ({road.task.pk}, now(), now(), 'PHONE',"
            f" {road.officer.pk}, '{outcome}', '{note}', '', {next_at})"
        )
    for statement in statements:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    road.start()
    ending = "UPDATE followups_visittask SET state = 'CLOSED', closed_on = now(), outcome = %s WHERE id = %s"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ending, ["SETTLED", road.task.pk])
    with connection.cursor() as cursor:
        cursor.execute(ending, [WITH_OUTCOME[("IN_PROGRESS", "CLOSED")], road.task.pk])
    assert ("IN_PROGRESS", "CLOSED") not in LEGAL


def test_submitting_after_attempts_is_as_before(road: Road) -> None:
    attempt(road)
    attempt(road, "REACHED", days=1)
    visit = road.start()
    report = actions.submit_visit(
        task_id=road.task.pk, version=visit.version, draft=filled(visit), by=road.officer, at=AT
    )
    assert report.content["contact_outcome"] == "REACHED"


# S2.4
@pytest.mark.parametrize("told_before", [False, True])
def test_a_call_that_the_report_tells_of_is_an_attempt_once(road: Road, told_before: bool) -> None:
    if told_before:
        attempt(road, "REACHED", recording="LY-1")
    visit = road.start()
    assert visit.draft.get("contact_outcome") == ("REACHED" if told_before else None)
    report = actions.submit_visit(
        task_id=road.task.pk, version=visit.version, draft=filled(visit), by=road.officer, at=AT
    )
    assert [row["code"] for row in report.content["contacts"]] == ["REACHED"]
