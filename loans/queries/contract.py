"""Reads of a contract for people: versions of its terms, what its rate is made of, what was agreed, its whole schedule.

The past of a schedule is what was billed and what came of it, the future is computed from the terms in force; both
are one list of rows by number. Nothing here decides: figures of the future are the engine's, of the past the ledger's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum

from loans import sql
from loans.models import (
    ContractChange,
    ContractParameter,
    Fee,
    Installment,
    Loan,
    LoanQuerySet,
    Parameter,
    Position,
    Pricing,
    Terms,
)
from loans.models.changes import OPEN_CHANGE_STATES, ChangeState
from loans.queries.charges import InstallmentOwed, charges_owed
from loans.queries.loans import FutureRow, future_schedule

ZERO = Decimal("0.00")
# What a contract may agree otherwise than the bank's parameter of its signing day.
AGREED_CODES = (
    "grace_days",
    "penalty_multiplier_overdue",
    "allocation_order",
    "principal_first_dpd",
    "holiday_rule",
)
# The latest day on which standing money paid something of each installment.
_LAST_PAID = """
SELECT g.installment_number, max(p.value_on) FROM loans_posting p
JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
WHERE p.loan_id = %(loan_id)s AND g.loan_id = %(loan_id)s AND g.amount < 0
  AND g.installment_number BETWEEN %(first)s AND %(last)s
  AND p.kind IN ('RECEIPT', 'REPOSTING', 'SUSPENSE_USED', 'SUBSIDY')
  AND NOT EXISTS (SELECT FROM loans_posting u WHERE u.reverses_id = p.id)
GROUP BY g.installment_number
"""


@dataclass(frozen=True, slots=True)
class AgreedParameter:
    """A parameter of the contract with where it comes from; `is_own` where the contract agreed it."""

    code: str
    value: Any
    source: str
    since: date | None
    is_own: bool


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One installment, billed or still to come. `state` is SETTLED, CHARGES, OVERDUE, DUE or FUTURE."""

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    state: str
    principal_paid: Decimal | None = None
    interest_paid: Decimal | None = None
    penalty_paid: Decimal | None = None
    compound_paid: Decimal | None = None
    penalty_owed: Decimal | None = None
    compound_owed: Decimal | None = None
    paid_on: date | None = None
    # Principal not billed yet after this row; known of future rows only.
    balance: Decimal | None = None

    @property
    def amount(self) -> Decimal:
        return self.principal + self.interest

    @property
    def unpaid(self) -> Decimal:
        return self.amount - (self.principal_paid or 0) - (self.interest_paid or 0)


@dataclass(frozen=True, slots=True)
class ScheduleTotals:
    """Sums over all billed rows and over all rows to come."""

    billed: dict[str, Any]
    future_rows: int
    future_principal: Decimal
    future_interest: Decimal
    # Penalty and compound interest to the open business date, of all rows.
    penalty_owed: Decimal
    compound_owed: Decimal

    @property
    def future_amount(self) -> Decimal:
        return self.future_principal + self.future_interest


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """Some rows of the schedule from `first` on, and where the other pages begin (0: there is none)."""

    rows: list[ScheduleRow]
    first: int
    last_number: int
    earlier: int
    later: int
    today: int
    totals: ScheduleTotals
    # What the next row to come asks for; None once nothing is left.
    next_amount: Decimal | None


def terms_versions(loan: Loan) -> QuerySet[Terms]:
    """Versions of the terms, the one in force first, without their rows; `first_fen` is what the first row asks for."""
    found = Terms.objects.filter(loan_id=loan.pk).annotate(first_fen=F("principal_fen__0") + F("interest_fen__0"))
    return found.defer("principal_fen", "interest_fen", "request").order_by("-version")


def pricings_of(loan: Loan) -> QuerySet[Pricing]:
    """How the rate is made, the latest first."""
    return Pricing.objects.filter(loan_id=loan.pk).order_by("-in_force")


def agreed_parameters(loan: Loan, on: date) -> list[AgreedParameter]:
    """What the contract lives by: its own agreement in force, else the bank's parameter of its signing day."""
    own = {
        row.code: row for row in ContractParameter.objects.filter(loan_id=loan.pk, in_force__contains=on).order_by("id")
    }
    signed_on = loan.signed_on or loan.disbursed_on
    banks: dict[str, Parameter] = {}
    # Where none was in force yet on that day, the earliest one counts.
    for row in Parameter.objects.filter(code__in=AGREED_CODES).order_by("code", "in_force"):
        if row.code not in banks or signed_on in row.in_force:
            banks[row.code] = row
    found = []
    for code in [*AGREED_CODES, *sorted(set(own) - set(AGREED_CODES))]:
        one = own.get(code) or banks.get(code)
        if one is not None:
            found.append(AgreedParameter(code, one.value, one.source, one.in_force.lower, code in own))
    return found


