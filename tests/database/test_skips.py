"""A first follow-up is not skipped without somebody else's approval (S2.6)."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions
from followups.actions import refusals
from followups.actions.skips import OwnSkip, SkipDecided
from followups.models import Outcome, SkipRequest, SkipState, TaskEvent, VisitTask
from journal.models import Entry
from people.actions import NotAllowed
from tests.database.test_visits import TODAY, Road, written
from tests.factories import AT, make_branch, make_staff

WHY = "借款人长期在境外工作"


@pytest.fixture
def road(db: None) -> Road:
    return Road(kind="FIRST", rule="FIRST_90")


def ask(road: Road, **given: object) -> SkipRequest:
    return actions.ask_to_skip(**{"task_id": road.task.pk, "reason": WHY, "by": road.officer, "at": AT, **given})  # type: ignore[arg-type]


def decide(road: Road, asked: SkipRequest, **given: object) -> VisitTask:
    wanted = {
        "task_id": road.task.pk, "approve": True, "note": "", "content_sha256": asked.content_sha256,
        "by": road.manager, "at": AT, **given,
    }  # fmt: skip
    return actions.decide_skip(**wanted)  # type: ignore[arg-type]


def test_asked_by_one_and_approved_by_another_the_task_is_over(road: Road) -> None:
    asked = ask(road)
    road.task.refresh_from_db()
    assert road.task.state == "PLANNED", "it runs on until somebody decides"
    task = decide(road, asked)
    task.refresh_from_db()
    assert (task.state, task.outcome, task.closed_on) == ("CANCELLED", Outcome.SKIPPED, TODAY)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == (SkipState.APPROVED, road.manager)
    kinds = list(TaskEvent.objects.filter(task=task).order_by("id").values_list("kind", flat=True))
    assert kinds == ["PLANNED", "SKIP_ASKED", "CANCELLED"]
    assert Entry.objects.filter(kind__in=["followups.skip_asked", "followups.skip_decided"]).count() == 2
    with pytest.raises(SkipDecided):
        decide(road, asked)


def test_refused_the_task_stays_and_may_be_asked_again(road: Road) -> None:
    asked = ask(road)
    decide(road, asked, approve=False, note="请改用视频回访")
    road.task.refresh_from_db()
    assert road.task.state == "PLANNED" and ask(road).pk != asked.pk


def test_nobody_skips_alone_unseen_or_something_else(road: Road) -> None:
    colleague, stranger = make_staff("LOAN_OFFICER", road.branch), make_staff("LOAN_OFFICER", make_branch())
    auditor, risk = make_staff("AUDITOR", road.branch), make_staff("RISK_MANAGER", road.branch)
    before = written()
    for wrong, given in (
        (refusals.ReasonMissing, {"reason": "忙"}),
        (refusals.NotYours, {"by": colleague}),
        (VisitTask.DoesNotExist, {"by": stranger}),
        (NotAllowed, {"by": auditor}),
    ):
        with pytest.raises(wrong):
            ask(road, **given)
    assert written() == before and not SkipRequest.objects.exists()
    asked = ask(road, by=road.manager)
    before = written()
    for wrong, given in (
        (OwnSkip, {}),
        (NotAllowed, {"by": road.officer}),
        (SkipDecided, {"by": risk, "content_sha256": "0" * 64}),
        (refusals.ReasonMissing, {"by": risk, "approve": False}),
    ):
        with pytest.raises(wrong):
            decide(road, asked, **given)
    with pytest.raises(refusals.WrongState):
        ask(road)
    assert written() == before and SkipRequest.objects.filter(state="WAITING").count() == 1


def test_only_a_first_follow_up_that_nobody_has_begun(db: None) -> None:
    periodic = Road()
    with pytest.raises(refusals.WrongState):
        ask(periodic)
    begun = Road(kind="FIRST", rule="FIRST_90")
    begun.start()
    with pytest.raises(refusals.WrongState):
        ask(begun)
    assert not SkipRequest.objects.exists()


def test_a_first_follow_up_is_not_moved_past_day_90_by_anybody(road: Road) -> None:
    type(road.loan).objects.filter(pk=road.loan.pk).update(disbursed_on=TODAY - timedelta(days=60))
    last = TODAY + timedelta(days=30)
    before = written()
    with pytest.raises(refusals.WrongDate, match="第 90 天"):
        actions.reschedule(task_id=road.task.pk, to=last + timedelta(days=1), reason="客户出差", by=road.manager, at=AT)
    assert written() == before
    actions.reschedule(task_id=road.task.pk, to=last, reason="客户出差", by=road.manager, at=AT)
    assert VisitTask.objects.get(pk=road.task.pk).due_on == last


def test_the_database_refuses_deciding_ones_own_and_half_decided_rows(road: Road) -> None:
    asked = ask(road)
    for change in (
        f"state = 'APPROVED', decided_by_id = {road.officer.pk}, decided_at = now()",
        "state = 'APPROVED'",
        f"decided_by_id = {road.manager.pk}, decided_at = now()",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE followups_skiprequest SET {change} WHERE id = %s", [asked.pk])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO followups_skiprequest (task_id, reason, asked_by_id, asked_at, content_sha256, state, note) "
            "SELECT task_id, reason, asked_by_id, asked_at, content_sha256, state, note FROM followups_skiprequest"
        )
