"""What an evening looks at: nothing that happened waits for the walk, and what got lost is found within a month."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import day_end
from config.night import chunks
from followups.batch import planning as followups
from followups.models import VisitTask
from journal.models import Pending, Run
from loans.models import Loan, Position
from loans.queries import evening
from loans.queries.evening import SLICES, Walk, slice_of
from people.rules.policy import Condition
from risk.batch import grading as risk
from risk.models import Grade
from tests.factories import book_loan, make_branch
from tests.flows.year import Year, people
from tests.loan_books import book

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NO_WALK = Walk(0, 0)


class Worked(Year):
    """A year in which people also end follow-ups, by hand in the database, so that no fact tells of it."""

    def _change(self, random: Random, day: date) -> None:
        super()._change(random, day)
        planned = list(VisitTask.objects.filter(state="PLANNED").order_by("id").values_list("pk", flat=True))
        for pk in random.sample(planned, len(planned) // 12):
            for state in ("IN_PROGRESS", "SUBMITTED"):
                VisitTask.objects.filter(pk=pk).update(state=state)
            VisitTask.objects.filter(pk=pk).update(state="CLOSED", closed_on=day, outcome="APPROVED")
            self.done["ended"] += 1


def test_what_happens_never_waits_for_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every evening walks nothing; before each close a look at every loan finds nothing that is left to change."""
    book(60, seed=7)
    close, left, days = day_end.close_business_date, [], []

    def walks(as_of: date, after: int, up_to: int | None) -> Walk:
        found = evening.walk_of(as_of, after, up_to)
        return found if as_of == DAY else NO_WALK

    def checked(*, day: date, at: datetime) -> None:
        days.append(day)
        everything = list(Loan.objects.values_list("pk", flat=True))
        graded = risk.regrade(as_of=day, at=at, loan_ids=everything)
        planned = followups.replan(as_of=day, at=at, loan_ids=everything)
        del planned["looked_at"]
        if graded["changed"] or any(planned.values()):
            left.append((day, graded, planned))
        close(day=day, at=at)

    monkeypatch.setattr(risk, "walk_of", walks)
    monkeypatch.setattr(followups, "walk_of", walks)
    monkeypatch.setattr(day_end, "close_business_date", checked)
    year = Worked(seed=7, staff=people())
    year.live(date(2027, 1, 20))
    assert len(days) == 81
    assert left == []
    for name in ("receipts", "late receipts", "reversals", "ended"):
        assert year.done[name], year.done
    assert Grade.objects.filter(superseded_on__isnull=False).count() > 10
    assert VisitTask.objects.filter(rule="PERIODIC", cycle__gt="0001").exists()


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 31), (5, 40), (100, 10_000), (7, 1_000_003)])
def test_on_any_31_dates_in_a_row_each_loan_is_in_one_slice(first: int, last: int) -> None:
    slices = sorted(slice_of(DAY + timedelta(days=n), first, last) for n in range(SLICES))
    walked = [each for each in slices if each.after < each.up_to]
    assert walked[0].after == first - 1 and walked[-1].up_to == last
    assert all(one.up_to == other.after for one, other in zip(walked, walked[1:], strict=False))


def evenings_that_find(loan: Loan, dates: int = SLICES) -> list[date]:
    found = []
    for number in range(dates):
        day = DAY + timedelta(days=number)
        if followups.replan_evening(as_of=day, at=AT)["cancelled"]:
            found.append(day)
    return found


@pytest.fixture
def planned() -> list[Loan]:
    """Loans with their follow-ups, boarded before the last close."""
    loans = [book_loan() for _n in range(5)]
    followups.replan(as_of=DAY - timedelta(days=1), at=AT)
    Pending.objects.all().delete()
    day_end.close_business_date(day=day_end.require_business_date(), at=AT)
    return loans


def test_what_a_hand_in_the_database_did_is_found_within_31_evenings(planned: list[Loan]) -> None:
    Position.objects.filter(pk=planned[2].pk).update(settled_on=DAY, overdue_since=None)
    assert len(evenings_that_find(planned[2])) == 1
    assert not VisitTask.objects.still_open().filter(loan=planned[2]).exists()


