"""Decides what an amount is that a person typed on a page: full-width digits and grouping commas are folded, nothing
else is guessed. Files and the API take `parse_amount` only; a page shows what it understood.
"""

import re
from decimal import Decimal

from loans.rules.money import parse_amount

_FULL_WIDTH = {**{0xFF10 + digit: str(digit) for digit in range(10)}, 0xFF0E: ".", 0xFF0C: ","}
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,2})?")


def typed_amount(text: str) -> Decimal:
    """Yuan; AmountError for everything that is not digits, at most two decimals and commas at every third digit."""
    folded = text.strip().translate(_FULL_WIDTH)
    return parse_amount(folded.replace(",", "") if _GROUPED.fullmatch(folded) else folded)
