"""Day end: order, refusals, once, chunks, two at once, control totals, and kills over month ends and New Year."""

import hashlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from config import day_end, receipts_made
from config.invariants import findings
from config.tasks import close_evening
from followups.batch import replan
from journal.models import Entry, Pending, Run
from loans.actions import LedgerOutOfBalance, ReceiptRow, post_receipts
from loans.models import BusinessDate, Position
from loans.queries import open_business_date
from loans.rules.money import parse_amount
from tests.conftest import FreshBank, _as_owner, _drop
from tests.factories import AT
from tests.loan_books import book

FIRST = date(2026, 11, 1)
KILLS = 20
SEED = 20261101


def clock() -> datetime:
    return datetime.now(UTC)


def run(through: date, chunk: int = day_end.CHUNK) -> list[date]:
    return day_end.run(through=through, at_clock=clock, chunk=chunk)


def book_with_receipts(loans: int, through: date) -> None:
    """A book, and what its borrowers pay until `through`."""
    book(loans)
    told = receipts_made.make_receipts(open_day=FIRST, through=through, seed=SEED)
    rows = [ReceiptRow(each.loan, parse_amount(each.amount), each.value_on, each.channel, each.serial) for each in told]
    post_receipts(rows=rows, by="system", at=AT)


def broken() -> list[str]:
    return [f"{each.code}: {each.first}" for each in findings() if not each.is_ok]


# What the state of a bank is, without the instants at which rows were written and without row ids.
STATE = (
    "SELECT l.loan_note_no, p.* FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id",
    "SELECT loan_id, number, due_on, principal, interest, principal_paid, interest_paid, overdue_from, settled_on,"
    " penalty_paid, compound_paid, penalty_left, compound_left, late_interest_units, late_principal_units"
    " FROM loans_installment",
    "SELECT channel, serial, loan_id, amount, value_on, state, posted_on FROM loans_receipt",
    "SELECT p.loan_id, p.kind, p.value_on, p.business_date, p.installment_number, r.serial, g.line, g.account,"
    " g.installment_number, g.amount FROM loans_posting p JOIN loans_ledger_line g ON g.posting_id = p.id"
    " LEFT JOIN loans_receipt r ON r.id = p.receipt_id",
    "SELECT day, is_open, totals FROM loans_businessdate",
    "SELECT kind, loan_id, business_date, data FROM journal_entry WHERE kind NOT LIKE 'day_end.%'",
    "SELECT business_date, stage, chunk, counts FROM journal_run",
    "SELECT stage, subject_id, reason, since FROM journal_heldback",
    "SELECT loan_id, level, graded_on, superseded_on, line_number FROM risk_grade",
    "SELECT loan_id, code, level, inputs, occasion, raised_on, answer_by, state, outcome, closed_on FROM risk_signal",
    "SELECT loan_id, rule, cycle, kind, is_light, method, level, opens_on, due_on, state, created_on, closed_on,"
    " outcome, reason FROM followups_visittask",
)


def state_hash() -> str:
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for statement in STATE:
            cursor.execute(f"SELECT t::text FROM ({statement}) AS t")
            for (line,) in sorted(cursor.fetchall()):
                digest.update(line.encode())
    return digest.hexdigest()


