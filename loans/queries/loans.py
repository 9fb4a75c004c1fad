"""Reads of one loan: its money facts, billed installments, and what is still to be billed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from loans import sql
from loans.models import Installment, Loan, Position, RepaymentMethod
from loans.queries.accounts import open_debts
from loans.queries.bank import OpenDay, open_business_date
from loans.queries.charges import Owed, owed_of, with_terms
from loans.rules import aging
from loans.rules.account import Account
from loans.rules.calendar import Calendar
from loans.rules.dates import following_due_date
from loans.rules.money import fen, rate_ppm, yuan
from loans.rules.schedule import StepPosition, monthly_payment

# What the terms in force say of some installments to come; the rest of their hundreds stays where it is.
_AGREED = """
SELECT principal_fen[%(from_)s - first_number + 1 : %(to)s - first_number + 1],
       interest_fen[%(from_)s - first_number + 1 : %(to)s - first_number + 1]
FROM loans_terms WHERE loan_id = %(loan_id)s ORDER BY version DESC LIMIT 1
"""


def payment_of(loan: Loan) -> Decimal:
    """The monthly payment (月供) as it stands; of equal principal the position carries the principal part only."""
    position: Position = loan.position
    if loan.repayment_method == RepaymentMethod.EQUAL_INSTALLMENT or position.next_number is None:
        return position.installment_amount
    agreed = StepPosition(fen(position.unbilled_principal), fen(position.installment_amount), loan.repayment_method)
    return yuan(monthly_payment(agreed, rate_ppm(position.annual_rate_percent)))


def current_payment(loan: Loan) -> Decimal | None:
    """The monthly payment where there is one still: none of a loan settled, written off or all due."""
    position: Position = loan.position
    is_over = position.next_number is None or position.settled_on or position.written_off_on or position.accelerated_on
    return None if is_over else payment_of(loan)


def maturity_in_force(loan: Loan) -> date:
    """When the last of the loan is due: the day agreed, or before it the day of settling or of declaring it due."""
    position: Position = loan.position
    return min(position.settled_on or loan.matures_on, position.accelerated_on or loan.matures_on, loan.matures_on)


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """What a loan page says of the money, as of the open business date."""

    as_of: date | None
    principal_balance: Decimal
    principal_repaid: Decimal
    days_past_due: int
    # Billed and not paid, whether overdue yet or not.
    unpaid_principal: Decimal
    unpaid_interest: Decimal
    # Of which overdue.
    overdue_amount: Decimal
    overdue_installments: int
    # Penalty and compound interest owed today, and fees charged and not paid.
    penalty: Decimal
    compound: Decimal
    fees: Decimal
    suspense: Decimal
    next_due_on: date | None
    next_amount: Decimal | None
    installments_left: int
    annual_rate_percent: Decimal
    five_class: str

    @property
    def unpaid_amount(self) -> Decimal:
        """Principal and interest."""
        return self.unpaid_principal + self.unpaid_interest

    @property
    def charges(self) -> Decimal:
        return self.penalty + self.compound

    @property
    def owed(self) -> Decimal:
        """All that is to be paid today."""
        return self.unpaid_amount + self.charges + self.fees


def _owed(loan: Loan, on: date, workdays: Calendar | None) -> tuple[Account, Owed]:
    account = Account()
    account.owe(open_debts({loan.pk: loan.baseline_on})[loan.pk])
    with_terms({loan.pk: account}, [on], workdays=workdays)
    return account, owed_of(account, on)


@dataclass(frozen=True, slots=True)
class LoanReads:
    """What several parts of a page about one loan need, read once and handed to each of them."""

    today: date
    days: Calendar
    grace_days: int
    future: tuple["FutureRow", ...]
    # The newest first, no more than a page can show.
    billed: tuple[Installment, ...]


def reads_of(loan: Loan, bank: OpenDay, most: int, ahead: int | None = None) -> LoanReads:
    """The newest `most` installments and the next `ahead` to come: two statements."""
    billed = tuple(installments_of(loan)[:most])
    return LoanReads(bank.day, bank.days, bank.grace_days, future_schedule(loan, ahead), billed)


def loan_facts(loan: Loan, reads: LoanReads | None = None) -> LoanFacts:
    """The money facts of one loan."""
    as_of = reads.today if reads else open_business_date()
    position: Position = loan.position
    account, owed = _owed(loan, as_of or date.min, reads.days if reads else None)
    since = position.overdue_since
    late = [
        debt
        for debt in account.debts.values()
        if debt.is_open and since is not None and as_of is not None and debt.overdue_from >= since
        if debt.due_on < as_of
    ]
    # What was written off is not on the books and not repaid either.
    outstanding = position.principal_balance if position.written_off_on is None else owed.principal
    future = reads.future if reads else future_schedule(loan, limit=1)
    return LoanFacts(
        as_of=as_of,
        principal_balance=position.principal_balance,
        principal_repaid=max(Decimal("0.00"), loan.principal_original - outstanding),
        days_past_due=aging.days_past_due(position.overdue_since, as_of) if as_of else 0,
        unpaid_principal=owed.principal,
        unpaid_interest=owed.interest,
        overdue_amount=yuan(sum(debt.principal_fen + debt.interest_fen for debt in late)),
        overdue_installments=len(late),
        penalty=owed.penalty,
        compound=owed.compound,
        fees=position.fees_due,
        suspense=position.suspense,
        next_due_on=position.next_due_on,
        next_amount=future[0].amount if future else None,
        installments_left=position.last_number - position.next_number + 1 if position.next_number else 0,
        annual_rate_percent=position.annual_rate_percent,
        five_class=position.five_class,
    )


def installments_of(loan: Loan) -> QuerySet[Installment]:
    """Billed installments, the newest first."""
    return Installment.objects.filter(loan_id=loan.pk).order_by("-number")


@dataclass(frozen=True, slots=True)
class FutureRow:
    """An installment that is not billed yet, as the signed terms say."""

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    balance: Decimal

    @property
    def amount(self) -> Decimal:
        return self.principal + self.interest


def future_schedule(loan: Loan, limit: int | None = None) -> tuple[FutureRow, ...]:
    """Installments still to be billed, from the terms in force; empty when all are billed."""
    position: Position = loan.position
    if position.next_number is None or position.next_due_on is None:
        return ()
    numbers = range(position.next_number, position.last_number + 1)[:limit]
    values = {"loan_id": loan.pk, "from_": position.next_number, "to": numbers.stop - 1}
    rows = []
    due_on, balance = position.next_due_on, position.unbilled_principal
    for principals, interests in sql.rows(_AGREED, values):
        for number, principal_fen, interest_fen in zip(numbers, principals, interests, strict=True):
            principal = yuan(principal_fen)
            balance -= principal
            rows.append(FutureRow(number, due_on, principal, yuan(interest_fen), balance))
            is_last = number + 1 == position.last_number
            due_on = following_due_date(due_on, loan.due_day, loan.matures_on, is_last=is_last)
    return tuple(rows)
