"""Decides what of a report a reader sees who may not know who and where: names and places masked wherever they are.

A name is masked wherever its characters stand, inside a run of them too: where a name ends is not written in Chinese,
and 高明的, 高明与, 高明先生, 联系高明 must not leak. Of two characters it can also be part of an ordinary word. It is
left there only inside a longer word that is known to be no name: a district, city or county that the masked address
shows anyway (佛山市, 高明区), the branch that wrote the report, or one of a closed list of places and everyday words
(安居工程). What follows must not make a sentence about the person of it (高明区分, 安居工程师): then it is masked.
Whatever is not known is masked, for a word too many is a blemish and a name too many a disclosure; names of three
characters are masked without exception.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from followups.rules.checklist_items import NOBODY
from followups.rules.events import ITEM_PREFIX
from followups.rules.ordinary_words import EVERYDAY, GOES_ON, PLACE
from followups.rules.report import STATE_WORDS
from people.rules.masking import mask_address, mask_name

# Items that say where somebody lives or who stands beside the borrower, and the shortest text looked for inside others.
_MASKS: Final[Mapping[str, Callable[[str], str]]] = {
    "address": mask_address, "emergency_contact": mask_name, "tenant": mask_name, "guarantor": mask_name,
}  # fmt: skip
_ADDRESS_LEAST: Final = 6
_NAME_LEAST: Final = 2
# What stands in the place of a name and names nobody: it stays readable, and is looked for nowhere.
_NAMES_NOBODY: Final = frozenset((*NOBODY, *(text for words in STATE_WORDS.values() for text in words.values())))
_SAID: Final = ("before", "before_text", "now", "now_text", "from", "to")
_NEVER_MASKED: Final = ("staff_no", "answers_sha256", "key", "code")
# Words of the bank, but for the question about an event, which tells the event in the words it came with.
_LABELS: Final = ("label", "item_label")
_AMBIGUOUS: Final = 2


def masked(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content for a reader who may not know who and where: borrower and addresses masked.

    Both are looked for in free texts too. The hash of a report is that of the unmasked content.
    """
    name = str(content.get("cover", {}).get("borrower") or "")
    homes = content.get("collateral", {}).get("homes", ())
    told = [*(("address", str(home["address"])) for home in homes), *_told(content)]
    places = {text for key, text in told if key == "address"}
    secrets = {text: mask_place(key, text) for key, text in told if _is_secret(key, text)}
    if len(name) > 1:
        secrets[name] = mask_name(name)
    words = _known_words(content, places)
    # The longest first, so that an address inside another leaves no rest of it.
    longest = sorted(secrets, key=len, reverse=True)
    found = _without(content, [(_wherever(text, words, places), secrets[text]) for text in longest])
    assert isinstance(found, dict)
    if name:
        found["cover"]["borrower"] = mask_name(name)
    for home in found.get("collateral", {}).get("homes", ()):
        if home["address"] in places:
            home["address"] = mask_place("address", home["address"])
    # A visitor may bear the borrower's name.
    for shown, opinion in zip(found.get("opinions", ()), content.get("opinions", ()), strict=True):
        shown["name"] = opinion["name"]
    return found


def hidden_in(content: Mapping[str, Any], words: str) -> str:
    """Words about a report that more people read than may know of whom it is: names and places of it masked."""
    return str(masked({**content, "said": words})["said"])


def _known_words(content: Mapping[str, Any], places: Iterable[str]) -> tuple[str, ...]:
    """Longer words in which two characters of a name are no name: of the report itself, and everyday ones."""
    shown = {part for place in places for part in PLACE.findall(mask_address(place).rstrip("*"))}
    bank = str(content.get("cover", {}).get("bank") or "")
    return tuple(sorted({*shown, *EVERYDAY, *([bank] if bank else [])}, key=len, reverse=True))


def _wherever(text: str, words: Iterable[str], places: Collection[str]) -> re.Pattern[str]:
    """Where the secret is to be masked; a known word around it is matched first, under `kept`."""
    around = [word for word in words if text in word and word != text]
    if len(text) != _AMBIGUOUS or text in places or not around:
        return re.compile(re.escape(text))
    kept = "|".join(re.escape(word) for word in around)
    return re.compile(f"(?P<kept>(?:{kept})(?![{GOES_ON}]))|{re.escape(text)}")


def _hide(pattern: re.Pattern[str], shown: str, value: str) -> str:
    def said(found: re.Match[str]) -> str:
        return found.groupdict().get("kept") or shown

    return pattern.sub(said, value)


def mask_place(item: str, text: str) -> str:
    """A stored answer to `item`, masked when it says where somebody lives, or who stands beside the borrower.

    An answer that names nobody, and the words for no answer, stay as they are.
    """
    return _MASKS[item](text) if item in _MASKS and text.strip() not in _NAMES_NOBODY else text


def _is_secret(item: str, text: str) -> bool:
    """Is the text looked for everywhere else too?"""
    least = _ADDRESS_LEAST if item == "address" else _NAME_LEAST
    return len(text) >= least and text.strip() not in _NAMES_NOBODY


def _told(content: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The texts of every row about a place or a person, whichever list it stands in, each with its item."""
    rows = [row for section in content.get("sections", ()) for row in section["items"]]
    for row in [*rows, *content.get("amendments", ())]:
        if row["key"] in _MASKS:
            yield from ((row["key"], text) for key in _SAID if key in row for text in _texts(row[key]))


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def _without(value: Any, secrets: Sequence[tuple[re.Pattern[str], str]]) -> Any:
    if isinstance(value, str):
        for secret, shown in secrets:
            value = _hide(secret, shown, value)
        return value
    if isinstance(value, Mapping):
        if value.get("key") in _MASKS:
            return _masked_row(value)
        kept = _NEVER_MASKED if _is_of_event(value) else (*_NEVER_MASKED, *_LABELS)
        return {key: part if key in kept else _without(part, secrets) for key, part in value.items()}
    return [_without(part, secrets) for part in value] if isinstance(value, (list, tuple)) else value


def _is_of_event(row: Mapping[str, Any]) -> bool:
    """The question about an event, or a file that proves it."""
    return any(str(row.get(name) or "").startswith(ITEM_PREFIX) for name in ("key", "item"))


def _masked_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row about a place or a person: what was and what is said of it, masked however short."""
    shown, item = dict(row), row["key"]
    for key in _SAID:
        if key in row:
            part = row[key]
            is_pair = isinstance(part, Mapping)
            shown[key] = {word: mask_place(item, part[word]) for word in part} if is_pair else mask_place(item, part)
    return shown
