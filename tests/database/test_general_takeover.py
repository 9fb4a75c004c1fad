"""A book taken over: what had accrued until then stands against the take-over, and only what came after is income."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from config.invariants import stated_findings
from config.invariants.figures import FIGURES
from config.invariants.ledger import LEDGER
from loans import batch
from loans.actions import close_business_date
from loans.models import BusinessDate, GeneralLine, LedgerLine, Loan, Position
from loans.rules.money import fen
from people.models import Branch
from tests.factories import AT, book_loan, make_branch, open_bank
from tests.loan_books import book

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)
AS_OF = date(2026, 10, 31)


def close(day: date) -> None:
    for stage in (batch.bill, batch.age, batch.classify, batch.non_accrual):
        stage(as_of=day, at=AT)
    close_business_date(day=day, at=AT)


def general(account: str, day: date, branch: Branch | None = None) -> Decimal:
    """What a close posted itself, or a take-over."""
    found = GeneralLine.objects.filter(account=account, business_date__lte=day)
    found = found.filter(branch=branch) if branch else found
    return found.aggregate(sum=Sum("amount"))["sum"] or Decimal("0.00")


def income(day: date) -> Decimal:
    """All interest income posted up to a day, by the loans' ledger and by the closes."""
    lines = LedgerLine.objects.filter(account="INTEREST_INCOME", business_date__lte=day)
    return -general("INTEREST_INCOME", day) - (lines.aggregate(sum=Sum("amount"))["sum"] or Decimal("0.00"))


def of_days(loan: Loan, days: int) -> int:
    """Interest of so many days of the running period, in fen, rounded half-up."""
    position = Position.objects.get(pk=loan.pk)
    per_day = fen(position.unbilled_principal) * int(position.annual_rate_percent * 10_000)
    return (2 * per_day * days + 360_000_000) // 720_000_000


@pytest.mark.parametrize("days_past_due", [0, 40])
def test_the_first_close_earns_the_days_since_the_take_over_only(days_past_due: int) -> None:
    loan = book_loan(days_past_due=days_past_due)
    # Eleven days of the period that began on 20 October had run at the take-over, on 1 November it is twelve.
    assert Position.objects.get(pk=loan.pk).accrues_from == date(2026, 10, 20)
    assert fen(-general("TAKEOVER", AS_OF)) == of_days(loan, 11) == fen(general("ACCRUED_INTEREST", AS_OF))
    close(DAY)
    assert fen(income(DAY)) == of_days(loan, 12) - of_days(loan, 11) > 0
    assert fen(general("ACCRUED_INTEREST", DAY)) == of_days(loan, 12)
    close(DAY + timedelta(days=1))
    assert fen(income(DAY + timedelta(days=1))) == of_days(loan, 13) - of_days(loan, 11)
    assert BusinessDate.objects.get(day=DAY).totals["accrued"] == {
        f"{loan.branch.code} COMMERCIAL": str(Decimal(of_days(loan, 12)).scaleb(-2))
    }


def test_a_loan_taken_over_non_performing_neither_earns_nor_takes_income_back() -> None:
    loan = book_loan(days_past_due=200)
    close(DAY)
    close(DAY + timedelta(days=1))
    assert income(DAY + timedelta(days=1)) == 0
    assert not GeneralLine.objects.exists()
    assert Position.objects.get(pk=loan.pk).off_balance_interest > 0


def test_a_due_day_after_the_take_over_bills_what_is_not_earned_yet() -> None:
    loan = book_loan(due_day=2)
    taken_over = -general("TAKEOVER", AS_OF)
    close(DAY)
    close(DAY + timedelta(days=1))
    billed = LedgerLine.objects.get(loan_id=loan.pk, account="INTEREST_INCOME")
    assert general("ACCRUED_INTEREST", DAY + timedelta(days=1)) == 0
    assert income(DAY + timedelta(days=1)) == -billed.amount - taken_over


def test_a_book_taken_over_later_and_in_two_parts_of_a_day_stands_on_the_open_date() -> None:
    open_bank(DAY)
    here = make_branch()
    book_loan(branch=here)
    close(DAY)
    earned, stock = income(DAY), general("ACCRUED_INTEREST", DAY)
    following = DAY + timedelta(days=1)
    late = [book_loan(branch=here, as_of=DAY), book_loan(branch=here, as_of=AS_OF)]
    taken_over = GeneralLine.objects.filter(account="TAKEOVER", business_date=following)
    assert [fen(-row.amount) for row in taken_over.order_by("pk")] == [of_days(late[0], 12), of_days(late[1], 11)]
    close(following)
    of_the_day = fen(income(following) - earned)
    first = Loan.objects.exclude(pk__in=[each.pk for each in late]).get()
    # A day of the first two, two days of the loan whose balances are those of a day earlier.
    assert of_the_day == sum(of_days(loan, 13) - of_days(loan, 12) for loan in (first, late[0])) + (
        of_days(late[1], 13) - of_days(late[1], 11)
    )
    assert fen(general("ACCRUED_INTEREST", following) - stock) > of_the_day


@pytest.mark.parametrize("seed", [1, 2])
def test_of_any_book_income_is_what_the_stock_grew_by_since(seed: int) -> None:
    book(60, seed=seed, opens_on=DAY)
    before = general("ACCRUED_INTEREST", AS_OF)
    assert before == -general("TAKEOVER", AS_OF) > 0
    close_business_date(day=DAY, at=AT)
    assert -general("INTEREST_INCOME", DAY) == general("ACCRUED_INTEREST", DAY) - before
    # No loan earns more than a day: 1/360 of a year's interest.
    year = sum(each.unbilled_principal * each.annual_rate_percent / 100 for each in Position.objects.all())
    assert 0 < -general("INTEREST_INCOME", DAY) <= year / 360 + Decimal("0.60")
    assert all(each.is_ok for each in stated_findings((*FIGURES, *LEDGER)))
