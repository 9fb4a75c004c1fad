"""Decides what a loan's money would have done had every receipt come on its value date.

The whole account is folded again from its beginning: billed installments and receipts in order of
their days, by the same allocation as when money comes in. A receipt that comes late, and one that is
taken out again, leave the very state of a bank where they had come on time, or never.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from loans.rules.allocation import OpenInstallment, Part, allocate, remaining


class Billed(NamedTuple):
    """An installment, the day on which it was billed, and its place within that day; amounts in fen."""

    number: int
    on: date
    place: int
    interest_fen: int
    principal_fen: int


class Money(NamedTuple):
    """A receipt, its value date and its place within that day."""

    receipt_id: int
    on: date
    place: int
    amount_fen: int


class Taking(NamedTuple):
    """What a receipt, or the loan's own suspense (receipt 0), pays on a day; the rest goes to suspense."""

    receipt_id: int
    on: date
    amount_fen: int
    parts: tuple[Part, ...]
    rest_fen: int


class Paid(NamedTuple):
    """What is paid of an installment, and the day on which nothing was left of it."""

    interest_fen: int
    principal_fen: int
    settled_on: date | None


@dataclass(slots=True)
class Replayed:
    """The account after the fold."""

    takings: list[Taking] = field(default_factory=list)
    paid: dict[int, Paid] = field(default_factory=dict)
    unpaid: list[OpenInstallment] = field(default_factory=list)
    suspense_fen: int = 0
    # The first day on which everything billed in the end was billed and paid.
    cleared_on: date | None = None

    @property
    def principal_paid_fen(self) -> int:
        return sum(each.principal_fen for each in self.paid.values())

    def bill(self, row: Billed) -> None:
        """A zero installment is settled by being billed."""
        if row.interest_fen or row.principal_fen:
            self.unpaid.append(OpenInstallment(row.number, row.interest_fen, row.principal_fen))
            self.unpaid.sort()
            self.paid[row.number] = Paid(0, 0, None)
        else:
            self.paid[row.number] = Paid(0, 0, row.on)

    def take(self, receipt_id: int, on: date, amount_fen: int) -> None:
        """A receipt, whole; of suspense only what finds a debt."""
        found = allocate(amount_fen, self.unpaid)
        self.unpaid = remaining(self.unpaid, found.parts)
        still_open = {row.number for row in self.unpaid}
        for number, interest, principal in found.parts:
            before = self.paid[number]
            settled_on = None if number in still_open else on
            self.paid[number] = Paid(before.interest_fen + interest, before.principal_fen + principal, settled_on)
        if receipt_id:
            self.takings.append(Taking(receipt_id, on, amount_fen, found.parts, found.rest_fen))
            self.suspense_fen += found.rest_fen
        elif found.parts:
            used = amount_fen - found.rest_fen
            self.takings.append(Taking(0, on, used, found.parts, 0))
            self.suspense_fen -= used


def replay(billed: Sequence[Billed], money: Sequence[Money]) -> Replayed:
    """Folds installments and receipts in order of day and place."""
    account = Replayed()
    events: list[Billed | Money] = sorted([*billed, *money], key=lambda each: (each.on, each.place))
    left_to_bill = len(billed)
    for index, event in enumerate(events):
        if isinstance(event, Billed):
            account.bill(event)
            left_to_bill -= 1
            following = events[index + 1] if index + 1 < len(events) else None
            # An evening bills all that fell due before it looks into suspense.
            if account.suspense_fen and not (isinstance(following, Billed) and following.on == event.on):
                account.take(0, event.on, account.suspense_fen)
        else:
            account.take(event.receipt_id, event.on, event.amount_fen)
        if account.cleared_on is None and not left_to_bill and not account.unpaid:
            account.cleared_on = event.on
    return account
