"""A day on which the rates of many loans change from the next period on: each runs on at its old rate, in one pass."""

from datetime import date, datetime
from decimal import Decimal
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loans.actions import close_business_date
from loans.batch import general, reprice
from loans.batch.general import balances_of
from loans.models import GeneralLine, Parameter, Position, Pricing
from loans.queries.accrued import accrued_at
from loans.queries.terms import terms_of
from loans.rebuild import look
from loans.rules.accrual import accrued_by_terms
from loans.rules.continuation import Standing
from loans.rules.money import fen
from people.models import Staff
from tests import factories
from tests.database.repricing_bank import NEW_YEAR, approved, evenings_to

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _waits(db: None) -> None:
    Parameter.objects.filter(code="rate_split_variant").update(value="NEXT_PERIOD")


def repriced(loans: int, maker: Staff, checker: Staff, at: datetime) -> list[int]:
    """So many loans at 3.30 % that 1 January makes 3.20 %, from their next period on; due on different days."""
    dice, branch = Random(1), factories.make_branch()
    for _ in range(loans):
        factories.book_loan(
            branch=branch, annual_rate_percent=Decimal("3.3000"), due_day=dice.randint(1, 31),
            outstanding=Decimal(dice.randint(10_000_000, 90_000_000)).scaleb(-2),
        )  # fmt: skip
    Pricing.objects.update(spread_bp=Decimal("-30"))
    approved(maker, checker, at)
    evenings_to(NEW_YEAR, at)
    assert reprice(as_of=NEW_YEAR, at=at)["repriced"] >= loans
    return list(Position.objects.values_list("pk", flat=True))


def by_engine(ids: list[int], day: date) -> int:
    return sum(accrued_by_terms(each.standing, day) for each in terms_of(ids).values())


def differing() -> list[str]:
    """What a rebuild makes otherwise of how interest runs."""
    return [each.column for found in look() for each in found.differences if each.column.startswith("accru")]


def test_the_old_rate_runs_on_to_the_period_s_end_as_the_engine_says(
    maker: Staff, checker: Staff, at: datetime
) -> None:
    ids = repriced(12, maker, checker, at)
    # On the first day of a period nothing waits.
    assert set(Position.objects.exclude(accrues_from=NEW_YEAR).values_list("accrual_rate_percent", flat=True)) == {
        Decimal("3.3000")
    }
    assert set(Position.objects.values_list("annual_rate_percent", flat=True)) == {Decimal("3.2000")}
    for day in (NEW_YEAR, date(2027, 1, 2), date(2027, 1, 31)):
        evenings_to(day, at)
        assert sum(each.accrued_fen for each in balances_of(day)) == by_engine(ids, day)
        told = [accrued_at(each.loan, day, 90) for each in Position.objects.select_related("loan")]
        assert sum(fen(each.amount) for each in told if each) == by_engine(ids, day) > 0
        assert differing() == []
    assert not Position.objects.exclude(accrual_rate_percent=None).exists()
    assert set(Position.objects.values_list("annual_rate_percent", flat=True)) == {Decimal("3.2000")}


def test_the_close_asks_the_engine_for_none_of_them_and_its_statements_stay(
    maker: Staff, checker: Staff, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Standing] = []
    monkeypatch.setattr(general, "accrued_by_terms", lambda standing, _day: asked.append(standing) or 0)
    factories.book_loan()
    with CaptureQueriesContext(connection) as before:
        balances_of(date(2026, 11, 1))
    repriced(9, maker, checker, at)
    with CaptureQueriesContext(connection) as after:
        balances_of(NEW_YEAR)
    assert asked == [] and len(before) == len(after)


def test_a_day_of_waiting_rates_is_closed_with_its_lines(maker: Staff, checker: Staff, at: datetime) -> None:
    ids = repriced(5, maker, checker, at)
    close_business_date(day=NEW_YEAR, at=at)
    lines = GeneralLine.objects.filter(account="ACCRUED_INTEREST").values_list("amount", flat=True)
    assert fen(sum(lines, Decimal("0.00"))) == by_engine(ids, NEW_YEAR) > 0
