"""Chunks of a stage: planned as rows in one transaction, claimed by any number of workers, each done in one of its own.

A claim deletes the chunk's row; it comes back when the worker dies, for the row is gone only with the transaction
that did the work and wrote its progress (`journal.Run`). A stage that fits into one chunk is done in the transaction
that planned it, so that a quiet date writes one row a stage and no more; one with nothing due is not begun at all. A
stage begins when no chunk of the one before is left (the barrier), so chunks wait for one stage at a time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from celery import current_app
from django.db import OperationalError, connection, transaction
from kombu.exceptions import OperationalError as BrokerError

from config.isolation import run_isolated
from config.night.stage import Stage
from journal.actions import record
from journal.models import Chunk, HeldBack, Run

Clock = Callable[[], datetime]
_Result = TypeVar("_Result")
CLAIM = """
DELETE FROM journal_chunk WHERE id = (
    SELECT id FROM journal_chunk ORDER BY business_date, number LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING business_date, stage, number, after, up_to, loans
"""
# Deadlock, serialization failure, lock not available: nobody's fault, the whole transaction once more.
_PASSING = {"40P01", "40001", "55P03"}
_TRIES = 3
_POLL_SECONDS = 0.05
# What the row of a stage's last chunk says besides its counts.
_LAST = {"up_to": None, "last": True}
# Workers woken for a stage; what they find by claiming is theirs, so more of them than needed do no harm.
MOST_WOKEN = 8


class OutOfTime(Exception):
    """The spell of this runner is over; what is planned stays planned."""


class Claimed(NamedTuple):
    """A chunk as its row says it."""

    business_date: date
    stage: str
    number: int
    after: int
    up_to: int | None
    loans: int


def plan(stage: Stage, day: date, at_clock: Clock, size: int, *, has_held: bool) -> int:
    """Plans the chunks of a stage, or does its only one; how many wait now.

    With nothing due it is begun where loans are held back in it (`has_held`), to try them again.
    """
    return tried(lambda: _plan(stage, day, at_clock, size, has_held))


def stages_with_held() -> set[str]:
    """Stages in which a loan is held back. Only the stage itself holds back, so this is read once a date."""
    return set(HeldBack.objects.order_by().values_list("stage", flat=True).distinct())


@transaction.atomic
def _plan(stage: Stage, day: date, at_clock: Clock, size: int, has_held: bool) -> int:
    ends, due, found = stage.cuts(as_of=day, size=size)
    if not due and not has_held:
        at = at_clock()
        Run.objects.create(business_date=day, stage=stage.name, counts=_LAST, started_at=at, finished_at=at)
        return 0
    if not ends:
        whole = Claimed(day, stage.name, 0, 0, None, due)
        _work(stage, whole, at_clock, found if stage.takes_found else None, has_held=has_held)
        return 0
    rest = due - size * len(ends)
    Chunk.objects.bulk_create(
        Chunk(business_date=day, stage=stage.name, number=number, after=after, up_to=up_to,
              loans=rest if up_to is None else size)
        for number, (after, up_to) in enumerate(zip([0, *ends], [*ends, None], strict=True))
    )  # fmt: skip
    transaction.on_commit(lambda: wake("config.work_chunks", min(len(ends), MOST_WOKEN)), robust=True)
    return len(ends) + 1


def work_one(stages: Mapping[str, Stage], at_clock: Clock) -> bool:
    """Claims a free chunk and does it, in one transaction; False when none is free."""
    return tried(lambda: _work_one(stages, at_clock))


@transaction.atomic
def _work_one(stages: Mapping[str, Stage], at_clock: Clock) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM)
        row = cursor.fetchone()
    if row is None:
        return False
    chunk = Claimed._make(row)
    _work(stages[chunk.stage], chunk, at_clock)
    return True


def drain(stages: Mapping[str, Stage], day: date, at_clock: Clock, until: float, watch: Callable[[], None]) -> None:
    """Works until no chunk of the date is left, those in other workers' hands included; OutOfTime after `until`."""
    while True:
        worked = work_one(stages, at_clock)
        watch()
        if not worked:
            if not Chunk.objects.filter(business_date=day).exists():
                return
            time.sleep(_POLL_SECONDS)
        if time.monotonic() > until:
            raise OutOfTime


def _work(
    stage: Stage, chunk: Claimed, at_clock: Clock, found: Sequence[int] | None = None, *, has_held: bool = True
) -> None:
    """Does a chunk; writes its progress row and, when it did anything, its entry in the journal.

    `found` are its loans, where the plan of this very transaction named them; `has_held` as the plan knew it.
    """
    day, at = chunk.business_date, at_clock()
    counts: dict[str, Any] = run_isolated(
        stage.work, stage=stage.name, as_of=day, scope={"at": at}, after=chunk.after, up_to=chunk.up_to,
        takes_ids=stage.takes_ids, found=found, has_held=has_held,
    )  # fmt: skip
    Run.objects.create(
        business_date=day, stage=stage.name, chunk=chunk.number, loans=chunk.loans, started_at=at,
        counts={**counts, "up_to": chunk.up_to, "last": chunk.up_to is None}, finished_at=at_clock(),
    )  # fmt: skip
    if any(counts.values()):
        record(
            kind="day_end.chunk_done", subject_type="day_end", subject_id=None, by="system", at=at, business_date=day,
            data={"stage": stage.name, "chunk": chunk.number, **counts},
        )  # fmt: skip


def tried(work: Callable[[], _Result]) -> _Result:
    """Does a whole transaction, once more when it failed by nobody's fault; three times at most."""
    for _attempt in range(_TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in _PASSING:
                raise
    return work()


def wake(task: str, times: int = 1) -> None:
    """Wakes workers; losing the call costs time only, for the runner does what nobody else does."""
    try:
        for _each in range(times):
            current_app.send_task(task, retry=False, ignore_result=True)
    except BrokerError:
        return
