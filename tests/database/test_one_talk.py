"""One talk is one piece of work: on the desk, in capacity and in notices; taken apart it is two again."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from followups.actions import assign, merging, pause_clock, record_attempt, reschedule
from followups.actions.events import record_event
from followups.actions.methods import choose_method
from followups.actions.refusals import MergedElsewhere
from followups.batch import replan
from followups.batch.notices import raise_notices
from followups.batch.talks import merge_talks
from followups.models import Event, EventVisit, Notice, VisitTask
from followups.queries.capacity import capacity, visits_to_make
from followups.queries.notices import notices_for
from tests.database.test_merging import Household, written
from tests.database.test_visits import AT, TODAY, make_task
from tests.factories import book_loan, make_staff

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


class Couple(Household):
    """Two regular calls of one borrower, one due today, the other within the week."""

    def __init__(self) -> None:
        super().__init__()
        opens = TODAY - timedelta(days=9)
        common = {"opens_on": opens, "created_on": opens, "kind": "PERIODIC", "level": 9}
        VisitTask.objects.filter(pk=self.lead.pk).update(due_on=TODAY + timedelta(days=6), **common)
        VisitTask.objects.filter(pk=self.member.pk).update(due_on=TODAY, **common)
        self.lead.refresh_from_db()
        self.member.refresh_from_db()

    def apart(self) -> None:
        merging.unmerge_task(task_id=self.member.pk, reason="分开回访", by=self.officer, at=AT)

    def desk(self, **asked: str) -> tuple[list[int], dict[str, int], str]:
        """Rows, counts of chips, and the page."""
        client = Client()
        client.force_login(self.officer, backend=BACKEND)
        page = client.get(reverse("followups:desk"), asked)
        chips = {chip["code"] or "all": chip["count"] for chip in page.context["chips"]}
        return [row.task.pk for row in page.context["rows"]], chips, page.content.decode()

    def planned(self) -> int:
        (row,) = [row for row in capacity(self.officer, TODAY).rows if row.officer == self.officer]
        return row.planned


@pytest.fixture
def home() -> Couple:
    return Couple()


def test_the_desk_shows_the_talk_once_and_finds_both(home: Couple) -> None:
    rows, chips, _page = home.desk()
    assert rows == [home.member.pk, home.lead.pk] and (chips["all"], chips["today"], home.planned()) == (2, 1, 2)
    home.merge()
    rows, chips, page = home.desk()
    assert rows == [home.lead.pk] and ">并1<" in page
    assert (chips["all"], chips["today"], home.planned()) == (1, 1, 1) and home.desk(chip="today")[0] == rows
    assert list(visits_to_make(home.officer)) == [home.lead]
    found, _chips, page = home.desk(loan_note_no=home.other.loan_note_no)
    assert found == [home.member.pk] and "由另一次回访一并办理" in page
    home.apart()
    rows, chips, page = home.desk()
    assert rows == [home.member.pk, home.lead.pk] and chips["all"] == 2 and ">并1<" not in page
    assert home.planned() == 2


def test_a_limit_is_told_once_by_the_earliest_of_both(home: Couple) -> None:
    home.merge()
    home.lead.refresh_from_db()
    assert home.lead.due_on == home.member.due_on
    day = home.member.due_on
    raise_notices(as_of=day, at=AT)
    told = Notice.objects.filter(code__startswith="LIMIT")
    assert set(told.values_list("task_id", flat=True)) == {home.lead.pk}
    assert set(notices_for(home.officer, day + timedelta(days=1)).values_list("task_id", flat=True)) == {home.lead.pk}
    VisitTask.objects.filter(pk=home.lead.pk).update(due_on=day + timedelta(days=30))
    raise_notices(as_of=day, at=AT)
    assert told.filter(task=home.member, audience="OFFICER").exists(), "put off beyond the task's own limit"
    VisitTask.objects.filter(pk=home.lead.pk).update(due_on=day)
    assert set(notices_for(home.officer, day + timedelta(days=1)).values_list("task_id", flat=True)) == {home.lead.pk}


def test_taken_apart_it_is_told_of_what_it_reached_meanwhile(home: Couple) -> None:
    home.merge()
    day = home.member.due_on
    raise_notices(as_of=day, at=AT)
    told = Notice.objects.filter(code__startswith="LIMIT")
    home.apart()
    raise_notices(as_of=day, at=AT)
    assert set(told.values_list("task_id", flat=True)) == {home.lead.pk, home.member.pk}


def test_what_ends_the_visit_lets_the_task_count_and_be_told_again(home: Couple) -> None:
    home.merge()
    day = home.member.due_on
    raise_notices(as_of=day, at=AT)
    VisitTask.objects.filter(pk=home.lead.pk).update(state="CANCELLED", outcome="WITHDRAWN", closed_on=TODAY)
    assert home.desk()[0] == [home.member.pk]
    raise_notices(as_of=day, at=AT)
    assert Notice.objects.filter(task=home.member, code="LIMIT_100").exists()


def test_a_first_follow_up_done_along_keeps_its_alarms(home: Couple) -> None:
    loan = book_loan(home.branch, home.officer, borrower=home.loan.borrower, disbursed_on=TODAY - timedelta(days=75))
    first = make_task(loan, home.officer, kind="FIRST", rule="FIRST_90", due_on=TODAY + timedelta(days=10))
    merging.merge_tasks(lead_id=home.lead.pk, task_ids=[first.pk], mode="JOINT", by=home.officer, at=AT)
    raise_notices(as_of=TODAY, at=AT)
    assert set(Notice.objects.filter(task=first).values_list("code", flat=True)) == {"FIRST_75"}


@pytest.mark.parametrize("is_joined", [True, False])
def test_a_talk_brought_to_another_loans_day_is_not_answered_by_the_visit_before_it(
    home: Couple, *, is_joined: bool
) -> None:
    """It lies near its own loan's last visit then; a look at it closes nothing. Planned for that day it is answered."""
    visited = TODAY - timedelta(days=25)
    make_task(home.loan, home.officer, kind="IRREGULAR", rule="OVERDUE_30", cycle="2026-09-01", level=1,
              state="CLOSED", outcome="APPROVED", closed_on=visited)  # fmt: skip
    both, lead = [home.loan.pk, home.other.pk], VisitTask.objects.filter(pk=home.lead.pk)
    if is_joined:
        lead.update(level=2, due_on=visited + timedelta(days=31))
        assert merge_talks(as_of=TODAY, at=AT, loan_ids=both)["merged"] == 1
        assert lead.get().due_on == TODAY
    lead.update(level=9, due_on=TODAY)
    assert replan(as_of=TODAY, at=AT, loan_ids=both)["closed"] == (0 if is_joined else 1)


