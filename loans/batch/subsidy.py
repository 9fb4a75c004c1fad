"""The first-home subsidy: of what was billed this evening the treasury bears its part, the borrower owes the rest.

It comes right after billing and before the loan's own suspense is looked at, so that nobody pays what the treasury
bears. One posting a loan and installment, which no replay changes: the fold has it paid from the start.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from loans import posting, sql
from loans.batch.chunks import Cuts, scope_of
from loans.models import PostingKind
from loans.queries.evening import cut
from loans.replay import replay_loans
from loans.rules.money import rate_ppm
from loans.rules.subsidy import average_rate, subsidy_fen
from loans.sql import array
from loans.sql.subsidy import APPLY_BORNE, GATHER_BORNE, SUBSIDISED, SUBSIDY_DUE, WAITING_FOR_SUBSIDY
from loans.writing import Header, write_postings


class _Billed(NamedTuple):
    """An installment as `GATHER_BORNE` reads it; amounts in fen."""

    subsidy_id: int
    loan_id: int
    number: int
    due_on: date
    starts_on: date
    interest_fen: int
    interest_paid_fen: int
    balance_fen: int
    scheme_percent: Decimal
    cap_fen: int
    rates_since: list[date]
    rates_percent: list[Decimal]

    @property
    def borne_fen(self) -> int:
        rates = list(zip(self.rates_since, map(rate_ppm, self.rates_percent), strict=True))
        average = average_rate(self.starts_on, self.due_on, rates)
        scheme_ppm = rate_ppm(self.scheme_percent)
        return subsidy_fen(self.interest_fen, self.balance_fen, average, scheme_ppm, self.cap_fen)


def subsidy_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose subsidy is to be posted or was waited for."""
    return cut(SUBSIDY_DUE, scope_of(as_of, 0, None, None), size)


@transaction.atomic
def subsidise(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Posts the subsidy of each installment billed on the date, then pays from suspense what billing left to it."""
    scope = scope_of(as_of, after, up_to, loan_ids)
    borne = [(row, row.borne_fen) for row in map(_Billed._make, sql.rows(GATHER_BORNE, scope))]
    borne = [(row, amount) for row, amount in borne if amount]
    if borne:
        _post(borne, as_of, at)
    counts = {"borne": len(borne), "borne_fen": sum(amount for _row, amount in borne), "suspense_used": 0}
    waiting = [row[0] for row in sql.rows(WAITING_FOR_SUBSIDY, scope)]
    if waiting:
        counts["suspense_used"] = posting.use_suspense(loan_ids=waiting, as_of=as_of, at=at).get("postings", 0)
    return counts


def subsidised(loan_ids: Iterable[int], as_of: date) -> set[int]:
    """Of these the loans whose suspense waits until `subsidise` has run."""
    return {row[0] for row in sql.rows(SUBSIDISED, {"loan_ids": array(loan_ids), "as_of": as_of})}


def _post(borne: list[tuple[_Billed, int]], as_of: date, at: datetime) -> None:
    write_postings(
        [
            (
                Header(row.loan_id, PostingKind.SUBSIDY.value, row.due_on, row.number, row.subsidy_id),
                [("SUBSIDY_RECEIVABLE", row.number, amount), ("INTEREST_RECEIVABLE", row.number, -amount)],
            )
            for row, amount in borne
        ],
        as_of=as_of,
        at=at,
    )
    # Money that paid the installment before the subsidy came (a loan billed late) makes room for it.
    late = {row.loan_id for row, _amount in borne if row.interest_paid_fen}
    fresh = [(row, amount) for row, amount in borne if row.loan_id not in late]
    sql.run(
        APPLY_BORNE,
        {
            "as_of": as_of,
            "loan_id": array(row.loan_id for row, _amount in fresh),
            "number": array(row.number for row, _amount in fresh),
            "fen": array(amount for _row, amount in fresh),
        },
    )
    if late:
        replay_loans(loan_ids=late, as_of=as_of, at=at, by="system")
