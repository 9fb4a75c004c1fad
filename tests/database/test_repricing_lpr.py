"""Published rates: seeded, entered by one person, counted once another approved; and the pricing of a book."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from journal.errors import ActionRefused
from journal.models import Entry
from loans.actions.lpr import LprConflict, LprRefused, OwnLpr, decide_lpr, propose_lpr
from loans.actions.pricing import price_book
from loans.models import Loan, LprRate, Position, Pricing
from loans.queries.pricing import publication_workday, published_lpr
from loans.rules.pricing import Published
from people.actions import NotAllowed
from people.models import Staff
from tests import factories
from tests.loan_books import book

pytestmark = pytest.mark.django_db
GOOD: dict[str, Any] = {
    "tenor": "Y5", "published_on": date(2026, 10, 20), "rate_percent": Decimal("3.45"), "source": "2026年10月公告",
}  # fmt: skip


def test_the_seed_holds_the_rates_of_both_tenors_with_their_days() -> None:
    found = published_lpr()
    assert found["Y5"][-1] == Published(date(2025, 5, 20), 35_000)
    assert found["Y1"][0] == Published(date(2024, 2, 20), 34_500)
    assert {tenor: len(rates) for tenor, rates in found.items()} == {"Y1": 4, "Y5": 4}


def test_the_workday_of_the_publication_skips_weekends_and_holidays() -> None:
    months = {date(2024, 7, 1): 22, date(2026, 10, 3): 20, date(2026, 2, 28): 24, date(2026, 6, 30): 22}
    assert {day: publication_workday(day).day for day in months} == months


def test_a_rate_counts_once_another_person_approved_it(maker: Staff, checker: Staff, at: datetime) -> None:
    row = propose_lpr(**GOOD, by=maker, at=at)
    assert published_lpr()["Y5"][-1].rate_ppm == 35_000
    assert decide_lpr(lpr_id=row.pk, approve=True, by=checker, at=at) is not None
    assert published_lpr()["Y5"][-1] == Published(date(2026, 10, 20), 34_500)
    kinds = ["loans.lpr_approved", "loans.lpr_proposed"]
    entries = Entry.objects.filter(subject_type="lpr", subject_id=row.pk).order_by("kind")
    assert [each.kind for each in entries] == kinds
    assert [each.actor for each in entries] == [checker.staff_no, maker.staff_no]
    with pytest.raises(LprConflict):
        decide_lpr(lpr_id=row.pk, approve=False, by=checker, at=at)


def test_a_rejected_rate_is_gone_and_may_be_entered_anew(maker: Staff, checker: Staff, at: datetime) -> None:
    row = propose_lpr(**GOOD, by=maker, at=at)
    assert decide_lpr(lpr_id=row.pk, approve=False, by=checker, at=at) is None
    assert not LprRate.objects.filter(published_on=date(2026, 10, 20)).exists()
    assert Entry.objects.filter(kind="loans.lpr_rejected").exists()
    propose_lpr(**GOOD, by=maker, at=at)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"tenor": "Y2"}, "tenor"),
        ({"rate_percent": Decimal("3.47")}, "rate_percent"),
        ({"rate_percent": Decimal("0")}, "rate_percent"),
        ({"rate_percent": Decimal("-3.45")}, "rate_percent"),
        ({"rate_percent": Decimal("36.05")}, "rate_percent"),
        ({"rate_percent": Decimal("3.450001")}, "rate_percent"),
        ({"rate_percent": Decimal("NaN")}, "rate_percent"),
        ({"rate_percent": Decimal("Infinity")}, "rate_percent"),
        ({"published_on": date(2026, 11, 20)}, "published_on"),
        ({"published_on": date(2026, 10, 21)}, "published_on"),
        ({"published_on": date(2025, 4, 21)}, "published_on"),
        ({"source": " 无 "}, "source"),
        ({"source": "无" * 121}, "source"),
    ],
)
def test_a_rate_that_cannot_be_right_is_refused(
    changed: dict[str, Any], field: str, maker: Staff, at: datetime
) -> None:
    before = LprRate.objects.count(), Entry.objects.count()
    with pytest.raises(LprRefused) as refused:
        propose_lpr(**{**GOOD, **changed}, by=maker, at=at)
    assert refused.value.field == field
    assert (LprRate.objects.count(), Entry.objects.count()) == before


def test_the_same_day_is_entered_once(maker: Staff, at: datetime) -> None:
    propose_lpr(**GOOD, by=maker, at=at)
    with pytest.raises(LprConflict):
        propose_lpr(**GOOD, by=maker, at=at)
    propose_lpr(**{**GOOD, "tenor": "Y1", "rate_percent": Decimal("3.00")}, by=maker, at=at)


def test_who_may_enter_may_not_approve_and_the_other_way_round(maker: Staff, checker: Staff, at: datetime) -> None:
    with pytest.raises(NotAllowed):
        propose_lpr(**GOOD, by=checker, at=at)
    row = propose_lpr(**GOOD, by=maker, at=at)
    with pytest.raises(NotAllowed):
        decide_lpr(lpr_id=row.pk, approve=True, by=maker, at=at)
    assert not LprRate.objects.get(pk=row.pk).is_approved


def test_nobody_approves_the_own_entry_even_with_both_roles(at: datetime) -> None:
    factories.open_bank()
    both = factories.make_staff(["OPERATIONS", "RISK_MANAGER"], factories.make_branch())
    row = propose_lpr(**GOOD, by=both, at=at)
    with pytest.raises(OwnLpr):
        decide_lpr(lpr_id=row.pk, approve=True, by=both, at=at)
    refused("UPDATE loans_lprrate SET is_approved = true, approved_by_id = proposed_by_id WHERE id = %s", [row.pk])


def refused(statement: str, values: list[Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_the_database_keeps_approved_rates_and_its_limits(maker: Staff, at: datetime) -> None:
    seeded = LprRate.objects.filter(tenor="Y5").latest("published_on")
    row = propose_lpr(**GOOD, by=maker, at=at)
    for statement, values in (
        ("UPDATE loans_lprrate SET rate_percent = 3.40 WHERE id = %s", [seeded.pk]),
        ("DELETE FROM loans_lprrate WHERE id = %s", [seeded.pk]),
        ("UPDATE loans_lprrate SET rate_percent = 3.40 WHERE id = %s", [row.pk]),
        ("UPDATE loans_lprrate SET is_approved = true WHERE id = %s", [row.pk]),
        (_INSERT, ["Y5", "2025-05-20", "3.50"]),
        (_INSERT, ["Y5", "2026-06-22", "0"]),
        (_INSERT, ["Y5", "2026-06-22", "36.01"]),
    ):
        refused(statement, values)


_INSERT = """INSERT INTO loans_lprrate (tenor, published_on, rate_percent, source, is_approved)
             VALUES (%s, %s, %s, 'by hand', true)"""


# ── A book taken over ────────────────────────────────────────────────────────────────────────────


def test_a_booked_loan_has_the_pricing_that_its_rate_shows() -> None:
    loan = factories.book_loan(annual_rate_percent=Decimal("3.2000"))
    pricing = Pricing.objects.get(loan=loan)
    assert (pricing.kind, pricing.tenor, pricing.spread_bp) == ("LPR", "Y5", Decimal("-30.00"))
    assert (pricing.cycle_months, pricing.anchor) == (12, "JANUARY_1")
    assert (pricing.in_force.lower, pricing.in_force.upper) == (date(2026, 10, 31), None)
    assert Position.objects.get(pk=loan.pk).next_repricing_on == date(2027, 1, 1)


def test_a_short_loan_follows_the_rate_of_one_year() -> None:
    loan = factories.book_loan(disbursed_on=date(2024, 1, 20), matures_on=date(2029, 1, 20))
    assert (Pricing.objects.get(loan=loan).tenor, Pricing.objects.get(loan=loan).spread_bp) == ("Y1", Decimal("60.00"))


def test_a_loan_that_ends_before_the_next_january_is_not_repriced() -> None:
    loan = factories.book_loan(matures_on=date(2026, 12, 20))
    assert Position.objects.get(pk=loan.pk).next_repricing_on is None
    assert Pricing.objects.get(loan=loan).kind == "LPR"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"annual_rate_percent": Decimal("24.0000")}, "2050.00"),
        ({"as_of": date(2024, 2, 19), "opens_on": date(2024, 2, 20)}, "2024-02-19"),
    ],
)
def test_a_rate_that_shows_no_spread_is_kept_as_a_fixed_one(given: dict[str, Any], words: str) -> None:
    loan = factories.book_loan(**given)
    pricing = Pricing.objects.get(loan=loan)
    assert (pricing.kind, pricing.cycle_months) == ("FIXED", None)
    assert words in pricing.source
    assert Position.objects.get(pk=loan.pk).next_repricing_on is None


def test_a_book_from_before_pricing_gets_the_same_once(at: datetime) -> None:
    book(40)
    priced = list(Pricing.objects.order_by("loan_id").values("loan_id", "kind", "tenor", "spread_bp", "in_force"))
    days = dict(Position.objects.values_list("loan_id", "next_repricing_on"))
    Pricing.objects.all().delete()
    Position.objects.update(next_repricing_on=None)
    assert price_book(by="system", at=at)["priced"] == 40
    assert priced == list(
        Pricing.objects.order_by("loan_id").values("loan_id", "kind", "tenor", "spread_bp", "in_force")
    )
    assert days == dict(Position.objects.values_list("loan_id", "next_repricing_on"))
    before = Entry.objects.count()
    assert price_book(by="system", at=at) == {"priced": 0, "fixed": 0}
    assert Entry.objects.count() == before


def test_days_before_the_open_date_were_not_missed_by_a_bank_without_pricing(at: datetime) -> None:
    loan = factories.book_loan(as_of=date(2025, 10, 31))
    assert Position.objects.get(pk=loan.pk).next_repricing_on == date(2026, 1, 1)
    Pricing.objects.all().delete()
    Position.objects.update(next_repricing_on=None)
    price_book(by="system", at=at)
    assert Position.objects.get(pk=loan.pk).next_repricing_on == date(2027, 1, 1)
    assert Pricing.objects.get(loan=loan).in_force.lower == date(2025, 10, 31)


def test_a_housing_fund_loan_is_priced_as_fixed(at: datetime) -> None:
    loan = factories.book_loan()
    Pricing.objects.all().delete()
    Loan.objects.filter(pk=loan.pk).update(product="HOUSING_FUND")
    assert price_book(by="system", at=at) == {"priced": 1, "fixed": 1}


def test_every_refusal_of_a_rate_is_an_action_refused() -> None:
    assert all(issubclass(each, ActionRefused) for each in (LprRefused, LprConflict, OwnLpr))
