"""What the clock wakes: the evening's day end and the sweep for pending reactions."""

from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from config import day_end
from loans.queries import open_business_date
from people.api.idempotency import forget_keys


def _now() -> datetime:
    return timezone.now()


@shared_task(name="config.close_evening")
def close_evening() -> None:
    """Closes every open date up to today's calendar date; a demo bank keeps its business date."""
    if settings.DEMO or open_business_date() is None:
        return
    day_end.run(through=timezone.localdate(), at_clock=_now)


@shared_task(name="config.forget_idempotency_keys")
def forget_idempotency_keys() -> int:
    """Drops stored replies after the seven days in which a client may retry."""
    return forget_keys(before=timezone.now() - timedelta(days=7))
