"""Decides what an amount or a rate is that a person typed on a page: full-width digits and grouping commas are folded,
nothing else is guessed. Files and the API take the plain spelling only; a page shows what it understood.
"""

import re
from decimal import Decimal

from loans.rules.money import parse_amount

_FULL_WIDTH = {**{0xFF10 + digit: str(digit) for digit in range(10)}, 0xFF0E: ".", 0xFF0C: ","}
_RATE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?")
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,2})?")


def typed_amount(text: str) -> Decimal:
    """Yuan; AmountError for everything that is not digits, at most two decimals and commas at every third digit."""
    plain = folded(text)
    return parse_amount(plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain)


def typed_rate(text: str) -> Decimal:
    """Percent; ValueError for everything that is not digits with at most four decimals."""
    plain = folded(text)
    if not _RATE.fullmatch(plain):
        raise ValueError(text)
    return Decimal(plain)


def folded(text: str) -> str:
    """Full-width digits, point and comma as plain ones."""
    return text.strip().translate(_FULL_WIDTH)
