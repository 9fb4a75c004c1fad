"""What a dry run says of workload: officers and weeks, branches and months, who is above the ceiling.

Figures come from the rows of the run, of the branches one may see; names come from where people and branches stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from followups.models.policy import PolicyRun
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to

MOST_OFFICERS, MOST_ABOVE = 100, 60
_VISITS = "sum(phone_before + field_before)::int AS before, sum(phone_after + field_after)::int AS after"
_WEEKS = f"""
WITH week AS (
    SELECT officer_id, starts_on, min(branch_id) AS branch_id, {_VISITS},
           sum(field_before)::int AS field_before, sum(field_after)::int AS field_after
      FROM followups_policyrunload
     WHERE run_id = %(run)s AND unit = 'W' AND officer_id <> 0 AND branch_id = ANY(%(branches)s)
       AND (%(officers)s::bigint[] IS NULL OR officer_id = ANY(%(officers)s::bigint[]))
     GROUP BY 1, 2
)
"""  # noqa: S608 - joined from constants of this file
_OFFICERS = f"""{_WEEKS}
SELECT officer_id, min(branch_id), sum(before), sum(after), sum(field_before), sum(field_after), max(before),
       max(after), count(*) FILTER (WHERE before > %(most)s), count(*) FILTER (WHERE after > %(most)s)
  FROM week GROUP BY 1 ORDER BY 10 DESC, 8 DESC, 4 DESC, 1 LIMIT %(limit)s
"""  # noqa: S608 - joined from constants of this file
_ABOVE = f"""{_WEEKS}
SELECT officer_id, branch_id, starts_on, before, after FROM week WHERE after > %(most)s
 ORDER BY starts_on, after DESC, officer_id LIMIT %(limit)s
"""  # noqa: S608 - joined from constants of this file
_EACH = f"""{_WEEKS}
SELECT officer_id, branch_id, starts_on, before, after, field_before, field_after FROM week ORDER BY 1, 3
"""  # noqa: S608 - joined from constants of this file
_MONTHS = f"""
SELECT branch_id, starts_on, {_VISITS}, sum(field_before)::int, sum(field_after)::int
  FROM followups_policyrunload WHERE run_id = %(run)s AND unit = 'M' AND branch_id = ANY(%(branches)s)
 GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - joined from constants of this file


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure before and after."""

    before: int | Decimal
    after: int | Decimal


@dataclass(frozen=True, slots=True)
class OfficerYear:
    """An officer's year under both versions."""

    officer: Staff | None
    branch: Branch | None
    officer_id: int
    visits: Pair
    in_field: Pair
    hours: Pair
    busiest: Pair
    weeks_above: Pair


