"""The bounds of a chunk, and where a chunk of a given size ends."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from loans import sql
from loans.sql import array


def scope_of(as_of: date, after: int, up_to: int | None, loan_ids: Iterable[int] | None) -> dict[str, Any]:
    ids = None if loan_ids is None else array(loan_ids)
    return {"as_of": as_of, "after": after, "up_to": up_to, "loan_ids": ids, "receipt_ids": None}


def boundary(source: str, as_of: date, after: int, size: int) -> int | None:
    found = sql.rows(
        f"SELECT DISTINCT loan_id {source} ORDER BY loan_id OFFSET %(skip)s LIMIT 1",  # noqa: S608 - our constants
        {**scope_of(as_of, after, None, None), "skip": size - 1},
    )
    return found[0][0] if found else None