def test_what_is_done_along_is_worked_on_in_the_visit_only(home: Couple) -> None:
    """Else a call would close a field visit, or a task would lie with somebody who cannot begin it."""
    home.merge()
    joined = home.member.events.get(kind="JOINED")
    assert (joined.actor, joined.data["lead"]) == (home.officer.staff_no, home.lead.pk)
    member, until, second = home.member.pk, TODAY + timedelta(days=3), make_staff("LOAN_OFFICER", home.branch, "周楠二")
    before = written()
    for refused in (
        lambda: choose_method(task_id=member, method="FIELD", note="须看房屋现状", by=home.officer, at=AT),
        lambda: assign(task_id=member, officer=second, reason="换人办理", by=home.manager, at=AT),
        lambda: reschedule(task_id=member, to=TODAY, reason="客户改期", by=home.officer, at=AT),
        lambda: record_attempt(task_id=member, outcome="REACHED", by=home.officer, at=AT),
        lambda: pause_clock(task_id=member, reason="BORROWER_AWAY", until=until, by=home.officer, at=AT),
    ):
        with pytest.raises(MergedElsewhere):
            refused()
    assert written() == before
    client = Client()
    client.force_login(home.officer, backend=BACKEND)
    page = client.get(reverse("followups:task", args=[member])).content.decode()
    assert "拆开" in page and "开始回访" not in page and "改方式" not in page
    visit, _draft = home.visit()
    assert home.member.number in client.get(reverse("followups:visit", args=[visit.task_id])).content.decode()
    home.apart()
    assert choose_method(task_id=member, method="FIELD", note="须看房屋现状", by=home.officer, at=AT).method == "FIELD"


def test_a_visit_whose_day_was_fixed_before_is_given_back_as_it_was_too(home: Couple) -> None:
    reschedule(task_id=home.lead.pk, to=TODAY + timedelta(days=2), reason="客户改期", by=home.officer, at=AT)
    VisitTask.objects.filter(pk=home.member.pk).update(method="FIELD", level=2)
    home.merge()
    assert VisitTask.objects.get(pk=home.lead.pk).method == "FIELD"
    home.apart()
    lead = VisitTask.objects.get(pk=home.lead.pk)
    assert (lead.method, lead.level, lead.due_on) == ("PHONE", 9, TODAY + timedelta(days=2))


def test_what_the_borrower_told_counts_with_the_visit_that_does_it_along(home: Couple) -> None:
    record_event(loan_id=home.other.pk, code="JOB_CHANGE", happened_on=TODAY, words="客户来电告知", source="BORROWER",
                 by=home.officer, at=AT)  # fmt: skip
    event = Event.objects.get()
    EventVisit.objects.create(event=event, task=home.member, is_note=False, at=AT, business_date=TODAY)
    assert home.desk(chip="inbox")[0] == [home.member.pk]
    home.merge()
    assert home.desk(chip="inbox")[0] == [home.lead.pk]


def test_why_a_visit_came_forward_is_said_in_words(home: Couple) -> None:
    VisitTask.objects.filter(pk=home.lead.pk).update(level=1)
    assert merge_talks(as_of=TODAY, at=AT, loan_ids=[home.loan.pk, home.other.pk])["merged"] == 1
    client = Client()
    client.force_login(home.officer, backend=BACKEND)
    page = client.get(reverse("followups:task", args=[home.lead.pk])).content.decode()
    assert "与同户的任务一并办理" in page and "O；N；E" not in page
