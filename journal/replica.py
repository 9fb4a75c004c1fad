"""Where reports read: on a replica of the database when the bank runs one (REPLICA_URL), else where everything is.

A replica is a moment behind. Only what is told with the date of a close is read there; a person's own work, money and
every decision are read where they are written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db.models import Model

REPLICA = "replica"
_reporting: ContextVar[bool] = ContextVar("reporting", default=False)


def report_database() -> str:
    """Alias of the database that a report reads."""
    return REPLICA if REPLICA in settings.DATABASES else "default"


@contextmanager
def reporting() -> Iterator[None]:
    """Inside the block the ORM reads from the replica; it still writes where everything is."""
    token = _reporting.set(True)
    try:
        yield
    finally:
        _reporting.reset(token)


class ReportReads:
    """The database router: reads of a report to the replica, nothing else."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return report_database() if _reporting.get() else None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return "default"

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == REPLICA else None
