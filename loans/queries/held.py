"""What the caller's transaction has held needs no second reading: the open day, and what was read of it under the lock.

An action that holds the business date asks for it, for parameters and for the calendar many times on its way down. The
share lock keeps the day as it is until the transaction ends, so one reading is enough. It counts in the block that took
the lock and in blocks within it, and not a moment longer: whoever comes next reads anew.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from loans.rules.calendar import Calendar


@dataclass(slots=True)
class HeldDay:
    """The day, and what was read under it: each parameter's periods (from, until, value), the calendar of the years
    around; `block` and `hooks` say until when."""

    day: date
    block: tuple[Any, ...]
    hooks: list[Any]
    parameters: dict[str, list[tuple[date | None, date | None, str]]] | None = None
    calendar: Calendar | None = None


_KEY = "_anju_held_day"


def keep(day: date) -> None:
    """Remembers that the caller's block holds this day; outside a transaction nothing is held."""
    if connection.in_atomic_block:
        setattr(connection, _KEY, HeldDay(day, tuple(connection.savepoint_ids), connection.run_on_commit))


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
