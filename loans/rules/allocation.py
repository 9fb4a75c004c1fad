"""Decides which installments a payment pays: the oldest first, in each the interest before the principal.

That is the statutory order (Civil Code 561) without fees and penalties, which do not exist yet;
what exceeds the billed debt is left over and goes to suspense.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class OpenInstallment(NamedTuple):
    """What is still unpaid of a billed installment, in fen."""

    number: int
    interest_fen: int
    principal_fen: int


class Part(NamedTuple):
    """What a payment pays of one installment, in fen."""

    number: int
    interest_fen: int
    principal_fen: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """Parts paid, oldest first, and the rest that found no debt."""

    parts: tuple[Part, ...]
    rest_fen: int

    @property
    def principal_fen(self) -> int:
        return sum(part.principal_fen for part in self.parts)

    @property
    def interest_fen(self) -> int:
        return sum(part.interest_fen for part in self.parts)


def allocate(amount_fen: int, unpaid: Sequence[OpenInstallment]) -> Allocation:
    """Spreads an amount over unpaid installments given in order of their numbers."""
    parts = []
    for row in unpaid:
        if amount_fen <= 0:
            break
        interest = min(amount_fen, row.interest_fen)
        principal = min(amount_fen - interest, row.principal_fen)
        if interest or principal:
            parts.append(Part(row.number, interest, principal))
            amount_fen -= interest + principal
    return Allocation(tuple(parts), amount_fen)


def remaining(unpaid: Sequence[OpenInstallment], parts: Sequence[Part]) -> list[OpenInstallment]:
    """What is still unpaid after the parts; fully paid installments are gone."""
    paid = {part.number: part for part in parts}
    rows = []
    for row in unpaid:
        part = paid.get(row.number)
        if part is None:
            rows.append(row)
        elif row.interest_fen > part.interest_fen or row.principal_fen > part.principal_fen:
            interest = row.interest_fen - part.interest_fen
            rows.append(OpenInstallment(row.number, interest, row.principal_fen - part.principal_fen))
    return rows
