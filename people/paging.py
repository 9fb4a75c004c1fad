"""Keyset paging of lists: a page is found by the values of the last row seen, never by an offset.

The cursor is those values, readable and unsigned: it can only ever move within what one may see.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

PAGE_ROWS = 25
# A cursor holds the few values of one row; anything longer was made by hand.
LONGEST_CURSOR = 400


@dataclass(frozen=True)
class Order:
    """A way to sort a list. Columns are not null, the last one is unique; "-" in front sorts downwards."""

    code: str
    label: Any
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    next: str
    previous: str


def page_of(queryset: QuerySet[Any], order: Order, *, cursor: str = "", size: int = PAGE_ROWS) -> Page:
    """The rows after the cursor ("n…") or before it ("p…"); an unreadable cursor is the first page."""
    place = _read(cursor, order)
    backwards = place is not None and cursor.startswith("p")
    columns = tuple(_turned(column) for column in order.columns) if backwards else order.columns
    found = queryset.order_by(*columns)
    if place is not None:
        try:
            found = found.filter(_beyond(columns, place))
        except (ValueError, TypeError, ValidationError):
            return page_of(queryset, order, size=size)
    rows = list(found[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    has_next = backwards or more
    has_previous = place is not None and (not backwards or more)
    return Page(
        rows,
        _write("n", rows[-1], order) if rows and has_next else "",
        _write("p", rows[0], order) if rows and has_previous else "",
    )


def _turned(column: str) -> str:
    return column[1:] if column.startswith("-") else f"-{column}"


def _beyond(columns: tuple[str, ...], place: list[Any]) -> Q:
    """Rows that sort after `place`: the first column decides, the next one among equals, and so on."""
    condition, equal = Q(), Q()
    for column, value in zip(columns, place, strict=True):
        name = column.lstrip("-")
        step = "lt" if column.startswith("-") else "gt"
        condition |= equal & Q(**{f"{name}__{step}": value})
        equal &= Q(**{name: value})
    return condition


def _write(direction: str, row: Model, order: Order) -> str:
    values = [_value(row, column.lstrip("-")) for column in order.columns]
    text = json.dumps(values, default=str, separators=(",", ":"))
    return direction + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _value(row: Any, path: str) -> Any:
    for step in path.split("__"):
        row = getattr(row, step)
    return row


def _read(cursor: str, order: Order) -> list[Any] | None:
    if cursor[:1] not in ("n", "p") or len(cursor) > LONGEST_CURSOR:
        return None
    try:
        body = cursor[1:]
        values = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return None
    fits = isinstance(values, list) and len(values) == len(order.columns)
    return values if fits and all(_is_plain(value) for value in values) else None


def _is_plain(value: Any) -> bool:
    """A whole number or a text that the database can hold."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return isinstance(value, int)
