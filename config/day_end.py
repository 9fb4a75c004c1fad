"""Day end: the stages of a business date in order, in restartable chunks, then the close.

It may be killed anywhere and started again: each chunk is one transaction that also writes its progress row
(`journal.Run`), so what is done is skipped, what was half done never happened, and a date that is closed is not looked
at again. One runner holds the lease of a date (`config.night.lease`), plans its stages one after another and closes
it; the chunks of a stage are done by the runner and by any number of workers beside it. The number of statements
depends on what fell due, not on the book.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from config.garbage import keep_what_is_loaded
from config.night import chunks, nights
from config.night.chunks import Clock, OutOfTime
from config.night.lease import expiring, lease, processes_beside
from config.night.stage import Stage
from correspondence import batch as correspondence_batch
from followups import batch as followups_batch
from followups.batch import alerts, answering, sharing
from journal.actions import record, waking_nobody
from journal.batch import run_pending
from journal.errors import ActionRefused
from journal.models import Chunk, Run
from loans import batch as loans_batch
from loans.actions import close_business_date
from loans.models import BusinessDate
from loans.queries import NoBusinessDate, held, hold_business_date, open_business_date, require_business_date
from loans.queries.evening import WHOLE_ASKED
from risk import batch as risk_batch

CHUNK = 2000
MOST_DAYS_AHEAD = 400


class DayEndRefused(ActionRefused):
    """There is nothing to close from, or the day asked for is too far ahead."""

    code = "day_end_refused"


STAGES: tuple[Stage, ...] = (
    Stage("bill", loans_batch.bill, loans_batch.bill_cuts),
    Stage("subsidise", loans_batch.subsidise, loans_batch.subsidy_cuts),
    Stage("post_waiting_receipts", loans_batch.post_waiting_receipts, loans_batch.waiting_cuts),
    Stage("apply_changes", loans_batch.apply_changes, loans_batch.apply_cuts),
    Stage("reprice", loans_batch.reprice, loans_batch.reprice_cuts),
    Stage("age", loans_batch.age, loans_batch.age_cuts),
    Stage("remind", correspondence_batch.remind, correspondence_batch.remind_cuts, takes_ids=True, takes_found=True),
    Stage("classify", loans_batch.classify, loans_batch.class_cuts),
    Stage("non_accrual", loans_batch.non_accrual, loans_batch.non_accrual_cuts),
    Stage("watch_changes", loans_batch.watch_changes, loans_batch.watch_cuts),
    Stage("regrade", risk_batch.regrade_evening, risk_batch.regrade_cuts, takes_ids=True, takes_found=True),
    Stage("run_off_site", followups_batch.run_off_site, followups_batch.off_site_cuts),
    Stage("replan", followups_batch.replan_evening, followups_batch.replan_cuts, takes_ids=True, takes_found=True),
    Stage("answer_events", answering.answer_evening, answering.answer_cuts, takes_ids=True, takes_found=True),
    Stage("share_out", sharing.share_out, sharing.share_cuts),
    Stage("tell_signals", alerts.tell_evening, alerts.tell_cuts),
)


BY_NAME = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True, slots=True)
class DateReport:
    """What one date took and did, for whoever watches."""

    day: date
    counts: dict[str, dict[str, Any]]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Runner:
    """How this runner works: its clock, the size of its chunks, until when, and who watches each chunk."""

    at_clock: Clock
    chunk: int
    until: float
    watch: Callable[[], None]


def run(
    *,
    through: date,
    at_clock: Clock,
    report: Callable[[DateReport], None] | None = None,
    watch: Callable[[], None] | None = None,
    chunk: int = CHUNK,
) -> list[date]:
    """Closes every open date up to `through`, in order; returns the dates closed now.

    A date that another runner is closing is waited for. DayEndRefused without a business date, or more than 400 days
    ahead of it.
    """
    keep_what_is_loaded()
    runner = _Runner(at_clock, chunk, math.inf, watch or _nobody_watches)
    closed: list[date] = []
    day = _check(through)
    with expiring(), waking_nobody():
        while day <= through:
            with lease(day):
                if open_business_date() == day:
                    closed.append(day)
                    _close(day, through, runner, report)
            day = require_business_date()
    return closed


def ask_for_whole(*, by: str, at: datetime) -> date:
    """Has the coming close walk the whole book instead of a slice; returns its date."""
    with transaction.atomic():
        try:
            day = hold_business_date()
        except NoBusinessDate as error:
            raise _not_open() from error
        record(kind=WHOLE_ASKED, subject_type="day_end", subject_id=None, by=by, at=at, business_date=day)
    return day


def advance(*, through: date, at_clock: Clock, seconds: float, chunk: int | None = None) -> bool:
    """A spell of a night for a worker: closes what it can in `seconds`; False when it has to be called again.

    While a living runner has the date, it does chunks for that one.
    """
    until = time.monotonic() + seconds
    runner = _Runner(at_clock, chunk or CHUNK, until, _nobody_watches)
    day = _check(through)
    with expiring(), waking_nobody():
        while day <= through:
            with lease(day, wait=False) as mine:
                if not mine:
                    _work(at_clock, until)
                    return True
                if open_business_date() == day:
                    try:
                        _close(day, through, runner, None)
                    except OutOfTime:
                        return False
            day = require_business_date()
    return True


def work(*, at_clock: Clock, seconds: float) -> int:
    """Does chunks that wait, whoever planned them; how many."""
    with expiring(), waking_nobody():
        return _work(at_clock, time.monotonic() + seconds)


def _work(at_clock: Clock, until: float) -> int:
    done = 0
    while time.monotonic() < until and chunks.work_one(BY_NAME, at_clock):
        done += 1
    return done


def _close(day: date, through: date, runner: _Runner, report: Callable[[DateReport], None] | None) -> None:
    """Runs what is left of a date under its lease and closes it; what stops it is kept for the operations page."""
    started = time.monotonic()
    nights.begin(day, through=through, at=runner.at_clock())
    try:
        with held.night_of(day):
            _run_stages(day, runner)
        # Reactions belong to the date whose facts woke them, so they run before it closes: however
        # the dates are cut into runs, and with or without a worker, the result is the same.
        chunks.tried(lambda: run_pending(at=runner.at_clock()))
        chunks.tried(lambda: _close_books(day, runner.at_clock))
        nights.cleared(day)
    except OutOfTime:
        raise
    except DatabaseError:
        # Nothing can be written where the database itself failed; the next runner goes on.
        raise
    except Exception as error:
        nights.stopped(day, error, at=runner.at_clock())
        raise
    if report is not None:
        report(DateReport(day, _counts_of(day), time.monotonic() - started))


@transaction.atomic
def _close_books(day: date, at_clock: Clock) -> None:
    """Takes the date before it reads the clock: who still posts on it is waited for, and booked before the close."""
    BusinessDate.objects.select_for_update().filter(day=day).first()
    processes_beside()
    close_business_date(day=day, at=at_clock())


def _run_stages(day: date, runner: _Runner) -> None:
    """The barrier: a stage is planned when no chunk of the one before is left."""
    begun = set(Run.objects.filter(business_date=day).values_list("stage", flat=True).distinct())
    waiting = set(Chunk.objects.filter(business_date=day).values_list("stage", flat=True).distinct())
    held = chunks.stages_with_held()
    for stage in STAGES:
        planned = stage.name in begun | waiting
        if not planned and chunks.plan(stage, day, runner.at_clock, runner.chunk, has_held=stage.name in held):
            waiting.add(stage.name)
        if stage.name in waiting:
            chunks.drain(BY_NAME, day, runner.at_clock, runner.until, runner.watch)
        elif not planned:
            runner.watch()
            if time.monotonic() > runner.until:
                raise OutOfTime


def _counts_of(day: date) -> dict[str, dict[str, Any]]:
    """What the chunks of each stage counted, added up."""
    total: dict[str, dict[str, Any]] = {stage.name: {} for stage in STAGES}
    for stage, counts in Run.objects.filter(business_date=day).order_by("id").values_list("stage", "counts"):
        _add(total.setdefault(stage, {}), counts)
    return total


def _nobody_watches() -> None:
    return None


def _check(through: date) -> date:
    """The open date, if it may be closed up to `through`."""
    try:
        day = require_business_date()
    except NoBusinessDate as error:
        raise _not_open() from error
    if through > day + timedelta(days=MOST_DAYS_AHEAD):
        raise DayEndRefused(
            _("%(through)s 晚于营业日期 %(day)s 超过 %(days)d 天。")
            % {"through": through, "day": day, "days": MOST_DAYS_AHEAD}
        )
    return day


def _not_open() -> DayEndRefused:
    return DayEndRefused(_("本行尚未开业，没有可以关闭的营业日期；请先导入贷款。"))


def _add(total: dict[str, Any], counts: Mapping[str, Any]) -> None:
    for name, value in counts.items():
        if name not in {"up_to", "last"} and isinstance(value, int):
            total[name] = total.get(name, 0) + value
