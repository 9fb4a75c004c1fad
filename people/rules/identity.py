"""What makes an identity number, a telephone number and a name well formed.

Identity numbers follow GB 11643: 17 digits and a check character by weights modulo 11, with a
real birth date inside. Names and addresses are kept exactly as given but for outer spaces; what
a person cannot see (control, zero-width and direction-changing characters) is refused, because it
makes two different texts look alike.
"""

import re
import unicodedata
from datetime import date

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
_IDENTITY = re.compile(r"[0-9]{17}[0-9X]")
_MOBILE = re.compile(r"(?:\+86)?1[3-9][0-9]{9}")
_FIXED_LINE = re.compile(r"0[0-9]{2,3}-?[0-9]{7,8}(?:-[0-9]{1,6})?")
# GB/T 2260 provinces, and the residence permits of Hong Kong, Macao and Taiwan (81, 82, 83).
PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
SHORTEST_NAME, LONGEST_NAME = 2, 50
# Lone surrogates, control and format characters, private use, line and paragraph separators. Unassigned
# code points (Cn) are let through: new rare Han characters are ahead of the host's Unicode tables.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# More combining marks than this after one another is a flood, not a name.
_MOST_MARKS = 4


def check_digit(body: str) -> str:
    """The check character of the first 17 digits."""
    return CHECK_CHARACTERS[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]


def birth_date(id_no: str) -> date | None:
    """The birth date inside a well-formed number; None when there is no such day."""
    try:
        return date(int(id_no[6:10]), int(id_no[10:12]), int(id_no[12:14]))
    except ValueError:
        return None


def identity_fault(id_no: str) -> str | None:
    """None for a valid number, else "form", "birth_date" or "check_digit". A final x must be upper case."""
    if not _IDENTITY.fullmatch(id_no):
        return "form"
    born = birth_date(id_no)
    if born is None or born.year < 1850:
        return "birth_date"
    return None if check_digit(id_no[:17]) == id_no[17] else "check_digit"


def is_known_province(id_no: str) -> bool:
    return int(id_no[:2]) in PROVINCES


def is_phone(text: str) -> bool:
    """A mobile number (+86 optional) or a fixed line with area code."""
    return bool(_MOBILE.fullmatch(text) or _FIXED_LINE.fullmatch(text))


def has_unseen_characters(text: str) -> bool:
    """True when the text holds characters that do not show: controls, zero width, direction marks, mark floods."""
    if text.isascii():
        return not text.isprintable()
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if category in _UNSEEN:
            return True
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MOST_MARKS:
            return True
    return False


def name_fault(name: str) -> str | None:
    """None for a usable name (outer spaces already trimmed), else "unseen_characters" or "length"."""
    if has_unseen_characters(name):
        return "unseen_characters"
    return None if SHORTEST_NAME <= len(name) <= LONGEST_NAME else "length"
