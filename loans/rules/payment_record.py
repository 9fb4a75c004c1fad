"""Decides how often a loan was late, from billed installments and the record that came with the book.

An installment is late when it is unpaid, or was paid, after its last day to pay (due day + grace,
rolled to a workday). The value date decides, not whether an evening found it unpaid: paid a day late,
before the close of that day, it was late all the same. For the time before an imported book was taken
over the tape's monthly marks speak (1 to 7 is late, newest last); where the tape has none, the
installments it left unpaid do.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from loans.rules.aging import last_day_to_pay
from loans.rules.calendar import Calendar
from loans.rules.dates import add_months, months_between

_LATE_MARKS = frozenset("1234567")


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """Installments not paid by their due day, as (due on, settled on or None), and the tape's marks."""

    slow: tuple[tuple[date, date | None], ...] = ()
    marks: str = ""
    baseline_on: date | None = None


def late_count(record: PaymentRecord, as_of: date, months: int, grace_days: int, calendar: Calendar) -> int:
    """Installments due within the last `months` months that were or are late at the close of `as_of`."""
    count = 0
    if record.slow:
        since = _ago(as_of, months)
        count = sum(
            due_on > since and is_late(due_on, settled_on, as_of, grace_days, calendar)
            for due_on, settled_on in record.slow
            if not (record.marks and record.baseline_on is not None and due_on <= record.baseline_on)
        )
    if record.marks and record.baseline_on is not None:
        left = max(0, months - months_between(record.baseline_on, as_of))
        count += _late_marks(_newest(record.marks, left))
    return count


@lru_cache(maxsize=64)
def _ago(as_of: date, months: int) -> date:
    """The day so many months before the day on which every loan is looked at."""
    return add_months(as_of, -months)


@lru_cache(maxsize=16_384)
def full_months(earlier: date, later: date) -> int:
    """Whole months from one day to the other, 0 when it is not later."""
    months = months_between(earlier, later)
    return max(0, months if add_months(earlier, months) <= later else months - 1)


def _newest(marks: str, count: int) -> str:
    return marks[-count:] if count else ""


@lru_cache(maxsize=4096)
def _late_marks(marks: str) -> int:
    """How many of the months were late; most loans have one and the same record."""
    return sum(mark in _LATE_MARKS for mark in marks)


def is_late(due_on: date, settled_on: date | None, as_of: date, grace_days: int, calendar: Calendar) -> bool:
    """Was an installment paid, or is it unpaid at the close of `as_of`, after its last day to pay?"""
    return (settled_on or as_of) > last_day_to_pay(due_on, grace_days, calendar)
