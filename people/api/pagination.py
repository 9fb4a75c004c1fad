"""Lists by keyset: a page costs the same wherever it lies, and rows that come or go do not shift it.

A view names its orderings; each ends in a unique column. The cursor holds the last row's sort
values, signed, and is bound to the list and the ordering it was made for. Nothing is counted
unless asked, and then no further than 10,000.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core import signing
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from people.api.errors import BadCursor

DEFAULT_SIZE = 50
MAX_SIZE = 200
COUNT_CAP = 10_000
PARAMETERS = ("cursor", "page_size", "ordering", "with_count")


class KeysetPagination(BasePagination):
    """`orderings` of the view: {name: (column, …)}; the first is the default, `-name` turns it round."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.size = _size(request)
        self.name, columns = _ordering(request, view)
        self.list_name = type(view).__name__
        self.columns = columns
        position = _read(request.query_params.get("cursor"), self.list_name, self.name, len(columns))
        backwards, values = position if position else (False, [])
        self.count = _count(request, queryset)
        if values:
            queryset = queryset.filter(_beyond(columns, values, backwards))
        rows = list(queryset.order_by(*[_order(column, backwards) for column in columns])[: self.size + 1])
        more = len(rows) > self.size
        rows = rows[: self.size]
        if backwards:
            rows.reverse()
        self.next = self._cursor(rows[-1], False) if rows and (more or backwards) else None
        self.previous = self._cursor(rows[0], True) if rows and values and (more or not backwards) else None
        return rows

    def _cursor(self, row: Any, backwards: bool) -> str:
        values = [_value(row, column.lstrip("-").rstrip("?")) for column in self.columns]
        return signing.dumps(
            [self.list_name, self.name, backwards, [_pack(value) for value in values]], salt="keyset", compress=True
        )

    def get_paginated_response(self, data: Any) -> Response:
        body: dict[str, Any] = {"next": self.next, "previous": self.previous, "results": data}
        if self.count is not None:
            body["count"] = min(self.count, COUNT_CAP)
            body["count_is_capped"] = self.count > COUNT_CAP
        return Response(body)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        cursor = {"type": "string", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": cursor,
                "previous": cursor,
                "results": schema,
                "count": {"type": "integer", "maximum": COUNT_CAP},
                "count_is_capped": {"type": "boolean"},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        names = [sign + name for name in getattr(view, "orderings", {}) for sign in ("", "-")]
        return [
            _parameter("cursor", {"type": "string"}, "`next` or `previous` of an earlier page, unchanged."),
            _parameter(
                "page_size", {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": DEFAULT_SIZE}, ""
            ),
            _parameter("ordering", {"type": "string", "enum": names}, ""),
            _parameter("with_count", {"type": "string", "enum": ["0", "1"]}, f"1 adds `count`, up to {COUNT_CAP}."),
        ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _size(request: Request) -> int:
    text = request.query_params.get("page_size", str(DEFAULT_SIZE))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_SIZE):
        raise ValidationError({"page_size": [_("请填 1 至 %(most)d 的整数。") % {"most": MAX_SIZE}]})
    return int(text)


def _ordering(request: Request, view: Any) -> tuple[str, tuple[str, ...]]:
    """The ordering's name and its columns: "-" in front for descending, "?" behind for one that may be null."""
    orderings: dict[str, tuple[str, ...]] = view.orderings
    name = request.query_params.get("ordering", "") or getattr(view, "default_ordering", "") or next(iter(orderings))
    columns = orderings.get(name.removeprefix("-"))
    if columns is None:
        raise ValidationError({"ordering": [_("可用的排序：%(names)s。") % {"names": ", ".join(orderings)}]})
    if name.startswith("-"):
        columns = tuple(c.removeprefix("-") if c.startswith("-") else f"-{c}" for c in columns)
    return name, columns


def _count(request: Request, queryset: QuerySet[Any]) -> int | None:
    wanted = request.query_params.get("with_count", "0")
    if wanted not in ("0", "1"):
        raise ValidationError({"with_count": [_("请填 0 或 1。")]})
    return queryset.order_by().values("pk")[: COUNT_CAP + 1].count() if wanted == "1" else None


def _order(column: str, backwards: bool) -> Any:
    descending = column.startswith("-") != backwards
    nullable = column.endswith("?")
    field = F(column.lstrip("-").rstrip("?"))
    # Rows without a value come last going forward, whichever way the column is sorted.
    where = {"nulls_first": True} if nullable and backwards else {"nulls_last": True} if nullable else {}
    return field.desc(**where) if descending else field.asc(**where)


def _beyond(columns: tuple[str, ...], values: list[Any], backwards: bool) -> Q:
    """Rows after (or before) the position: equal in the first i columns, past it in the next."""
    condition, equal = Q(pk__in=[]), Q()
    for column, value in zip(columns, values, strict=True):
        name = column.lstrip("-").rstrip("?")
        larger = column.startswith("-") == backwards
        if value is None:
            past = Q(**{f"{name}__isnull": False}) if backwards else Q(pk__in=[])
            same = Q(**{f"{name}__isnull": True})
        else:
            past = Q(**{f"{name}__{'gt' if larger else 'lt'}": value})
            if column.endswith("?") and not backwards:
                past |= Q(**{f"{name}__isnull": True})
            same = Q(**{name: value})
        condition |= equal & past
        equal &= same
    first = columns[0]
    if values[0] is not None and not first.endswith("?"):
        # Redundant, but it lets the planner enter the index at the position.
        bound = "gte" if first.startswith("-") == backwards else "lte"
        condition &= Q(**{f"{first.lstrip('-')}__{bound}": values[0]})
    return condition


def _value(row: Any, path: str) -> Any:
    for part in path.split("__"):
        row = getattr(row, part)
    return row


def _pack(value: Any) -> Any:
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, Decimal):
        return ["n", str(value)]
    return ["", value]


_UNPACK: dict[str, Callable[[Any], Any]] = {
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "n": Decimal,
    "": lambda value: value,
}


def _read(text: str | None, list_name: str, ordering: str, width: int) -> tuple[bool, list[Any]] | None:
    if not text:
        return None
    try:
        made_for, made_with, backwards, packed = signing.loads(text[:2000], salt="keyset")
        values = [_UNPACK[kind](value) for kind, value in packed]
    except (signing.BadSignature, ValueError, TypeError, KeyError, UnicodeError):
        raise BadCursor(_("翻页游标无效。")) from None
    if (made_for, made_with) != (list_name, ordering) or len(values) != width:
        raise BadCursor(_("翻页游标不属于这个列表或排序。"))
    return bool(backwards), values
