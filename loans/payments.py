"""What a payment is on its way into the ledger, and the lines that it makes there."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from loans.rules.allocation import Part
from loans.sql import array


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


def entries(amount_fen: int, source: str, parts: Iterable[Part], rest_fen: int) -> list[tuple[str, int | None, int]]:
    """(account, installment, amount) of a payment: debit the source, credit what it pays; the rest to suspense."""
    lines: list[tuple[str, int | None, int]] = [(source, None, amount_fen)]
    for part in parts:
        if part.interest_fen:
            lines.append(("INTEREST_RECEIVABLE", part.number, -part.interest_fen))
        if part.principal_fen:
            lines.append(("PRINCIPAL", part.number, -part.principal_fen))
    if rest_fen:
        lines.append(("SUSPENSE", None, -rest_fen))
    return lines


def payment_lines(loan_id: int, payment: Payment, source: str, parts: Iterable[Part], rest_fen: int) -> list[Line]:
    """Ledger lines of one payment."""
    found = entries(payment.amount_fen, source, parts, rest_fen)
    return [Line(loan_id, payment.receipt_id, n, *each) for n, each in enumerate(found, start=1)]


def columns(names: tuple[str, ...], table: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """Array literals by name from rows."""
    found = list(zip(*table, strict=True)) or [()] * len(names)
    return {name: array(column) for name, column in zip(names, found, strict=True)}
