"""Several short lists in one statement: what stands around a page costs one question, not one each."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def lists_of(querysets: Mapping[str, QuerySet[Any, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each queryset of `.values(…)`, in its order; days and instants are texts."""
    parts, values = [], []
    for name, queryset in querysets.items():
        try:
            text, given = queryset.query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"%s, (SELECT jsonb_agg(to_jsonb(q)) FROM ({text}) q)")  # noqa: S608 - the ORM's
        values += [name, *given]
    found: dict[str, Any] = {}
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT jsonb_build_object({', '.join(parts)})", values)  # noqa: S608 - the ORM's
            found = json.loads(cursor.fetchone()[0])
    return {name: found.get(name) or [] for name in querysets}
