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
    folded = _folded(text)
    return parse_amount(folded.replace(",", "") if _GROUPED.fullmatch(folded) else folded)


def typed_rate(text: str) -> Decimal:
    """Percent; ValueError for everything that is not digits with at most four decimals."""
    folded = _folded(text)
    if not _RATE.fullmatch(folded):
        raise ValueError(text)
    return Decimal(folded)


def _folded(text: str) -> str:
    return text.strip().translate(_FULL_WIDTH)
