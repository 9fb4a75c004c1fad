"""The manager's figures: sums over the branches one sees, as of the last close, by few statements."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import day_end
from loans.models import Figure, GeneralLine, Loan, Position
from loans.queries import require_business_date
from loans.queries.figures import figures_for
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of

MOST_STATEMENTS = 10


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def close(days: int = 1) -> None:
    through = require_business_date() + timedelta(days=days - 1)
    day_end.run(through=through, at_clock=lambda: AT)


def in_arrears(bank: Bank) -> None:
    """Two more loans at home, one of them long overdue, and one elsewhere."""
    today = require_business_date()
    for branch, days in ((bank.home, 0), (bank.home, 200), (bank.other, 40)):
        book_loan(branch, opens_on=today, as_of=today - timedelta(days=1), days_past_due=days)


def balance_of(*branches: Any) -> Decimal:
    return sum(
        Position.objects.filter(loan__branch__in=branches).values_list("principal_balance", flat=True), Decimal(0)
    )


# S1.10
def test_figures_are_the_loans_of_the_branches_one_sees(bank: Bank) -> None:
    in_arrears(bank)
    close()
    whole, home = figures_for(bank.staff["auditor"]), figures_for(bank.staff["manager"])
    assert whole is not None and home is not None
    assert whole.book.all == (Loan.objects.count(), balance_of(bank.home, bank.other))
    assert home.book.all == (Loan.objects.filter(branch=bank.home).count(), balance_of(bank.home))
    assert set(home.branches) == {bank.home.pk} and set(whole.branches) == {bank.home.pk, bank.other.pk}
    assert home.book.by_band[91].loans == 1 and home.book.non_performing.loans == 1
    assert whole.book.overdue.loans >= 2 and whole.book.by_band[31].loans >= 1
    assert sum(part.loans for part in whole.book.by_class.values()) == whole.book.all.loans
    nothing = figures_for(bank.staff["manager"], [bank.other.pk])
    assert nothing is None


def test_products_stand_apart_with_the_interest_they_accrued(bank: Bank) -> None:
    in_arrears(bank)
    Loan.objects.filter(pk=bank.loans["home"].pk).update(product="HOUSING_FUND")
    close(2)
    whole, home = figures_for(bank.staff["auditor"]), figures_for(bank.staff["manager"])
    assert whole is not None and home is not None
    fund = home.products["HOUSING_FUND"]
    assert fund.all == (1, Position.objects.get(pk=bank.loans["home"].pk).principal_balance)
    for found in (whole, home):
        assert sum(each.all.loans for each in found.products.values()) == found.book.all.loans
        assert sum(each.overdue for each in found.products.values()) == found.book.overdue.principal
    lines = GeneralLine.objects.filter(account="ACCRUED_INTEREST")
    assert whole.accrued == lines.aggregate(sum=Sum("amount"))["sum"] > 0
    assert home.accrued == lines.filter(branch=bank.home).aggregate(sum=Sum("amount"))["sum"] < whole.accrued
    assert f"{home.accrued:,}" in client_of(bank, "manager").get(reverse("dashboard")).content.decode()


def test_the_page_shows_the_closes_date_and_opens_lists(bank: Bank) -> None:
    client, path = client_of(bank, "manager"), reverse("dashboard")
    assert "还没有日终数据" in client.get(path).content.decode()
    in_arrears(bank)
    day = require_business_date()
    close()
    page = client.get(path)
    assert f"截至 {day} 日终" in page.content.decode()
    assert bank.other.name not in page.content.decode()
    assert page.context["tiles"][0]["sum"].principal == balance_of(bank.home)
    assert client.get(path, {"branch": bank.other.code}).context["tiles"] == page.context["tiles"]
    assert "five_class=SUBSTANDARD" in page.content.decode()
    make_task(bank.loans["home"], cycle="late", level=1, due_on=day - timedelta(days=3))
    waiting = {row["chip"]: row["count"] for row in client.get(path).context["waiting"]}
    assert waiting["past_limit"] == 1 and waiting["urgent"] >= 1


def test_figures_take_few_statements_and_none_reads_the_loans(bank: Bank) -> None:
    close()
    client, counts = client_of(bank, "risk"), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("dashboard")).status_code == 200
        counts.append(len(captured))
        for each in captured:
            assert "loans_position" not in each["sql"] and "loans_loan" not in each["sql"]
        in_arrears(bank)
        close()
    assert counts[0] == counts[1] <= MOST_STATEMENTS


def test_changes_are_told_against_the_last_close_of_the_month_before(bank: Bank) -> None:
    close(40)
    found = figures_for(bank.staff["auditor"])
    assert found is not None and found.before_day is not None
    assert found.before_day.month != found.day.month and (found.before_day + timedelta(days=1)).day == 1
    assert found.before.all.loans == sum(
        Figure.objects.filter(business_date=found.before_day).values_list("loans", flat=True)
    )
