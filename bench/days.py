"""The money of a day: receipts that wait for their value date, and the bank's file of the same (`days.sql`)."""

from datetime import date
from typing import Any

from bench.statements import statements

_DAYS = statements("days.sql")
_WAITING = _DAYS["waiting"].replace("{paid}", _DAYS["paid"])


def add_receipts(cursor: Any, day: date, *, seed: int) -> int:
    """Receipts of a day, waiting for it; how many."""
    cursor.execute(_WAITING, {"day": day, "seed": seed})
    return int(cursor.rowcount)


def paid_on(cursor: Any, day: date, *, seed: int) -> list[tuple[int, str, Any]]:
    """What comes in on a day: loan, loan-note number, amount."""
    cursor.execute(_DAYS["paid"], {"day": day, "seed": seed})
    return list(cursor.fetchall())
