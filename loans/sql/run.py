"""How statements are run: array literals, execute, fetch, COPY."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

from django.db import connection


def array(values: Iterable[int | Decimal | date | str | None]) -> str:
    """An array literal of numbers, dates or our own code words (nothing that would need quoting)."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def int_array(values: list[int]) -> str:
    """An array literal of many whole numbers, which Python writes out by itself."""
    return "{" + str(values)[1:-1] + "}"


def run(statement: str, values: dict[str, Any]) -> int:
    """Executes; returns the number of rows that the last part of the statement touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def rows(statement: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Executes and fetches all rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def copy_rows(table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """COPYs rows of numbers, dates, array literals and plain words into a table of ours."""
    text = StringIO()
    for row in values:
        text.write("\t".join(["\\N" if value is None else str(value) for value in row]))
        text.write("\n")
    text.seek(0)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text)
