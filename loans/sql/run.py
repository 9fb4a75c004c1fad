"""How statements are run: array literals, execute, fetch, COPY."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, connections


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


def rows(statement: str, values: dict[str, Any] | None = None, *, using: str = "default") -> list[tuple[Any, ...]]:
    """Executes and fetches all rows; a report says where it reads (`journal.replica`)."""
    with connections[using].cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def copy_rows(table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """COPYs rows of numbers, dates, array literals and plain words into a table of ours."""
    copy_as_made(table, columns, list(values))


def copy_as_made(table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """COPYs rows while they are made: the server writes one while the next is computed, without a look at the database.

    What goes wrong in making them is raised as it is, and nothing was copied.
    """
    lines = _Lines(values)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        try:
            cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", lines)
        except Exception as error:
            raise lines.fault or error from None


class _Lines:
    """Rows as a file of COPY text, as far as it is read."""

    def __init__(self, values: Iterable[Sequence[object]]) -> None:
        self._rows = iter(values)
        self.fault: Exception | None = None

    def read(self, size: int) -> str:
        """At least so many characters, as long as there are any."""
        found: list[str] = []
        length = 0
        try:
            while length < size and (row := next(self._rows, None)) is not None:
                line = "\t".join(["\\N" if value is None else str(value) for value in row])
                found.append(line + "\n")
                length += len(line)
        except Exception as error:
            self.fault = error
            raise
        return "".join(found)
