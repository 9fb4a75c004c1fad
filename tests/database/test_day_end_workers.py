"""Workers of a night: however many, in whatever order, killed or frozen anywhere, they leave the same bank."""

import os
import signal
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from config import day_end
from config.night import chunks
from config.night import lease as leases
from config.night.stage import Stage
from journal.models import Chunk, Night, Run
from loans.batch import Cuts, age_cuts
from loans.models import Loan, Position
from loans.queries import open_business_date
from tests.conftest import FreshBank
from tests.database.test_day_end import (
    FIRST,
    broken,
    clock,
    exit_of,
    in_child,
    run,
    state_hash,
    twin_of,
)
from tests.loan_books import book

DAYS = 14
# Statements of a date on which nothing is due, as counted; more of them need a reason.
QUIET_STATEMENTS = 100


def bank_of(whole: bool = False) -> str:
    """The hash of the bank; progress rows apart, which tell how the work was cut."""
    if not whole:
        Run.objects.all().delete()
    return state_hash()


def helper(until: date) -> None:
    """A worker beside the runner: does chunks until the dates are closed, a minute at most."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit and (open_business_date() or until) <= until:
        day_end.work(at_clock=clock, seconds=1)
        time.sleep(0.002)


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


def undivided(**_asked: Any) -> Cuts:
    """Always one chunk with something to do."""
    return Cuts([], 1)


def slow(stages: tuple[Stage, ...], seconds: float) -> tuple[Stage, ...]:
    """The stages with one before them that takes its time, a statement every tenth of a second."""

    def work(**_scope: Any) -> None:
        for _each in range(int(seconds * 10)):
            time.sleep(0.1)
            open_business_date()

    return (Stage("slow", work, undivided), *stages)


@pytest.mark.crash
def test_a_living_runner_keeps_its_date_however_long_it_takes(
    fresh_bank: FreshBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(5)
    monkeypatch.setattr(leases, "SILENCE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(day_end, "STAGES", slow(day_end.STAGES, 4))
        runner = in_child(lambda: run(FIRST))
    wait_for(lambda: leases.is_held(FIRST))
    assert day_end.advance(through=FIRST, at_clock=clock, seconds=5), "it goes on without us"
    assert open_business_date() == FIRST and not Run.objects.exists()
    assert exit_of(runner) == 0
    assert open_business_date() == FIRST + timedelta(days=1) and not leases.is_held(FIRST)


@pytest.mark.crash
def test_a_frozen_runner_loses_its_date_and_cannot_write_when_it_wakes(
    fresh_bank: FreshBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(5)
    with twin_of(fresh_bank):
        run(FIRST)
        undisturbed = bank_of(whole=True)
    monkeypatch.setattr(leases, "SILENCE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(day_end, "STAGES", slow(day_end.STAGES, 5))
        runner = in_child(lambda: run(FIRST))
    wait_for(lambda: leases.is_held(FIRST))
    time.sleep(0.3)
    os.kill(runner, signal.SIGSTOP)
    assert run(FIRST) == [FIRST]
    os.kill(runner, signal.SIGCONT)
    assert exit_of(runner) == 1
    assert state_hash() == undisturbed
    assert broken() == []


@pytest.mark.crash
def test_a_dead_runners_date_is_taken_over_at_once(fresh_bank: FreshBank, monkeypatch: pytest.MonkeyPatch) -> None:
    book(5)
    with monkeypatch.context() as patch:
        patch.setattr(day_end, "STAGES", slow(day_end.STAGES, 60))
        runner = in_child(lambda: run(FIRST))
    wait_for(lambda: leases.is_held(FIRST))
    os.kill(runner, signal.SIGKILL)
    exit_of(runner)
    wait_for(lambda: not leases.is_held(FIRST))
    assert day_end.advance(through=FIRST, at_clock=clock, seconds=60)
    assert open_business_date() == FIRST + timedelta(days=1)


@pytest.mark.crash
def test_a_runner_that_dies_in_a_long_statement_gives_its_date_back(
    fresh_bank: FreshBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server would finish the statement first, and hold the date until then."""
    book(5)

    def endless(**_scope: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(600)")

    with monkeypatch.context() as patch:
        patch.setattr(day_end, "STAGES", (Stage("endless", endless, undivided), *day_end.STAGES))
        runner = in_child(lambda: run(FIRST))
    wait_for(lambda: leases.is_held(FIRST))
    os.kill(runner, signal.SIGKILL)
    exit_of(runner)
    wait_for(lambda: not leases.is_held(FIRST))
    run(FIRST)
    assert open_business_date() == FIRST + timedelta(days=1)


@pytest.mark.crash
def test_a_stage_waits_for_the_chunk_in_another_workers_hands(
    fresh_bank: FreshBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The barrier: the second stage sees nothing of the first left."""
    book(4)
    ids = list(Loan.objects.order_by("id").values_list("id", flat=True))

    def first(*, after: int, **_scope: Any) -> None:
        time.sleep(0 if after == 0 else 1)

    def second(**_scope: Any) -> dict[str, int]:
        return {"left": Chunk.objects.count()}

    stages = (Stage("first", first, lambda **_asked: Cuts(ids[:1], 2)), Stage("second", second, undivided))
    monkeypatch.setattr(day_end, "STAGES", stages)
    monkeypatch.setattr(day_end, "BY_NAME", {stage.name: stage for stage in stages})
    children = [in_child(lambda: helper(FIRST)) for _ in range(2)]
    run(FIRST, chunk=1)
    assert [exit_of(child) for child in children] == [0, 0]
    assert Run.objects.get(stage="second").counts["left"] == 0


@pytest.mark.django_db
def test_without_the_claim_a_chunk_done_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin with the guard off: the progress row is the last judge."""
    book(30)
    claim = "SELECT business_date, stage, number, after, up_to, loans FROM journal_chunk ORDER BY number LIMIT 1"
    monkeypatch.setattr(chunks, "CLAIM", claim)
    with pytest.raises(IntegrityError, match="stage_chunk_once_a_date"):
        run(FIRST + timedelta(days=5), chunk=1)


@pytest.mark.django_db
def test_a_plan_is_the_same_when_made_again() -> None:
    book(40)
    due = day_end.STAGES[0].cuts(as_of=FIRST + timedelta(days=9), size=3)
    assert len(due.ends) > 2 and due == day_end.STAGES[0].cuts(as_of=FIRST + timedelta(days=9), size=3)


@pytest.mark.django_db
def test_a_quiet_date_is_one_chunk_a_stage_and_few_statements() -> None:
    book(40)
    run(FIRST + timedelta(days=31))
    day = FIRST + timedelta(days=32)
    # Nothing is due, and of the loans in arrears no further installment becomes late and none reaches a step, which
    # would make a visit and have it join the loan's next one.
    while (
        Position.objects.filter(next_due_on=day).exists()
        or age_cuts(as_of=day, size=9).due
        or Position.objects.filter(overdue_since__in=[day - timedelta(days=step) for step in (1, 8, 31, 91)]).exists()
    ):
        run(day)
        day += timedelta(days=1)
    with CaptureQueriesContext(connection) as asked:
        run(day)
    assert Run.objects.filter(business_date=day).count() == len(day_end.STAGES)
    statements = [each["sql"] for each in asked if "SAVEPOINT" not in each["sql"]]
    assert len(statements) <= QUIET_STATEMENTS, len(statements)


@pytest.mark.django_db
def test_a_closed_date_run_again_writes_nothing() -> None:
    book(20)
    through = FIRST + timedelta(days=3)
    run(through)
    before = state_hash()
    with CaptureQueriesContext(connection) as asked:
        assert run(through) == []
        assert day_end.advance(through=through, at_clock=clock, seconds=5)
    assert not [each["sql"] for each in asked if not each["sql"].lstrip().upper().startswith("SELECT")]
    assert state_hash() == before and Night.objects.count() == 4


@pytest.mark.django_db
def test_a_deadlock_is_nobodys_fault_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    book(3)
    bill, falls = day_end.STAGES[0], [3]

    class Deadlock(Exception):
        pgcode = "40P01"

    def work(**scope: Any) -> Any:
        falls[0] -= 1
        if falls[0] > 0:
            raise OperationalError("deadlock detected") from Deadlock()
        return bill.work(**scope)

    stages = (Stage("bill", work, undivided), *day_end.STAGES[1:])
    monkeypatch.setattr(day_end, "STAGES", stages)
    assert run(FIRST) == [FIRST] and falls == [0]
    falls[0] = 9
    with pytest.raises(OperationalError):
        run(FIRST + timedelta(days=1))


@pytest.mark.django_db
def test_a_spell_that_is_over_leaves_the_night_where_it_is() -> None:
    book(30)
    through = FIRST + timedelta(days=4)
    spells = 0
    while not day_end.advance(through=through, at_clock=clock, seconds=0, chunk=1):
        spells += 1
    assert open_business_date() == through + timedelta(days=1) and spells > 20
    assert broken() == []
