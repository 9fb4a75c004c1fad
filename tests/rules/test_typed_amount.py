"""What a person may type as an amount: full-width digits and grouping commas are folded, nothing else is guessed."""

from decimal import Decimal

import pytest

from loans.rules.money import AmountError
from loans.rules.typed_amount import typed_amount


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
