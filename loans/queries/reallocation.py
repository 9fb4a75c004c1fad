"""What taking a receipt out again does to the others: reads only, by the fold that does it when it is confirmed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans import sql
from loans.models import Receipt
from loans.queries.accounts import Life, LoanRow, lives_of
from loans.rules.money import yuan
from loans.rules.replay import Taking
from loans.sql import array


@dataclass(frozen=True, slots=True)
class Spread:
    """How one payment is spread, in yuan."""

    penalty: Decimal
    compound: Decimal
    interest: Decimal
    principal: Decimal
    fees: Decimal
    suspense: Decimal
    # First and last installment paid; None where none is.
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class Reallocated:
    """A payment that is spread otherwise; receipt None: the loan's own suspense. None: does not come about."""

    receipt: Receipt | None
    value_on: date
    amount: Decimal
    before: Spread | None
    after: Spread | None


def life_of(loan_id: int, as_of: date) -> Life:
    """The whole account of one loan, not locked."""
    rows = [LoanRow(*row) for row in sql.rows(sql.READ_LOANS, {"loan_ids": array([loan_id])})]
    return lives_of(rows, as_of)[loan_id]


def reallocated(before: list[Taking], after: list[Taking], *, without: int) -> list[Reallocated]:
    """Payments that differ between two folds, in order of their days; the receipt taken out is not among them."""
    old, new = _by_place(before, without), _by_place(after, without)
    receipts = Receipt.objects.in_bulk([key[0] for key in old.keys() | new.keys() if key[0]])
    found = []
    for key in sorted(old.keys() | new.keys(), key=lambda each: (each[1], each[0])):
        was, becomes = old.get(key), new.get(key)
        one = was or becomes
        if was == becomes or one is None:
            continue
        found.append(
            Reallocated(
                receipts.get(key[0]),
                key[1],
                yuan(one.amount_fen),
                _spread(was) if was else None,
                _spread(becomes) if becomes else None,
            )
        )
    return found


def _by_place(takings: list[Taking], without: int) -> dict[tuple[int, date, int], Taking]:
    """Takings by receipt and day; several of suspense on a day by their turn."""
    found: dict[tuple[int, date, int], Taking] = {}
    for each in takings:
        if each.receipt_id == without:
            continue
        turn = 0
        while (each.receipt_id, each.on, turn) in found:
            turn += 1
        found[each.receipt_id, each.on, turn] = each
    return found


def _spread(taking: Taking) -> Spread:
    numbers = sorted({part.number for part in taking.parts} | {part.number for part in taking.charges})
    return Spread(
        penalty=yuan(sum(part.penalty_fen for part in taking.charges)),
        compound=yuan(sum(part.compound_fen for part in taking.charges)),
        interest=yuan(sum(part.interest_fen for part in taking.parts)),
        principal=yuan(sum(part.principal_fen for part in taking.parts)),
        fees=yuan(taking.fee_fen),
        suspense=yuan(taking.rest_fen),
        first=numbers[0] if numbers else None,
        last=numbers[-1] if numbers else None,
    )
