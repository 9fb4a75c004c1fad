"""What interest of its running period a loan had earned at the last close, and by which figures."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.models import Loan, Position
from loans.queries.terms import terms_of
from loans.rules.accrual import accrued_by_terms, accrued_interest
from loans.rules.aging import days_past_due, is_non_accrual
from loans.rules.money import fen, rate_ppm, yuan


@dataclass(frozen=True, slots=True)
class Accrued:
    """Accrued interest at the close of `on`: the first day counts, `on` itself does not."""

    on: date
    amount: Decimal
    principal: Decimal
    rate_percent: Decimal
    since: date | None
    days: int
    # Interest of a part of the period before `since`, at another rate or on another principal.
    before: Decimal
    # Interest of a loan long past due or non-performing is no income.
    is_non_accrual: bool = False


def accrued_at(loan: Loan, on: date, most_days: int) -> Accrued | None:
    """At the close of a day, as the loan stands now; None for a loan with nothing left to bill.

    `most_days` past due end the accrual (`non_accrual_dpd`). A statement more where only the signed terms can tell.
    """
    position: Position = loan.position
    if position.next_number is None or loan.disbursed_on > on:
        return None
    since, principal, rate = position.accrues_from, position.unbilled_principal, position.annual_rate_percent
    if is_non_accrual(days_past_due(position.overdue_since, on), position.five_class, most_days):
        return Accrued(on, Decimal("0.00"), principal, rate, since, 0, Decimal("0.00"), is_non_accrual=True)
    if since is None:
        terms = terms_of([loan.pk]).get(loan.pk)
        amount = yuan(accrued_by_terms(terms.standing, on)) if terms else Decimal("0.00")
        return Accrued(on, amount, principal, rate, None, 0, Decimal("0.00"))
    before = position.accrued_before
    rate = rate if position.accrual_rate_percent is None else position.accrual_rate_percent
    earned = accrued_interest(fen(principal), rate_ppm(rate), since, fen(before), on)
    return Accrued(on, yuan(earned), principal, rate, since, max(0, (on - since).days), before)
