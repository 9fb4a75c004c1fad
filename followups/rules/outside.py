"""What comes from outside and asks for no visit by itself: an off-site check looks at it.

A bureau summary without arrears or many queries, and whether the money of a loan reached the payee. What is bad in a
bureau summary is an event of its own (`rules.events`).
"""

from collections.abc import Mapping
from typing import Final

from followups.rules.events import BUREAU, FUNDS

BUREAU_CLEAN, FUNDS_ARRIVED, FUNDS_RETURNED = "BUREAU_CLEAN", "FUNDS_ARRIVED", "FUNDS_RETURNED"
# Which feed may tell what.
CODES: Final[Mapping[str, tuple[str, ...]]] = {BUREAU: (BUREAU_CLEAN,), FUNDS: (FUNDS_ARRIVED, FUNDS_RETURNED)}
