"""Figures of the book at a close, for the pages that managers read: written once a date, by the close itself.

Not a stage before it: between a stage and the close people still post, and the figures of a closed date are those of
its loans to the fen.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from loans import sql
from loans.sql import array


def write_figures(*, as_of: date, branches: Mapping[str, tuple[int, Decimal]]) -> int:
    """Writes the figures of a date at its close; how many rows. `branches`: open loans and principal by code."""
    loans, principal = zip(*branches.values(), strict=True) if branches else ((), ())
    values = {"day": as_of, "codes": list(branches), "loans": array(loans), "principal": array(principal)}
    return sql.run(sql.INSERT_FIGURES, values)
