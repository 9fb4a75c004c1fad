"""What a typed amount means, and how it is said back in capital figures (examples of domain 6)."""

from decimal import Decimal

import pytest

from loans.rules.money import AmountError
from loans.rules.typed import capital_amount, typed_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("3204.71", "3204.71"), ("３２０４．７１", "3204.71"),
        ("12,345.60", "12345.60"), ("１２，３４５．６", "12345.60"),
        (" 100 ", "100.00"), ("　100", "100.00"), ("1,000,000", "1000000.00"), ("0.01", "0.01"),
    ],
)  # fmt: skip
def test_what_is_meant(text: str, amount: str) -> None:
    assert typed_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1,5", "1,23,456", "12,34", ",100", "100,", "1,000,00", "-1", "+1", "−1", "0", "0.00",
     "1e3", "NaN", "Inf",
     "1_000", "٣", "1.234", "1.2.3", "0x10", "１e２", "12345678901234", "1 000", "100元", "¥100", "1,000.123", "\x00"],
)  # fmt: skip
def test_what_cannot_have_been_meant_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        typed_amount(text)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1000053.05", "壹佰万零伍拾叁元零伍分"), ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("1409.50", "壹仟肆佰零玖元伍角"),
        ("100.00", "壹佰元整"), ("0.01", "壹分"), ("0.50", "伍角"), ("10.00", "壹拾元整"),
        ("10001.00", "壹万零壹元整"), ("100000000.00", "壹亿元整"), ("100010000.00", "壹亿零壹万元整"),
        ("9999999999999.99", "玖万亿玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"), ("0.00", "零元整"),
        ("1016.00", "壹仟零壹拾陆元整"), ("6007.14", "陆仟零柒元壹角肆分"),
    ],
)  # fmt: skip
def test_capital_figures(amount: str, words: str) -> None:
    assert capital_amount(Decimal(amount)) == words
