"""Decides what a payment pays: the fee first, then the oldest installment, and within it one component after another.

Normal order: penalty, compound interest, interest, principal (费用 → 罚息 → 复利 → 利息 → 本金; without fees and
penalties it is the statutory order of Civil Code 561). Once a loan is more than the agreed days past due (90), the
principal comes first: principal, interest, compound interest, penalty. What exceeds the debt is left over and goes to
suspense.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class OpenInstallment(NamedTuple):
    """What is still unpaid of a billed installment, in fen."""

    number: int
    interest_fen: int
    principal_fen: int


class Charges(NamedTuple):
    """Penalty and compound interest of an installment, in fen."""

    penalty_fen: int
    compound_fen: int


class Part(NamedTuple):
    """What a payment pays of one installment, in fen."""

    number: int
    interest_fen: int
    principal_fen: int


class ChargePart(NamedTuple):
    """What a payment pays of one installment's charges, in fen."""

    number: int
    penalty_fen: int
    compound_fen: int


# Components of an installment in the order in which they are paid.
Order = tuple[str, ...]
NORMAL: Order = ("penalty", "compound", "interest", "principal")
PRINCIPAL_FIRST: Order = ("principal", "interest", "compound", "penalty")


@dataclass(frozen=True, slots=True)
class Allocation:
    """Parts paid, oldest first, and the rest that found no debt; the fee and the charges where there are any."""

    parts: tuple[Part, ...]
    rest_fen: int
    fee_fen: int = 0
    charges: tuple[ChargePart, ...] = ()

    @property
    def principal_fen(self) -> int:
        return sum(part.principal_fen for part in self.parts)

    @property
    def interest_fen(self) -> int:
        return sum(part.interest_fen for part in self.parts)

    @property
    def penalty_fen(self) -> int:
        return sum(part.penalty_fen for part in self.charges)

    @property
    def compound_fen(self) -> int:
        return sum(part.compound_fen for part in self.charges)


def order_for(days_past_due: int, principal_first_dpd: int) -> Order:
    """The order for a loan that is so many days past due on the value date."""
    return PRINCIPAL_FIRST if days_past_due > principal_first_dpd else NORMAL


_NO_CHARGES: Mapping[int, Charges] = {}


def allocate(
    amount_fen: int,
    unpaid: Sequence[OpenInstallment],
    *,
    fee_fen: int = 0,
    charges: Mapping[int, Charges] = _NO_CHARGES,
    order: Order = NORMAL,
) -> Allocation:
    """Spreads an amount over unpaid installments given in order of their numbers, and their charges by number.

    An installment may be paid and still owe charges; it keeps its place by number.
    """
    fee = min(amount_fen, fee_fen) if amount_fen > 0 else 0
    amount_fen -= fee
    parts, charge_parts = [], []
    for number, owed in _owed(unpaid, charges):
        if amount_fen <= 0:
            break
        paid = dict.fromkeys(NORMAL, 0)
        for component in order:
            paid[component] = min(amount_fen, owed[component])
            amount_fen -= paid[component]
        if paid["interest"] or paid["principal"]:
            parts.append(Part(number, paid["interest"], paid["principal"]))
        if paid["penalty"] or paid["compound"]:
            charge_parts.append(ChargePart(number, paid["penalty"], paid["compound"]))
    return Allocation(tuple(parts), amount_fen, fee, tuple(charge_parts))


def _owed(
    unpaid: Sequence[OpenInstallment], charges: Mapping[int, Charges]
) -> list[tuple[int, dict[str, int]]]:  # fmt: skip
    rows = {row.number: {"interest": row.interest_fen, "principal": row.principal_fen} for row in unpaid}
    for number in charges:
        rows.setdefault(number, {"interest": 0, "principal": 0})
    nothing = Charges(0, 0)
    found = []
    for number in sorted(rows) if charges else rows:
        penalty, compound = charges.get(number, nothing)
        found.append((number, {**rows[number], "penalty": penalty, "compound": compound}))
    return found


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


def charges_left(charges: Mapping[int, Charges], parts: Sequence[ChargePart]) -> dict[int, Charges]:
    """What is still owed of the charges after the parts."""
    paid = {part.number: part for part in parts}
    left = {}
    for number, (penalty, compound) in charges.items():
        part = paid.get(number, ChargePart(number, 0, 0))
        if penalty > part.penalty_fen or compound > part.compound_fen:
            left[number] = Charges(penalty - part.penalty_fen, compound - part.compound_fen)
    return left
