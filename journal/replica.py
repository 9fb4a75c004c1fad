"""Where reports read: on a replica of the database when the bank runs one (REPLICA_URL), else where everything is.

A replica is a moment behind, may cancel a query for what it has to replay, and may be away. So what is told with the
date of a close is read there once it knows that close, and a report that counts up to now once it has replayed all that
is written (`read_written`); else both are read where everything is. A person's own work, money and every decision are
read where they are written.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Model

from journal.passing import is_passing

logger = logging.getLogger(__name__)
REPLICA = "replica"
# Seconds for which a process does not ask a replica again that did not answer.
LEFT_ALONE = 30.0
# Seconds that a report waits for a replica to replay what is written.
WAITED_FOR, _LOOKS_EVERY = 1.0, 0.05
_reporting: ContextVar[bool] = ContextVar("reporting", default=False)
_away_until = 0.0
_Result = TypeVar("_Result")


def report_database() -> str:
    """Alias of the database that a report reads."""
    return REPLICA if REPLICA in settings.DATABASES and time.monotonic() >= _away_until else "default"


def read_report(read: Callable[[str], _Result], *, is_current: Callable[[_Result], bool]) -> _Result:
    """Reads by an alias: on the replica, or where everything is when that fails there or is not current."""
    using = report_database()
    if using != "default":
        try:
            found = read(using)
        except (DatabaseError, InterfaceError) as fault:
            if not is_passing(fault):
                raise
            _leave_alone(fault)
        else:
            if is_current(found):
                return found
    return read("default")


def read_known(read: Callable[[str], _Result], *, knows: Callable[[str], bool]) -> _Result:
    """`read_report` of what takes long: the replica is asked first whether it knows what is to be told."""
    found = read_report(
        lambda using: (read(using),) if using == "default" or knows(using) else None,
        is_current=lambda found: found is not None,
    )
    assert found is not None
    return found[0]


def read_written(read: Callable[[str], _Result]) -> _Result:
    """Reads on the replica once it has replayed all that is written now: nobody misses what they have just done."""
    if report_database() == "default":
        return read("default")
    written = _ask("default", "SELECT pg_current_wal_lsn()::text")
    return read_known(read, knows=lambda using: _has_replayed(using, written))


def _has_replayed(using: str, written: str) -> bool:
    """Soon: a replica is milliseconds behind. What is no standby never has."""
    until = time.monotonic() + WAITED_FOR
    while not (found := _ask(using, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written)):
        if found is None or time.monotonic() > until:
            return False
        time.sleep(_LOOKS_EVERY)
    return True


def _ask(using: str, statement: str, *values: str) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchone()[0]


def _leave_alone(fault: Exception) -> None:
    """A query cancelled for what is replayed says nothing of the next one; anything else does."""
    global _away_until
    if getattr(fault.__cause__, "pgcode", None) != "40001":
        _away_until = time.monotonic() + LEFT_ALONE
        logger.warning("the replica does not answer, reports read the database itself: %s", type(fault).__name__)
    connections[REPLICA].close()


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
