"""The QR code of a task's number: worked examples of the standard, and read back as a reader would."""

import pytest

from followups.rules import qr

HELLO = [32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17]


def test_the_worked_example_of_the_standard_has_its_codewords() -> None:
    assert qr.codewords("HELLO WORLD") == HELLO
    assert qr.correction(HELLO) == [196, 35, 39, 119, 235, 215, 231, 226, 93, 23]


@pytest.mark.parametrize(
    ("mask", "bits"),
    [
        (0, "101010000010010"),
        (1, "101000100100101"),
        (2, "101111001111100"),
        (3, "101101101001011"),
        (4, "100010111111001"),
        (5, "100000011001110"),
        (6, "100111110010111"),
        (7, "100101010100000"),
    ],
)
def test_level_and_mask_are_told_as_the_standard_lists_them(mask: int, bits: str) -> None:
    assert f"{qr.format_bits(mask):015b}" == bits


def read(rows: tuple[str, ...]) -> str:
    """What a reader finds: the mask from the format, the codewords along their way, the text in them."""
    grid = [[int(bit) for bit in row] for row in rows]
    told = sum(grid[y][x] << at for at, (x, y) in enumerate(qr._format_places(0)))
    again = sum(grid[y][x] << at for at, (x, y) in enumerate(qr._format_places(1)))
    assert told == again
    (mask,) = [number for number in range(8) if qr.format_bits(number) == told]
    _blank, fixed = qr._fixed()
    bits = "".join(str(grid[y][x] ^ qr._MASKS[mask](x, y)) for x, y in qr.places(fixed))
    words = [int(bits[at : at + 8], 2) for at in range(0, 208, 8)]
    assert qr.correction(words[:16]) == words[16:]
    data = "".join(f"{word:08b}" for word in words[:16])
    assert data[:4] == "0010"
    length, data, text = int(data[4:13], 2), data[13:], ""
    while len(text) < length - 1:
        text += qr._ALPHABET[int(data[:11], 2) // 45] + qr._ALPHABET[int(data[:11], 2) % 45]
        data = data[11:]
    return text + (qr._ALPHABET[int(data[:6], 2)] if length % 2 else "")


@pytest.mark.parametrize("text", ["HF202610300000001", "HF209912319999999", "A", "", "HELLO WORLD", "Z" * 20])
def test_a_code_is_read_back(text: str) -> None:
    rows = qr.qr(text)
    assert len(rows) == qr.SIZE and {len(row) for row in rows} == {qr.SIZE}
    assert read(rows) == text


def test_finders_timing_and_the_dark_module_stand_where_a_reader_looks() -> None:
    rows = qr.qr("HF202610300000001")
    for top, left in ((0, 0), (0, 14), (14, 0)):
        block = [row[left : left + 7] for row in rows[top : top + 7]]
        assert block == ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    assert rows[6][8:13] == "10101" and rows[13][8] == "1"


@pytest.mark.parametrize("text", ["A" * 21, "abc", "回访"])
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(qr.TooLong):
        qr.qr(text)
