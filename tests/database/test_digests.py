"""The digests of a morning: one a person and day, what is new since the last one, few statements for many (S2.20)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from config import tasks
from followups.actions.events import record_event
from followups.batch.digests import make_digests
from followups.batch.notices import raise_notices
from followups.models import Digest, DigestRun, EventVisit, Notice, NoticesRead, VisitTask
from followups.queries.digests import digest_on, seen
from loans.models import BusinessDate
from people.actions.leave import enter_leave
from people.models import Staff
from risk.batch.signals import Raise, raise_signals
from risk.rules.signals import Warned
from tests.database.test_visit_races import at_once
from tests.database.test_visits import Road, make_task
from tests.factories import AT, book_loan, make_staff
from tests.web.api_bank import TODAY, Bank, make_bank

# The first of November is a Sunday.
MONDAY, TUESDAY = date(2026, 11, 2), date(2026, 11, 3)
MORNING = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def open_day_is(day: date) -> None:
    BusinessDate.objects.update(day=day)


def made_on(day: date) -> int | None:
    open_day_is(day)
    return make_digests(as_of=day, at=MORNING + (day - MONDAY))


def work_of(bank: Bank) -> None:
    """The home officer has something of everything; a task nobody has; a colleague's is past its limit by a fifth."""
    officer, loan = bank.staff["officer"], bank.loans["home"]

    def add(cycle: str, who: Staff | None = officer, due: date = date(2026, 10, 30), **given: Any) -> VisitTask:
        opens = due - timedelta(days=10)
        return make_task(loan, who, cycle=cycle, due_on=due, opens_on=opens, created_on=opens, **given)

    add("today", due=MONDAY)
    add("late")
    add("nobody", None)
    add("passed", bank.staff["colleague"], date(2026, 10, 19))
    add("back", due=TODAY + timedelta(days=9), state="RETURNED")
    asked = add("asked", due=TODAY + timedelta(days=9), level=2)
    event, _new = record_event(
        loan_id=loan.pk, code="JOB_CHANGE", happened_on=TODAY, words="客户来电告知", source="BORROWER", by=officer,
        at=AT,
    )  # fmt: skip
    EventVisit.objects.create(event=event, task=asked, is_note=False, at=AT, business_date=TODAY)
    warned = Warned("INCOME", "INCOME_DOWN_20", 2, 11, {"income_change_percent": "-25"})
    raise_signals([Raise(loan.pk, warned, "DAY_END", "x")], version=1, by="system", as_of=TODAY, at=AT)
    raise_notices(as_of=TODAY, at=AT)


def counts(staff: Staff, day: date = MONDAY) -> dict[str, int]:
    fresh = Staff.objects.get(pk=staff.pk)
    digest = digest_on(fresh, day)
    return {figure.code: figure.count for figure in seen(digest, fresh)} if digest else {}


def test_each_is_told_the_own_part_once_a_day(bank: Bank) -> None:
    work_of(bank)
    people = made_on(MONDAY)
    assert people == Digest.objects.count() and people
    own = counts(bank.staff["officer"])
    assert {code: own[code] for code in ("RETURNED", "SIGNALS", "INBOX")} == {"RETURNED": 1, "SIGNALS": 1, "INBOX": 1}
    assert own["DUE_TODAY"] >= 1 and own["PAST_LIMIT"] >= 1 and own["URGENT"] >= 1
    managers = counts(bank.staff["manager"])
    assert managers["REACHED_100"] == 2 and managers["REACHED_120"] == 1 and "DUE_TODAY" not in managers
    assert counts(bank.staff["auditor"]) == counts(bank.staff["operations"]) == {}
    assert "WEEKLY_120" not in counts(bank.staff["risk"]), "the head is told on a Monday, of the week before"
    before = list(Digest.objects.order_by("id").values_list("id", "figures"))
    assert made_on(MONDAY) is None
    assert list(Digest.objects.order_by("id").values_list("id", "figures")) == before
    assert not NoticesRead.objects.exists()


def test_a_missed_morning_is_told_with_the_next_and_the_head_once_a_week(bank: Bank) -> None:
    work_of(bank)
    made_on(MONDAY)
    made_on(TUESDAY)
    assert not {"REACHED_100", "REACHED_120"} & set(counts(bank.staff["manager"], TUESDAY)), "told on Monday"
    officer = bank.staff["officer"]
    make_task(bank.loans["home"], officer, cycle="new", due_on=TUESDAY, opens_on=TODAY, created_on=TODAY)
    raise_notices(as_of=TUESDAY, at=AT)
    # Nobody made those of Wednesday and Thursday.
    assert made_on(date(2026, 11, 6)) and DigestRun.objects.count() == 3
    own = bank.staff["manager"].branch_id
    new = Notice.objects.filter(audience="MANAGER", tell_on=date(2026, 11, 4), branch_id=own)
    friday = counts(bank.staff["manager"], date(2026, 11, 6))
    for code in ("100", "120"):
        assert friday[f"REACHED_{code}"] == new.filter(code=f"LIMIT_{code}").count() >= 1
    assert "WEEKLY_120" not in counts(bank.staff["risk"], date(2026, 11, 6))
    made_on(date(2026, 11, 9))
    heads = Notice.objects.filter(audience="BRANCH_HEAD", code="LIMIT_120").count()
    assert counts(bank.staff["risk"], date(2026, 11, 9))["WEEKLY_120"] == heads >= 3
    made_on(date(2026, 11, 10))
    assert "WEEKLY_120" not in counts(bank.staff["risk"], date(2026, 11, 10))