def test_an_operator_may_have_the_whole_book_walked_at_once(planned: list[Loan]) -> None:
    Position.objects.filter(pk__in=[loan.pk for loan in planned]).update(settled_on=DAY, overdue_since=None)
    day = day_end.ask_for_whole(by="system", at=AT)
    assert followups.replan_cuts(as_of=day, size=2).due == 5
    assert followups.replan_evening(as_of=day, at=AT)["cancelled"] == 5


def test_a_book_that_came_in_is_walked_at_the_next_close(planned: list[Loan]) -> None:
    late = book_loan()
    Pending.objects.all().delete()
    day = day_end.require_business_date()
    assert risk.regrade_evening(as_of=day, at=AT)["looked_at"] == 6
    assert followups.replan_evening(as_of=day, at=AT)["created"] == 1
    assert VisitTask.objects.filter(loan=late).exists()


def test_what_waits_for_a_reaction_is_done_by_the_stage_and_taken_off_the_queue(planned: list[Loan]) -> None:
    chosen, other = planned[0], planned[4]
    Pending.objects.bulk_create(
        Pending(reaction="regrade", subject_id=loan.pk, not_before=AT, recorded_at=AT, attempts=attempts)
        for loan, attempts in ((chosen, 0), (chosen, 0), (other, 1))
    )
    day = day_end.require_business_date()
    found = risk.regrade_cuts(as_of=day, size=2000).found
    assert chosen.pk in found and other.pk not in found
    assert risk.regrade_evening(as_of=day, at=AT, up_to=chosen.pk - 1)["looked_at"] in (0, 1)
    assert risk.regrade_evening(as_of=day, at=AT, after=chosen.pk - 1, up_to=chosen.pk)["looked_at"] == 1
    assert list(Pending.objects.values_list("subject_id", "attempts")) == [(other.pk, 1)]


@pytest.mark.parametrize(
    ("stage", "search"), [("replan", "another line may hold"), ("regrade", 'which "another version"')]
)
def test_an_evening_of_one_chunk_searches_once(planned: list[Loan], stage: str, search: str) -> None:
    Pending.objects.create(reaction=stage, subject_id=planned[0].pk, not_before=AT, recorded_at=AT)
    day = day_end.require_business_date()
    with CaptureQueriesContext(connection) as seen:
        chunks.plan(day_end.BY_NAME[stage], day, lambda: AT, 2000, has_held=False)
    assert len([query for query in seen.captured_queries if search in query["sql"]]) == 1
    assert Run.objects.get(stage=stage).counts["looked_at"] >= 1
    assert not Pending.objects.exists()


def test_a_limit_of_another_policy_is_looked_at_on_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    loan = book_loan(days_past_due=59)
    standing = followups.policy_in_force(DAY)
    assert standing.limits() == [31, 91]
    from_day_61 = (Condition("days_past_due", ">", 60),)
    lines = tuple(replace(line, conditions=from_day_61) if line.number == 18 else line for line in standing.lines)
    policy = replace(standing, lines=lines)
    assert policy.limits() == [61, 91]
    monkeypatch.setattr(followups, "policy_in_force", lambda _day: policy)
    followups.replan(as_of=DAY, at=AT)
    Pending.objects.all().delete()
    monkeypatch.setattr(followups, "walk_of", lambda *_asked: NO_WALK)
    found = {day: list(followups.replan_cuts(as_of=DAY + timedelta(days=day), size=9).found) for day in (0, 1, 2)}
    assert found == {0: [], 1: [loan.pk], 2: []}


def test_positions_keep_the_branch_of_their_loans(owner_cursor: Any) -> None:
    loan, elsewhere = book_loan(), make_branch()

    def branch() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT branch_id FROM loans_position WHERE loan_id = %s", [loan.pk])
            return int(cursor.fetchone()[0])

    assert branch() == loan.branch_id
    Loan.objects.filter(pk=loan.pk).update(branch=elsewhere)
    assert branch() == elsewhere.pk
    with connection.cursor() as cursor:
        cursor.execute("UPDATE loans_position SET branch_id = 0 WHERE loan_id = %s", [loan.pk])
    assert branch() == elsewhere.pk