@dataclass(frozen=True, slots=True)
class Above:
    """A week in which an officer is above the ceiling."""

    officer: Staff | None
    branch: Branch | None
    officer_id: int
    monday: date
    visits: Pair
    over: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Visits, those in the field, and person-hours of a week or a month."""

    starts_on: date
    visits: Pair
    in_field: Pair
    hours: Pair


@dataclass(frozen=True, slots=True)
class BranchYear:
    branch: Branch | None
    months: tuple[Cell | None, ...]
    total: Pair
    total_in_field: Pair
    total_hours: Pair


class Workload:
    """Reads of one run, for one person; `branch` narrows to a branch by its id."""

    def __init__(self, run: PolicyRun, staff: Staff, branch: int | None = None) -> None:
        self.run = run
        seen = set(branch_ids_visible_to(staff))
        self._branches = sorted(seen if branch is None else seen & {branch})
        self._told: dict[str, Any] = {
            "run": run.pk,
            "branches": self._branches,
            "most": self.ceiling_of(run),
            "officers": None,
        }
        hours = run.summary.get("visit_hours") or {"phone": "0.5", "field": "2.7"}
        self._phone, self._field = Decimal(hours["phone"]), Decimal(hours["field"])

    @staticmethod
    def ceiling_of(run: PolicyRun) -> int:
        return int(run.summary.get("ceiling", 8))

    @property
    def ceiling(self) -> int:
        return int(self._told["most"])

    @property
    def branches(self) -> list[int]:
        """Of which branches the figures are."""
        return list(self._branches)

    def officers(self, limit: int | None = MOST_OFFICERS, ids: Sequence[int] | None = None) -> list[OfficerYear]:
        """The busiest first: by weeks above the ceiling, then by their busiest week; all of them without `limit`.

        `ids`: these officers alone.
        """
        rows = self._rows(_OFFICERS, limit=limit, officers=None if ids is None else list(ids))
        people, branches = _named(rows)
        return [
            OfficerYear(
                people.get(who), branches.get(branch), who, Pair(before, after), Pair(in_field, in_field_after),
                Pair(self._hours(before, in_field), self._hours(after, in_field_after)), Pair(most, most_after),
                Pair(above, above_after),
            )
            for who, branch, before, after, in_field, in_field_after, most, most_after, above, above_after in rows
        ]  # fmt: skip

    def above(self, limit: int | None = MOST_ABOVE) -> list[Above]:
        """Weeks of officers above the ceiling under the draft, the first to come first; all of them without `limit`."""
        rows = self._rows(_ABOVE, limit=limit)
        people, branches = _named(rows)
        most = self._told["most"]
        return [
            Above(people.get(who), branches.get(branch), who, monday, Pair(before, after), after - most)
            for who, branch, monday, before, after in rows
        ]

    def weeks_of(self, officer: int) -> list[Cell]:
        return self.weeks_by([officer]).get(officer, [])

    def weeks_by(self, officers: Sequence[int]) -> dict[int, list[Cell]]:
        """The weeks of these officers in one statement, in order of time."""
        found: dict[int, list[Cell]] = {}
        for who, _branch, *rest in self._rows(_EACH, officers=list(officers)):
            found.setdefault(who, []).append(self._cell(*rest))
        return found

    def over(self, cell: Cell) -> int:
        """By how many visits the week is above the ceiling under the draft."""
        return max(0, int(cell.visits.after) - self.ceiling)

    def months(self, ids: Sequence[int] | None = None) -> tuple[list[date], list[BranchYear]]:
        """The months, and each branch with a cell for every one of them; `ids`: these branches alone."""
        cells: dict[int, dict[date, Cell]] = {}
        asked = self._branches if ids is None else sorted(set(ids) & set(self._branches))
        for branch, *rest in self._rows(_MONTHS, branches=asked):
            cell = self._cell(*rest)
            cells.setdefault(branch, {})[cell.starts_on] = cell
        months = sorted({month for own in cells.values() for month in own})
        branches = Branch.objects.in_bulk(list(cells))
        years = [
            BranchYear(
                branches.get(branch),
                tuple(own.get(month) for month in months),
                _sum([cell.visits for cell in own.values()]),
                _sum([cell.in_field for cell in own.values()]),
                _sum([cell.hours for cell in own.values()]),
            )
            for branch, own in cells.items()
        ]
        return months, sorted(years, key=lambda year: year.branch.code if year.branch else "")

    def _cell(self, on: date, before: int, after: int, in_field: int, in_field_after: int) -> Cell:
        hours = Pair(self._hours(before, in_field), self._hours(after, in_field_after))
        return Cell(on, Pair(before, after), Pair(in_field, in_field_after), hours)

    def _hours(self, visits: int, in_field: int) -> Decimal:
        return (visits - in_field) * self._phone + in_field * self._field

    def _rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**self._told, **more})
            return list(cursor.fetchall())


def _sum(pairs: Sequence[Pair]) -> Pair:
    return Pair(sum(pair.before for pair in pairs), sum(pair.after for pair in pairs))


def _named(rows: Sequence[tuple[Any, ...]]) -> tuple[dict[int, Staff], dict[int, Branch]]:
    """People and branches of rows that begin with both."""
    return Staff.objects.in_bulk({row[0] for row in rows}), Branch.objects.in_bulk({row[1] for row in rows})
