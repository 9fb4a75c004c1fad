"""The statement of account (对账单): what moved between two days by value date, and what was owed before and after.

Folded from the ledger, posting by posting. A reversal carries the value date of its original, so a pair moves nothing
within any period; pairs are left out unless asked for. Penalty and compound interest are recognised when received, so
they have amounts but no running balance. Non-accrual postings change no debt and are none of the borrower's movements.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import F, Sum

from loans import sql
from loans.models import Installment, Loan, Position, PostingKind

ZERO = Decimal("0.00")
# What adds to the debt; everything else pays it, moves it or gives it up.
_ADDS = (PostingKind.OPENING, PostingKind.DISBURSEMENT, PostingKind.BILLING, PostingKind.FEE)
PARTS = ("principal", "interest", "penalty", "compound", "fee", "suspense")
_ACCOUNTS = (
    "PRINCIPAL", "INTEREST_RECEIVABLE", "FEE_RECEIVABLE", "SUSPENSE", "PENALTY_INCOME", "COMPOUND_INCOME",
    "INTEREST_INCOME", "FEE_INCOME", "WRITE_OFF",
)  # fmt: skip
_SUMS = ", ".join(f"coalesce(sum(g.amount) FILTER (WHERE g.account = '{name}'), 0)" for name in _ACCOUNTS)
_MOVEMENTS = f"""
SELECT p.id, p.value_on, p.business_date, p.kind, coalesce(o.kind, p.kind), p.reverses_id, u.id, p.receipt_id,
       r.channel, r.serial, coalesce(p.installment_number, min(g.installment_number)), max(g.installment_number),
       coalesce(o.source_id, p.source_id), {_SUMS}
