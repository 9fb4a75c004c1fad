"""Accrued interest in the general ledger: a stock at each close, lines by what it moved, a close that is refused."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from config.invariants import stated_findings
from config.invariants.figures import FIGURES
from loans import batch, sql
from loans.actions import close_business_date
from loans.actions.bank import LedgerOutOfBalance
from loans.batch.general import balances_of
from loans.models import BusinessDate, Figure, GeneralLine, Loan, Position
from loans.queries.terms import terms_of
from loans.rules.accrual import accrued_by_terms, accrued_interest
from loans.rules.aging import days_past_due, is_non_accrual
from loans.rules.money import fen, rate_ppm
from tests import changing
from tests.factories import AT, book_loan, make_branch, open_bank
from tests.loan_books import book

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)


def stock_of(day: date, **of: object) -> int:
    """Loan by loan, by the rule; each is what a settlement on the day would charge."""
    found = 0
    terms = terms_of(Position.objects.values_list("loan_id", flat=True))
    for each in Position.objects.filter(**of, next_number__isnull=False):
        if is_non_accrual(days_past_due(each.overdue_since, day), each.five_class, 90):
            continue
        by_terms = accrued_by_terms(terms[each.loan_id].standing, day)
        if each.accrues_from is not None:
            values = (fen(each.unbilled_principal), rate_ppm(each.annual_rate_percent), each.accrues_from)
            assert accrued_interest(*values, fen(each.accrued_before), day) == by_terms
        found += by_terms
    return found


def evening(day: date) -> None:
    for stage in (batch.bill, batch.age, batch.classify, batch.non_accrual):
        stage(as_of=day, at=AT)


def lines_until(day: date) -> Decimal:
    found = GeneralLine.objects.filter(account="ACCRUED_INTEREST", business_date__lte=day)
    return found.aggregate(sum=Sum("amount"))["sum"] or Decimal("0.00")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_stock_in_sql_is_the_rules_and_the_lines_add_up_to_it(seed: int) -> None:
    book(60, seed=seed, opens_on=DAY)
    for loan in Random(seed).sample(list(Loan.objects.all()), 20):
        Loan.objects.filter(pk=loan.pk).update(product="HOUSING_FUND")
    for place in range(12):
        day = DAY + timedelta(days=place)
        evening(day)
        for each in balances_of(day):
            of = {"loan__branch__code": each.code, "loan__product": each.product}
            assert each.accrued_fen == stock_of(day, **of)
        expected = stock_of(day)
        close_business_date(day=day, at=AT)
        assert fen(lines_until(day)) == expected > 0
    assert GeneralLine.objects.aggregate(sum=Sum("amount"))["sum"] == 0
    assert {row.product for row in Figure.objects.all()} == {"COMMERCIAL", "HOUSING_FUND"}
    assert all(each.is_ok for each in stated_findings(FIGURES))


@pytest.mark.parametrize("amount", ["0.01", "99999999.99", "100000000.00", "9999999999999.99"])
@pytest.mark.parametrize("rate", ["0.0000", "3.0501", "100.0000"])
@pytest.mark.parametrize("days", [0, 1, 31, 400, 401])
def test_what_a_day_adds_is_exact_however_large_the_loan_or_long_the_period(amount: str, rate: str, days: int) -> None:
    loan, since = changing.e1_loan(), DAY - timedelta(days=days)
    for waits in (None, Decimal("4.2000")):
        Position.objects.filter(pk=loan.pk).update(
            principal_balance=amount, unbilled_principal=amount, annual_rate_percent=rate, accrues_from=since,
            accrual_rate_percent=waits, next_due_on=DAY + timedelta(days=20),
        )  # fmt: skip
        values = {"day": DAY, "non_performing": "{LOSS}", "overdue_before": date(2000, 1, 1), "begins": "[0:0]={NULL}"}
        ((_code, _product, _loans, _principal, accrued, *_rest),) = sql.rows(sql.BALANCES_BY_BRANCH, values)
        charged = rate_ppm(Decimal(rate) if waits is None else waits)
        assert accrued == accrued_interest(fen(Decimal(amount)), charged, since, 0, DAY)


def test_billing_takes_the_stock_to_nothing_and_a_bad_class_takes_income_back() -> None:
    loan = changing.e1_loan()
    day = BusinessDate.objects.get(is_open=True).day
    close_business_date(day=day, at=AT)
    before = lines_until(day)
    assert before > 0
    Position.objects.filter(pk=loan.pk).update(five_class="SUBSTANDARD")
    close_business_date(day=day + timedelta(days=1), at=AT)
    assert lines_until(day + timedelta(days=1)) == 0
    income = GeneralLine.objects.filter(account="INTEREST_INCOME").order_by("business_date")
    taken_over = GeneralLine.objects.get(account="TAKEOVER").amount
    assert [row.amount for row in income] == [-taken_over - before, before]


def test_a_quiet_day_moves_the_stock_by_a_day_and_a_moved_loan_goes_to_its_branch() -> None:
    open_bank(DAY)
    here, there = make_branch(), make_branch()
    loan = book_loan(branch=here)
    close_business_date(day=DAY, at=AT)
    first = lines_until(DAY)
    Loan.objects.filter(pk=loan.pk).update(branch=there)
    close_business_date(day=DAY + timedelta(days=1), at=AT)
    sums = dict(GeneralLine.objects.filter(account="ACCRUED_INTEREST").values_list("branch").annotate(s=Sum("amount")))
    assert sums[here.pk] == 0 and sums[there.pk] > first


def test_a_close_is_refused_and_names_loans_whose_period_begins_later() -> None:
    open_bank(DAY)
    loan = book_loan()
    Position.objects.filter(pk=loan.pk).update(accrues_from=DAY + timedelta(days=1))
    with pytest.raises(LedgerOutOfBalance, match=loan.loan_note_no):
        close_business_date(day=DAY, at=AT)
    assert BusinessDate.objects.get(is_open=True).day == DAY
    assert not GeneralLine.objects.filter(batch=None).exists()


def test_a_close_is_refused_where_the_general_ledger_says_otherwise() -> None:
    open_bank(DAY)
    book_loan()
    other = make_branch()
    GeneralLine.objects.bulk_create(
        [
            GeneralLine(business_date=DAY, branch=other, product="COMMERCIAL", account="ACCRUED_INTEREST", amount=5),
            GeneralLine(business_date=DAY, branch=other, product="COMMERCIAL", account="INTEREST_INCOME", amount=-5),
        ]
    )
    with pytest.raises(LedgerOutOfBalance, match=f"{other.code} COMMERCIAL"):
        close_business_date(day=DAY, at=AT)
    assert BusinessDate.objects.get(is_open=True).day == DAY and not Figure.objects.exists()


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE loans_general_line SET amount = amount + 1", "denied|history"),
        ("DELETE FROM loans_general_line", "denied|history"),
        (
            "INSERT INTO loans_general_line (business_date, branch_id, product, account, amount) "
            "SELECT '2026-11-02', id, 'COMMERCIAL', 'ACCRUED_INTEREST', 1 FROM people_branch LIMIT 1",
            "sum to zero",
        ),
        (
            "INSERT INTO loans_general_line (business_date, branch_id, product, account, amount) "
            "SELECT business_date, branch_id, product, account, amount FROM loans_general_line WHERE batch_id IS NULL",
            "general_line_once_a_close",
        ),
        (
            "INSERT INTO loans_general_line (business_date, branch_id, product, account, amount) "
            "SELECT business_date, branch_id, product, 'TAKEOVER', amount FROM loans_general_line",
            "general_line_of_close_or_takeover",
        ),
        ("UPDATE loans_position SET accrues_from = NULL, accrued_before = 1", "accrued_before_a_day"),
    ],
)
def test_the_database_keeps_the_general_ledger(statement: str, name: str) -> None:
    open_bank(DAY)
    book_loan()
    close_business_date(day=DAY, at=AT)
    before = list(GeneralLine.objects.order_by("pk").values())
    with pytest.raises(DatabaseError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert before and list(GeneralLine.objects.order_by("pk").values()) == before
