"""A task's number as a QR code (ISO/IEC 18004): version 1, level M, capital letters and digits, at most 20 of them.

That is all a printed form needs, so no other size is made: 21 × 21 modules, 16 codewords of data, 10 that correct.
"""

from collections.abc import Callable, Sequence
from typing import Final

SIZE: Final = 21
MOST: Final = 20
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DATA, _CORRECTING = 16, 10
_LEVEL_M = 0b00
_FINDER = (1, 0, 1, 1, 1, 0, 1)
_MASKS: Final[tuple[Callable[[int, int], bool], ...]] = (
    lambda x, y: (x + y) % 2 == 0,
    lambda x, y: y % 2 == 0,
    lambda x, y: x % 3 == 0,
    lambda x, y: (x + y) % 3 == 0,
    lambda x, y: (x // 3 + y // 2) % 2 == 0,
    lambda x, y: x * y % 2 + x * y % 3 == 0,
    lambda x, y: (x * y % 2 + x * y % 3) % 2 == 0,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2 == 0,
)
Grid = list[list[int]]


class TooLong(ValueError):
    """More than this size holds, or other characters than it has."""


def qr(text: str) -> tuple[str, ...]:
    """The rows of the code from the top, `1` where it is dark; a quiet zone of four modules belongs around it."""
    words = codewords(text)
    words += correction(words)
    blank, fixed = _fixed()
    made = [_masked(blank, fixed, words, number) for number in range(len(_MASKS))]
    best = min(range(len(made)), key=lambda number: (_penalty(made[number]), number))
    return tuple("".join(map(str, row)) for row in made[best])


def codewords(text: str) -> list[int]:
    """The 16 codewords of a text: mode, length, pairs of characters in 11 bits, padding."""
    if len(text) > MOST or any(char not in _ALPHABET for char in text):
        raise TooLong(text)
    places = [_ALPHABET.index(char) for char in text]
    bits = f"0010{len(text):09b}"
    for at in range(0, len(places) - 1, 2):
        bits += f"{places[at] * 45 + places[at + 1]:011b}"
    if len(places) % 2:
        bits += f"{places[-1]:06b}"
    bits += "0" * min(4, _DATA * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    found = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    return found + [0xEC if number % 2 == 0 else 0x11 for number in range(_DATA - len(found))]


def correction(words: Sequence[int]) -> list[int]:
    """The codewords that correct: the remainder of Reed and Solomon's division over GF(256)."""
    divisor = [0] * (_CORRECTING - 1) + [1]
    root = 1
    for _ in range(_CORRECTING):
        for at in range(_CORRECTING):
            divisor[at] = _times(divisor[at], root)
            if at + 1 < _CORRECTING:
                divisor[at] ^= divisor[at + 1]
        root = _times(root, 2)
    rest = [0] * _CORRECTING
    for word in words:
        factor = word ^ rest.pop(0)
        rest.append(0)
        rest = [old ^ _times(one, factor) for old, one in zip(rest, divisor, strict=True)]
    return rest


def format_bits(mask: int) -> int:
    """Level and mask as 15 bits that correct themselves."""
    told = _LEVEL_M << 3 | mask
    rest = told
    for _ in range(10):
        rest = rest << 1 ^ (rest >> 9) * 0x537
    return (told << 10 | rest) ^ 0x5412


def _times(one: int, other: int) -> int:
    """A product in GF(256) modulo x⁸ + x⁴ + x³ + x² + 1."""
    found = 0
    for bit in range(7, -1, -1):
        found = found << 1 ^ (found >> 7) * 0x11D
        found ^= (other >> bit & 1) * one
    return found


def _fixed() -> tuple[Grid, Grid]:
    """The modules that every code has, and where no data may stand."""
    blank, fixed = ([[0] * SIZE for _ in range(SIZE)] for _ in range(2))
    for at in range(SIZE):
        blank[6][at] = blank[at][6] = 1 - at % 2
        fixed[6][at] = fixed[at][6] = 1
    for left, top in ((0, 0), (SIZE - 7, 0), (0, SIZE - 7)):
        for y in range(max(top - 1, 0), min(top + 8, SIZE)):
            for x in range(max(left - 1, 0), min(left + 8, SIZE)):
                apart = max(abs(x - left - 3), abs(y - top - 3))
                blank[y][x], fixed[y][x] = int(apart not in (2, 4)), 1
    for x, y in [*_format_places(0), *_format_places(1), (8, SIZE - 8)]:
        fixed[y][x] = 1
    blank[SIZE - 8][8] = 1
    return blank, fixed


def _format_places(copy: int) -> list[tuple[int, int]]:
    """Where the bits of level and mask stand, the lowest first; there are two copies."""
    if copy == 0:
        return [*((8, at) for at in range(6)), (8, 7), (8, 8), (7, 8), *((14 - at, 8) for at in range(9, 15))]
    return [*((SIZE - 1 - at, 8) for at in range(8)), *((8, SIZE - 15 + at) for at in range(8, 15))]


def places(fixed: Grid) -> list[tuple[int, int]]:
    """Where the bits of the codewords stand, in their order: two columns at a time, up and down from the right."""
    found = []
    for right in (*range(SIZE - 1, 6, -2), 5, 3, 1):
        for step in range(SIZE):
            y = SIZE - 1 - step if (right + 1) & 2 == 0 else step
            found += [(x, y) for x in (right, right - 1) if not fixed[y][x]]
    return found


def _masked(blank: Grid, fixed: Grid, words: Sequence[int], mask: int) -> Grid:
    grid = [list(row) for row in blank]
    bits = "".join(f"{word:08b}" for word in words)
    for at, (x, y) in enumerate(places(fixed)):
        bit = int(bits[at]) if at < len(bits) else 0
        grid[y][x] = bit ^ _MASKS[mask](x, y)
    for copy in range(2):
        for at, (x, y) in enumerate(_format_places(copy)):
            grid[y][x] = format_bits(mask) >> at & 1
    return grid


def _penalty(grid: Grid) -> int:
    """How hard the code is to read: long runs, blocks, what looks like a finder, too dark or too light."""
    found = 0
    columns = [list(column) for column in zip(*grid, strict=True)]
    for line in (*grid, *columns):
        run = 1
        for at in range(1, SIZE + 1):
            if at < SIZE and line[at] == line[at - 1]:
                run += 1
                continue
            found += run - 2 if run >= 5 else 0
            run = 1
        padded = (0, 0, 0, 0, *line, 0, 0, 0, 0)
        for at in range(4, len(padded) - 10):
            if padded[at : at + 7] == _FINDER:
                found += 40 * (not any(padded[at - 4 : at])) + 40 * (not any(padded[at + 7 : at + 11]))
    for y in range(SIZE - 1):
        for x in range(SIZE - 1):
            found += 3 * (grid[y][x] == grid[y][x + 1] == grid[y + 1][x] == grid[y + 1][x + 1])
    dark = sum(map(sum, grid))
    return found + 10 * (abs(dark * 20 - SIZE * SIZE * 10) // (SIZE * SIZE))
