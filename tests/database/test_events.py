"""From an event to its visit and back: kept once, answered the same day, one visit for all, closed by a report."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from collateral.models import Charge, Property, Valuation
from correspondence.models import ContactPreference
from followups import actions, batch
from followups.actions import events as intake
from followups.batch import answering
from followups.models import Event, EventFinding, EventVisit, Finding, TaskEvent, VisitTask
from followups.queries.events import events_of, events_on, items_of
from followups.wording import why
from journal.actions import record
from journal.batch import run_pending
from journal.models import Entry, Pending
from loans.models import Loan, Position
from people.actions import NotAllowed
from tests.database.test_visits import changed, filled
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
LATER = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


class Bank:
    """A branch with officer and manager, a loan in good order, one of the same borrower elsewhere in the branch."""

    def __init__(self) -> None:
        self.branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch, "周楠")
        self.manager = make_staff("BRANCH_MANAGER", self.branch, "何建平")
        self.loan = book_loan(self.branch, self.officer)
        self.second = book_loan(self.branch, self.officer, borrower=self.loan.borrower)

    def tell(self, code: str = "JOB_CHANGE", loan: Any = None, **more: Any) -> Event:
        given: dict[str, Any] = {"happened_on": DAY, "words": "客户来电告知", **more}
        event, _is_new = intake.record_event(loan_id=(loan or self.loan).pk, code=code, by=self.officer, at=AT, **given)
        return event

    def tasks(self) -> list[VisitTask]:
        return list(VisitTask.objects.filter(rule="EVENT").order_by("id"))


@pytest.fixture
def bank(db: None) -> Bank:
    return Bank()


def react(at: datetime = LATER) -> None:
    """What a worker does within seconds."""
    Pending.objects.exclude(reaction="answer_events").delete()
    run_pending(at=at)


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Event, EventVisit, EventFinding, VisitTask, TaskEvent, Entry))


# S1.18 S2.8
def test_what_the_officer_tells_is_a_visit_the_same_business_day(bank: Bank) -> None:
    event = bank.tell("JOB_LOSS", words="单位裁员，客户来电告知", evidence="TEL-118")
    assert (event.customer_id, event.level, event.source) == (bank.loan.borrower_id, 2, "STAFF")
    react()
    (task,) = bank.tasks()
    assert (task.loan_id, task.kind, task.method, task.level, task.assigned_to) == (
        bank.loan.pk, "IRREGULAR", "FIELD", 2, bank.officer,
    )  # fmt: skip
    assert (task.created_on, task.opens_on, task.due_on) == (DAY, DAY, date(2026, 11, 4))
    assert why(task) == "失业"
    assert list(task.events.values_list("kind", flat=True)) == ["PLANNED"]
    fact = Entry.objects.get(kind="followups.event_recorded")
    assert "裁员" not in str(fact.data) and fact.data["sha256"] == event.content_sha256


def test_answering_twice_is_answering_once(bank: Bank) -> None:
    bank.tell()
    react()
    before = written()
    for _again in range(2):
        answering.answer_events(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk, bank.second.pk])
    answering.answer_evening(as_of=DAY, at=LATER)
    assert written() == before


def test_told_twice_it_is_one_event(bank: Bank) -> None:
    first = bank.tell()
    before = written()
    again, is_new = intake.record_event(
        loan_id=bank.loan.pk, code="JOB_CHANGE", happened_on=DAY, words=" 客户来电告知 ", by=bank.officer, at=LATER
    )
    assert (again, is_new) == (first, False) and written() == before


def test_a_reaction_that_got_lost_is_made_up_in_the_evening(bank: Bank) -> None:
    bank.tell()
    Pending.objects.all().delete()
    assert bank.tasks() == []
    counts = answering.answer_evening(as_of=DAY, at=LATER)
    assert (counts["created"], counts["joined"]) == (1, 1)
    assert len(bank.tasks()) == 1


# S1.18
def test_events_of_one_customer_make_one_visit_that_lists_them_all(bank: Bank) -> None:
    bank.tell("JOB_CHANGE")
    react()
    bank.tell("ILLNESS", loan=bank.second)
    bank.tell("LET", loan=bank.second)
    react()
    (task,) = bank.tasks()
    assert why(task) == "工作变动；重病；房屋出租"
    assert (task.level, task.method, task.due_on) == (2, "PHONE", date(2026, 11, 4))
    assert [row.what for row in events_on(task)] == ["工作变动", "重病", "房屋出租"]
    assert [row.event.code for row in events_of(bank.loan)] == ["ILLNESS", "JOB_CHANGE"]
    assert "BROUGHT_FORWARD" in task.events.values_list("kind", flat=True)


def test_a_visit_in_progress_is_not_touched_and_gets_the_event_as_a_note(bank: Bank) -> None:
    bank.tell("JOB_CHANGE")
    react()
    (task,) = bank.tasks()
    actions.start_visit(task_id=task.pk, by=bank.officer, at=LATER)
    before = VisitTask.objects.values().get(pk=task.pk)
    noted = bank.tell("ILLNESS")
    react()
    assert VisitTask.objects.values().get(pk=task.pk) == before
    assert bank.tasks() == [task]
    assert EventVisit.objects.get(event=noted).is_note
    visit = task.visit
    assert f"event_{noted.pk}" in [item["key"] for item in items_of(task, visit)]


def test_where_the_visit_in_progress_is_too_light_another_follows(bank: Bank) -> None:
    bank.tell("JOB_CHANGE")
    react()
    (task,) = bank.tasks()
    actions.start_visit(task_id=task.pk, by=bank.officer, at=LATER)
    severe = bank.tell("DEATH")
    react()
    _first, second = bank.tasks()
    assert (second.method, second.level) == ("FIELD", 1)
    assert list(EventVisit.objects.filter(event=severe).order_by("id").values_list("task", "is_note")) == [
        (task.pk, True), (second.pk, False),
    ]  # fmt: skip
    assert f"event_{severe.pk}" not in [item["key"] for item in items_of(task, task.visit)]


def test_the_steps_of_arrears_take_events_too(bank: Bank) -> None:
    late = book_loan(bank.branch, bank.officer, days_past_due=40)
    batch.replan(as_of=DAY, at=AT, loan_ids=[late.pk])
    step = VisitTask.objects.get(loan=late, rule="OVERDUE_31")
    bank.tell("JOB_CHANGE", loan=late)
    react()
    assert bank.tasks() == []
    step.refresh_from_db()
    assert why(step).endswith("工作变动")


# S2.11 imported books
def test_what_existed_at_cut_over_fires_nothing(bank: Bank) -> None:
    event = bank.tell(happened_on=bank.loan.baseline_on)
    react()
    assert event.is_baseline and bank.tasks() == []
    answering.answer_evening(as_of=DAY, at=LATER)
    assert bank.tasks() == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": "NOTHING"}, "code"),
        ({"code": "VALUE_80"}, "code"),
        ({"source": "FEED"}, "code"),
        ({"happened_on": DAY + timedelta(days=1)}, "happened_on"),
        ({"happened_on": DAY - timedelta(days=500)}, "happened_on"),
        ({"words": " "}, "words"),
        ({"words": "x" * 201}, "words"),
        ({"words": "a\u202eb"}, "words"),
        ({"evidence": "x" * 81}, "evidence"),
    ],
)
def test_an_event_that_does_not_hold_together_is_refused(bank: Bank, given: Any, field: str) -> None:
    before = written()
    with pytest.raises(intake.EventRefused) as refusal:
        bank.tell(**given)
    assert refusal.value.field == field and written() == before


def test_who_may_tell_and_of_which_loans(bank: Bank) -> None:
    stranger = make_staff("LOAN_OFFICER", make_branch())
    auditor = make_staff("AUDITOR", bank.branch)
    before = written()
    asked: dict[str, Any] = {"loan_id": bank.loan.pk, "code": "JOB_CHANGE", "happened_on": DAY, "words": "客户来电"}
    with pytest.raises(Loan.DoesNotExist):
        intake.record_event(**asked, by=stranger, at=AT)
    with pytest.raises(NotAllowed):
        intake.record_event(**asked, by=auditor, at=AT)
    assert written() == before


# Findings


def approve(bank: Bank, task: VisitTask, **answers: Any) -> Any:
    """The visit made, handed in and approved."""
    visit = actions.start_visit(task_id=task.pk, by=bank.officer, at=LATER)
    visit.task = task
    draft = filled(visit, **answers)
    for item in items_of(task, visit):
        key = item["key"]
        if item["required"] and key not in draft["answers"]:
            is_text = not item["choices"]
            now = "无" if is_text else item.get("normal") or item["choices"][0]["value"]
            is_direct = not item["before"]
            draft["answers"][key] = {"now": now} if is_direct else changed(now)
    report = actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=bank.officer, at=LATER)
    return actions.approve_report(report_id=report.pk, content_sha256=report.content_sha256, by=bank.manager, at=LATER)


# S2.5 S2.16
def test_the_report_names_the_events_and_closes_each_with_its_finding(bank: Bank) -> None:
    first, second = bank.tell("JOB_CHANGE", words="换到江城重工"), bank.tell("MARITAL")
    react()
    (task,) = bank.tasks()
    report = approve(bank, task, **{f"event_{first.pk}": {"now": "CONFIRMED"}, "conclusion": "WATCH",
                     "conclusion_text": "客户换了单位，收入稳定。"})  # fmt: skip
    found = {one.event_id: (one.finding, one.report_id) for one in EventFinding.objects.all()}
    assert found == {first.pk: ("CONFIRMED", report.pk), second.pk: ("NOT_CONFIRMED", report.pk)}
    rows = [row for section in report.content["sections"] for row in section["items"]]
    (row,) = [row for row in rows if row["key"] == f"event_{first.pk}"]
    assert (row["label"]["zh"], row["now_text"]["zh"]) == ("工作变动（2026-11-01）：换到江城重工", "属实")
    assert report.content["why"][0]["zh"] == "工作变动"
    react()
    assert len(bank.tasks()) == 1


# S1.18
@pytest.mark.parametrize(("finding", "is_over"), [("NOT_CONFIRMED", True), ("CONFIRMED", False)])
def test_messages_go_again_once_a_visit_finds_that_nobody_died(bank: Bank, finding: str, is_over: bool) -> None:
    bank.tell("JOB_CHANGE")
    react()
    (task,) = bank.tasks()
    death = bank.tell("DEATH", words="邻居说借款人已去世")
    EventVisit.objects.create(event=death, task=task, is_note=False, at=LATER, business_date=DAY)
    assert ContactPreference.objects.get().ended_at is None
    approve(bank, task, **{f"event_{death.pk}": {"now": finding}, "conclusion": "WATCH",
            "conclusion_text": "当面见到客户，收入稳定。"})  # fmt: skip
    assert EventFinding.objects.get(event=death).finding == finding
    stopped = ContactPreference.objects.get()
    assert (stopped.ended_by == bank.manager) is is_over and (stopped.ended_at is not None) is is_over


def test_the_events_must_be_answered_before_the_report_is_handed_in(bank: Bank) -> None:
    event = bank.tell()
    react()
    (task,) = bank.tasks()
    visit = actions.start_visit(task_id=task.pk, by=bank.officer, at=LATER)
    before = written()
    with pytest.raises(actions.MissingAnswers) as refusal:
        actions.submit_visit(task_id=task.pk, version=visit.version, draft=filled(visit), by=bank.officer, at=LATER)
    assert f"event_{event.pk}" in refusal.value.fields
    assert written() == before


def test_what_was_not_verified_stays_open_and_is_visited_again(bank: Bank) -> None:
    event = bank.tell()
    react()
    (task,) = bank.tasks()
    approve(bank, task, **{f"event_{event.pk}": {"choice": "UNVERIFIED"}})
    react()
    _first, again = bank.tasks()
    assert (again.cycle, again.state) == (f"{task.cycle}-2", "PLANNED")
    assert EventFinding.objects.get(event=event).finding == Finding.UNVERIFIED


def test_a_borrower_who_cannot_be_found_closes_the_event_as_lost(bank: Bank) -> None:
    event = bank.tell()
    react()
    (task,) = bank.tasks()
    actions.start_visit(task_id=task.pk, by=bank.officer, at=LATER)
    VisitTask.objects.filter(pk=task.pk).update(state="CLOSED", outcome="SUSPECTED_LOST", closed_on=DAY)
    answering.answer_events(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk])
    assert EventFinding.objects.get(event=event).finding == Finding.LOST
    assert len(bank.tasks()) == 1


def test_a_mistake_is_taken_back_and_its_visit_with_it(bank: Bank) -> None:
    first, second = bank.tell("JOB_CHANGE"), bank.tell("MARITAL")
    react()
    intake.withdraw_event(event_id=first.pk, reason="录错客户", by=bank.manager, at=LATER)
    (task,) = bank.tasks()
    assert task.state == "PLANNED"
    intake.withdraw_event(event_id=second.pk, reason="录错客户", by=bank.manager, at=LATER)
    (task,) = bank.tasks()
    assert (task.state, task.outcome) == ("CANCELLED", "WITHDRAWN")
    before = written()
    with pytest.raises(intake.EventEnded):
        intake.withdraw_event(event_id=first.pk, reason="录错客户", by=bank.manager, at=LATER)
    with pytest.raises(NotAllowed):
        intake.withdraw_event(event_id=first.pk, reason="录错客户", by=bank.officer, at=LATER)
    assert written() == before
    react()
    assert len(bank.tasks()) == 1


def test_a_settled_loan_needs_no_answer(bank: Bank) -> None:
    alone = book_loan(bank.branch, bank.officer)
    event = bank.tell(loan=alone)
    Position.objects.filter(loan=alone).update(settled_on=DAY)
    react()
    assert bank.tasks() == [] and EventFinding.objects.get(event=event).finding == Finding.SETTLED


# Day end and valuations


def revalue(loan: Any, value: str, on: date = DAY) -> Valuation:
    home = Charge.objects.get(loan=loan).property
    Property.objects.filter(pk=home.pk).update(value=Decimal(value), valued_on=on)
    return Valuation.objects.create(property=home, value=Decimal(value), valued_on=on, source="DESKTOP")


# S1.17 S2.11 S2.16
def test_a_fall_in_value_past_a_limit_is_a_visit(bank: Bank) -> None:
    revalue(bank.loan, "1100000.00")
    counts = answering.answer_events(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk])
    assert (counts["noticed"], counts["created"]) == (1, 1)
    (event,) = Event.objects.all()
    assert (event.code, event.source, event.level, event.property_id) == (
        "VALUE_80", "COLLATERAL", 3, Charge.objects.get(loan=bank.loan).property_id,
    )  # fmt: skip
    before = written()
    answering.answer_events(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk])
    assert written() == before


def test_a_fall_that_crosses_nothing_sends_nobody(bank: Bank) -> None:
    revalue(bank.loan, "1900000.00")
    assert answering.answer_events(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk])["noticed"] == 0


def test_the_evenings_walk_finds_a_valuation_that_woke_nobody(bank: Bank) -> None:
    revalue(bank.loan, "950000.00")
    for day in range(31):
        answering.answer_evening(as_of=DAY + timedelta(days=day), at=LATER)
    assert [task.level for task in bank.tasks()] == [2]


def class_changed(loan: Any, old: str, new: str, on: date, days: int = 0) -> None:
    Position.objects.filter(loan=loan).update(five_class=new)
    record(kind="loans.class_changed", subject_type="loan", subject_id=loan.pk, loan_id=loan.pk, by="system", at=LATER,
           business_date=on, data={"from": old, "to": new, "days_past_due": days})  # fmt: skip


def test_a_class_that_worsens_without_arrears_is_a_visit_with_arrears_their_steps_answer(bank: Bank) -> None:
    on = DAY + timedelta(days=5)
    class_changed(bank.loan, "PASS", "SPECIAL_MENTION", on)
    late = book_loan(bank.branch, bank.officer, days_past_due=5)
    class_changed(late, "PASS", "SPECIAL_MENTION", on, days=5)
    answering.answer_events(as_of=on, at=LATER, loan_ids=[bank.loan.pk, late.pk])
    assert [(event.loan_id, event.code) for event in Event.objects.all()] == [(bank.loan.pk, "CLASS_MENTIONED")]
    class_changed(bank.loan, "SPECIAL_MENTION", "PASS", on)
    answering.answer_events(as_of=on, at=LATER, loan_ids=[bank.loan.pk])
    assert Event.objects.count() == 1


def test_a_class_that_stood_at_cut_over_is_baseline(bank: Bank) -> None:
    late = book_loan(bank.branch, bank.officer, days_past_due=95)
    class_changed(late, "SPECIAL_MENTION", "SUBSTANDARD", DAY, days=96)
    react()
    assert Event.objects.get(loan=late).is_baseline
    assert bank.tasks() == []


# Feeds


def feed(bank: Bank, *rows: dict[str, Any], name: str = "COURT", is_preview: bool = False) -> list[Any]:
    by = make_staff("OPERATIONS", bank.branch.parent)
    made = [
        intake.FeedRow(**{"line": n, "values": {}, "loan": bank.loan.loan_note_no, "happened_on": DAY, **row})
        for n, row in enumerate(rows, start=2)
    ]
    return intake.take_feed(feed=name, rows=made, by=by, at=AT, is_preview=is_preview)


# S1.18 S1.29
def test_a_feed_sent_twice_writes_nothing_the_second_time(bank: Bank) -> None:
    rows = ({"external_id": "C-1", "code": "SUED"}, {"external_id": "C-1", "code": "SUED"},
            {"external_id": "C-2", "code": "JOB_LOSS"})  # fmt: skip
    assert [one.word for one in feed(bank, *rows, is_preview=True)] == ["TAKEN", "DUPLICATE", "REFUSED"]
    assert Event.objects.count() == 0
    assert [one.word for one in feed(bank, *rows)] == ["TAKEN", "DUPLICATE", "REFUSED"]
    before = (Event.objects.count(), Entry.objects.filter(kind__startswith="followups.").count())
    assert [one.word for one in feed(bank, *rows)] == ["DUPLICATE", "DUPLICATE", "REFUSED"]
    assert (Event.objects.count(), Entry.objects.filter(kind__startswith="followups.").count()) == before
    react()
    assert [why(task) for task in bank.tasks()] == ["作为被告被起诉"]


def test_rows_of_a_feed_are_refused_in_words(bank: Bank) -> None:
    results = feed(
        bank,
        {"external_id": "1", "code": "SUED", "loan": "NOBODY"},
        {"external_id": "2", "code": "SUED", "happened_on": DAY + timedelta(days=1)},
        {"external_id": "3", "code": "SUED", "loan": "", "customer": bank.loan.borrower.id_no},
        {"external_id": "4", "code": "SUED", "happened_on": bank.loan.baseline_on},
        {"external_id": "5", "column": "code", "fault": "事项代码和月收入须填其一。"},
    )
    assert [(one.word, one.column) for one in results] == [
        ("REFUSED", "loan"), ("REFUSED", "happened_on"), ("TAKEN", ""), ("BASELINE", ""), ("REFUSED", "code"),
    ]  # fmt: skip
    assert all(one.reason for one in results if one.word == "REFUSED")


def test_an_income_feed_tells_an_event_only_of_a_fall(bank: Bank) -> None:
    from people.actions import record_profile

    record_profile(
        party_id=bank.loan.borrower_id, known_on=DAY, source="VISIT", monthly_income=Decimal("20000.00"), employer="",
        other_monthly_debt=None, by="system", at=AT,
    )  # fmt: skip
    results = feed(
        bank,
        {"external_id": "1", "monthly_income": Decimal("19000.00")},
        {"external_id": "2", "monthly_income": Decimal("11000.00")},
        name="INCOME",
    )
    assert [one.word for one in results] == ["NOTHING", "TAKEN"]
    assert Event.objects.get().code == "INCOME_DOWN_40"


def test_only_some_may_send_a_feed(bank: Bank) -> None:
    before = written()
    with pytest.raises(NotAllowed):
        intake.take_feed(feed="COURT", rows=[], by=bank.officer, at=AT, is_preview=False)
    assert written() == before


# The database is the last judge


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("external_id = ''", "event_has_its_sources_number"),
        ("subject = 'PROPERTY'", "event_of_a_home_names_it"),
        ("feed = 'COURT'", "only_a_feed_has_a_name"),
        ("known_on = '2026-10-01'", "event_happened_before"),
        ("external_id = external_id", "event_once_a_source"),
    ],
)
def test_a_bad_event_is_refused_by_the_database(bank: Bank, change: str, name: str) -> None:
    bank.tell()
    column, _is, value = change.partition(" = ")
    columns = ["loan_id", "subject", "customer_id", "property_id", "code", "level", "happened_on", "known_on",
               "source", "feed", "external_id", "words", "evidence", "is_baseline", "content_sha256", "recorded_by",
               "at"]  # fmt: skip
    fresh = {"external_id": "external_id || 'x'", column: value}
    chosen = ", ".join(fresh.get(one, one) for one in columns)
    with pytest.raises(DatabaseError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO followups_event ({', '.join(columns)}) SELECT {chosen} FROM followups_event")


@pytest.mark.parametrize("table", ["followups_event", "followups_eventvisit", "followups_eventfinding"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET at = now()", "DELETE FROM {}"])
def test_events_are_added_to_and_never_changed(bank: Bank, table: str, verb: str) -> None:
    event = bank.tell()
    react()
    intake.withdraw_event(event_id=event.pk, reason="录错客户", by=bank.manager, at=LATER)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb.format(table))


def test_an_event_is_closed_once(bank: Bank) -> None:
    event = bank.tell()
    intake.withdraw_event(event_id=event.pk, reason="录错客户", by=bank.manager, at=LATER)
    with pytest.raises(DatabaseError, match="event_closed_once"), transaction.atomic():
        EventFinding.objects.create(event=event, finding="SETTLED", recorded_by="system", at=LATER, business_date=DAY)