def changes_of(loan: Loan) -> QuerySet[ContractChange]:
    """Changes of the contract, the latest first, without their rows."""
    found = ContractChange.objects.filter(loan_id=loan.pk).defer("request", "result", "loan_state")
    return found.select_related("proposed_by", "decided_by").order_by("-id")


def open_and_observed(changes: Iterable[ContractChange]) -> tuple[ContractChange | None, ContractChange | None]:
    """Of a loan's changes the one that is open and the one under observation."""
    rows = list(changes)
    open_one = next((row for row in rows if row.state in OPEN_CHANGE_STATES), None)
    observed = next((row for row in rows if row.state == ChangeState.OBSERVED), None)
    return open_one, observed


def fees_of(loan: Loan) -> QuerySet[Fee]:
    return Fee.objects.filter(loan_id=loan.pk).order_by("-id")


def partners_of(loan: Loan) -> LoanQuerySet:
    """The other contracts of a combination loan; the caller decides what of them is shown."""
    found: LoanQuerySet = Loan.objects.filter(combination=loan.combination, combination__isnull=False)
    return found.exclude(pk=loan.pk).select_related("position")


def schedule_page(loan: Loan, as_of: date, *, first: int | None, size: int) -> SchedulePage:
    """The schedule from a number on; without one the page around the next installment."""
    position: Position = loan.position
    future = future_schedule(loan)
    billed = Installment.objects.filter(loan_id=loan.pk)
    ends = billed.aggregate(
        # First: the other sums take the names of their columns.
        unpaid=Sum(F("principal") + F("interest") - F("principal_paid") - F("interest_paid")),
        principal=Sum("principal"),
        interest=Sum("interest"),
        principal_paid=Sum("principal_paid"),
        interest_paid=Sum("interest_paid"),
        penalty_paid=Sum("penalty_paid"),
        compound_paid=Sum("compound_paid"),
    )
    lowest = billed.order_by("number").values_list("number", flat=True).first() or (future[0].number if future else 1)
    last = position.last_number
    middle = position.next_number or last
    today = max(lowest, min(middle - size // 2, last - size + 1))
    start = today if first is None else min(max(first, lowest), last)
    stop = start + size
    numbered = list(billed.filter(number__gte=start, number__lt=stop).order_by("number"))
    paid_on = _last_paid(loan, start, stop - 1) if numbered else {}
    owed = {row.number: row for row in charges_owed(loan, as_of).installments}
    rows = [_billed_row(row, as_of, paid_on.get(row.number), owed.get(row.number)) for row in numbered]
    rows += [_future_row(row) for row in future if start <= row.number < stop]
    totals = ScheduleTotals(
        ends,
        len(future),
        sum((row.principal for row in future), ZERO),
        sum((row.interest for row in future), ZERO),
        sum((row.penalty for row in owed.values()), ZERO),
        sum((row.compound for row in owed.values()), ZERO),
    )
    earlier = max(lowest, start - size) if start > lowest else 0
    next_amount = future[0].amount if future else None
    return SchedulePage(rows, start, last, earlier, stop if stop <= last else 0, today, totals, next_amount)


def _last_paid(loan: Loan, first: int, last: int) -> dict[int, date]:
    return dict(sql.rows(_LAST_PAID, {"loan_id": loan.pk, "first": first, "last": last}))  # type: ignore[arg-type]


def _billed_row(
    row: Installment, as_of: date, paid_on: date | None, owed: InstallmentOwed | None
) -> ScheduleRow:  # fmt: skip
    owes_charges = owed is not None and (owed.penalty > 0 or owed.compound > 0)
    if row.settled_on is not None:
        state = "CHARGES" if owes_charges else "SETTLED"
    else:
        state = "OVERDUE" if row.due_on < as_of else "DUE"
    return ScheduleRow(
        row.number,
        row.due_on,
        row.principal,
        row.interest,
        state,
        row.principal_paid,
        row.interest_paid,
        row.penalty_paid,
        row.compound_paid,
        owed.penalty if owed else ZERO,
        owed.compound if owed else ZERO,
        paid_on or row.settled_on,
    )


def _future_row(row: FutureRow) -> ScheduleRow:
    return ScheduleRow(row.number, row.due_on, row.principal, row.interest, "FUTURE", balance=row.balance)
