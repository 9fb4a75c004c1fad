"""Says how alike two texts are, and finds candidates without comparing all with all.

A text is the set of its three-character pieces without spaces and signs; likeness is the share of pieces that both
have (Jaccard), in whole percent, rounded down. Candidates are found by bands of minimum hashes: texts of 80 % likeness
share one of 16 bands in 9,998 of 10,000 cases, unlike texts hardly ever. All of it is exact integers: the same text
gives the same bands on every machine and in every year.
"""

import re
from difflib import SequenceMatcher
from typing import Final
from zlib import crc32

# Shorter texts are alike because there is little to say.
SHORTEST: Final = 20
PIECE: Final = 3
BANDS, ROWS = 16, 4
_PRIME: Final = (1 << 31) - 1
_FACTORS: Final = tuple(
    (crc32(f"factor {n}".encode()) % (_PRIME - 1) + 1, crc32(f"summand {n}".encode()) % _PRIME)
    for n in range(BANDS * ROWS)
)


def plain(text: str) -> str:
    """The text without spaces and signs: what is left when somebody changes a comma."""
    return re.sub(r"[\W_]+", "", text).casefold()


def pieces(text: str) -> frozenset[str]:
    bare = plain(text)
    return frozenset(bare[n : n + PIECE] for n in range(len(bare) - PIECE + 1))


def is_comparable(text: str) -> bool:
    return len(plain(text)) >= SHORTEST


def percent(one: str, other: str) -> int:
    """How alike two texts are; 0 when one of them says nothing."""
    first, second = pieces(one), pieces(other)
    if not first or not second:
        return 0
    return len(first & second) * 100 // len(first | second)


def bands(text: str) -> list[int]:
    """The bands of a text, distinct for each place; none for a text too short to be compared."""
    if not is_comparable(text):
        return []
    hashes = [crc32(piece.encode()) % _PRIME for piece in sorted(pieces(text))]
    least = [min((factor * each + summand) % _PRIME for each in hashes) for factor, summand in _FACTORS]
    found = []
    for band in range(BANDS):
        row = least[band * ROWS : (band + 1) * ROWS]
        found.append(crc32(f"{band} {row}".encode()))
    return found


def passages(one: str, other: str) -> list[tuple[bool, str, str]]:
    """Both texts cut into passages one after another: (is it the same, in the one, in the other)."""
    found = []
    for tag, start, end, start_other, end_other in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        found.append((tag == "equal", one[start:end], other[start_other:end_other]))
    return found
