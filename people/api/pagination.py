"""Lists of the API by keyset, walked as pages are (`people.paging`).

A view names its orderings; each ends in a unique column. The cursor holds the last row's sort
values, signed, and is bound to the list and the ordering it was made for. Nothing is counted
unless asked, and then no further than 10,000.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from people.api.errors import BadCursor
from people.paging import Order, Place, stretch_of, values_of

DEFAULT_SIZE = 50
MAX_SIZE = 200
COUNT_CAP = 10_000
PARAMETERS = ("cursor", "page_size", "ordering", "with_count")


class KeysetPagination(BasePagination):
    """`orderings` of the view: {name: (column, …)}; the first is the default, `-name` turns it round."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = _size(request)
        name, columns = _ordering(request, view)
        made_for = (type(view).__name__, name)
        place = _read(request.query_params.get("cursor"), made_for, len(columns))
        self.count = _count(request, queryset)
        found = stretch_of(queryset, Order(name, name, columns), place, size=size)
        self.next = _cursor(made_for, values_of(found.rows[-1], columns), False) if found.has_next else None
        self.previous = _cursor(made_for, values_of(found.rows[0], columns), True) if found.has_previous else None
        return found.rows

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


def _cursor(made_for: tuple[str, str], values: list[Any], backwards: bool) -> str:
    packed = [_pack(value) for value in values]
    return signing.dumps([*made_for, backwards, packed], salt="keyset", compress=True)


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


def _read(text: str | None, made_for: tuple[str, str], width: int) -> Place | None:
    if not text:
        return None
    try:
        list_name, ordering, backwards, packed = signing.loads(text[:2000], salt="keyset")
        values = [_UNPACK[kind](value) for kind, value in packed]
    except (signing.BadSignature, ValueError, TypeError, KeyError, UnicodeError):
        raise BadCursor(_("翻页游标无效。")) from None
    if (list_name, ordering) != made_for or len(values) != width:
        raise BadCursor(_("翻页游标不属于这个列表或排序。"))
    return Place(0, values, bool(backwards))
