"""Money that comes in: the day's file beside set-based SQL (B8), one payment by hand beside six statements (B9)."""

import csv
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from bench import bank
from bench.book import MEASURED_ON
from bench.days import paid_on
from bench.measure import flush_statistics
from bench.nights import days_known
from bench.stand import Result, Stand
from bench.statements import statements

_PARTS = ("positions", "installments", "receipts", "postings", "ledger lines")
_HANDED = ("loans_moneyfile", "loans_receiptbreak", "journal_entry")
_LAST_BILLED = "SELECT max(id) FROM loans_installment"


def day_file(cursor: Any, path: Path, day: date = MEASURED_ON) -> int:
    """Writes the file of a day: one line in a hundred is told twice, one in five hundred names no loan of ours."""
    lines = []
    for number, (loan_id, note, amount) in enumerate(paid_on(cursor, day, seed=0)):
        line = (note, f"{amount:.2f}", day, "AUTO_DEBIT", f"F{loan_id}")
        lines.append(line if number % 500 != 7 else ("ML000019000101000000", *line[1:]))
        if number % 100 == 3:
            lines.append(line)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("loan", "amount", "value_on", "channel", "serial"))
        writer.writerows(lines)
    return len(lines)


def file_of_the_day(stand: Stand) -> Iterator[Result]:
    """B8: the file of a day whose installments are billed, taken in by the product and by set-based SQL."""
    path = Path(tempfile.gettempdir()) / f"bench-{os.getpid()}.csv"
    lines = day_file(stand.cursor, path)
    ours = stand.ours("take_in", path=str(path))

    def billed(cursor: Any) -> None:
        cursor.execute(statements("floor/night.sql")["bill"], {"day": MEASURED_ON})
        cursor.execute("ANALYZE loans_installment")

    def once() -> None:
        billed(stand.cursor)
        ours()

    try:
        stand.taken_back(once, keep=_HANDED)
        handed = stand.undo.writes_of(*_HANDED)
        pairs = stand.compare(ours, lambda: _floor(stand, path, handed), prepare=billed, parts=_PARTS)
    finally:
        path.unlink()
    found = pairs.result("B8")
    found.note = found.note or f"{lines} lines, {lines / found.ours:.0f} a second" if found.ours else ""
    yield found


def _floor(stand: Stand, path: Path, handed: tuple[str, ...]) -> dict[str, Any]:
    night, told = statements("floor/night.sql"), statements("floor/file.sql")
    connection = bank.connect(stand.database)
    connection.autocommit = False
    cursor = connection.cursor()
    values = days_known(cursor, MEASURED_ON)
    start = time.perf_counter()
    cursor.execute(told["told"])
    with path.open() as file:
        cursor.copy_expert(told["copy"], file)
    cursor.execute(told["receipts"], values)
    cursor.execute(night["pay"].replace("{money}", night["receipts"]), values)
    for statement in handed:
        cursor.execute(statement)
    connection.commit()
    seconds = time.perf_counter() - start
    flush_statistics(cursor)
    connection.close()
    return {"seconds": seconds}


def one_payment(stand: Stand) -> Iterator[Result]:
    """B9: a payment by hand through the page, beside the six statements that one payment needs."""

    def run() -> tuple[dict[str, Any], list[float]]:
        stand.cursor.execute(statements("floor/night.sql")["bill"], {"day": MEASURED_ON})
        found = stand.ours("payments", count=200)()
        return found, _six_statements(stand, 200)

    found, bare = stand.taken_back(run)
    from bench.web import hundredth

    other = hundredth(bare, 95)
    yield Result(
        "B9", ratio=found["p95"] / other, ours=found["p95"], other=other, statements=found["each"],
        low=found["p50"], rss_mb=found["rss_mb"], note="ms: p95 of the page's POST, p95 of six statements",
    )  # fmt: skip


def _six_statements(stand: Stand, count: int) -> list[float]:
    """Raw statements in one transaction of the application's role, a payment each; milliseconds."""
    connection = bank.connect(stand.database)
    cursor = connection.cursor()
    cursor.execute(statements("floor/file.sql")["unpaid"], {"day": MEASURED_ON, "count": count, "skip": count})
    times = []
    for loan_id, number, interest, principal in cursor.fetchall():
        values = {
            "day": MEASURED_ON, "loan": loan_id, "number": number, "interest": interest, "principal": principal,
            "serial": f"B{loan_id}",
        }  # fmt: skip
        start = time.perf_counter()
        cursor.execute("BEGIN")
        for name in ("lock", "receipt", "posting", "lines", "paid", "position"):
            cursor.execute(statements("floor/payment.sql")[name], values)
        cursor.execute("COMMIT")
        times.append((time.perf_counter() - start) * 1000)
    connection.close()
    return times