@contextmanager
def twin_of(bank: FreshBank) -> Iterator[None]:
    """Works on a copy of the bank inside the block."""
    settings = connections["default"].settings_dict
    name = f"{bank.name}_twin"
    connection.close()
    _as_owner("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{bank.name}"')
    settings["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        settings["NAME"] = bank.name
        _drop(name)


def in_child(work: Callable[[], object]) -> int:
    """Forks a warm process that does the work on a connection of its own; returns its id."""
    connection.close()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        connections["default"].connection = None
        work()
        status = 0
    finally:
        os._exit(status)


def exit_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.django_db
def test_there_is_nothing_to_close_before_the_bank_opens() -> None:
    with pytest.raises(day_end.DayEndRefused):
        run(FIRST)
    with pytest.raises(CommandError) as caught:
        call_command("day_end", "--through=2026-11-01")
    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_far_ahead_is_refused_and_closed_is_left_alone() -> None:
    book(3)
    with pytest.raises(day_end.DayEndRefused):
        run(FIRST + timedelta(days=401))
    assert open_business_date() == FIRST and not Run.objects.exists()
    assert run(FIRST + timedelta(days=1)) == [FIRST, FIRST + timedelta(days=1)]
    before = state_hash()
    assert run(FIRST) == []
    out = StringIO()
    call_command("day_end", "--through=2026-11-02", stdout=out)
    assert "nothing to close" in out.getvalue()
    assert state_hash() == before


@pytest.mark.django_db
def test_each_date_is_closed_in_order_with_its_totals() -> None:
    book(10)
    through = FIRST + timedelta(days=34)
    assert run(through) == [FIRST + timedelta(days=n) for n in range(35)]
    closed = BusinessDate.objects.filter(is_open=False)
    assert closed.count() == 35 and open_business_date() == through + timedelta(days=1)
    principal = sum(Position.objects.values_list("principal_balance", flat=True))
    assert closed.get(day=through).totals["principal"] == str(principal)
    assert Entry.objects.filter(kind="loans.date_closed").count() == 35
    assert broken() == []


@pytest.mark.django_db
def test_small_chunks_give_the_same_book_as_one() -> None:
    """Progress rows apart, the number of chunks leaves no trace."""
    through = FIRST + timedelta(days=14)
    hashes = []
    book_with_receipts(60, through)
    for chunk in (1, 7, day_end.CHUNK):
        with pytest.raises(RuntimeError, match="back"), transaction.atomic():
            run(through, chunk=chunk)
            if chunk == 1:
                assert Run.objects.filter(stage="bill").count() > 20
            Run.objects.all().delete()
            hashes.append(state_hash())
            raise RuntimeError("back")
    assert len(set(hashes)) == 1


@pytest.mark.django_db
def test_dates_closed_in_one_run_and_one_by_one_give_the_same_bank() -> None:
    """The same grades and tasks too, however the dates are cut into runs; and nothing waits afterwards."""
    through = FIRST + timedelta(days=44)
    hashes = []
    book_with_receipts(60, through)
    for runs in ([through], [FIRST + timedelta(days=n) for n in range(45)]):
        with pytest.raises(RuntimeError, match="back"), transaction.atomic():
            for day in runs:
                run(day)
            assert not Pending.objects.exists()
            hashes.append(state_hash())
            before = state_hash()
            replan(as_of=through, at=clock(), loan_ids=list(Position.objects.values_list("loan_id", flat=True)))
            assert state_hash() == before, "day end left loans that policy would plan otherwise"
            raise RuntimeError("back")
    assert hashes[0] == hashes[1]


@pytest.mark.django_db
def test_a_difference_between_positions_and_ledger_keeps_the_date_open_and_names_the_loan() -> None:
    book(5)
    wrong = Position.objects.select_related("loan").first()
    assert wrong is not None
    Position.objects.filter(pk=wrong.pk).update(principal_balance=wrong.principal_balance + 1)
    with pytest.raises(LedgerOutOfBalance) as caught:
        run(FIRST)
    assert wrong.loan.loan_note_no in caught.value.message
    assert open_business_date() == FIRST


@pytest.mark.django_db
def test_a_demo_bank_keeps_its_business_date(settings: Any) -> None:
    book(3)
    settings.DEMO = True
    close_evening()
    assert open_business_date() == FIRST


def day_of_life() -> date:
    return open_business_date() or date.max


@pytest.mark.crash
def test_killed_anywhere_and_started_again_it_ends_as_if_undisturbed(fresh_bank: FreshBank) -> None:
    through = FIRST + timedelta(days=79)
    book_with_receipts(120, through)
    with twin_of(fresh_bank):
        started = time.monotonic()
        run(through, chunk=5)
        whole = time.monotonic() - started
        undisturbed = state_hash()
    dice = random.Random(SEED)
    killed = 0
    while killed < KILLS:
        child = in_child(lambda: run(through, chunk=5))
        # A random moment, and at the latest after a few dates, so that every life dies before the end.
        moment, limit = time.monotonic() + dice.uniform(0.0, whole / KILLS), day_of_life() + timedelta(days=3)
        while time.monotonic() < moment and day_of_life() < limit:
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        killed += exit_of(child) == -signal.SIGKILL
        assert day_of_life() <= through, f"finished after {killed} kills: seed {SEED}"
    run(through, chunk=5)
    assert state_hash() == undisturbed
    assert broken() == []


@pytest.mark.crash
def test_two_at_once_do_the_work_once(fresh_bank: FreshBank) -> None:
    through = FIRST + timedelta(days=20)
    book_with_receipts(60, through)
    with twin_of(fresh_bank):
        run(through)
        alone = state_hash()
    children = [in_child(lambda: run(through)) for _ in range(2)]
    assert [exit_of(child) for child in children] == [0, 0]
    assert state_hash() == alone
    assert broken() == []


@pytest.mark.crash
def test_without_the_lease_a_second_runner_runs_into_the_first(
    fresh_bank: FreshBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin with the guard off: progress rows still refuse double work, but as an error."""
    monkeypatch.setattr(day_end, "lease", lambda _day: nullcontext(True))
    book(60)
    children = [in_child(lambda: run(FIRST + timedelta(days=20))) for _ in range(2)]
    assert any(exit_of(child) for child in children)
    assert broken() == []
