"""Decides what a loan's money would have done had every receipt come on its value date.

The whole account is folded again from its beginning: billed installments, receipts, fees, and what was taken out of
suspense, in order of their days, by the same account as when money comes in (`loans.rules.account`). A receipt that
comes late, and one that is taken out again, leave the very state of a bank where they had come on time, or never.

What people decided stays as decided: a fee is charged and waived, suspense is used for a prepayment or a refund, a
loan is written off, on its day and with its amount. When the money for it is no longer there, the fold says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from loans.rules.account import Account, Debt, FeePaid, OpenFee, Paid, PaymentTerms
from loans.rules.allocation import NORMAL, ChargePart, Order, Part

__all__ = [
    "Billed",
    "FeeCharged",
    "FeeWaived",
    "Money",
    "MoneyIsGone",
    "Paid",
    "Replayed",
    "Taking",
    "Used",
    "WrittenOff",
    "replay",
]


class Billed(NamedTuple):
    """An installment, the day on which it was billed, and its place within that day; amounts in fen.

    The due day, and the days from which it counts as overdue and bears, where they are not the day of billing; what
    a subsidy pays of its interest is paid from the start.
    """

    number: int
    on: date
    place: int
    interest_fen: int
    principal_fen: int
    due_on: date | None = None
    overdue_from: date | None = None
    bears_from: date | None = None
    subsidy_fen: int = 0
    is_taken_over: bool = False


class Money(NamedTuple):
    """A receipt, its value date and its place within that day."""

    receipt_id: int
    on: date
    place: int
    amount_fen: int


class FeeCharged(NamedTuple):
    """A fee with what is to be paid of it: less what was waived later, whatever came in meanwhile."""

    fee_id: int
    on: date
    place: int
    amount_fen: int


class FeeWaived(NamedTuple):
    """The day on which (the rest of) a fee was waived."""

    fee_id: int
    on: date
    place: int


class Used(NamedTuple):
    """Suspense taken out for a prepayment or a refund, by posting; `is_repayment` when it repaid principal."""

    posting_id: int
    on: date
    place: int
    amount_fen: int
    is_repayment: bool


class WrittenOff(NamedTuple):
    """What is paid of principal by money that came later (by its place, whatever its value date) is a recovery."""

    on: date
    place: int


Event = Billed | Money | FeeCharged | FeeWaived | Used | WrittenOff


class MoneyIsGone(Exception):
    """Suspense does not hold what was taken out of it later."""

    def __init__(self, used: Used, held_fen: int) -> None:
        super().__init__(f"posting {used.posting_id} takes {used.amount_fen} fen, suspense holds {held_fen}")
        self.used = used
        self.held_fen = held_fen


class Taking(NamedTuple):
    """What a receipt, or the loan's own suspense (receipt 0), pays on a day; the rest goes to suspense."""

    receipt_id: int
    on: date
    amount_fen: int
    parts: tuple[Part, ...]
    rest_fen: int
    fee_fen: int = 0
    charges: tuple[ChargePart, ...] = ()
    # The loan was written off: principal is a recovery.
    is_recovery: bool = False
    # In which order the components of an installment were paid.
    order: Order = NORMAL


@dataclass(slots=True)
class Replayed(Account):
    """The account after the fold."""

    takings: list[Taking] = field(default_factory=list)
    # The first day from which on nothing was owed, everything having been billed, charged and repaid.
    cleared_on: date | None = None
    # The place of the write-off.
    written_off_at: int | None = None

    @property
    def principal_paid_fen(self) -> int:
        return sum(each.principal_fen for each in self.paid.values())

    def bill(self, row: Billed) -> None:
        """A zero installment is settled by being billed."""
        due_on = row.due_on or row.on
        interest = row.interest_fen - row.subsidy_fen
        settled_on = None if interest or row.principal_fen else row.on
        self.paid[row.number] = Paid(interest_fen=row.subsidy_fen, settled_on=settled_on)
        starts = (row.overdue_from or due_on, row.bears_from or due_on)
        paid = self.paid[row.number]
        self.owe([Debt(row.number, due_on, *starts, interest, row.principal_fen, paid, row.is_taken_over)])

    def charge(self, fee: FeeCharged) -> None:
        if fee.amount_fen:
            self.fees.append(OpenFee(fee.fee_id, fee.amount_fen))
        self.fees_paid[fee.fee_id] = FeePaid(0, None if fee.amount_fen else fee.on)

    def receive(self, money: Money) -> None:
        """A receipt, whole."""
        order = self.order(money.on)
        found = self.take(money.amount_fen, money.on)
        self.suspense_fen += found.rest_fen
        paid = (found.parts, found.rest_fen, found.fee_fen, found.charges)
        is_recovery = self._is_recovery(money.place)
        self.takings.append(Taking(money.receipt_id, money.on, money.amount_fen, *paid, is_recovery, order))

    def _is_recovery(self, place: int) -> bool:
        return self.written_off_at is not None and place > self.written_off_at

    def use_suspense(self, on: date, place: int) -> None:
        """Of suspense only what finds a debt."""
        if not self.suspense_fen or not self.owes:
            return
        found = self.take(self.suspense_fen, on)
        used = self.suspense_fen - found.rest_fen
        if used:
            paid = (found.parts, 0, found.fee_fen, found.charges)
            self.takings.append(Taking(0, on, used, *paid, self._is_recovery(place)))
            self.suspense_fen -= used

    def take_out(self, used: Used) -> None:
        if used.amount_fen > self.suspense_fen:
            raise MoneyIsGone(used, self.suspense_fen)
        self.suspense_fen -= used.amount_fen


def replay(
    billed: Sequence[Billed],
    money: Sequence[Money],
    decided: Sequence[FeeCharged | FeeWaived | Used | WrittenOff] = (),
    terms: PaymentTerms | None = None,
) -> Replayed:
    """Folds installments, receipts and what was decided in order of day and place; MoneyIsGone when it cannot be."""
    account = Replayed(terms=terms)
    account.written_off_at = next((each.place for each in decided if isinstance(each, WrittenOff)), None)
    events: list[Event] = sorted([*billed, *money, *decided], key=lambda each: (each.on, each.place))
    to_come = sum(_is_to_come(event) for event in events)
    for index, event in enumerate(events):
        to_come -= _is_to_come(event)
        following = events[index + 1] if index + 1 < len(events) else None
        _fold(account, event, following)
        if account.owes or to_come:
            account.cleared_on = None
        elif account.cleared_on is None:
            account.cleared_on = event.on
    return account


def _is_to_come(event: Event) -> bool:
    """Is a loan not settled before this has happened?"""
    return isinstance(event, Billed | FeeWaived) or (isinstance(event, Used) and event.is_repayment)


def _fold(account: Replayed, event: Event, following: Event | None) -> None:
    match event:
        case Billed():
            account.bill(event)
            # An evening bills all that fell due before it looks into suspense.
            if not (isinstance(following, Billed) and following.on == event.on):
                account.use_suspense(event.on, event.place)
        case Money():
            account.receive(event)
        case FeeCharged():
            account.charge(event)
            account.use_suspense(event.on, event.place)
        case FeeWaived(fee_id, on):
            paid = account.fees_paid[fee_id]
            if paid.settled_on is not None:
                account.fees_paid[fee_id] = FeePaid(paid.fen, max(paid.settled_on, on))
        case Used():
            account.take_out(event)
