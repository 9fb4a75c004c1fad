"""Reads of the journal: files by exhibit, what is stuck, the progress of day end."""

from collections.abc import Callable
from datetime import date

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from journal.models import Exhibit, HeldBack, Pending, Run

_business_date: Callable[[], date | None] = lambda: None  # noqa: E731


def tell_business_date(source: Callable[[], date | None]) -> None:
    """The composition root names where the open business date comes from (a room above)."""
    global _business_date
    _business_date = source


def business_date_now() -> date | None:
    """The bank's open day; None before the bank is opened."""
    return _business_date()


def exhibit_bytes(exhibit: Exhibit) -> bytes:
    """The stored bytes; the caller has checked access to what the exhibit belongs to."""
    with default_storage.open(exhibit.path, "rb") as file:
        return bytes(file.read())


def stuck_reactions() -> QuerySet[Pending]:
    """Reactions that failed at least once, the oldest first."""
    return Pending.objects.filter(attempts__gt=0).order_by("recorded_at", "id")


def held_back() -> QuerySet[HeldBack]:
    """Subjects that a batch set aside, the oldest first."""
    return HeldBack.objects.order_by("since", "id")


def runs_since(day: date) -> QuerySet[Run]:
    """Progress rows of day end from a business date on, the newest first."""
    return Run.objects.filter(business_date__gte=day).order_by("-business_date", "-id")
