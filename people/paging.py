"""Keyset paging of lists: a page is found by the values of the last row seen, never by an offset.

So it costs the same wherever it lies, and rows that come or go do not shift it. A page's cursor is those values,
readable and unsigned: it can only ever move within what one may see. The API signs its own (`people.api.pagination`).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist, ValidationError
from django.db import connection
from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    F,
    Field,
    Func,
    IntegerField,
    Model,
    OrderBy,
    Q,
    QuerySet,
    Value,
)
from django.db.models.lookups import GreaterThan, LessThan

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
    """A way to sort a list; the last column is unique. "-" in front of a column sorts downwards, "?" behind says
    that it may be null: then it comes last. A page's cursor holds no null.

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
    """A row's place: its part, the values it sorts by there, and whether what lies before it is asked for."""

    part: int
    values: list[Any]
    backwards: bool = False


@dataclass(frozen=True)
class Stretch:
    """Rows of a list one after another, and in which of its parts the first and the last one stand."""

    rows: list[Any]
    has_next: bool
    has_previous: bool
    first_part: int
    last_part: int


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    next: str
    previous: str


def page_of(queryset: QuerySet[Any], order: Order, *, cursor: str = "", size: int = PAGE_ROWS) -> Page:
    """The rows after the cursor ("n…") or before it ("p…"); an unreadable cursor is the first page."""
    place = _read(cursor, order)
    try:
        found = stretch_of(queryset, order, place, size=size)
    except (ValueError, TypeError, ValidationError):
        return page_of(queryset, order, size=size)
    return Page(
        found.rows,
        _write("n", found.rows[-1], order, found.last_part) if found.has_next else "",
        _write("p", found.rows[0], order, found.first_part) if found.has_previous else "",
    )


def stretch_of(queryset: QuerySet[Any], order: Order, place: Place | None, *, size: int) -> Stretch:
    """The rows beyond a place, or the first; pages and the API alike walk a list by this."""
    backwards = place is not None and place.backwards
    found = _rows(queryset, order, place, backwards, size + 1)
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    return Stretch(
        [row for _part, row in found],
        has_next=bool(found) and (backwards or more),
        has_previous=bool(found) and place is not None and (not backwards or more),
        first_part=found[0][0] if found else 0,
        last_part=found[-1][0] if found else 0,
    )


def values_of(row: Any, columns: tuple[str, ...]) -> list[Any]:
    """What a row sorts by."""
    return [_value(row, _name(column)) for column in columns]


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
        mark = (marks or {}).get(name)
        if mark is None:
            marked, told = queryset.values("pk"), "0"
        else:
            marked = queryset.annotate(mark=ExpressionWrapper(mark, BooleanField())).values("pk", "mark")
            told = "count(*) FILTER (WHERE q.mark)"
        try:
            text, given = marked[: MOST_COUNTED + 1].query.sql_with_params()
        except EmptyResultSet:
            continue
        selects.append(f"SELECT %s, count(*), {told} FROM ({text}) q")  # noqa: S608 - the ORM's
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
        rows = queryset.filter(part.condition).order_by(*(_sorting(column, backwards) for column in part.columns))
        if place is not None and number == place.part:
            rows = rows.filter(_beyond(queryset.model, part.columns, place.values, backwards))
        found += [(number, row) for row in rows[: most - len(found)]]
        if len(found) == most:
            break
    return found


def _name(column: str) -> str:
    return column.lstrip("-").rstrip("?")


def _sorting(column: str, backwards: bool) -> OrderBy:
    # Rows without a value come last going forward, whichever way the column is sorted.
    nulls = {"nulls_first" if backwards else "nulls_last": True} if column.endswith("?") else {}
    return OrderBy(F(_name(column)), descending=column.startswith("-") != backwards, **nulls)


def _beyond(model: type[Model], columns: tuple[str, ...], place: list[Any], backwards: bool) -> Q:
    """Rows that sort after `place` (before it, backwards): the first column decides, the next among equals, and so on.

    Columns that all sort one way are compared as one row, so that an index is entered at the place itself however many
    rows are equal in the first column. Of others, what the first column alone says stands beside the condition.
    """
    steps = ["gt" if column.startswith("-") == backwards else "lt" for column in columns]
    if len(columns) > 1 and len(set(steps)) == 1 and (compared := _as_row(model, columns, place, steps[0])):
        return compared
    condition, equal = Q(pk__in=[]), Q()
    for column, step, value in zip(columns, steps, place, strict=True):
        name = _name(column)
        past, same = Q(**{f"{name}__{step}": value}), Q(**{name: value})
        if value is None:
            past, same = Q(**{f"{name}__isnull": False}) if backwards else Q(pk__in=[]), Q(**{f"{name}__isnull": True})
        elif column.endswith("?") and not backwards:
            past |= Q(**{f"{name}__isnull": True})
        condition |= equal & past
        equal &= same
    if len(columns) == 1 or columns[0].endswith("?"):
        return condition
    return Q(**{f"{_name(columns[0])}__{steps[0]}e": place[0]}) & condition


def _as_row(model: type[Model], columns: tuple[str, ...], place: list[Any], step: str) -> Q | None:
    """The columns beside the place as one comparison; None where one may be null or is no column of a table."""
    fields = [_field(model, _name(column)) for column in columns]
    if None in fields or any(column.endswith("?") for column in columns):
        return None
    values = [Value(value, field) for value, field in zip(place, fields, strict=True)]
    compare = GreaterThan if step == "gt" else LessThan
    return Q(compare(_Row(*(F(_name(column)) for column in columns)), _Row(*values)))


class _Row(Func):
    """Several values compared as one."""

    template = "ROW(%(expressions)s)"
    output_field = IntegerField()


def _field(model: type[Model], path: str) -> "Field[Any, Any] | None":
    """The field at the end of a path of names; None of what a queryset computes."""
    field: Any = None
    for step in path.split("__"):
        try:
            field = model._meta.get_field(step)
        except FieldDoesNotExist:
            return None
        model = field.related_model or model
    return field.target_field if field.is_relation else field


def _write(direction: str, row: Model, order: Order, part: int = 0) -> str:
    values = values_of(row, order.in_parts[part].columns)
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
    return Place(part, values, cursor.startswith("p"))


def _is_plain(value: Any) -> bool:
    """A whole number or a text that the database can hold."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return isinstance(value, int)
