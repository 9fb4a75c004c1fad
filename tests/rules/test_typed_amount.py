"""What may be typed as an amount or a rate: full-width digits and grouping commas are folded, no more is guessed."""

from decimal import Decimal

import pytest

from loans.rules.money import AmountError
from loans.rules.typed_amount import typed_amount, typed_rate


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234.5", "1234.50"),
        (" 1234.50 ", "1234.50"),
        ("1,234,567.89", "1234567.89"),
        ("１，２３４．５６", "1234.56"),
        ("１２", "12.00"),
        ("0", "0.00"),
    ],
)
def test_an_amount_is_understood(text: str, amount: str) -> None:
    assert typed_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1e3", "NaN", "Infinity", "٣", "1,23", "12,34.5", ",123", "1,2345", "1.234", "1 000", "1_000",
     "¥5",     "１２．３４５", "12345678901234", "0x1", "1\u200b"],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        typed_amount(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("3.5", "3.5"), (" 3.50 ", "3.50"), ("\uff13\uff0e\uff14\uff15", "3.45"), ("\uff13", "3"), ("0.0001", "0.0001")],
)
def test_a_rate_is_understood(text: str, rate: str) -> None:
    assert typed_rate(text) == Decimal(rate)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1e0", "NaN", "\u0663", "3,5", "3.45678", "3.5%", "3 5", "1000", ".5", "3."]
)
def test_every_other_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=".*"):
        typed_rate(text)
