"""Accrued interest on a loan's page: the figure of the last close with its formula, and where the day's ledger is."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loans import batch
from loans.actions import close_business_date
from loans.batch.general import balances_of
from loans.models import BusinessDate, Loan, Position
from loans.queries.accrued import Accrued, accrued_at
from tests import changing
from tests.factories import AT
from tests.loan_books import book
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.test_page_matrix import client_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)


def close(day: date) -> None:
    for stage in (batch.bill, batch.age, batch.classify, batch.non_accrual):
        stage(as_of=day, at=AT)
    close_business_date(day=day, at=AT)


def all_accrued(day: date) -> list[Accrued]:
    loans = Loan.objects.select_related("position")
    return [found for loan in loans if (found := accrued_at(loan, day, 90)) is not None]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_loans_of_a_branch_add_up_to_what_its_ledger_says(seed: int) -> None:
    book(60, seed=seed, opens_on=DAY)
    for day in (DAY + timedelta(days=place) for place in range(4)):
        close(day)
    told = sum(each.amount for each in all_accrued(day))
    assert told * 100 == sum(each.accrued_fen for each in balances_of(day)) > 0


def test_the_formula_gives_the_figure() -> None:
    loan = changing.e1_loan()
    day = BusinessDate.objects.get(is_open=True).day
    close(day)
    loan = Loan.objects.select_related("position").get(pk=loan.pk)
    found = accrued_at(loan, day, 90)
    assert found is not None and found.since is not None and found.days == (day - found.since).days > 0
    exact = found.principal * found.rate_percent / 100 / 360 * found.days
    assert abs(found.amount - found.before - exact) <= Decimal("0.005")


def test_interest_that_is_no_income_has_not_accrued_and_what_is_all_billed_has_none() -> None:
    loan = changing.e1_loan()
    day = BusinessDate.objects.get(is_open=True).day

    def told(**changed: Any) -> Accrued | None:
        Position.objects.filter(pk=loan.pk).update(**changed)
        return accrued_at(Loan.objects.select_related("position").get(pk=loan.pk), day, 90)

    late = told(overdue_since=day - timedelta(days=91))
    assert late is not None and late.is_non_accrual and late.amount == 0
    assert told(overdue_since=day - timedelta(days=90)).is_non_accrual is False  # type: ignore[union-attr]
    assert told(overdue_since=None, next_number=None, next_due_on=None) is None


def test_the_page_shows_it_after_a_close_and_leads_managers_to_the_ledger() -> None:
    bank: Bank = make_bank()
    path = reverse("loan_page", args=[bank.loans["home"].pk])
    officer, manager = client_of(bank, "officer"), client_of(bank, "manager")
    assert officer.get(path).context["accrued"] is None
    close(TODAY)
    with CaptureQueriesContext(connection) as captured:
        page = officer.get(path)
    assert len(captured) <= 12
    found = page.context["accrued"]
    words = page.content.decode()
    assert found.on == TODAY and found.amount > 0
    for part in (f"{found.principal:,.2f} × ", f"÷ 360 × {found.days} 天", f"<b>{found.amount:,.2f}</b>"):
        assert part in words
    ledger = f"{reverse('loans:report_general')}?on={TODAY}&amp;branch={bank.home.code}"
    assert ledger not in words and ledger in manager.get(path).content.decode()
    assert manager.get(ledger.replace("&amp;", "&")).status_code == 200
