"""Figures of the book at a close, for the pages that managers read: written once a date, by the close itself.

Not a stage before it: between a stage and the close people still post, and the figures of a closed date are those of
its loans to the fen.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from loans import sql
from loans.sql import array


class Balance(NamedTuple):
    """A branch and product at a close: open loans, their principal, and what has accrued, in fen."""

    code: str
    product: str
    loans: int
    principal: Decimal
    accrued_fen: int

    @property
    def key(self) -> str:
        """The branch and product as the control totals name them."""
        return f"{self.code} {self.product}"


def write_figures(*, as_of: date, balances: Sequence[Balance]) -> int:
    """Writes the figures of a date at its close; how many rows."""
    values = {
        "day": as_of,
        "codes": array(each.code for each in balances),
        "products": array(each.product for each in balances),
        "loans": array(each.loans for each in balances),
        "principal": array(each.principal for each in balances),
    }
    return sql.run(sql.INSERT_FIGURES, values)
