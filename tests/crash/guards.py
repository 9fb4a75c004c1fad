"""The twins: each guard is taken away, and the rig has to find what then goes wrong.

A guard is switched off by replacing one name while a small scenario runs; processes of the scenario are forked
afterwards and are without it too. What a scenario brings back must not be clean.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

from django.db import DatabaseError, connection, transaction

from bench import bank as banks
from config import day_end
from config.celery import app
from config.night import chunks, nights
from followups.batch import answering
from journal import actions as journal_actions
from journal.models import Entry, Pending
from journal.reactions import reactions_to
from loans import actions, sql
from loans.actions import refunds
from loans.models import Position
from people.api import idempotency, views
from tests.crash import approving, beside, evenings, following, posting, processes, publishing, restarts
from tests.crash.books import FIRST, Label, Life, plain
from tests.crash.evenings import Aim
from tests.crash.ground import THROUGH_LOG, Ground
from tests.crash.tally import Tally

UNCLAIMED = "SELECT business_date, stage, number, after, up_to, loans FROM journal_chunk ORDER BY number LIMIT 1"
_SHORT = 5.0
_FORGETFUL = {**restarts.DURABLE, "synchronous_commit": "off", "wal_writer_delay": "10s"}


@dataclass(frozen=True)
class Guard:
    """What keeps the books right, how it is taken away, and what is done then."""

    name: str
    off: Callable[[], Any]
    scenario: Callable[[Ground, Tally], Tally]


def _life(ground: Ground, days: int = 2, loans: int = 30) -> Life:
    """A few evenings of a plain book in chunks of two loans."""
    life = Life(ground, 2)
    with ground.trial(plain(ground, loans, days), "guarded"):
        for number in range(days):
            life.live(FIRST + timedelta(days=number), follows=number > 0)
    return life


def _at_progress(life: Life) -> list[Aim]:
    """Just before the progress of a chunk is written."""
    wanted = ("bill", "post_waiting_receipts", "replan")
    return [
        (evening, number, "exit")
        for evening in life.evenings
        for number, (place, what) in enumerate(evening.labels, start=1)
        if place in wanted and what.startswith('INSERT INTO "journal_run"')
    ][:6]


def _crashed_at_progress(ground: Ground, tally: Tally) -> Tally:
    life = _life(ground)
    return evenings.run(life, _at_progress(life), tally)


def _deadlocked(ground: Ground, tally: Tally) -> Tally:
    life = _life(ground, days=1)
    found = [aim for aim in evenings.aims(life, ("deadlock",)) if aim[0].labels[aim[1] - 1][0] == "bill"]
    return evenings.run(life, found[:3], tally)


def _after_commit(labels: list[Label]) -> int:
    """Right after the first COMMIT, or where there is nothing more right before it."""
    return min([what for _place, what in labels].index("COMMIT") + 2, len(labels))


def _halfway(labels: list[Label]) -> int:
    """Where the receipt is stored and its posting is not."""
    texts = [what for _place, what in labels]
    return next((n for n, what in enumerate(texts, start=2) if "INTO loans_receipt" in what), len(texts))


def _cut_by_four(ground: Ground, tally: Tally) -> Tally:
    with patch.object(beside, "WORKERS", (4,)), patch.object(beside, "CHUNKS", (1,)):
        return beside.cut(ground, tally, loans=30)


def _emptied(ground: Ground, tally: Tally) -> Tally:
    with patch.object(publishing, "FAULTS", ("emptied",)), patch.object(processes, "PATIENCE", _SHORT):
        return publishing.faulty(ground, 1, tally, seed=1, loans=12)


def _paid_by_two(ground: Ground, tally: Tally) -> Tally:
    """Until two payments of one loan meet."""
    bank = plain(ground, 40, 0)
    alone = beside.paid_alone(ground, bank)
    for number in range(24):
        beside.paid_at_once(ground, bank, alone, tally, f"round {number}")
        if not tally.is_clean:
            break
    return tally


def _paid_without_key(ground: Ground, tally: Tally) -> Tally:
    """A bank whose table of receipts has lost its unique key."""
    bare = ground.copy(ground.empty, "bare")
    link = banks.connect(bare, owner=True)
    link.cursor().execute("ALTER TABLE loans_receipt DROP CONSTRAINT receipt_serial_once")
    link.close()
    twin = Ground(bare)
    try:
        return beside.paying(twin, tally, loans=40)
    finally:
        twin.clear()


def _claims_first(stages: Mapping[str, Any], at_clock: Any) -> bool:
    """The chunk is taken in a transaction of its own."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(chunks.CLAIM)
        row = cursor.fetchone()
    if row is None:
        return False
    with transaction.atomic():
        chunk = chunks.Claimed._make(row)
        chunks._work(stages[chunk.stage], chunk, at_clock)
    return True


@contextmanager
def _no_barrier() -> Iterator[None]:
    """A stage begins while a chunk of the one before is in another's hands, who takes his time."""
    bill = day_end.BY_NAME["bill"]

    def slow(*, after: int, **scope: Any) -> Any:
        time.sleep(1.0 if after == 0 else 0.0)
        return bill.work(after=after, **scope)

    stages = {"bill": replace(bill, work=slow)}
    with patch.object(chunks, "drain", _drains_what_is_free), patch.dict(day_end.BY_NAME, stages):
        yield


def _drains_what_is_free(stages: Any, _day: date, at_clock: Any, _until: float, watch: Callable[[], None]) -> None:
    """Does not wait for what others have in hand."""
    while chunks.work_one(stages, at_clock):
        watch()


