"""Receipts that waited for their value date."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction

from loans import posting, sql
from loans.batch.chunks import boundary


def waiting_boundary(*, as_of: date, after: int, size: int) -> int | None:
    """Id of the size-th loan with receipts waiting for `as_of` after loan `after`; None when fewer are left."""
    return boundary(sql.WAITING, as_of, after, size)


@transaction.atomic
def post_waiting_receipts(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Posts receipts whose value date has come, per loan in order of value date and arrival."""
    return posting.post_receipts(as_of=as_of, at=at, after=after, up_to=up_to, loan_ids=loan_ids)
