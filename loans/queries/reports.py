"""Reports about the book as a person sees it: aging, class migration, collections; each is one statement."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from journal.replica import read_known, read_written, report_database
from loans import sql
from loans.models import BusinessDate
from loans.queries.bank import calendar, overdue_grace_days
from loans.rules import aging
from loans.sql import array, reports
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, sees_every_branch

# First days of the bands of days past due.
BANDS = (0, 1, 31, 61, 91, 181, 361)
CLASSES = ("PASS", "SPECIAL_MENTION", "SUBSTANDARD", "DOUBTFUL", "LOSS")
NEW, SETTLED, WRITTEN_OFF = "NEW", "SETTLED", "WRITTEN_OFF"
BRANCH, PRODUCT, MONTH = "branch", "product", "month"
_NOTHING = Decimal("0.00")
_LAST_CLOSE = "SELECT max(day) FROM loans_businessdate WHERE NOT is_open"
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which loans are counted: of these branches (None: of all), of one product (None: of both)."""

    branches: tuple[int, ...] | None
    product: str | None = None

    def values(self) -> dict[str, str | None]:
        return {"branches": None if self.branches is None else array(self.branches), "product": self.product}


@dataclass(frozen=True, slots=True)
class Cell:
    """Loans and their balance."""

    loans: int = 0
    balance: Decimal = _NOTHING

    def __add__(self, other: "Cell") -> "Cell":
        return Cell(self.loans + other.loans, self.balance + other.balance)


@dataclass(frozen=True, slots=True)
class CellRow:
    """A row of a table of loans: its key, its cells in the order of the columns, and their sum."""

    key: str
    cells: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True, slots=True)
class CellTable:
    """Rows, and the sums of the columns."""

    rows: tuple[CellRow, ...]
    total: CellRow


@dataclass(frozen=True, slots=True)
class Collected:
    """What fell due under a key, what of it came in, and what of earlier months was settled; amounts in yuan."""

    key: str
    due: Decimal
    received: Decimal
    recovered: Decimal

    @property
    def unpaid(self) -> Decimal:
        return self.due - self.received


def scope_of(staff: Staff, branch: str = "", product: str = "") -> Scope:
    """What a person sees, narrowed to one branch by its code; of a branch that is not seen, nothing."""
    if branch:
        found = Branch.objects.filter(code=branch).values_list("pk", flat=True).first()
        seen = found if found in branch_ids_visible_to(staff) else None
        return Scope(() if seen is None else (seen,), product or None)
    return Scope(None if sees_every_branch(staff) else tuple(branch_ids_visible_to(staff)), product or None)


def closed_dates() -> tuple[date, date] | None:
    """The first and the last date that is closed; None in a bank that has closed nothing yet."""
    closed = BusinessDate.objects.filter(is_open=False).order_by("day")
    first, last = closed.values_list("day", flat=True).first(), closed.values_list("day", flat=True).last()
    return (first, last) if first and last else None


def read_closed(read: Callable[[str], _Result]) -> _Result:
    """What is told of closed dates, by an alias: on a replica that knows the last close, else where everything is."""
    if report_database() == "default":
        return read("default")
    ((last,),) = sql.rows(_LAST_CLOSE)
    return read_known(read, knows=lambda using: sql.rows(_LAST_CLOSE, using=using) == [(last,)])


def aging_at(day: date, scope: Scope, by: str) -> CellTable:
    """Balances at the close of a date by band of days past due, a row a branch (by its id) or a product."""
    days = calendar(day - timedelta(days=40), day)
    until = aging.recognised_due_until(day, overdue_grace_days(day), days)
    loans = reports.AGING_LOANS if by == PRODUCT or scope.product else ""
    parts = {"key": reports.AGING_KEYS[by], "loans": loans, "scope": reports.AGING_SCOPE}
    statement = _with(reports.AGING, parts)
    values = {**scope.values(), "day": day, "recognised": until}
    found = read_closed(lambda using: sql.rows(statement, values, using=using))
    return _table([(row, band, Cell(*cell)) for row, band, *cell in found], BANDS)


def migration_between(from_on: date, to_on: date, scope: Scope) -> CellTable:
    """Loans by class at the close of two dates; balances are those of the later one."""
    values = {**scope.values(), "from_on": from_on, "to_on": to_on}
    found = read_closed(lambda using: sql.rows(reports.MIGRATION, values, using=using))
    cells = [(was, now, Cell(*cell)) for was, now, *cell in found]
    return _table(cells, (*CLASSES, SETTLED, WRITTEN_OFF), rows=(*CLASSES, NEW))


def _with(statement: str, parts: Mapping[str, str]) -> str:
    """A statement with its parts put in; they are constants of `loans.sql.reports`."""
    for name, expression in parts.items():
        statement = statement.replace(f"{{{name}}}", expression)
    return statement


def _table(
    cells: Iterable[tuple[str, int | str, Cell]], columns: Sequence[int | str], rows: Sequence[str] = ()
) -> CellTable:
    found: dict[str, dict[int | str, Cell]] = {key: {} for key in rows}
    for row, column, cell in cells:
        found.setdefault(row, {})[column] = cell
    made = [_row(key, [cells_of.get(column, Cell()) for column in columns]) for key, cells_of in found.items()]
    sums = [sum((row.cells[place] for row in made), Cell()) for place in range(len(columns))]
    return CellTable(tuple(made), _row("", sums))


def _row(key: str, cells: Sequence[Cell]) -> CellRow:
    return CellRow(key, tuple(cells), sum(cells, Cell()))


def collected_in(from_on: date, until: date, scope: Scope, by: str) -> list[Collected]:
    """What fell due from one day until another (not counted) and came in, a row a month or a branch."""
    narrows = by == BRANCH or scope.branches is not None or scope.product is not None
    parts = {**reports.COLLECTION_KEYS[by], "loans": reports.COLLECTION_LOANS if narrows else ""}
    statement, values = _with(reports.COLLECTIONS, parts), {**scope.values(), "from_on": from_on, "until": until}
    # Money of the open date is in it.
    found = read_written(lambda using: sql.rows(statement, values, using=using))
    return [Collected(*row) for row in found]


def summed(rows: Iterable[Collected]) -> Collected:
    """All rows in one."""
    rows = list(rows)
    names = ("due", "received", "recovered")
    return Collected("", *(sum((getattr(row, name) for row in rows), _NOTHING) for name in names))