FROM loans_posting p
JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date AND g.loan_id = p.loan_id
LEFT JOIN loans_posting o ON o.id = p.reverses_id
LEFT JOIN loans_posting u ON u.reverses_id = p.id
LEFT JOIN loans_receipt r ON r.id = p.receipt_id
WHERE p.loan_id = %(loan_id)s AND p.value_on <= %(to)s AND coalesce(o.kind, p.kind) <> 'NON_ACCRUAL'
GROUP BY p.id, o.id, u.id, r.id ORDER BY p.value_on, p.id
"""  # noqa: S608 (names of our own accounts only)


class _Row(NamedTuple):
    """A posting with the sums of its lines by account (debit positive)."""

    posting_id: int
    value_on: date
    business_date: date
    kind: str
    # Of a reversal the kind of its original.
    nature: str
    reverses_id: int | None
    reversed_by_id: int | None
    receipt_id: int | None
    channel: str | None
    serial: str | None
    number: int | None
    last_number: int | None
    source_id: int | None
    principal: Decimal
    interest: Decimal
    fee: Decimal
    suspense: Decimal
    penalty: Decimal
    compound: Decimal
    interest_income: Decimal
    fee_income: Decimal
    write_off: Decimal


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a statement. `debit` adds to the debt, `credit` is money or relief; the parts say of what.

    Parts of a debit and of a credit are both positive; a reversal's are negative. Suspense is positive where money
    goes into it.
    """

    posting_id: int
    value_on: date
    business_date: date
    kind: str
    nature: str
    reverses_id: int | None
    reversed_by_id: int | None
    receipt_id: int | None
    channel: str
    serial: str
    number: int | None
    last_number: int | None
    source_id: int | None
    debit: Decimal
    credit: Decimal
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    compound: Decimal
    fee: Decimal
    suspense: Decimal
    balance: Decimal
    interest_due: Decimal

    @property
    def is_debit(self) -> bool:
        """Adds to the debt; its parts are what was charged, not where money went."""
        return self.nature in _ADDS

    @property
    def is_undone(self) -> bool:
        """Half of a pair of a posting and its reversal."""
        return self.reverses_id is not None or self.reversed_by_id is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is owed and held at the close of a day by value date, in yuan."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fees: Decimal = ZERO
    suspense: Decimal = ZERO

    def after(self, row: _Row) -> "Standing":
        return Standing(
            self.principal + row.principal,
            self.interest + row.interest,
            self.fees + row.fee,
            self.suspense - row.suspense,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """A loan's account from `from_on` to `to_on`, both included."""

    from_on: date
    to_on: date
    as_of: date
    opening: Standing
    closing: Standing
    movements: tuple[Movement, ...]
    # Pairs left out because they undo each other.
    hidden: int
    # The position as it stands, where the period reaches to the open business date; else None.
    position: Standing | None

    @property
    def agrees(self) -> bool:
        """Does the closing balance equal the position? True where the period ends earlier."""
        return self.position is None or self.position == self.closing

    @property
    def totals(self) -> dict[str, Decimal]:
        """Sums of the columns: of the parts only where money or relief went."""
        credits = [each for each in self.movements if not each.is_debit]
        sums = {name: sum((getattr(each, name) for each in credits), ZERO) for name in PARTS}
        sums["debit"] = sum((each.debit for each in self.movements), ZERO)
        sums["credit"] = sum((each.credit for each in self.movements), ZERO)
        return sums


def statement(loan: Loan, *, from_on: date, to_on: date, as_of: date, with_undone: bool = False) -> Statement:
    """Folds the ledger up to `to_on`: one query for the movements, one for the position's interest."""
    rows = [_Row(*row) for row in sql.rows(_MOVEMENTS, {"loan_id": loan.pk, "to": to_on})]
    opening = Standing()
    for row in rows:
        if row.value_on < from_on:
            opening = opening.after(row)
    within = [row for row in rows if row.value_on >= from_on]
    shown = [row for row in within if with_undone or (row.reverses_id is None and row.reversed_by_id is None)]
    movements, standing = _fold(shown, opening)
    position = _position(loan) if to_on >= as_of else None
    return Statement(from_on, to_on, as_of, opening, standing, movements, len(within) - len(shown), position)


def _fold(rows: Iterable[_Row], opening: Standing) -> tuple[tuple[Movement, ...], Standing]:
    standing, movements = opening, []
    for row in rows:
        standing = standing.after(row)
        movements.append(_movement(row, standing))
    return tuple(movements), standing


def _movement(row: _Row, standing: Standing) -> Movement:
    parts = _parts(row)
    total = sum(parts.values(), ZERO)
    adds = row.nature in _ADDS
    return Movement(
        row.posting_id, row.value_on, row.business_date, row.kind, row.nature, row.reverses_id, row.reversed_by_id,
        row.receipt_id, row.channel or "", row.serial or "", row.number, row.last_number, row.source_id,
        debit=total if adds else ZERO, credit=ZERO if adds else total, **parts,
        balance=standing.principal, interest_due=standing.interest,
    )  # fmt: skip


def _parts(row: _Row) -> dict[str, Any]:
    """What was charged, or what money or relief went to."""
    if row.nature in _ADDS:
        return {
            "principal": row.principal, "interest": row.interest, "penalty": ZERO, "compound": ZERO, "fee": row.fee,
            "suspense": ZERO,
        }  # fmt: skip
    principal, interest, fee = -row.principal, -row.interest, -row.fee
    if row.nature == PostingKind.PREPAYMENT:
        # Interest to the day and its fee are paid at once, without ever having been receivable.
        interest -= row.interest_income
        fee -= row.fee_income
    elif row.nature != PostingKind.WRITE_OFF:
        # What comes in after a write-off recovers the loss.
        principal -= row.write_off
    return {
        "principal": principal, "interest": interest, "penalty": -row.penalty, "compound": -row.compound, "fee": fee,
        "suspense": -row.suspense,
    }  # fmt: skip


def _position(loan: Loan) -> Standing:
    position: Position = loan.position
    unpaid = Installment.objects.filter(loan_id=loan.pk, settled_on__isnull=True).aggregate(
        interest=Sum(F("interest") - F("interest_paid"))
    )
    return Standing(position.principal_balance, unpaid["interest"] or ZERO, position.fees_due, position.suspense)
