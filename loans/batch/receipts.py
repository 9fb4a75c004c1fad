"""Receipts that waited for their value date."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction

from loans import posting, sql
from loans.batch.chunks import Cuts, cuts


def waiting_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans with receipts that wait for a value date up to `as_of`."""
    return cuts(sql.WAITING, as_of, size)


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
