"""The one way in which rooms of the ledger write postings outside the bulk statements: headers and lines together.

A posting and its lines are one statement, so that the trigger on the ledger sees every posting whole.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from loans import sql
from loans.payments import columns

# (account, installment number, amount in fen): debit positive, credit negative.
Lines = Sequence[tuple[str, int | None, int]]


class Header(NamedTuple):
    """What a posting is of; `source_id` is the change, fee, refund or subsidy that it carries out."""

    loan_id: int
    kind: str
    value_on: date
    number: int | None = None
    source_id: int | None = None
    receipt_id: int | None = None


def write_postings(postings: Sequence[tuple[Header, Lines]], *, as_of: date, at: datetime) -> list[int]:
    """Writes postings in order on a business date; their ids. Lines of amount zero are left out."""
    if not postings:
        return []
    ids = [row[0] for row in sql.rows(sql.NEXT_POSTINGS, {"count": len(postings)})]
    headers, lines = [], []
    for posting_id, (header, entries) in zip(ids, postings, strict=True):
        headers.append((posting_id, *header))
        kept = [each for each in entries if each[2]]
        lines += [(posting_id, header.loan_id, n, *each) for n, each in enumerate(kept, start=1)]
    sql.run(
        sql.INSERT_POSTINGS,
        {
            "as_of": as_of,
            "at": at,
            **columns(("h_id", "h_loan", "h_kind", "h_value", "h_number", "h_source", "h_receipt"), headers),
            **columns(("l_posting", "l_loan", "l_line", "l_account", "l_number", "l_amount"), lines),
        },
    )
    return ids
