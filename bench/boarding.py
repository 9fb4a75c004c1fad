"""Boarding a tape of ten thousand loans with all its checks, beside COPY of the tape and of the same rows (B12)."""

import csv
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import bank
from bench.book import TAKEN_OVER_ON, Book, Drawn, draw, identity
from bench.measure import Cost, cost_of, flush_statistics, state_of
from bench.stand import Pairs, Result, Stand, State, child, differing, say
from bench.undo import Undo

LOANS = 10_000
_HANDED = (
    "loans_importbatch", "people_branch", "people_staff", "people_party", "people_financialprofile", "loans_loan",
    "loans_position", "loans_terms", "loans_pricing", "loans_installment", "loans_posting", "loans_ledger_line",
    "collateral_property", "collateral_charge", "collateral_valuation", "loans_businessdate", "journal_entry",
    "journal_pending", "loans_general_line",
)  # fmt: skip
_PARTS = ("positions", "installments", "postings", "ledger lines", "general lines", "terms")
_EMPTY = f"bench_empty_{bank.LAYOUT}"


def tape(path: Path, loans: int) -> None:
    """Writes a loan tape of level-payment loans of a drawn book, as of its take-over."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] | None = None
        written = chunk = 0
        while written < loans:
            for loan in draw(Book(10_000_000, seed=7), chunk):
                if loan.baseline_on == TAKEN_OVER_ON and loan.method == "EQUAL_INSTALLMENT" and written < loans:
                    row = _row(loan)
                    writer = writer or _begun(file, row)
                    writer.writerow(row)
                    written += 1
            chunk += 1


def _begun(file: Any, row: dict[str, str]) -> "csv.DictWriter[str]":
    writer = csv.DictWriter(file, fieldnames=list(row))
    writer.writeheader()
    return writer


def _row(loan: Drawn) -> dict[str, str]:
    serial = loan.loan_id
    return {
        "external_id": f"TAPE{serial:08d}",
        "borrower_name": loan.name,
        "borrower_id_no": identity(serial),
        "borrower_phone": f"199{serial:08d}",
        "branch_code": f"{loan.branch + 1:04d}",
        "portfolio_officer": "",
        "principal_original": f"{loan.original_fen / 100:.2f}",
        "principal_outstanding": f"{loan.outstanding_fen / 100:.2f}",
        "annual_rate_percent": f"{loan.rate_ppm / 10_000:.4f}",
        "repayment_method": loan.method,
        "disbursed_on": str(loan.disbursed_on),
        "matures_on": str(loan.matures_on),
        "due_day": str(loan.due_day),
        "days_past_due": str(serial % 97 if serial % 50 == 0 else 0),
        "credit_score": str(loan.score),
        "property_type": "CONDO",
        "owner_occupied": "Y",
        "property_address": f"Road {loan.branch} no. {serial}",
        "appraised_value": f"{loan.original_fen / 60:.2f}",
        "appraised_on": str(TAKEN_OVER_ON),
        "monthly_income": "20000.00",
        "employer": f"Employer {serial % 5000}",
        "registration_no": f"REG{serial}",
        "payment_record": loan.marks,
    }


def boarding(stand: Stand) -> Iterator[Result]:
    """B12, each run on a copy of a bank that has no loans yet: its tables must not have been seen full before."""
    loans = min(LOANS, stand.book.loans)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape.csv"
        tape(path, loans)
        pairs = Pairs()
        ends: dict[str, State] = {}
        _run("ours", path, ends, keep=True)
        for number in range(stand.pairs):
            for name in ("ours", "other") if number % 2 == 0 else ("other", "ours"):
                getattr(pairs, name).append(_run(name, path, ends))
    pairs.differ = differing(ends["ours"], ends["other"])
    found = pairs.result("B12")
    found.note = found.note or f"{loans} loans"
    yield found


def _run(name: str, path: Path, ends: dict[str, State], *, keep: bool = False) -> Cost:
    database = f"{_EMPTY}_{os.getpid()}"
    with bank.copy_of(_empty(), database):
        cursor = bank.connect(database, owner=True).cursor()
        undo = Undo(cursor)
        if keep:
            undo.remember()
        ours = child(database, "board", path=str(path), as_of=str(TAKEN_OVER_ON))
        cost = cost_of(cursor, ours if name == "ours" else lambda: _floor(database, path))
        ends.setdefault(name, state_of(cursor, TAKEN_OVER_ON, *_PARTS))
        if keep:
            _take_out(cursor, undo, path.parent)
        cursor.connection.close()
    say(f"  {name:5s} {cost.seconds:9.3f} s {cost.rows_written:8d} rows {cost.wal_mb:8.2f} MB of WAL")
    return cost


def _take_out(cursor: Any, undo: Undo, folder: Path) -> None:
    """Writes what boarding made into files that the floor copies in."""
    undo.keep_made(*_HANDED)
    for table in _HANDED:
        with (folder / table).open("w", encoding="utf-8") as file:
            cursor.copy_expert(f"COPY made_{table} TO STDOUT", file)


def _floor(database: str, path: Path) -> dict[str, Any]:
    """The tape copied into a staging table, and every row that boarding writes, copied in table by table."""
    connection = bank.connect(database)
    connection.autocommit = False
    cursor = connection.cursor()
    start = time.perf_counter()
    cursor.execute("SELECT open_ledger_month(%s)", [TAKEN_OVER_ON])
    with path.open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")
        columns = ", ".join(f"{name} text" for name in names)
        cursor.execute(f"CREATE TEMPORARY TABLE told ({columns}) ON COMMIT DROP")
        cursor.copy_expert("COPY told FROM STDIN WITH (FORMAT csv)", file)
    for table in _HANDED:
        with (path.parent / table).open(encoding="utf-8") as file:
            cursor.copy_expert(f"COPY {table} FROM STDIN", file)
    connection.commit()
    seconds = time.perf_counter() - start
    flush_statistics(cursor)
    connection.commit()
    connection.close()
    return {"seconds": seconds}


def _empty() -> str:
    """A migrated and seeded bank without loans, made once."""
    connection = bank.connect("postgres", owner=True)
    cursor = connection.cursor()
    if not bank.has(cursor, _EMPTY):
        draft = f"{_EMPTY}_draft"
        bank.drop(draft)
        bank.make_empty(draft)
        cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{_EMPTY}"')
    else:
        bank.bring_up_to_date(cursor, _EMPTY)
    connection.close()
    return _EMPTY
