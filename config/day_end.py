"""Day end: the stages of a business date in order, in restartable chunks, then the close.

It may be killed anywhere and started again: each chunk is one transaction that also writes its
progress row (`journal.Run`), so what is done is skipped, what was half done never happened, and a
date that is closed is not looked at again. One runner at a time holds an advisory lock; a second
waits, then finds the dates closed. The number of statements depends on what fell due, not on the book.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.isolation import run_isolated
from journal.actions import record, waking_nobody
from journal.batch import run_pending
from journal.errors import ActionRefused
from journal.models import Run
from loans import batch as loans_batch
from loans.actions import close_business_date
from loans.queries import NoBusinessDate, require_business_date

CHUNK = 2000
MOST_DAYS_AHEAD = 400
_LOCK = 0x616E6A75  # "anju"


class DayEndRefused(ActionRefused):
    """There is nothing to close from, or the day asked for is too far ahead."""

    code = "day_end_refused"


class Boundary(Protocol):
    """Id of the size-th due loan after `after`; None when fewer are left."""

    def __call__(self, *, as_of: date, after: int, size: int) -> int | None: ...


def _only_chunk(*, as_of: date, after: int, size: int) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Stage:
    """A batch function `(*, as_of, at, after, up_to) -> counts` and where its chunks end."""

    name: str
    work: Callable[..., Mapping[str, Any] | None]
    boundary: Boundary = _only_chunk


def _regrade(**scope: Any) -> Mapping[str, Any] | None:
    from risk.batch import regrade

    return regrade(**scope)


def _run_off_site(**scope: Any) -> Mapping[str, Any] | None:
    from followups.batch import run_off_site

    return run_off_site(**scope)


def _replan(**scope: Any) -> Mapping[str, Any] | None:
    from followups.batch import replan

    return replan(**scope)


STAGES: tuple[Stage, ...] = (
    Stage("bill", loans_batch.bill, loans_batch.bill_boundary),
    Stage("subsidise", loans_batch.subsidise),
    Stage("post_waiting_receipts", loans_batch.post_waiting_receipts, loans_batch.waiting_boundary),
    Stage("apply_changes", loans_batch.apply_changes),
    Stage("reprice", loans_batch.reprice, loans_batch.reprice_boundary),
    Stage("age", loans_batch.age),
    Stage("classify", loans_batch.classify),
    Stage("non_accrual", loans_batch.non_accrual),
    Stage("watch_changes", loans_batch.watch_changes),
    Stage("regrade", _regrade),
    Stage("run_off_site", _run_off_site),
    Stage("replan", _replan),
)


@dataclass(frozen=True, slots=True)
class DateReport:
    """What one date took and did, for whoever watches."""

    day: date
    counts: dict[str, dict[str, Any]]
    seconds: float


def run(
    *,
    through: date,
    at_clock: Callable[[], datetime],
    report: Callable[[DateReport], None] | None = None,
    chunk: int = CHUNK,
) -> list[date]:
    """Closes every open date up to `through`, in order; returns the dates closed now.

    DayEndRefused without a business date, or more than 400 days ahead of it.
    """
    _check(through)
    closed: list[date] = []
    with _one_runner(), waking_nobody():
        day = _check(through)
        while day <= through:
            started = time.monotonic()
            counts = {stage.name: _run_stage(stage, day, at_clock, chunk) for stage in STAGES}
            # Reactions belong to the date whose facts woke them, so they run before it closes: however
            # the dates are cut into runs, and with or without a worker, the result is the same.
            run_pending(at=at_clock())
            close_business_date(day=day, at=at_clock())
            closed.append(day)
            if report is not None:
                report(DateReport(day, counts, time.monotonic() - started))
            day = require_business_date()
    return closed


def _check(through: date) -> date:
    """The open date, if it may be closed up to `through`."""
    try:
        day = require_business_date()
    except NoBusinessDate as error:
        raise DayEndRefused(_("本行尚未开业，没有可以关闭的营业日期；请先导入贷款。")) from error
    if through > day + timedelta(days=MOST_DAYS_AHEAD):
        raise DayEndRefused(
            _("%(through)s 晚于营业日期 %(day)s 超过 %(days)d 天。")
            % {"through": through, "day": day, "days": MOST_DAYS_AHEAD}
        )
    return day


@contextmanager
def _one_runner() -> Iterator[None]:
    """Holds the session's advisory lock; a killed runner's session ends, and its lock with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _run_stage(stage: Stage, day: date, at_clock: Callable[[], datetime], chunk: int) -> dict[str, Any]:
    """Runs what is left of a stage; returns the sums of what its chunks counted."""
    done = list(Run.objects.filter(business_date=day, stage=stage.name).order_by("chunk"))
    total: dict[str, Any] = {}
    for row in done:
        _add(total, row.counts)
    number, after, finished = len(done), 0, False
    if done:
        number, after, finished = done[-1].chunk + 1, done[-1].counts["up_to"], done[-1].counts["last"]
    while not finished:
        counts = _run_chunk(stage, day, number, after, at_clock, chunk)
        _add(total, counts)
        number, after, finished = number + 1, counts["up_to"], counts["last"]
    return total


@transaction.atomic
def _run_chunk(
    stage: Stage, day: date, number: int, after: int, at_clock: Callable[[], datetime], size: int
) -> dict[str, Any]:
    """One chunk with its progress row and, when it did anything, its entry in the journal."""
    at = at_clock()
    up_to = stage.boundary(as_of=day, after=after, size=size)
    counts = run_isolated(stage.work, stage=stage.name, as_of=day, scope={"at": at}, after=after, up_to=up_to)
    progress = {**counts, "up_to": up_to, "last": up_to is None}
    Run.objects.create(
        business_date=day, stage=stage.name, chunk=number, counts=progress, started_at=at, finished_at=at_clock()
    )
    if any(counts.values()):
        record(
            kind="day_end.chunk_done", subject_type="day_end", subject_id=None, by="system", at=at, business_date=day,
            data={"stage": stage.name, "chunk": number, **counts},
        )  # fmt: skip
    return progress


def _add(total: dict[str, Any], counts: Mapping[str, Any]) -> None:
    for name, value in counts.items():
        if name not in {"up_to", "last"} and isinstance(value, int):
            total[name] = total.get(name, 0) + value
