"""What the clock wakes: day end, its workers, the morning's digests, previews of repricing, the sweep for old keys.

No task carries a fact: what is to be closed stands in `journal.Night`, what is to be worked on in `journal.Chunk`. A
night is done in spells far below a task's limit; a spell that ends early wakes the next, and should that call be lost,
beat does it within half a minute. Twice woken is once done: one runner holds the lease, the others do its chunks.
"""

import logging
from datetime import date, datetime, time, timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from config import day_end
from config.dry_runs import try_waiting
from config.night import nights
from config.night.chunks import wake
from config.previews import preview_waiting
from followups.batch import digests
from journal.errors import ActionRefused
from loans.queries import open_business_date
from people.api.idempotency import forget_keys

logger = logging.getLogger(__name__)
# The hour at which an evening begins, as beat knows it (settings.CELERY_BEAT_SCHEDULE).
EVENING_HOUR = 21
# When a workday's digests are due, in the bank's own time.
DIGEST_TIME = time(8, 30)
# Seconds a task works before it lets others have the worker.
SPELL = 120
# A single chunk may take what is left of this; below the broker's visibility timeout, so that no task runs twice.
_LIMIT = 850


def _now() -> datetime:
    return timezone.now()


def last_evening(at: datetime) -> date:
    """The date of the last evening that has come: a call that arrives after midnight closes the day it was made for."""
    local = timezone.localtime(at)
    return local.date() if local.hour >= EVENING_HOUR else local.date() - timedelta(days=1)


@shared_task(name="config.close_evening", time_limit=_LIMIT)
def close_evening() -> None:
    """Asks for the close of every date up to the evening's, and begins; a demo bank keeps its business date."""
    day = open_business_date()
    through = last_evening(_now())
    if settings.DEMO or day is None or through < day:
        return
    nights.begin(day, through=through, at=_now())
    continue_evening()


@shared_task(name="config.continue_evening", time_limit=_LIMIT)
def continue_evening() -> None:
    """A spell of the night that is asked for, if any; wakes the next when there is more to do."""
    day = open_business_date()
    if settings.DEMO or day is None:
        return
    through = nights.wanted(day, at=_now())
    if through is None:
        return
    try:
        is_done = day_end.advance(through=through, at_clock=_now, seconds=SPELL)
    except ActionRefused as refusal:
        # It stands on the operations page and is tried again by itself.
        logger.warning("day end is stopped: %s", refusal.message)
        return
    if not is_done:
        wake("config.continue_evening")


@shared_task(name="config.work_chunks", time_limit=_LIMIT)
def work_chunks() -> int:
    """Does chunks that wait; how many."""
    return day_end.work(at_clock=_now, seconds=SPELL)


@shared_task(name="config.make_digests")
def make_digests() -> int:
    """The digests of today, once its day is open and it is 08:30; how many. A demo bank's day stays, its time runs."""
    day, at = open_business_date(), _now()
    local = timezone.localtime(at)
    if day is None or local.time() < DIGEST_TIME or (day != local.date() and not settings.DEMO):
        return 0
    return digests.make_digests(as_of=day, at=at) or 0


@shared_task(name="config.preview_repricings", time_limit=_LIMIT)
def preview_repricings() -> None:
    """A spell of the repricing previews that were asked for; wakes the next when there is more to do."""
    if not preview_waiting(at_clock=_now, seconds=SPELL):
        wake("config.preview_repricings")


@shared_task(name="config.try_policies", time_limit=_LIMIT)
def try_policies() -> None:
    """A spell of the dry runs of follow-up policies that were asked for; wakes the next when there is more to do."""
    if not try_waiting(at_clock=_now, seconds=SPELL):
        wake("config.try_policies")


@shared_task(name="config.forget_idempotency_keys")
def forget_idempotency_keys() -> int:
    """Drops stored replies after the seven days in which a client may retry."""
    return forget_keys(before=timezone.now() - timedelta(days=7))
