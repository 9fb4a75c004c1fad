"""The annualised cost of a loan against worked examples and against another way of reckoning it."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loans.rules.disclosure import (
    DUES,
    MOST_PPM,
    CostFee,
    CostRefused,
    annualised_ppm,
    cost_of,
    default_cost,
    penalty_rate_ppm,
)
from loans.rules.money import fen
from loans.rules.simulation import simulate
from loans.rules.simulation_request import Request, parse_request
from tests.examples import table
from tests.rules.contracts import asked


def contract(text: str = "") -> Request:
    found = parse_request(asked(text))
    assert isinstance(found, Request), found
    return found


def fee(amount: str, due: str = "UPFRONT") -> CostFee:
    return CostFee("FEE", "fee", "bank", fen(Decimal(amount)), due)


@pytest.mark.parametrize("example", table("cost"), ids=lambda each: each["id"])
def test_costs_are_the_worked_ones(example: dict[str, str]) -> None:
    request = contract(example["asked"])
    cost = cost_of(request, simulate(request).rows, [fee(example["fee"], example["due"])])
    found = (f"{cost.received_fen / 100:.2f}", f"{cost.fees_fen / 100:.2f}", f"{cost.annualised_ppm / 10_000:.4f}")
    assert found == (example["received"], example["fees in all"], example["annualised"])
    assert cost.paid_fen == request.principal_fen + cost.interest_fen + cost.fees_fen


@pytest.mark.parametrize("example", table("cost", 1), ids=lambda each: each["days"])
def test_default_costs_are_the_worked_ones(example: dict[str, str]) -> None:
    late = default_cost(simulate(contract()).rows, 36_000, 1500, int(example["days"]))
    assert (late.principal_fen, late.interest_fen) == (155_109, 299_536)
    assert [f"{late.penalty_fen / 100:.2f}", f"{late.compound_fen / 100:.2f}"] == [
        example["penalty"], example["compound"]
    ]  # fmt: skip
    assert penalty_rate_ppm(36_000, 1500) == 54_000


def test_a_fee_is_charged_as_often_as_it_says() -> None:
    assert [CostFee("F", "", "", 1, due).times(rows) for due in DUES for rows in (1, 12, 13, 25)] == [
        1, 1, 1, 1, 1, 12, 13, 25, 1, 1, 2, 3
    ]  # fmt: skip
    for due in DUES:
        for rows in range(1, 40):
            one = CostFee("F", "", "", 7, due)
            flows = one.at_start_fen + sum(one.with_row(index, rows) for index in range(1, rows + 1))
            assert flows == 7 * one.times(rows)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1_000, 10**9), st.lists(st.integers(0, 10**7), min_size=1, max_size=60),
    st.sampled_from([(1, 1), (43, 30), (16, 30)]),
)  # fmt: skip
def test_the_exact_rate_lies_within_half_a_ppm(received: int, extra: list[int], first: tuple[int, int]) -> None:
    payments = [received // len(extra) + 1 + more for more in extra]
    try:
        found = annualised_ppm(received, payments, first)
    except CostRefused:
        return

    def worth(annual: Fraction) -> Fraction:
        rate = annual / 12_000_000
        total, grown = Fraction(0), 1 + rate * Fraction(*first)
        for payment in payments:
            total += payment / grown
            grown *= 1 + rate
        return total

    assert worth(Fraction(2 * found - 1, 2)) >= received > worth(Fraction(2 * found + 1, 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(100_000, 10**10), st.integers(0, 240_000), st.integers(1, 480))
def test_a_loan_without_fees_costs_its_rate(principal: int, rate: int, installments: int) -> None:
    request = contract(
        f"principal {principal // 100}.{principal % 100:02d}; annual_rate_percent {rate / 10_000:.4f};"
        f" installments {installments}"
    )
    cost = cost_of(request, simulate(request).rows, [])
    # Each row's interest is rounded by at most half a fen: beside the principal it shows only on small loans.
    assert abs(cost.annualised_ppm - rate) <= 1 + 12_000_000 // (2 * principal)


def test_other_arithmetic_agrees_on_e13() -> None:
    amounts = [row.principal_fen + row.interest_fen for row in simulate(contract()).rows]
    with localcontext() as context:
        context.prec = 40
        rate = Decimal("0.036") / 12
        for _newton in range(30):
            growth = [(1 + rate) ** number for number in range(1, 361)]
            gap = sum(amount / grown for amount, grown in zip(amounts, growth, strict=True)) - 99_700_000
            slope = -sum(n * amount / (grown * (1 + rate)) for n, (amount, grown) in enumerate(
                zip(amounts, growth, strict=True), start=1))  # fmt: skip
            rate -= gap / slope
        assert f"{rate * 1200:.4f}" == "3.6243"


def test_fees_that_leave_nothing_have_no_rate() -> None:
    request = contract("principal 1000.00; installments 12")
    rows = simulate(request).rows
    for amount, code in (("1000.00", "fees_reach_the_loan"), ("2000.00", "fees_reach_the_loan"),
                         ("999.99", "cost_beyond_limit")):  # fmt: skip
        with pytest.raises(CostRefused) as refused:
            cost_of(request, rows, [fee(amount)])
        assert refused.value.code == code
    assert annualised_ppm(1, [1 + MOST_PPM // 12_000_000 * 1]) < MOST_PPM
