"""How volatile an area is: the range of its index over six months."""

from datetime import date
from decimal import Decimal

import pytest

from collateral.rules.areas import volatility

D, TODAY = Decimal, date(2026, 11, 1)


# S2.11
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), "0.0"),
        (((date(2026, 10, 30), D(-12)),), "12.0"),
        (((date(2026, 8, 1), D(5)), (date(2026, 10, 1), D(-5))), "5.3"),
        (((date(2026, 8, 1), D(-10)), (date(2026, 10, 1), D(10))), "10.0"),
        (((date(2026, 5, 1), D(-40)),), "0.0"),
        (((date(2026, 5, 2), D(-40)),), "40.0"),
        (((date(2026, 11, 2), D(-40)),), "0.0"),
    ],
)
def test_a_fall_and_a_rise_do_not_cancel_out(changes: tuple[tuple[date, Decimal], ...], expected: str) -> None:
    assert volatility(changes, TODAY) == D(expected)
