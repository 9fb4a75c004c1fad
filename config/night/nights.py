"""What is asked of day end and what stopped it, as rows: Celery may forget, beat may stop, the wish stays."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection

from config.isolation import reason_of
from journal.errors import ActionRefused
from journal.models import Night

_BEGIN = """
INSERT INTO journal_night (business_date, through, asked_at) VALUES (%(day)s, %(through)s, %(at)s)
ON CONFLICT (business_date) DO UPDATE SET through = greatest(journal_night.through, excluded.through)
WHERE journal_night.through < excluded.through
"""
# After so many seconds a night that was stopped is tried again; the last figure holds for all later times.
_AGAIN_AFTER = (60, 300, 900, 3600)


def begin(day: date, *, through: date, at: datetime) -> None:
    """Keeps the wish to close the dates from `day` through a date; asked twice is asked once."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, {"day": day, "through": through, "at": at})


def stopped(day: date, error: Exception, *, at: datetime) -> None:
    """Keeps why a night stopped, for the operations page and for the time of the next try."""
    text = error.message if isinstance(error, ActionRefused) else reason_of(error)
    night = Night.objects.filter(business_date=day).first()
    if night is not None:
        Night.objects.filter(pk=night.pk).update(error=text, failed_at=at, failures=night.failures + 1)


def cleared(day: date) -> None:
    """Forgets what stopped a night: it went through, or a person wants it tried at once."""
    Night.objects.filter(business_date=day, failures__gt=0).update(error="", failed_at=None, failures=0)


def of(day: date) -> Night | None:
    """The night of a date, when it was begun or asked for."""
    return Night.objects.filter(business_date=day).first()


def wanted(day: date, *, at: datetime) -> date | None:
    """Up to which date the open date and those after it are to be closed now; None when nothing is to be done."""
    night = Night.objects.filter(through__gte=day).order_by("-through", "-business_date").first()
    if night is None or at < due_again(of(day)):
        return None
    return night.through


def due_again(night: Night | None) -> datetime:
    """When a night that was stopped is tried again by itself."""
    if night is None or night.failed_at is None:
        return datetime.min.replace(tzinfo=UTC)
    wait = _AGAIN_AFTER[min(night.failures, len(_AGAIN_AFTER)) - 1]
    return night.failed_at + timedelta(seconds=wait)
