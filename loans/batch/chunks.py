"""The bounds of a chunk, and where the chunks of a stage end."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from loans import sql
from loans.sql import array


def scope_of(as_of: date, after: int, up_to: int | None, loan_ids: Iterable[int] | None) -> dict[str, Any]:
    ids = None if loan_ids is None else array(loan_ids)
    return {"as_of": as_of, "after": after, "up_to": up_to, "loan_ids": ids, "receipt_ids": None}


_NUMBERED = """
SELECT loan_id, n FROM (
    SELECT loan_id, row_number() OVER (ORDER BY loan_id) AS n, count(*) OVER () AS due
    FROM (SELECT DISTINCT loan_id {source}) AS found) AS numbered
WHERE n %% %(size)s = 0 OR n = due ORDER BY n
"""


class Cuts(NamedTuple):
    """Where the chunks of a stage end, the open last one apart, and how many loans have something due."""

    ends: list[int]
    due: int


def cuts(source: str, as_of: date, size: int) -> Cuts:
    """Cuts the due loans of a source into chunks of `size` with one statement."""
    found = sql.rows(_NUMBERED.replace("{source}", source), {**scope_of(as_of, 0, None, None), "size": size})
    return Cuts([loan_id for loan_id, n in found if n % size == 0], found[-1][1] if found else 0)
