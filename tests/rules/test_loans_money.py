"""Amounts, rates, allocation and receipt rows."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.allocation import OpenInstallment, allocate, remaining
from loans.rules.money import AmountError, fen, parse_amount, rate_ppm, yuan
from loans.rules.receipts import ParsedReceipt, Problem, parse_receipt

HOSTILE = [
    "", "-0", "-1", "+1", " 1", "1 ", "0.001", "1e2", "1_000", "１２", "٣", "0x10", "1,234.56", "NaN", "Infinity", "1.",
    ".5", "1e308", "12345678901234", "1\n", "1.00.0",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_amount_parser_refuses(text: str) -> None:
    with pytest.raises(AmountError):
        parse_amount(text)


@pytest.mark.parametrize(
    ("text", "amount"), [("0", "0.00"), ("12", "12.00"), ("1.5", "1.50"), ("9999999999999.99",) * 2]
)
def test_amount_parser_takes_digits_with_up_to_two_decimals(text: str, amount: str) -> None:
    assert str(parse_amount(text)) == amount


@given(st.integers(0, 10**15))
def test_fen_and_yuan_are_inverse(amount: int) -> None:
    assert fen(yuan(amount)) == amount


def test_fen_and_rates_refuse_what_they_would_have_to_round() -> None:
    for call, text in ((fen, "0.005"), (fen, "NaN"), (rate_ppm, "3.60001")):
        with pytest.raises(AmountError):
            call(Decimal(text))
    assert rate_ppm(Decimal("3.6000")) == 36_000


UNPAID = [OpenInstallment(5, 300, 700), OpenInstallment(6, 200, 800)]


@pytest.mark.parametrize(
    ("amount", "parts", "rest"),
    [
        (0, [], 0),
        (100, [(5, 100, 0)], 0),
        (500, [(5, 300, 200)], 0),
        (1000, [(5, 300, 700)], 0),
        (1100, [(5, 300, 700), (6, 100, 0)], 0),
        (2000, [(5, 300, 700), (6, 200, 800)], 0),
        (2500, [(5, 300, 700), (6, 200, 800)], 500),
    ],
)
def test_oldest_installment_first_interest_before_principal(
    amount: int, parts: list[tuple[int, ...]], rest: int
) -> None:
    found = allocate(amount, UNPAID)
    assert [tuple(part) for part in found.parts] == parts
    assert found.rest_fen == rest


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=8),
    st.lists(st.integers(0, 10**6), max_size=5),
)
def test_payments_one_by_one_pay_what_their_sum_pays(owed: list[tuple[int, int]], amounts: list[int]) -> None:
    unpaid = [OpenInstallment(n, interest, principal) for n, (interest, principal) in enumerate(owed, start=1)]
    left, rest = unpaid, 0
    for amount in amounts:
        found = allocate(amount, left)
        assert amount == found.interest_fen + found.principal_fen + found.rest_fen
        left, rest = remaining(left, found.parts), rest + found.rest_fen
    whole = allocate(sum(amounts), unpaid)
    assert rest == whole.rest_fen
    assert [row for row in left if row.interest_fen or row.principal_fen] == [
        row for row in remaining(unpaid, whole.parts) if row.interest_fen or row.principal_fen
    ]


GOOD = {
    "loan": "ML420120240322000001",
    "amount": "3204.71",
    "value_on": "2026-11-20",
    "channel": "CNAPS",
    "serial": "A-1",
}


def test_a_good_receipt_is_read() -> None:
    assert parse_receipt(GOOD) == ParsedReceipt(GOOD["loan"], Decimal("3204.71"), date(2026, 11, 20), "CNAPS", "A-1")


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("loan", "", "missing"), ("loan", "a b", "malformed"), ("amount", "0", "not_positive"),
        ("amount", "1.001", "not_an_amount"), ("value_on", "2026-02-30", "not_a_date"),
        ("value_on", "20261120", "not_a_date"), ("value_on", "2026-W01-1", "not_a_date"),
        ("channel", "银联", "malformed"), ("serial", "x" * 65, "malformed"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named(column: str, value: str, code: str) -> None:
    assert parse_receipt({**GOOD, column: value}) == (Problem(column, code),)


def test_every_problem_of_a_row_is_named() -> None:
    found = parse_receipt({})
    assert isinstance(found, tuple) and [problem.column for problem in found] == list(GOOD)
