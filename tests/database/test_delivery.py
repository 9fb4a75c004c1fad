"""Whether a home is handed over: by what a visit found, else by the charge; the first visit then goes there (S1.13)."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from collateral.actions import record_delivery
from collateral.models import Charge, Property
from followups import batch
from followups.rules.delivery import delivered
from loans.models import Loan
from tests.database.test_visits import Road, changed
from tests.factories import book_loan

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def fact_of(loan: Loan) -> bool | None:
    day = batch.planning_day(date(2026, 11, 1), AT)
    (case,) = batch.cases_of([loan.pk], day)
    return case.facts.is_delivered


# S1.13
@pytest.mark.parametrize(
    ("kind", "found", "expected"),
    [
        ("NOT_RECORDED", None, None), ("FORMAL", None, True), ("ADVANCE_NOTICE", None, False),
        ("ADVANCE_NOTICE", True, True), ("FORMAL", False, False), ("NOT_RECORDED", False, False),
    ],
)  # fmt: skip
def test_a_home_is_handed_over_as_found_else_as_charged(
    db: None, kind: str, found: bool | None, expected: bool | None
) -> None:
    loan = book_loan()
    Charge.objects.filter(loan=loan).update(kind=kind)
    if found is not None:
        record_delivery(loan_id=loan.pk, is_delivered=found, by="system", at=AT)
    assert fact_of(loan) is expected


@pytest.mark.parametrize(
    ("occupancy", "day", "expected"),
    [
        ("", "", None), ("OWNER", "", True), ("NOT_DELIVERED", "", False), ("NOT_DELIVERED", "2026-10-01", True),
        ("", "2026-11-01", True), ("OWNER", "2026-11-02", False),
    ],
)  # fmt: skip
def test_a_day_of_hand_over_says_more_than_a_state(occupancy: str, day: str, expected: bool | None) -> None:
    assert delivered(occupancy, day, date(2026, 11, 1)) is expected


def test_an_approved_visit_says_that_a_home_is_not_handed_over(db: None) -> None:
    road = Road(kind="FIRST", rule="FIRST_90")
    road.approve(road.submit(occupancy=changed("NOT_DELIVERED", "SITE")))
    home: Any = Property.objects.get(charges__loan=road.loan)
    # Nobody lives there yet; who means to is as it was.
    assert (home.is_delivered, home.is_owner_occupied) == (False, True)
    assert fact_of(road.loan) is False
