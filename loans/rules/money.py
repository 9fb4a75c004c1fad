"""Decides what an amount of money and a rate are: fen as integers inside the kernel, Decimal outside.

There is one parser, so that no form, file or endpoint can disagree about `1e2`, `１２`, `-0` or a
third decimal. A rate is parts per million a year as an integer: a pre-divided monthly rate misses
ties (docs/house.md 3).
"""

import re
from decimal import Decimal

_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,2})?")
FEN_PER_YUAN = 100
PPM_PER_PERCENT = 10_000


class AmountError(ValueError):
    """The text or number is not an amount of money to the fen, or not a rate to 0.0001 %."""


def parse_amount(text: str) -> Decimal:
    """Yuan from digits with at most two decimals, nothing else: no sign, exponent, comma or space."""
    if not _AMOUNT.fullmatch(text):
        raise AmountError(text)
    return Decimal(text).quantize(Decimal("0.01"))


def fen(amount: Decimal) -> int:
    """Fen of an amount in yuan; refuses a third decimal instead of rounding it away."""
    if not amount.is_finite():
        raise AmountError(str(amount))
    scaled = amount.scaleb(2)
    whole = int(scaled)
    if whole != scaled:
        raise AmountError(str(amount))
    return whole


def yuan(amount_fen: int) -> Decimal:
    """Yuan of an amount in fen, always with two decimals."""
    return Decimal(amount_fen).scaleb(-2)


def rate_ppm(annual_rate_percent: Decimal) -> int:
    """Parts per million a year of a rate in percent a year: 3.6 % is 36,000."""
    scaled = annual_rate_percent * PPM_PER_PERCENT
    whole = int(scaled)
    if whole != scaled:
        raise AmountError(str(annual_rate_percent))
    return whole
