"""Keyset paging of lists: a page is found by the values of the last row seen, never by an offset.

The cursor is those values, readable and unsigned: it can only ever move within what one may see.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Model, Q, QuerySet

PAGE_ROWS = 25
# Beside a list a count is told up to here; what lies beyond is "999+".
MOST_COUNTED = 999
# A cursor holds the few values of one row; anything longer was made by hand.
LONGEST_CURSOR = 400


@dataclass(frozen=True)
class Part:
    """A part of a list with an order of its own: the parts follow one another and leave no row out."""

    condition: Q
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """A way to sort a list. Columns are not null, the last one is unique; "-" in front sorts downwards.

    A list in parts begins with the rows that an index of their own holds, say those overdue. `columns` stays empty;
    the cursor begins with the number of the part.
    """

    code: str
    label: Any
    columns: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def in_parts(self) -> tuple[Part, ...]:
        return self.parts or (Part(Q(), self.columns),)


@dataclass(frozen=True)
class Place:
    """A row's place: its part, and the values it sorts by there."""

    part: int
    values: list[Any]


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    next: str
    previous: str


def page_of(queryset: QuerySet[Any], order: Order, *, cursor: str = "", size: int = PAGE_ROWS) -> Page:
    """The rows after the cursor ("n…") or before it ("p…"); an unreadable cursor is the first page."""
    place = _read(cursor, order)
    backwards = place is not None and cursor.startswith("p")
    try:
        found = _rows(queryset, order, place, backwards, size + 1)
    except (ValueError, TypeError, ValidationError):
        return page_of(queryset, order, size=size)
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next = backwards or more
    has_previous = place is not None and (not backwards or more)
    return Page(
        [row for _part, row in found],
        _write("n", found[-1][1], order, found[-1][0]) if found and has_next else "",
        _write("p", found[0][1], order, found[0][0]) if found and has_previous else "",
    )


def capped(count: int) -> str:
    """A count of `counts_of` in words."""
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def counts_of(querysets: Mapping[str, QuerySet[Any]], marks: Mapping[str, Q] | None = None) -> dict[str, int]:
    """How many rows each has, no further than one more than is told: one statement that stops counting there.

    Of those counted, how many bear the mark given for the name, as "… marked". Give each queryset the order of the
    index in which its first rows lie.
    """
    counts, selects, values = dict.fromkeys(querysets, 0), [], []
    for name, queryset in querysets.items():
        mark = (marks or {}).get(name, Q(pk__isnull=True))
        marked = queryset.annotate(mark=ExpressionWrapper(mark, BooleanField())).values("pk", "mark")
        try:
            text, given = marked[: MOST_COUNTED + 1].query.sql_with_params()
        except EmptyResultSet:
            continue
        selects.append(f"SELECT %s, count(*), count(*) FILTER (WHERE q.mark) FROM ({text}) q")  # noqa: S608 - the ORM's
        values += [name, *given]
    if selects:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(selects), values)
            for name, count, marked_count in cursor.fetchall():
                counts[name], counts[f"{name} marked"] = count, marked_count
    return counts


def _rows(
    queryset: QuerySet[Any], order: Order, place: Place | None, backwards: bool, most: int
) -> list[tuple[int, Any]]:
    """Rows with the number of their part; a part is asked only where those before it do not fill the page."""
    found: list[tuple[int, Any]] = []
    parts = list(enumerate(order.in_parts))
    for number, part in reversed(parts) if backwards else parts:
        if place is not None and (number > place.part if backwards else number < place.part):
            continue
        columns = tuple(_turned(column) for column in part.columns) if backwards else part.columns
        rows = queryset.filter(part.condition).order_by(*columns)
        if place is not None and number == place.part:
            rows = rows.filter(_beyond(columns, place.values))
        found += [(number, row) for row in rows[: most - len(found)]]
        if len(found) == most:
            break
    return found


def _turned(column: str) -> str:
    return column[1:] if column.startswith("-") else f"-{column}"


def _beyond(columns: tuple[str, ...], place: list[Any]) -> Q:
    """Rows that sort after `place`: the first column decides, the next one among equals, and so on.

    What the first column alone says stands beside it: there an index begins, however deep the page lies.
    """
    condition, equal = Q(), Q()
    for column, value in zip(columns, place, strict=True):
        name = column.lstrip("-")
        step = "lt" if column.startswith("-") else "gt"
        condition |= equal & Q(**{f"{name}__{step}": value})
        equal &= Q(**{name: value})
    if len(columns) == 1:
        return condition
    first = columns[0].lstrip("-")
    return Q(**{f"{first}__{'lte' if columns[0].startswith('-') else 'gte'}": place[0]}) & condition


def _write(direction: str, row: Model, order: Order, part: int = 0) -> str:
    values = [_value(row, column.lstrip("-")) for column in order.in_parts[part].columns]
    text = json.dumps([part, *values] if order.parts else values, default=str, separators=(",", ":"))
    return direction + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _value(row: Any, path: str) -> Any:
    for step in path.split("__"):
        row = getattr(row, step)
    return row


def _read(cursor: str, order: Order) -> Place | None:
    if cursor[:1] not in ("n", "p") or len(cursor) > LONGEST_CURSOR:
        return None
    try:
        body = cursor[1:]
        values = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(_is_plain(value) for value in values):
        return None
    part = values.pop(0) if order.parts and values else 0
    if part not in range(len(order.in_parts)) or len(values) != len(order.in_parts[part].columns):
        return None
    return Place(part, values)


def _is_plain(value: Any) -> bool:
    """A whole number or a text that the database can hold."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return isinstance(value, int)
