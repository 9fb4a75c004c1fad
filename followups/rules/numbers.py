"""Reads the numbers of tasks (HF…), reports (HFBG…) and letters (TZ…) as people type or copy them."""

import re
from datetime import date

_TASK = re.compile(r"^HF(?P<day>\d{8})(?P<serial>\d{7,12})$", re.IGNORECASE)
_LETTER = re.compile(r"^TZ(?P<day>\d{8})(?P<serial>\d{7,12})$", re.IGNORECASE)
_REPORT = re.compile(r"^HFBG\d{8}(?P<serial>\d{7,12})(?:-\d{1,4})?$", re.IGNORECASE)


def task_of(word: str) -> tuple[int, date] | None:
    """Id and day of creation that a task number names; None when it is no such number."""
    return _id_and_day(_TASK.match(word))


def letter_of(word: str) -> tuple[int, date] | None:
    """Id and day of a letter that its number names; None when it is no such number."""
    return _id_and_day(_LETTER.match(word))


def _id_and_day(found: re.Match[str] | None) -> tuple[int, date] | None:
    if found is None:
        return None
    text = found["day"]
    try:
        return int(found["serial"]), date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}")
    except ValueError:
        return None


def visit_of_report(word: str) -> int | None:
    """The visit whose report the number names."""
    found = _REPORT.match(word)
    return int(found["serial"]) if found else None
