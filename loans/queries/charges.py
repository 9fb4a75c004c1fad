"""What a loan owes on a day, by component; and what an amount would pay if it came: reads only.

A preview runs the very account that takes the money when it is posted (`loans.rules.account`); one with a value date
before something that happened already runs the fold of the whole life.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from loans import sql
from loans.models import Fee, Loan
from loans.queries.accounts import LoanRow, accounts_of, calendar_around, lives_of, payment_terms
from loans.rules.account import Account
from loans.rules.allocation import Allocation, ChargePart, Part
from loans.rules.calendar import Calendar
from loans.rules.money import fen, yuan
from loans.rules.replay import Money, replay
from loans.sql import array
from people.models import Staff

_LAST_PLACE = 1 << 60
_NEW = 1 << 61


@dataclass(frozen=True, slots=True)
class InstallmentOwed:
    """What one installment owes on a day, in yuan."""

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    compound: Decimal

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.penalty + self.compound


@dataclass(frozen=True, slots=True)
class Owed:
    """What is billed or charged and not paid on a day: by installment, the oldest first, and fees."""

    on: date
    installments: tuple[InstallmentOwed, ...]
    fees: Decimal
    suspense: Decimal

    @property
    def principal(self) -> Decimal:
        return sum((each.principal for each in self.installments), Decimal("0.00"))

    @property
    def interest(self) -> Decimal:
        return sum((each.interest for each in self.installments), Decimal("0.00"))

    @property
    def penalty(self) -> Decimal:
        return sum((each.penalty for each in self.installments), Decimal("0.00"))

    @property
    def compound(self) -> Decimal:
        return sum((each.compound for each in self.installments), Decimal("0.00"))

    @property
    def charges(self) -> Decimal:
        return self.penalty + self.compound

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.charges + self.fees


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """What an amount pays of one installment, in yuan."""

    number: int
    penalty: Decimal
    compound: Decimal
    interest: Decimal
    principal: Decimal

    @property
    def total(self) -> Decimal:
        return self.penalty + self.compound + self.interest + self.principal


@dataclass(frozen=True, slots=True)
class AllocationPreview:
    """What an amount would pay on a value date, in yuan; the rest goes to suspense.

    `replays` is true when the value date lies before something that happened already: later receipts are then spread
    anew as well. `order` is the order of the components within an installment.
    """

    amount: Decimal
    value_on: date
    fees: Decimal
    rows: tuple[AllocationRow, ...]
    rest: Decimal
    order: tuple[str, ...]
    replays: bool = False


def fees_visible_to(staff: Staff) -> QuerySet[Fee]:
    return Fee.objects.filter(loan__in=Loan.objects.visible_to(staff))


def charges_owed(loan: Loan, on: date) -> Owed:
    """What a loan owes on a day, by installment with its penalty and compound interest, and fees."""
    return owed_by([loan.pk], on)[loan.pk]


def owed_by(loan_ids: Iterable[int], on: date) -> dict[int, Owed]:
    """What loans owe on a day: four statements at most, whatever the number of loans."""
    accounts = accounts_owing(loan_ids, [on])
    return {loan_id: owed_of(account, on) for loan_id, account in accounts.items()}


def owed_of(account: Account, on: date) -> Owed:
    """An account as it stands on a day."""
    rows = []
    for number, debt in sorted(account.debts.items()):
        charges = debt.charges(on, account.terms)
        parts = (debt.principal_fen, debt.interest_fen, charges.penalty_fen, charges.compound_fen)
        rows.append(InstallmentOwed(number, debt.due_on, *map(yuan, parts)))
    return Owed(on, tuple(rows), yuan(account.fees_due_fen), yuan(account.suspense_fen))


def accounts_owing(loan_ids: Iterable[int], days: list[date]) -> dict[int, Account]:
    """Accounts as their rows stand, ready to be looked at on any of the days."""
    rows = [LoanRow(*row) for row in sql.rows(sql.READ_LOANS, {"loan_ids": array(loan_ids)})]
    accounts = accounts_of(rows)
    with_terms(accounts, days)
    return accounts


def with_terms(
    accounts: Mapping[int, Account], days: list[date], *, even_on_time: bool = False, workdays: Calendar | None = None
) -> None:
    """Gives accounts their terms of late payment where an installment was due before one of the days."""
    last = max(days)
    late = {
        loan_id: account
        for loan_id, account in accounts.items()
        if account.debts and (even_on_time or any(each.due_on < last for each in account.debts.values()))
    }
    if not late:
        return
    due = [debt.due_on for account in late.values() for debt in account.debts.values()]
    for loan_id, terms in payment_terms(late, workdays or calendar_around([*due, *days])).items():
        late[loan_id].terms = terms


def allocation_preview(
    loan: Loan, amount: Decimal, value_on: date, *, today: date | None = None, says_order: bool = True
) -> AllocationPreview:
    """What posting this amount with this value date would pay, as the loan stands now.

    A value date after the open business date is answered from what is billed today. MoneyIsGone and its kin do not
    occur: money that comes in takes nothing away. Who knows the business date (`today`) spares a look for something
    that happened after the value date; without `says_order` the order is told only where it decides anything.
    """
    last = sql.rows(sql.LAST_EVENTS, {"loan_ids": array([loan.pk])}) if today is None or value_on < today else []
    if last and last[0][1] is not None and value_on < last[0][1]:
        return _late(loan, amount, value_on)
    rows = [LoanRow(*row) for row in sql.rows(sql.READ_LOANS, {"loan_ids": array([loan.pk])})]
    accounts = accounts_of(rows)
    with_terms(accounts, [value_on], even_on_time=says_order or rows[0].has_own_order)
    account = accounts[loan.pk]
    found = account.preview(fen(amount), value_on)
    return _preview(amount, value_on, found, account.order(value_on), replays=False)


def _late(loan: Loan, amount: Decimal, value_on: date) -> AllocationPreview:
    rows = [LoanRow(*row) for row in sql.rows(sql.READ_LOANS, {"loan_ids": array([loan.pk])})]
    life = lives_of(rows, value_on)[loan.pk]
    money = [*life.money, Money(_NEW, value_on, _LAST_PLACE + _NEW, fen(amount))]
    folded = replay(life.billed, money, life.decided, life.terms)
    taking = next(each for each in folded.takings if each.receipt_id == _NEW)
    found = Allocation(taking.parts, taking.rest_fen, taking.fee_fen, taking.charges)
    return _preview(amount, value_on, found, taking.order, replays=True)


def _preview(
    amount: Decimal, value_on: date, found: Allocation, order: tuple[str, ...], *, replays: bool
) -> AllocationPreview:
    parts = {part.number: part for part in found.parts}
    charges = {part.number: part for part in found.charges}
    rows = []
    for number in sorted(parts.keys() | charges.keys()):
        part, charge = parts.get(number, Part(number, 0, 0)), charges.get(number, ChargePart(number, 0, 0))
        paid = (charge.penalty_fen, charge.compound_fen, part.interest_fen, part.principal_fen)
        rows.append(AllocationRow(number, *map(yuan, paid)))
    return AllocationPreview(amount, value_on, yuan(found.fee_fen), tuple(rows), yuan(found.rest_fen), order, replays)
