"""The statement of account as a workbook: amounts are numbers with two decimals, words are words.

Cells are written by kind, so a text that begins with `=`, `+`, `-` or `@` stays a text and is never a formula; it is
also set in text format, so that editing the cell does not make one of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import IO, Any

import xlsxwriter

_PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
Cell = str | Decimal | date | int | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a workbook holds: its title, lines of name and value, a table with its sums."""

    title: str
    facts: Sequence[tuple[str, Cell]]
    heads: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    sums: Sequence[Cell]
    notes: Sequence[str]


def render(sheet: Sheet, *, made_at: datetime) -> bytes:
    """The workbook's bytes; the same content and instant give the same bytes."""
    target = BytesIO()
    _fill(xlsxwriter.Workbook(target, {"in_memory": True, **_PLAIN}), sheet, made_at)
    return target.getvalue()


def write(sheet: Sheet, target: IO[bytes], *, made_at: datetime, beside: Sequence[Sheet] = ()) -> None:
    """The same into a file, a row at a time: a long list costs no memory. Its rows are asked for once, in order.

    `beside` are further sheets of the workbook, each under its title.
    """
    _fill(xlsxwriter.Workbook(target, {"constant_memory": True, **_PLAIN}), sheet, made_at, beside)


def _fill(book: Any, sheet: Sheet, made_at: datetime, beside: Sequence[Sheet] = ()) -> None:
    book.set_properties({"title": sheet.title, "created": made_at.replace(tzinfo=None)})
    formats = {
        "text": book.add_format({"num_format": "@"}),
        "head": book.add_format({"num_format": "@", "bold": True, "bottom": 1, "text_wrap": True}),
        "amount": book.add_format({"num_format": "#,##0.00"}),
        "sum": book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "title": book.add_format({"num_format": "@", "bold": True, "font_size": 14}),
    }
    _page(book, sheet, formats)
    for other in beside:
        _page(book, other, formats, name=other.title)
    book.close()


def _page(book: Any, sheet: Sheet, formats: dict[str, Any], *, name: str | None = None) -> None:
    page = book.add_worksheet(name)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.write_string(0, 0, sheet.title, formats["title"])
    line = 1
    for name, value in sheet.facts:
        page.write_string(line, 0, name, formats["text"])
        _put(page, line, 1, value, formats)
        line += 1
    line += 1
    for column, words in enumerate(sheet.heads):
        page.write_string(line, column, words, formats["head"])
    page.repeat_rows(line)
    page.freeze_panes(line + 1, 2)
    for row in sheet.rows:
        line += 1
        for column, cell in enumerate(row):
            _put(page, line, column, cell, formats)
    line += 1
    for column, cell in enumerate(sheet.sums):
        _put(page, line, column, cell, formats, amount="sum")
    for words in sheet.notes:
        line += 1
        page.write_string(line, 0, words, formats["text"])
    page.set_column(0, 0, 14)
    page.set_column(1, 1, 44)
    page.set_column(2, max(2, len(sheet.heads) - 1), 15)


def _put(page: Any, line: int, column: int, cell: Cell, formats: dict[str, Any], *, amount: str = "amount") -> None:
    """One cell by what it is; nothing is guessed from how a text looks."""
    if cell is None:
        return
    if isinstance(cell, Decimal):
        page.write_number(line, column, cell, formats[amount])
    elif isinstance(cell, int):
        page.write_number(line, column, cell)
    elif isinstance(cell, date):
        page.write_datetime(line, column, datetime(cell.year, cell.month, cell.day), formats["day"])  # noqa: DTZ001
    else:
        page.write_string(line, column, cell, formats["text"])
