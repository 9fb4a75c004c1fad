"""The bounds of a chunk, and where the chunks of a stage end."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from loans.queries.evening import Cuts, cut
from loans.sql import OBSERVED_CHANGES, OPEN_CHANGES, array

__all__ = ["Cuts", "apply_cuts", "cuts", "scope_of", "watch_cuts"]


def scope_of(as_of: date, after: int, up_to: int | None, loan_ids: Iterable[int] | None) -> dict[str, Any]:
    ids = None if loan_ids is None else array(loan_ids)
    return {"as_of": as_of, "after": after, "up_to": up_to, "loan_ids": ids, "receipt_ids": None}


def cuts(source: str, as_of: date, size: int) -> Cuts:
    """Cuts the due loans of a source (`FROM …`) into chunks of `size`."""
    return cut("SELECT loan_id " + source, scope_of(as_of, 0, None, None), size)


def apply_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans with a change to apply or to end."""
    return cut(OPEN_CHANGES, scope_of(as_of, 0, None, None), size)


def watch_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of restructured loans under observation."""
    return cut(OBSERVED_CHANGES, scope_of(as_of, 0, None, None), size)
