"""What a new contract must be like before money goes out: its limits, how its rate is made, its number.

The rate of a contract that follows the loan prime rate is LPR of the matching tenor, the latest published up to the day
of signing, plus a fixed spread (央行公告〔2019〕30号; tenors and repricing days: loans.rules.pricing). The limits are
parameters of the day of signing (新老划断).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from loans.rules.simulation_request import Request

LPR, FIXED = "LPR", "FIXED"
# What one contract may agree otherwise than the bank: whole days, and a multiplier (银发〔2003〕251号: 1.3 to 1.5).
MOST_GRACE_DAYS = 15
LEAST_MULTIPLIER, MOST_MULTIPLIER = Decimal("1.0"), Decimal("1.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPricing:
    """How the rate is made; a fixed rate has neither tenor nor spread nor cycle."""

    kind: str = FIXED
    tenor: str = ""
    spread_bp: Decimal = Decimal(0)
    cycle_months: int | None = None
    anchor: str = ""

    def as_json(self) -> dict[str, Any]:
        """As a disclosure states it."""
        return {
            "kind": self.kind,
            "tenor": self.tenor,
            "spread_bp": f"{self.spread_bp:.2f}",
            "cycle_months": self.cycle_months,
            "anchor": self.anchor,
        }


def has_events(request: Request) -> bool:
    """True when a request holds what only happens later: rate changes, prepayments, pauses."""
    return bool(request.rate_changes or request.prepayments or request.pauses)


def formed_number(prefix: str, branch_code: str, day: date, serial: int) -> str:
    """`ML{branch4}{yyyymmdd}{seq6}`; letters of the branch's code in capitals."""
    branch = "".join(each for each in branch_code.upper() if each.isascii() and each.isalnum())[:4]
    return f"{prefix}{branch:0>4}{day:%Y%m%d}{serial % 1_000_000:06d}"


def sha256_of(content: Mapping[str, Any]) -> str:
    """Hash of what was handed in, whatever the order of its keys."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
