"""What the caller's transaction has held needs no second reading: the open day, and what was read of it under the lock.

An action that holds the business date asks for it, for parameters and for the calendar many times on its way down. The
share lock keeps the day as it is until the transaction ends, so one reading is enough. It counts in the block that took
the lock and in blocks within it, and not a moment longer: whoever comes next reads anew.

A night asks for the same over many transactions. What is in force on its date or before can no longer change (a
parameter takes another value from a later day only), so whoever closes a date reads that once for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from loans.rules.calendar import Calendar


@dataclass(slots=True)
class Reads:
    """What was read for a day: each parameter's periods (from, until, value), the calendar of the years around."""

    day: date
    parameters: dict[str, list[tuple[date | None, date | None, str]]] | None = None
    calendar: Calendar | None = None


@dataclass(slots=True)
class HeldDay(Reads):
    """A day under its lock; `block` and `hooks` say until when."""

    block: tuple[Any, ...] = ()
    hooks: list[Any] | None = None


_KEY, _NIGHT = "_anju_held_day", "_anju_night"


def keep(day: date) -> None:
    """Remembers that the caller's block holds this day; outside a transaction nothing is held."""
    if connection.in_atomic_block:
        setattr(connection, _KEY, HeldDay(day, block=tuple(connection.savepoint_ids), hooks=connection.run_on_commit))


def held() -> HeldDay | None:
    """What is held now, if anything: the very transaction, and the block of the lock not left.

    Django begins a new list of hooks with every end of a transaction and with every rollback to a savepoint.
    """
    kept: HeldDay | None = getattr(connection, _KEY, None)
    if kept is None or not connection.in_atomic_block or connection.run_on_commit is not kept.hooks:
        return None
    return kept if tuple(connection.savepoint_ids[: len(kept.block)]) == kept.block else None


def forget() -> None:
    """Whoever changes the day, a parameter or the calendar has them read anew."""
    setattr(connection, _KEY, None)
    night: Reads | None = getattr(connection, _NIGHT, None)
    if night is not None:
        night.parameters = night.calendar = None


@contextmanager
def night_of(day: date) -> Iterator[None]:
    """While this date is closed, what is in force on it or before is read once."""
    before = getattr(connection, _NIGHT, None)
    setattr(connection, _NIGHT, Reads(day))
    try:
        yield
    finally:
        setattr(connection, _NIGHT, before)


def reads(until: date | None = None) -> Reads | None:
    """Where readings are kept now: under the held day, or in the night where nothing after its date is asked for."""
    night: Reads | None = getattr(connection, _NIGHT, None)
    if night is not None and (until is None or until <= night.day):
        return night
    return held()
