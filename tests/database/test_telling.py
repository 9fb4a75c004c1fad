"""告知客户: after approval the customer is told, a fact undone by another; the clock counts (S2.2)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from config.invariants import findings
from followups import actions
from followups.batch.notices import raise_notices
from followups.models import (
    CustomerResult,
    Notice,
    ReportQuality,
    ResultTelling,
    TaskEvent,
    VisitTask,
)
from followups.queries import clock_of
from followups.queries.customer_status import visits_for_customer
from followups.queries.notices import told, unread
from followups.queries.turn_around import breaching, tasks_behind, turn_around
from followups.rules import escalation
from journal.models import Entry
from loans.models import BusinessDate
from loans.queries import calendar
from people.actions import NotAllowed
from tests.database.test_events import Bank as EventBank
from tests.database.test_events import react
from tests.database.test_merging import Household
from tests.database.test_visits import AT, TODAY, Road
from tests.factories import book_loan, make_staff

WORDS = "已电话说明：需关注收入变化，三个月后再联系。"


def approved(**task: Any) -> Road:
    road = Road(**task)
    road.approve(road.submit(conclusion="WATCH", conclusion_text="客户收入减少，需要关注。"))
    road.task.refresh_from_db()
    return road


@pytest.fixture
def road(db: None) -> Road:
    return approved()


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Entry, TaskEvent, ResultTelling, CustomerResult))


def tell(road: Road, **given: Any) -> ResultTelling:
    asked: dict[str, Any] = {"channel": "PHONE", "told_at": AT, "words": WORDS, "by": road.officer, "at": AT, **given}
    return actions.tell_result(task_id=road.task.pk, **asked)


def open_day_is(day: date) -> None:
    BusinessDate.objects.update(day=day)


# S2.2
def test_a_result_with_findings_is_to_be_told_within_the_policys_workdays(road: Road) -> None:
    result = CustomerResult.objects.get()
    assert (result.task, result.why, result.since, result.told_id) == (road.task, ["FINDINGS"], TODAY, None)
    assert calendar(TODAY, result.tell_by).workdays_between(TODAY, result.tell_by) == 5
    clean = Road()
    clean.approve(clean.submit())
    assert CustomerResult.objects.count() == 1
    asked = actions.ask_for_result(task_id=clean.task.pk, by=clean.officer, at=AT)
    assert asked.why == ["ASKED"]
    assert actions.ask_for_result(task_id=clean.task.pk, by=clean.officer, at=AT) == asked


# S2.2
def test_telling_is_a_fact_that_only_another_fact_undoes(road: Road) -> None:
    made = tell(road)
    result = CustomerResult.objects.get()
    assert (result.told, result.told_on) == (made, TODAY)
    before = written()
    with pytest.raises(actions.AlreadyTold):
        tell(road)
    assert written() == before
    undone = actions.undo_telling(task_id=road.task.pk, reason="误记在本任务", by=road.officer, at=AT)
    assert (undone.undoes, CustomerResult.objects.get().told_id) == (made, None)
    with pytest.raises(actions.NotToldYet):
        actions.undo_telling(task_id=road.task.pk, reason="误记在本任务", by=road.officer, at=AT)
    again = tell(road, channel="COUNTER")
    assert CustomerResult.objects.get().told == again and ResultTelling.objects.count() == 3
    kinds = list(TaskEvent.objects.filter(task=road.task).order_by("id").values_list("kind", flat=True))
    assert kinds[-5:] == ["CLOSED", "TO_TELL", "TOLD", "TOLD_UNDONE", "TOLD"]
    assert Entry.objects.filter(kind="followups.result_told").count() == 2
    for statement in ("UPDATE followups_resulttelling SET words = 'x'", "DELETE FROM followups_resulttelling"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_what_cannot_have_been_told_is_refused_and_changes_nothing(road: Road) -> None:
    before = written()
    wrong = (
        ({"channel": "RUMOR"}, "channel"), ({"heard_by": "NEIGHBOR"}, "heard_by"),
        ({"told_at": AT + timedelta(hours=1)}, "told_at"), ({"told_at": AT - timedelta(days=1)}, "told_at"),
    )  # fmt: skip
    for given, field in wrong:
        with pytest.raises(actions.WrongTelling) as refused:
            tell(road, **given)
        assert refused.value.field == field
    with pytest.raises(actions.ReasonMissing):
        tell(road, words="好")
    with pytest.raises(actions.NotYours):
        tell(road, by=make_staff("LOAN_OFFICER", road.branch))
    with pytest.raises(NotAllowed):
        tell(road, by=make_staff("AUDITOR", road.branch))
    open_task = Road()
    before = written()
    with pytest.raises(actions.WrongState):
        tell(open_task)
    with pytest.raises(actions.WrongState):
        actions.ask_for_result(task_id=open_task.task.pk, by=open_task.officer, at=AT)
    assert written() == before


def test_the_database_refuses_a_telling_without_its_hour_and_a_told_result_without_its_day(road: Road) -> None:
    result = CustomerResult.objects.get()
    bad = (
        "INSERT INTO followups_resulttelling (result_id, channel, heard_by, words, by_id, at, business_date) "
        f"VALUES ({result.pk}, 'PHONE', 'BORROWER', 'x', {road.officer.pk}, now(), now())",
        f"UPDATE followups_customerresult SET told_on = now() WHERE id = {result.pk}",
        f"UPDATE followups_customerresult SET tell_by = since - 1 WHERE id = {result.pk}",
    )
    for statement in bad:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_banks_claims_find_a_telling_or_a_score_that_does_not_stand(road: Road) -> None:
    tell(road)

    def broken() -> set[str]:
        return {each.code for each in findings() if not each.is_ok} & {"told_result_stands", "quality_is_its_lines"}

    assert broken() == set()
    CustomerResult.objects.update(told=None, told_on=None)
    assert broken() == {"told_result_stands"}
    ReportQuality.objects.update(score=F("score") - 1)
    assert broken() == {"told_result_stands", "quality_is_its_lines"}


# S2.2
def test_what_nobody_told_in_time_is_told_of_once_a_step_until_it_is_told(road: Road) -> None:
    result = CustomerResult.objects.get()
    days = calendar(TODAY, TODAY + timedelta(days=30))
    for ahead in range(14):
        day = TODAY + timedelta(days=ahead)
        raise_notices(as_of=day, at=AT)
        step = escalation.step_reached(TODAY, result.tell_by, day, days)
        newest = Notice.objects.filter(code__startswith="TELL").order_by("id").last()
        assert (newest.code if newest else None) == (step.replace("LIMIT", "TELL") if step else None), day
    assert Notice.objects.filter(code__startswith="TELL").count() == 1 + 2 + 3, "each audience once a step"
    later = TODAY + timedelta(days=20)
    open_day_is(later)
    assert [one.notice.code for one in told(road.officer, later)] == ["TELL_120"] and unread(road.officer, later) == 1
    assert breaching(road.manager, later, today=TODAY) == [(road.task.pk, result.tell_by)]
    tell(road)
    assert told(road.officer, later) == [] and unread(road.officer, later) == 0
    assert not breaching(road.manager, later, today=TODAY)


# S2.2
def test_turn_around_counts_the_telling_as_a_step_of_its_own(road: Road) -> None:
    last = TODAY + timedelta(days=40)
    (line,) = turn_around(road.manager, TODAY, last).rows
    assert (line.untold, line.told_late, line.steps["TELLING"].p50) == (1, 1, None)
    assert [one.task_id for one in tasks_behind(road.manager, TODAY, last, only="untold")] == [road.task.pk]
    monday = TODAY + timedelta(days=8)
    open_day_is(monday)
    tell(road, told_at=AT)
    (line,) = turn_around(road.manager, TODAY, last).rows
    workdays = calendar(TODAY, monday).workdays_between(TODAY, monday)
    assert (line.untold, line.told_late) == (0, int(monday > CustomerResult.objects.get().tell_by))
    assert (line.steps["TELLING"].p50, line.total.p50) == (workdays, 0), "no part of the time to the close"
    assert clock_of(road.task)["steps"][-1].workdays == workdays
    assert tasks_behind(road.manager, TODAY, last, only="untold") == []


def test_a_loan_visited_along_with_another_has_the_result_of_that_visit(db: None) -> None:
    home = Household()
    home.merge()
    visit, draft = home.visit()
    draft |= {"conclusion": "WATCH", "conclusion_text": "客户收入减少，需要关注。"}
    home.approve(actions.submit_visit(task_id=home.lead.pk, version=visit.version, draft=draft, by=home.officer, at=AT))
    assert [each.status.stage for each in visits_for_customer(home.other, TODAY)] == ["DECIDED"]
    actions.tell_result(task_id=home.lead.pk, channel="FIELD", told_at=AT, words=WORDS, by=home.officer, at=AT)
    for loan in (home.loan, home.other):
        found = visits_for_customer(loan, TODAY)
        assert [(each.status.stage, each.channel) for each in found] == [("TOLD", "FIELD")]


# S2.2
def test_the_customer_hears_where_it_stands_and_nothing_of_what_was_found(db: None) -> None:
    road = Road(kind="IRREGULAR")
    assert visits_for_customer(road.loan, TODAY) == []
    report = road.submit(conclusion="WATCH", conclusion_text="收入减半，偿债困难。")
    (one,) = visits_for_customer(road.loan, TODAY)
    assert one.status.stage == "CHECKING" and not one.is_own
    road.approve(report)
    assert [each.status.stage for each in visits_for_customer(road.loan, TODAY)] == ["DECIDED"]
    tell(road)
    assert [(each.status.stage, each.channel) for each in visits_for_customer(road.loan, TODAY)] == [("TOLD", "PHONE")]


# S2.2
@pytest.mark.parametrize(("source", "heard"), [("BORROWER", ["ARRANGED"]), ("STAFF", [])])
def test_what_the_customer_told_is_heard_of_at_once_what_the_bank_saw_is_not(
    db: None, source: str, heard: list[str]
) -> None:
    bank = EventBank()
    bank.tell("JOB_LOSS", source=source)
    react()
    (task,) = bank.tasks()
    found = visits_for_customer(bank.loan, TODAY)
    assert [(one.number, one.is_own, one.status.stage) for one in found] == [(task.number, True, one) for one in heard]
    other = book_loan(bank.branch, bank.officer)
    VisitTask.objects.filter(pk=task.pk).update(loan=bank.second)
    assert [one.status.stage for one in visits_for_customer(bank.loan, TODAY)] == heard, "a visit to the other loan"
    VisitTask.objects.filter(pk=task.pk).update(loan=other)
    assert visits_for_customer(bank.loan, TODAY) == [], "nor what is another customer's"
