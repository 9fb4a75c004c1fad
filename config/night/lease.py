"""The lease of a business date: one runner plans and closes it; a dead one's lease ends at once, a frozen one's soon.

The lease is a lock of the runner's database session. Killed, its session ends, and the lease with it, also in the
middle of a statement: the server looks every `LOOK` whether the client is still there. A runner that hangs, or whose
host is gone without a word, is silent: after `SILENCE` the server ends its session, rolls back the chunk it held and
frees the lease. A living one speaks with every statement, however long its night is. No clock of any host is compared
with another, and whoever lost its lease has lost its connection: it cannot write any more.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from django.db import connection

# Seconds without a statement after which a session of day end counts as dead; no chunk computes nearly as long.
SILENCE = 300
# How soon the server notices that whoever waits for a statement is dead.
LOOK = "250ms"
_NIGHT = 0x616E6A75  # "anju"
_EXPIRES = """
SELECT set_config('idle_in_transaction_session_timeout', %(silence)s, false),
       set_config('idle_session_timeout', %(silence)s, false),
       set_config('client_connection_check_interval', %(look)s, false),
       set_config('max_parallel_workers_per_gather', %(beside)s, false)
"""
_TAKE = "SELECT pg_advisory_lock(%(night)s, %(day)s) IS NOT NULL"
_TRY = "SELECT pg_try_advisory_lock(%(night)s, %(day)s)"
_TRY_FOR_NOW = "SELECT pg_try_advisory_xact_lock(%(night)s, %(day)s)"
_GIVE_BACK = "SELECT pg_advisory_unlock(%(night)s, %(day)s)"
_HELD = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND classid = %(night)s AND objid = %(day)s)
"""


@contextmanager
def expiring() -> Iterator[None]:
    """Inside the block the server ends this session when it falls silent.

    Nor does the server begin processes of its own beside it: workers share a night, and each such process aggregates
    what it joins once more.
    """
    _one(_EXPIRES, {"silence": f"{int(SILENCE * 1000)}ms", "look": LOOK, "beside": "0"})
    try:
        yield
    finally:
        if _is_connected():
            _one(_EXPIRES, {"silence": "0", "look": "0", "beside": None})


def processes_beside() -> None:
    """Until the end of the transaction the server may begin processes of its own again: one long read, nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL max_parallel_workers_per_gather TO DEFAULT")


@contextmanager
def lease(day: date, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lease of a date; without `wait` it yields False when a living runner has it."""
    mine = bool(_one(_TAKE if wait else _TRY, _key(day)))
    try:
        yield mine
    finally:
        if mine and _is_connected():
            _one(_GIVE_BACK, _key(day))


def try_for_transaction(day: date) -> bool:
    """Takes the lease until the end of the transaction; False when a runner has it."""
    return bool(_one(_TRY_FOR_NOW, _key(day)))


def is_held(day: date) -> bool:
    """Does a living runner work on the date?"""
    return bool(_one(_HELD, _key(day)))


def _key(day: date) -> dict[str, int]:
    return {"night": _NIGHT, "day": day.toordinal()}


def _is_connected() -> bool:
    return connection.connection is not None and not connection.connection.closed


def _one(statement: str, values: Mapping[str, int | str | None]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
