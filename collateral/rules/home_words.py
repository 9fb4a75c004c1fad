"""Reads a development with a room (滨江悦府 1701) out of what was typed into a search field, as a pattern of addresses.

The name comes first, numbers follow in the order of the address; what lies between them may be left out: 滨江悦府1701
is 滨江悦府3栋2单元1701, 滨江悦府3栋1701 too. A number is whole: 1701 is not 21701.
"""

import re
from dataclasses import dataclass

_WORDS = re.compile(r"^(?P<name>[^\d]*[\u3400-\u9fff][^\d]*)(?P<rest>\d.*)$")
_NUMBER = re.compile(r"(\d{1,9})([^\d]*)")
# Fewer characters in a row have no entry in the index of three characters.
_NAME_LEAST, _IN_A_ROW = 2, 3


@dataclass(frozen=True, slots=True)
class HomeWords:
    """`name` stands in the address, and `pattern` (a regular expression of the database) is found in it."""

    name: str
    pattern: str


def home_words(word: str) -> HomeWords | None:
    """What a word without spaces asks for; None when it names no development with a number."""
    found = _WORDS.match(word)
    if found is None or len(found["name"]) < _NAME_LEAST:
        return None
    name, numbers = found["name"], _NUMBER.findall(found["rest"])
    longest = max([len(name), *(len(number) for number, _unit in numbers)])
    if longest < _IN_A_ROW:
        return None
    parts = [f"(?<![0-9]){number}(?![0-9]){re.escape(unit)}" for number, unit in numbers]
    return HomeWords(name, ".*".join([re.escape(name), *parts]))
