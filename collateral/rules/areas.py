"""How volatile the values of an area are: the range of its index over six months, in percent of where it stood."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from loans.rules.dates import add_months

MONTHS: Final = 6
_TENTH = Decimal("0.1")


def volatility(changes: Iterable[tuple[date, Decimal]], today: date) -> Decimal:
    """Changes of an area in percent, by day. A fall and a rise do not cancel out; nothing changed is 0."""
    since = add_months(today, -MONTHS)
    level = low = high = Decimal(100)
    for _on, percent in sorted(change for change in changes if since < change[0] <= today):
        level = level * (100 + percent) / 100
        low, high = min(low, level), max(high, level)
    return (high - low).quantize(_TENTH, ROUND_HALF_UP)