def _reactions_afterwards(entries: Any) -> None:
    """The reactions are written when the fact has been committed, not with it."""
    rows = list(entries)
    Entry.objects.bulk_create(rows)
    waiting = [
        Pending(reaction=name, subject_id=entry.loan_id, not_before=entry.at, recorded_at=entry.at)
        for entry in rows
        for name in reactions_to(entry.kind)
    ]
    if waiting:
        transaction.on_commit(lambda: Pending.objects.bulk_create(waiting) and None)


def _answers_plainly(*, effect: Callable[[], Any], **_given: Any) -> Any:
    """No key is kept."""
    return effect()


@contextmanager
def _unbound() -> Iterator[None]:
    """Receipt, posting and the reply's key are written one by one."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(idempotency, "transaction", _NoTransaction))
        stack.enter_context(patch.object(actions, "post_receipts", actions.post_receipts.__wrapped__))  # type: ignore[attr-defined]
        yield


class _NoTransaction:
    """Stands for `django.db.transaction` and binds nothing."""

    atomic = staticmethod(nullcontext)
    on_commit = staticmethod(transaction.on_commit)


def _unlocked() -> Any:
    """Nobody waits for the other, and each takes his time over what he read: so two do meet."""
    bare = {
        name: statement.replace(" FOR UPDATE OF p", " OFFSET (SELECT 0 FROM pg_sleep(0.03))")
        for name, statement in vars(sql).items()
        if name in ("LOCK_LOANS", "LOCK_WITH_RECEIPTS", "LOCK_DUE")
    }
    return patch.multiple(sql, **bare)


def _unheld() -> Any:
    """Who decides waits for nobody, and takes his time between the look and the deed."""
    look = refunds._refuse_more_than

    def slowly(*given: Any) -> None:
        look(*given)
        time.sleep(0.1)

    return patch.multiple(
        refunds, lock_positions=lambda ids: Position.objects.in_bulk(list(ids)), _refuse_more_than=slowly
    )


def _waits_for_ever() -> Any:
    options = {name: value for name, value in app.conf.broker_transport_options.items() if name != "socket_timeout"}
    return patch.dict(app.conf.broker_transport_options, options, clear=True)


def _frozen(ground: Ground, tally: Tally) -> Tally:
    with ground.trial(plain(ground, 12, 1), "frozen"), publishing.broker_up() as broker:
        by = publishing.staffed()
        broker.send("config.work_chunks")
        broker.freeze()
        ended = processes.exit_of(processes.fork(lambda: publishing.post(FIRST, by)), _SHORT)
        broker.thaw()
        tally.trials += 1
        if ended != 0:
            tally.hang("frozen", f"the one who posts ended with {ended}")
    return tally


GUARDS = (
    Guard("one runner has the lease of a date",
          lambda: patch.object(day_end, "lease", lambda _day, wait=True: nullcontext(True)),
          lambda ground, tally: beside.two_runners(ground, 2, tally)),
    Guard("a chunk is claimed by one worker", lambda: patch.object(chunks, "CLAIM", UNCLAIMED),
          lambda ground, tally: beside.two_runners(ground, 2, tally)),
    Guard("progress is written with the work",
          lambda: patch.multiple(chunks, _plan=chunks._plan.__wrapped__, _work_one=chunks._work_one.__wrapped__),  # type: ignore[attr-defined]
          _crashed_at_progress),
    Guard("a chunk is claimed with the work", lambda: patch.object(chunks, "_work_one", _claims_first),
          _crashed_at_progress),
    Guard("a stage waits for the one before", _no_barrier, _cut_by_four),
    Guard("a deadlock is tried again", lambda: patch.object(chunks, "tried", lambda work: work()), _deadlocked),
    Guard("what is asked of a night is a row", lambda: patch.object(nights, "begin", lambda *_a, **_k: None),
          _emptied),
    Guard("reactions are written with their fact",
          lambda: patch.object(journal_actions, "record_many", _reactions_afterwards),
          lambda ground, tally: posting.run(ground, 6, tally, aim=_after_commit)),
    Guard("a key's reply is kept", lambda: patch.object(views, "answer_once", _answers_plainly),
          lambda ground, tally: posting.run(ground, 3, tally)),
    Guard("receipt, posting and key are one transaction", _unbound,
          lambda ground, tally: posting.run(ground, 6, tally, aim=_halfway)),
    Guard("a serial is unique",
          lambda: patch.object(sql, "INSERT_RECEIPTS", sql.INSERT_RECEIPTS.replace(
              "ON CONFLICT (channel, serial) DO NOTHING", "")),
          _paid_without_key),
    Guard("a position is locked before money moves it", _unlocked,
          _paid_by_two),
    Guard("an event is answered under the lock of its loans",
          lambda: patch.object(answering, "lock_positions", lambda _ids: time.sleep(0.1)),
          lambda ground, tally: following.at_once(ground, 3, tally)),
    Guard("a broker that does not answer is not waited for", _waits_for_ever, _frozen),
    Guard("a decision is taken under the lock of its loan",
          _unheld, lambda ground, tally: approving.run(ground, 4, tally, seed=1, kinds=("refund",))),
    Guard("what is acknowledged is on the disk", lambda: patch.object(restarts, "SETTINGS", _FORGETFUL),
          lambda ground, tally: restarts.run(ground, 3, tally, seed=1)),
    Guard("numbers are logged before a copy draws them", lambda: patch.object(restarts, "STRATEGY", THROUGH_LOG),
          lambda ground, tally: restarts.run(ground, 1, tally, seed=1)),
)  # fmt: skip


def run(ground: Ground, guard: Guard) -> Tally:
    """The scenario without the guard."""
    tally = Tally(guard.name)
    with guard.off():
        try:
            return guard.scenario(ground, tally)
        except DatabaseError as error:
            # The database is the last judge: not even an undisturbed evening goes through.
            tally.trials += 1
            tally.hang("alone", f"{type(error).__name__}: {error}")
            return tally
