"""Identity numbers, telephone numbers and names: the worked examples of the standard, and hostile text."""

import pytest

from people.rules.identity import check_digit, has_unseen_characters, identity_fault, is_phone, name_fault


@pytest.mark.parametrize("id_no", ["11010519491231002X", "440524188001010014", "420106198511169501"])
def test_identity_number_with_right_check_digit_is_valid(id_no: str) -> None:
    assert identity_fault(id_no) is None
    assert check_digit(id_no[:17]) == id_no[17]


@pytest.mark.parametrize(
    ("id_no", "fault"),
    [
        ("110105194912310021", "check_digit"),
        ("11010519490231002X", "birth_date"),
        ("11010500000000002X", "birth_date"),
        ("11010519491231002x", "form"),
        ("1101051949123100", "form"),
        ("１１0105194912310021", "form"),
        ("4.20106E+17", "form"),
        ("", "form"),
        ("11010519491231002X\n", "form"),
    ],
)
def test_wrong_identity_number_names_its_fault(id_no: str, fault: str) -> None:
    assert identity_fault(id_no) == fault


def test_every_other_check_character_is_refused() -> None:
    wrong = [character for character in "0123456789X" if identity_fault("11010519491231002" + character)]
    assert len(wrong) == 10


@pytest.mark.parametrize("text", ["19900002206", "+8613800138000", "010-88886666", "02788886666", "0755-1234567-88"])
def test_telephone_number_is_known(text: str) -> None:
    assert is_phone(text)


@pytest.mark.parametrize("text", ["", "12345", "12900002206", "199000022061", "１９９00002206", "+1 555 0100", "abc"])
def test_other_text_is_no_telephone_number(text: str) -> None:
    assert not is_phone(text)


@pytest.mark.parametrize("name", ["田悦", "阿卜杜拉·买买提", "欧阳 娜娜", "𠮷田𬎆", "李" * 50, "O'Neil"])
def test_name_is_kept(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("李", "length"),
        ("李" * 51, "length"),
        ("", "length"),
        ("张\u202e三", "unseen_characters"),
        ("张\u200b三", "unseen_characters"),
        ("张\x00三", "unseen_characters"),
        ("张\n三", "unseen_characters"),
        ("张\ud800三", "unseen_characters"),
        ("z" + "\u0301" * 20, "unseen_characters"),
        ("Zhang\x7f", "unseen_characters"),
    ],
)
def test_unusable_name_names_its_fault(name: str, fault: str) -> None:
    assert name_fault(name) == fault


def test_ordinary_address_has_no_unseen_characters() -> None:
    assert not has_unseen_characters("武汉市武昌区示例路523号25栋1074室（二期）")
