"""Decides what money does to a loan: the account with what is owed, and how an amount is taken on a day.

There is one account for a receipt that comes today and for the fold of a whole life (`loans.rules.replay`), so the
two cannot disagree. What an installment owes of penalty and compound interest follows from its row: the unpaid parts,
the units of what was paid late, the charges paid, and what was frozen at its settlement (`loans.rules.penalty`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from loans.rules.aging import is_recognised
from loans.rules.allocation import (
    NORMAL,
    PRINCIPAL_FIRST,
    Allocation,
    ChargePart,
    Charges,
    OpenInstallment,
    Order,
    Part,
    allocate,
)
from loans.rules.calendar import Calendar
from loans.rules.penalty import PenaltyTerms, Timeline, fen_of, in_force, late_units_a_fen


class PaymentTerms(NamedTuple):
    """What of a contract decides how money is taken; days past due are recognised after `overdue_grace_days`."""

    penalty: PenaltyTerms
    orders: Timeline[Order]
    principal_first_dpd: Timeline[int]
    overdue_grace_days: Timeline[int] = ((date.min, 0),)
    calendar: Calendar = Calendar()


class Paid(NamedTuple):
    """What is paid of an installment, the day on which nothing was left of it, and its charges.

    Units are those of what was paid late; what is left of charges is frozen by the settlement.
    """

    interest_fen: int = 0
    principal_fen: int = 0
    settled_on: date | None = None
    penalty_fen: int = 0
    compound_fen: int = 0
    penalty_left_fen: int = 0
    compound_left_fen: int = 0
    interest_units: int = 0
    principal_units: int = 0


class Debt(NamedTuple):
    """A billed installment that owes something: principal or interest (unpaid, in fen), or frozen charges."""

    number: int
    due_on: date
    overdue_from: date
    bears_from: date
    interest_fen: int
    principal_fen: int
    paid: Paid
    # Taken over with the book as overdue: recognised whatever the calendar says.
    is_taken_over: bool = False

    @property
    def is_open(self) -> bool:
        return bool(self.interest_fen or self.principal_fen)

    def charges(self, on: date, terms: PaymentTerms | None) -> Charges:
        """Penalty and compound interest owed on a day."""
        paid = self.paid
        if not self.is_open or terms is None:
            return Charges(paid.penalty_left_fen, paid.compound_left_fen)
        each = self.units_a_fen(on, terms)
        penalty = fen_of(paid.principal_units + self.principal_fen * each) - paid.penalty_fen
        compound = fen_of(paid.interest_units + self.interest_fen * each) - paid.compound_fen
        return Charges(max(0, penalty), max(0, compound))

    def units_a_fen(self, on: date, terms: PaymentTerms | None) -> int:
        if terms is None:
            return 0
        return late_units_a_fen(self.due_on, self.bears_from, on, terms.penalty, terms.calendar)

    def after(self, on: date, part: Part, charge: ChargePart, owed: Charges, terms: PaymentTerms | None) -> "Debt":
        """The row after a payment; `owed` is what it owed of charges before."""
        before = self.paid
        interest, principal = self.interest_fen - part.interest_fen, self.principal_fen - part.principal_fen
        each = self.units_a_fen(on, terms)
        is_done = not interest and not principal
        paid = Paid(
            before.interest_fen + part.interest_fen,
            before.principal_fen + part.principal_fen,
            before.settled_on or (on if is_done else None),
            before.penalty_fen + charge.penalty_fen,
            before.compound_fen + charge.compound_fen,
            owed.penalty_fen - charge.penalty_fen if is_done else 0,
            owed.compound_fen - charge.compound_fen if is_done else 0,
            before.interest_units + part.interest_fen * each,
            before.principal_units + part.principal_fen * each,
        )
        return self._replace(interest_fen=interest, principal_fen=principal, paid=paid)


class FeePaid(NamedTuple):
    """What is paid of a fee, and the day on which nothing was left of it."""

    fen: int
    settled_on: date | None


@dataclass(slots=True)
class OpenFee:
    """A fee with what is still to be paid of it."""

    fee_id: int
    left_fen: int
    paid_fen: int = 0


@dataclass(slots=True)
class Account:
    """What a loan owes and has in suspense. Without terms nothing is late: no charges, the normal order."""

    terms: PaymentTerms | None = None
    debts: dict[int, Debt] = field(default_factory=dict)
    fees: list[OpenFee] = field(default_factory=list)
    suspense_fen: int = 0
    # What money changed: installments by number, fees by id.
    paid: dict[int, Paid] = field(default_factory=dict)
    fees_paid: dict[int, FeePaid] = field(default_factory=dict)

    @property
    def unpaid(self) -> list[OpenInstallment]:
        """Unpaid principal and interest, the oldest first."""
        return [
            OpenInstallment(each.number, each.interest_fen, each.principal_fen)
            for _number, each in sorted(self.debts.items())
            if each.is_open
        ]

    @property
    def owes(self) -> bool:
        """Is anything billed or charged not paid?"""
        return bool(self.debts or self.fees)

    @property
    def fees_due_fen(self) -> int:
        return sum(each.left_fen for each in self.fees)

    def owe(self, debts: Iterable[Debt]) -> None:
        """Adds installments; one that owes nothing is left out."""
        for each in debts:
            if each.is_open or each.paid.penalty_left_fen or each.paid.compound_left_fen:
                self.debts[each.number] = each

    def charges(self, on: date) -> dict[int, Charges]:
        """Penalty and compound interest owed on a day by number; installments that owe none are left out."""
        found = {number: each.charges(on, self.terms) for number, each in self.debts.items()}
        return {number: each for number, each in found.items() if any(each)}

    def days_past_due(self, on: date) -> int:
        """Days past due on a day, principal and interest only, by what is recognised of what is unpaid."""
        if self.terms is None:
            return 0
        grace = in_force(self.terms.overdue_grace_days, on)
        days = [
            (on - each.overdue_from).days
            for each in self.debts.values()
            if each.is_open
            and each.overdue_from < on
            and (each.is_taken_over or is_recognised(each.due_on, on, grace, self.terms.calendar))
        ]
        return max(days, default=0)

    def order(self, on: date) -> Order:
        """The order of components on a value date."""
        if self.terms is None:
            return NORMAL
        if self.days_past_due(on) > in_force(self.terms.principal_first_dpd, on):
            return PRINCIPAL_FIRST
        return in_force(self.terms.orders, on)

    def preview(self, amount_fen: int, on: date) -> Allocation:
        """What an amount would pay on a day."""
        return allocate(
            amount_fen, self.unpaid, fee_fen=self.fees_due_fen, charges=self.charges(on), order=self.order(on)
        )

    def take(self, amount_fen: int, on: date) -> Allocation:
        """Pays fees, then installments; the rest is the caller's."""
        found = self.preview(amount_fen, on)
        self._pay_fees(found.fee_fen, on)
        parts = {part.number: part for part in found.parts}
        charged = {part.number: part for part in found.charges}
        for number in sorted(parts.keys() | charged.keys()):
            debt = self.debts.pop(number)
            part, charge = parts.get(number, Part(number, 0, 0)), charged.get(number, ChargePart(number, 0, 0))
            row = debt.after(on, part, charge, debt.charges(on, self.terms), self.terms)
            self.paid[number] = row.paid
            self.owe([row])
        return found

    def _pay_fees(self, amount_fen: int, on: date) -> None:
        for fee in self.fees:
            part = min(amount_fen, fee.left_fen)
            if part:
                fee.left_fen, fee.paid_fen = fee.left_fen - part, fee.paid_fen + part
                self.fees_paid[fee.fee_id] = FeePaid(fee.paid_fen, None if fee.left_fen else on)
                amount_fen -= part
        self.fees = [fee for fee in self.fees if fee.left_fen]
