"""Reads a workbook back: the table of a sheet as rows by head, days as serial numbers."""

import re
from datetime import date
from io import BytesIO
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

_NAMES = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_FIRST = date(1899, 12, 30)


def serial(day: date) -> str:
    """A day as a cell holds it."""
    return str((day - _FIRST).days)


def content_of(reply: Any) -> bytes:
    return b"".join(reply.streaming_content)


def lines_of(book: bytes, sheet: int = 1) -> list[dict[int, str]]:
    """The lines of a sheet, each by the number of the column."""
    with ZipFile(BytesIO(book)) as parts:
        root = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314 - our own file
        shared = _shared(parts)
    found = []
    for row in root.iter(f"{_NAMES}row"):
        cells = {}
        for cell in row.iter(f"{_NAMES}c"):
            letters = re.sub(r"\d", "", cell.attrib["r"])
            number = 0
            for letter in letters:
                number = number * 26 + ord(letter) - 64
            cells[number - 1] = _text(cell, shared)
        found.append(cells)
    return found


def table_of(book: bytes, heads: tuple[str, ...], sheet: int = 1) -> list[dict[str, str]]:
    """The rows below the line that holds these heads, each by its head."""
    lines = lines_of(book, sheet)
    at = next(number for number, line in enumerate(lines) if set(heads) <= set(line.values()))
    columns = lines[at]
    return [{columns[number]: line.get(number, "") for number in columns} for line in lines[at + 1 :]]


def _shared(parts: ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in parts.namelist():
        return []
    root = ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))  # noqa: S314 - our own file
    return ["".join(text.text or "" for text in each.iter(f"{_NAMES}t")) for each in root.iter(f"{_NAMES}si")]


def _text(cell: ElementTree.Element, shared: list[str]) -> str:
    texts = [text.text or "" for text in cell.iter(f"{_NAMES}t")]
    value = cell.findtext(f"{_NAMES}v")
    if cell.attrib.get("t") == "s" and value is not None:
        return shared[int(value)]
    return "".join(texts) if texts else value or ""
