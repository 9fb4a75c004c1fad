"""What masked personal data look like (domain 2.7)."""

import pytest

from people.rules import masking


@pytest.mark.parametrize(
    ("function", "plain", "masked"),
    [
        (masking.mask_name, "张三丰", "张**"),
        (masking.mask_name, "", ""),
        (masking.mask_id, "11010519491231002X", "110***********002X"),
        (masking.mask_id, "123", "***"),
        (masking.mask_phone, "19900002206", "199****2206"),
        (masking.mask_phone, "", ""),
        (masking.mask_address, "武汉市武昌区示例路523号", "武汉市武昌区***"),
        (masking.mask_address, "示例路523号", "示例路***"),
    ],
)
def test_personal_data_are_masked(function, plain: str, masked: str) -> None:
    assert function(plain) == masked
