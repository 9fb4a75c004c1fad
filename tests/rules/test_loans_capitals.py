"""An amount in capital figures, as on a bank's slips (examples of domain 6)."""

from decimal import Decimal

import pytest

from loans.rules.capitals import capital_amount


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
