"""What a payment is on its way into the ledger, and the lines that it makes there."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.rules.account import FeePaid, Paid
from loans.rules.allocation import Allocation, ChargePart, Part
from loans.rules.money import fen
from loans.rules.receipts import MOST_SUSPENSE
from loans.rules.replay import Taking
from loans.sql import array


class AmountTooLarge(ActionRefused):
    """Suspense cannot hold it."""

    code = "amount_too_large"


def check_suspense(suspense_fen: int) -> None:
    """AmountTooLarge when the money that finds no debt is more than suspense can hold."""
    if suspense_fen > fen(MOST_SUSPENSE):
        raise AmountTooLarge(_("超出可记账的最大金额"), field="amount")


class Payment(NamedTuple):
    """Money to allocate: a receipt, or the loan's own suspense (receipt 0)."""

    receipt_id: int
    amount_fen: int
    value_on: date


class Line(NamedTuple):
    """A ledger line to be written: debit positive, credit negative."""

    loan_id: int
    receipt_id: int
    line: int
    account: str
    number: int | None
    amount_fen: int


def entries(
    amount_fen: int, source: str, found: Allocation | Taking, principal: str = "PRINCIPAL"
) -> list[tuple[str, int | None, int]]:
    """(account, installment, amount) of a payment: debit the source, credit what it pays; the rest to suspense.

    Always in the same order, so that two postings say the same exactly when their lines are equal.
    """
    lines: list[tuple[str, int | None, int]] = [(source, None, amount_fen), ("FEE_RECEIVABLE", None, -found.fee_fen)]
    parts = {part.number: part for part in found.parts}
    charges = {part.number: part for part in found.charges}
    for number in sorted(parts.keys() | charges.keys()):
        part, charge = parts.get(number, Part(number, 0, 0)), charges.get(number, ChargePart(number, 0, 0))
        lines += [
            ("PENALTY_INCOME", number, -charge.penalty_fen),
            ("COMPOUND_INCOME", number, -charge.compound_fen),
            ("INTEREST_RECEIVABLE", number, -part.interest_fen),
            (principal, number, -part.principal_fen),
        ]
    lines.append(("SUSPENSE", None, -found.rest_fen))
    return [line for line in lines if line[2]]


def payment_lines(
    loan_id: int, payment: Payment, source: str, found: Allocation, principal: str = "PRINCIPAL"
) -> list[Line]:
    """Ledger lines of one payment."""
    lines = entries(payment.amount_fen, source, found, principal)
    return [Line(loan_id, payment.receipt_id, n, *each) for n, each in enumerate(lines, start=1)]


PAID_COLUMNS = (
    "i_loan", "i_number", "i_interest", "i_principal", "i_settled", "i_penalty", "i_compound", "i_penalty_left",
    "i_compound_left", "i_interest_units", "i_principal_units",
)  # fmt: skip
FEE_COLUMNS = ("f_id", "f_paid", "f_settled")


def paid_columns(
    paid: Iterable[tuple[int, int, Paid]], fees: Iterable[tuple[int, FeePaid]]
) -> dict[str, str]:  # fmt: skip
    """What `sql.PAID` writes: (loan, number, paid) of installments, (id, paid) of fees."""
    rows = [(loan_id, number, *each) for loan_id, number, each in paid]
    return {**columns(PAID_COLUMNS, rows), **columns(FEE_COLUMNS, [(fee_id, *each) for fee_id, each in fees])}


def columns(names: tuple[str, ...], table: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """Array literals by name from rows."""
    found = list(zip(*table, strict=True)) or [()] * len(names)
    return {name: array(column) for name, column in zip(names, found, strict=True)}
