"""What the floor of a night takes for each row of a kind, beside what plain SQL took on a like machine.

So that a slow floor shows: a ratio is small also where its floor is slow.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench.book import Book


class Price(NamedTuple):
    """Microseconds a row of a stage here, and for reference (a million loans; docs/performance.md)."""

    what: str
    here: float
    reference: float
    rows: int


# What is bought: the floor's stage, what the evening counted of it (stage, names; None: loans of the book), and
# microseconds in plain SQL that does no more than the row.
_BOUGHT: tuple[tuple[str, str, tuple[str, ...] | None, float], ...] = (
    ("bill, per installment due", "bill", ("bill", "billed"), 10.0),
    ("post, per payment", "pay receipts", ("post_waiting_receipts", "postings"), 22.0),
    ("overdue, per loan newly overdue", "age", ("age", "began"), 21.0),
    ("class, per crossing", "classify", ("classify", "changed"), 16.0),
    ("follow-up, per visit", "follow up", ("replan", "created"), 18.0),
    ("reminder, per row", "remind", ("remind", "due_told", "overdue_told"), 2.8),
    ("close, per loan of the book", "close", None, 0.16),
)


def unit_prices(
    stages: Sequence[Mapping[str, float]], counts: Mapping[str, Mapping[str, int]], book: Book
) -> list[Price]:
    """Prices from the seconds that each run of the floor took for its stages; the median run counts."""
    found = []
    for what, stage, counted, reference in _BOUGHT:
        rows = book.loans if counted is None else sum(counts.get(counted[0], {}).get(each, 0) for each in counted[1:])
        if rows and all(stage in each for each in stages):
            seconds = statistics.median(each[stage] for each in stages)
            found.append(Price(what, round(seconds / rows * 1e6, 3), reference, rows))
    return found


def table(prices: Sequence[Sequence[Any]]) -> list[str]:
    lines = [f"{'floor, unit price':34s} {'µs here':>9s} {'reference':>9s} {'ratio':>6s} {'rows':>9s}"]
    for what, here, reference, rows in prices:
        lines.append(f"{what:34s} {here:9.3g} {reference:9.3g} {here / reference:6.2f} {rows:9d}")
    return lines
