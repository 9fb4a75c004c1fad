"""A non-performing loan under observation is upgraded only once nothing is owed any more, frozen charges included."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange

from loans.models import ContractChange, ContractParameter, Installment, Loan, Parameter
from loans.queries import require_business_date
from loans.queries.charges import charges_owed
from tests.changing import People, all_is_well, apply, close, pay, position, rows_of, signed
from tests.factories import book_loan

pytestmark = pytest.mark.django_db
OPEN = date(2026, 10, 1)
MARCH, UPGRADE = date(2027, 3, 20), date(2027, 4, 20)


def agree(loan: Loan, code: str, value: Any) -> None:
    ContractParameter.objects.create(
        loan=loan, code=code, value=value, in_force=DateRange(None, None, "[)"), source="test"
    )


def restructured() -> Loan:
    """Non-performing, restructured, its arrears paid, due on the 20th.

    Penalty bears from the due day on, holiday or not, and comes last.
    """
    loan, who = book_loan(days_past_due=200, as_of=date(2026, 9, 30), opens_on=OPEN), People()
    agree(loan, "grace_days", 0)
    agree(loan, "holiday_rule", "NONE")
    agree(loan, "allocation_order", ["interest", "principal", "compound", "penalty"])
    apply(signed(loan, "RESTRUCTURING", who, who.risk, annual_rate_percent="3.0"), who)
    pay(loan, charges_owed(loan, OPEN).total, OPEN, "arrears")
    assert (position(loan).overdue_since, position(loan).class_floor) == (None, "SUBSTANDARD")
    return loan


def live(loan: Loan, until: date, *, paying_late: dict[date, date] | None = None) -> None:
    """Evenings up to `until` (not included); each installment is paid to the fen on its day, or on the one given."""
    due: dict[date, Decimal] = {}
    while (day := require_business_date()) < until:
        row = rows_of(loan)[0]
        if row[1] == day:
            due[(paying_late or {}).get(day, day)] = row[2] + row[3]
        if day in due:
            pay(loan, due.pop(day), day, f"{loan.pk}/{day}")
        close(day)


@pytest.mark.parametrize(("months", "floor"), [(12, "SPECIAL_MENTION"), (6, "")])
def test_charges_frozen_by_the_last_payment_keep_it_non_performing(months: int, floor: str) -> None:
    """Due on Saturday, paid on Monday: not overdue, but two days of penalty are left to pay.

    However short the observation is: it does not end before the test of an upgrade is met.
    """
    Parameter.objects.filter(code="restructure_observation").update(value={"periods": 2, "months": months})
    loan = restructured()
    live(loan, UPGRADE, paying_late={MARCH: date(2027, 3, 22)})
    frozen = Installment.objects.get(loan_id=loan.pk, due_on=MARCH)
    assert (frozen.settled_on, position(loan).overdue_since) == (date(2027, 3, 22), None)
    assert frozen.penalty_left + frozen.compound_left == charges_owed(loan, UPGRADE).total > 0
    close(UPGRADE)
    assert position(loan).class_floor == "SUBSTANDARD"
    assert ContractChange.objects.get().state == "OBSERVED"
    day = require_business_date()
    pay(loan, charges_owed(loan, UPGRADE).total, UPGRADE, "April and the charges of March")
    close(day)
    assert position(loan).class_floor == floor
    assert ContractChange.objects.get().state == ("OBSERVED" if floor else "APPLIED")
    all_is_well()


def test_with_nothing_owed_it_is_upgraded_on_its_day() -> None:
    loan = restructured()
    live(loan, UPGRADE)
    assert position(loan).class_floor == "SUBSTANDARD"
    live(loan, date(2027, 4, 21))
    assert position(loan).class_floor == "SPECIAL_MENTION"
    all_is_well()