def test_who_stands_in_is_told_and_who_left_a_branch_sees_it_no_more(bank: Bank) -> None:
    work_of(bank)
    officer, colleague = bank.staff["officer"], bank.staff["colleague"]
    enter_leave(staff=officer, first=MONDAY, last=MONDAY, deputy=colleague, reason="病假", by=officer, at=AT)
    made_on(MONDAY)
    assert counts(colleague)["RETURNED"] == 1 and "SIGNALS" not in counts(colleague)
    assert counts(bank.staff["manager"])
    Staff.objects.filter(pk=bank.staff["manager"].pk).update(branch=bank.other)
    assert counts(bank.staff["manager"]) == {}, "told of a branch that is not seen any more"


def test_a_report_that_waits_is_told_to_its_reviewer_alone(db: None) -> None:
    road = Road()
    report = road.submit()
    open_day_is(report.decide_by + timedelta(days=1))
    day = BusinessDate.objects.get().day
    make_digests(as_of=day, at=AT)
    assert counts(road.manager, day) == {"REVIEW": 1, "REVIEW_LATE": 1}
    assert counts(road.officer, day) == {}
    told = Road()
    told.approve(told.submit(conclusion="WATCH", conclusion_text="客户收入减少，需要关注。"))
    day += timedelta(days=1)
    made_on(day)
    assert counts(told.officer, day) == {"TO_TELL": 1}


def test_as_many_statements_for_many_people_as_for_few(bank: Bank) -> None:
    work_of(bank)
    open_day_is(MONDAY)
    with CaptureQueriesContext(connection) as few:
        make_digests(as_of=MONDAY, at=MORNING)
    for number in range(12):
        officer = make_staff("LOAN_OFFICER", bank.home, f"officer{number}")
        make_task(bank.loans["home"], officer, cycle=f"M{number}", due_on=TUESDAY)
    open_day_is(TUESDAY)
    with CaptureQueriesContext(connection) as many:
        assert (make_digests(as_of=TUESDAY, at=MORNING) or 0) > 12
    # One for pairs across branches, one for corrections.
    assert len(many) == len(few) <= 13


def test_the_clock_wakes_them_from_half_past_eight_on_workdays_of_the_open_day(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_of(bank)
    calls = [
        (TODAY, datetime(2026, 11, 1, 1, 0, tzinfo=UTC)),  # a Sunday
        (MONDAY, MORNING - timedelta(minutes=1)),
        (TODAY, MORNING),  # the night is not over
        (MONDAY, MORNING + timedelta(days=1)),  # missed: the next night is late
    ]
    for day, at in calls:
        open_day_is(day)
        monkeypatch.setattr(tasks, "_now", lambda at=at: at)
        assert tasks.make_digests() == 0 and not DigestRun.objects.exists()
    open_day_is(MONDAY)
    monkeypatch.setattr(tasks, "_now", lambda: MORNING + timedelta(hours=3))
    assert tasks.make_digests() > 0 and tasks.make_digests() == 0


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("INSERT INTO followups_digest (run_id, staff_id, day, figures, at) "
         "SELECT run_id, staff_id, day, figures, at FROM followups_digest", "digest_once_a_person_and_day"),
        ("INSERT INTO followups_digestrun (day, since, at) SELECT day + 1, day + 1, at FROM followups_digestrun",
         "digest_looks_back"),
        ("INSERT INTO followups_digestrun (day, since, at) SELECT day, since, at FROM followups_digestrun", "day"),
        ("UPDATE followups_digest SET figures = '[]'", "digest"),
        ("DELETE FROM followups_digestrun", "digestrun"),
    ],
)  # fmt: skip
def test_the_database_keeps_them_as_they_were_told(bank: Bank, statement: str, name: str) -> None:
    work_of(bank)
    made_on(MONDAY)
    with pytest.raises(DatabaseError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_two_beats_at_once_make_one(fresh_bank: Any) -> None:
    bank_of = Road()
    open_day_is(MONDAY)
    make_task(book_loan(bank_of.branch, bank_of.officer), bank_of.officer, cycle="due", due_on=MONDAY)
    found = at_once(*[lambda: make_digests(as_of=MONDAY, at=MORNING)] * 3)
    assert sorted(found, key=str) == [1, None, None] and Digest.objects.count() == 1
