"""The bank that lives the year: the real book as a tape, with branches, officers, managers and the bank's own people.

The book's rows are taken as they are; what the tape does not say (who manages a loan, what its borrower earns) is made
up from the seed. A smaller book keeps the shares of young loans and of arrears.
"""

import csv
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from config.boarding import board
from loans.models import Loan, Parameter
from loans.rules.schedule import annuity
from people.actions import create_branch, create_staff, root_branch
from people.actions.certificates import take_over_certificates
from people.models import Branch, Staff
from tests.tapes import BOOK

SHANGHAI = ZoneInfo("Asia/Shanghai")
TAPE_DAY = date(2026, 10, 31)
FIRST = TAPE_DAY + timedelta(days=1)
PASSWORD = "anju-simulated-1"  # noqa: S105 - of a made-up bank
# Rows of a small book that are younger than 90 days, and that are in arrears, of a hundred.
_YOUNG, _LATE = 12, 5
_UNASSIGNED = 3


@dataclass(frozen=True)
class Size:
    """How large a bank: 0 loans are all of the book; branches 0 are those of the tape."""

    loans: int = 0
    branches: int = 0
    officers: int = 2
    ceiling: int = 8


@dataclass
class People:
    """Who works there; read anew every day, for what one may do is kept with the person for a request only."""

    officers: list[Staff]
    managers: dict[int, Staff]
    head: Staff
    operations: Staff
    risk: Staff

    def manager_of(self, loan_id: int) -> Staff:
        """The manager of the loan's branch."""
        return self.managers[Loan.objects.values_list("branch_id", flat=True).get(pk=loan_id)]


def clock(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of a day in the bank's time zone."""
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def make(size: Size, seed: int) -> int:
    """Fills a migrated and seeded database that Django works on; how many loans were booked."""
    dice = Random(f"{seed}/bank")
    rows = _chosen(size, dice)
    codes = sorted({row["branch_code"] for row in rows})
    at = clock(TAPE_DAY, 9)
    root = root_branch(at=at)
    officers: dict[str, list[str]] = {}
    for code in codes:
        branch = create_branch(code=code, name=f"支行{code}", parent=root, by="system", at=at)
        officers[code] = [f"A{code}{number}" for number in range(1, size.officers + 1)]
        for number in officers[code]:
            _hire(number, "LOAN_OFFICER", branch, at)
        _hire(f"M{code}", "BRANCH_MANAGER", branch, at)
    certified = Staff.objects.filter(roles__code="LOAN_OFFICER")
    take_over_certificates(staff=certified, first=TAPE_DAY, last=TAPE_DAY + timedelta(days=2 * 365))
    for number, role in (("H0001", "BRANCH_MANAGER"), ("O0001", "OPERATIONS"), ("R0001", "RISK_MANAGER")):
        _hire(number, role, root, at)
    if size.ceiling != 8:
        Parameter.objects.filter(code="visit_week_ceiling").update(value=size.ceiling)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.csv"
        _write(path, rows, officers, dice)
        report = board(path, as_of=TAPE_DAY, is_dry_run=False, refused_to=None, by="system", at=clock(TAPE_DAY, 22))
    return report.imported


def people() -> People:
    """The bank's people as of now."""
    staff = list(Staff.objects.filter(staff_no__regex="^[AMHOR]").select_related("branch").order_by("staff_no"))
    by_number = {one.staff_no: one for one in staff}
    return People(
        officers=[one for one in staff if one.staff_no.startswith("A")],
        managers={one.branch_id: one for one in staff if one.staff_no.startswith("M")},
        head=by_number["H0001"],
        operations=by_number["O0001"],
        risk=by_number["R0001"],
    )


def _hire(number: str, role: str, branch: Branch, at: datetime) -> None:
    create_staff(
        staff_no=number, name=f"员{number}", branch=branch, roles=[role], password=PASSWORD, by="system", at=at
    )


def _chosen(size: Size, dice: Random) -> list[dict[str, str]]:
    with BOOK.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if size.branches:
        codes = sorted({row["branch_code"] for row in rows})[: size.branches]
        rows = [row for row in rows if row["branch_code"] in codes]
    if not size.loans or size.loans >= len(rows):
        return rows
    young = [row for row in rows if row["disbursed_on"] > (TAPE_DAY - timedelta(days=90)).isoformat()]
    late = [row for row in rows if row["days_past_due"] != "0"]
    kept = [*young[: size.loans * _YOUNG // 100], *late[: size.loans * _LATE // 100]]
    named = {row["external_id"] for row in kept}
    others = [row for row in rows if row["external_id"] not in named]
    return [*kept, *dice.sample(others, size.loans - len(kept))]


def _write(path: Path, rows: Sequence[dict[str, str]], officers: dict[str, list[str]], dice: Random) -> None:
    columns = [*rows[0], "portfolio_officer", "monthly_income"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            officer = "" if dice.randrange(100) < _UNASSIGNED else dice.choice(officers[row["branch_code"]])
            writer.writerow({**row, "portfolio_officer": officer, "monthly_income": _income(row, dice)})


def _income(row: dict[str, str], dice: Random) -> str:
    """2 to 4.5 times a payment at 3.5 % over thirty years; not known of one in ten."""
    lot, times = dice.random(), dice.randrange(20, 45)
    fen = int(row["principal_original"].replace(".", "") or 0)
    if lot < 0.1 or fen <= 0:
        return ""
    return f"{annuity(fen, 35_000, 360) * times // 1000 + 1}.00"
