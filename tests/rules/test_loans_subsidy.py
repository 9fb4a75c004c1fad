"""Who gets the interest subsidy, and what it bears of an installment."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.money import fen
from loans.rules.subsidy import FirstHome, average_rate, ends_on, is_borne, refusals, scheme_of, subsidy_fen
from tests.examples import table

SCHEME = scheme_of({"rate_percent": "1.0", "years": 5, "principal": "1000000.00", "area": "120", "price": "1500000.00"})
START, SPLIT, END = date(2025, 12, 20), date(2026, 1, 1), date(2026, 1, 20)


@pytest.mark.parametrize("example", table("subsidy"), ids=lambda each: each["id"])
def test_what_is_borne_is_the_worked_sum(example: dict[str, str]) -> None:
    ppm = [int(Decimal(rate) * 10_000) for rate in example["rate"].split()]
    rates = list(zip((date(2020, 1, 1), SPLIT), ppm, strict=False))
    interest, balance = fen(Decimal(example["interest"])), fen(Decimal(example["balance"]))
    found = subsidy_fen(interest, balance, average_rate(START, END, rates), SCHEME.rate_ppm, SCHEME.cap_fen)
    assert f"{Decimal(found).scaleb(-2):.2f}" == example["borne"]


@pytest.mark.parametrize("example", table("subsidy", 1), ids=lambda each: each["id"])
def test_who_gets_it_is_as_worked(example: dict[str, str]) -> None:
    home = FirstHome(
        Decimal(example["area"]), fen(Decimal(example["price"])), example["first home"] == "yes",
        example["refinancing"] == "yes",
    )  # fmt: skip
    found = refusals(home, SCHEME, is_commercial_part=example["commercial part"] == "yes")
    assert " ".join(found) == example["refused for"]


def test_without_a_scheme_in_force_nobody_gets_it() -> None:
    home = FirstHome(Decimal(89), 90_000_000, True, False)
    assert refusals(home, None, is_commercial_part=False) == ("no_scheme",)


def test_sixty_installments_are_borne() -> None:
    drawn = date(2026, 10, 31)
    end = ends_on(drawn, SCHEME.years)
    assert end == date(2031, 10, 31)
    assert is_borne(date(2026, 11, 30), drawn, end) and is_borne(end, drawn, end)
    assert not is_borne(date(2031, 11, 30), drawn, end) and not is_borne(drawn, drawn, end)


def test_the_average_rate_counts_days() -> None:
    assert average_rate(START, END, [(date(2025, 3, 20), 33_000), (SPLIT, 32_000)]) == (12 * 33_000 + 19 * 32_000, 31)
    assert average_rate(START, END, [(date(2020, 1, 1), 1), (date(2021, 1, 1), 2), (END, 9)]) == (62, 31)


@given(
    st.integers(0, 10**9), st.integers(1, 10**12), st.integers(1, 1_000_000), st.integers(1, 92),
    st.integers(1, 100_000), st.integers(1, 10**10),
)  # fmt: skip
def test_never_more_than_the_interest(interest: int, balance: int, rate: int, days: int, ppm: int, cap: int) -> None:
    assert 0 <= subsidy_fen(interest, balance, (rate * days, days), ppm, cap) <= interest
