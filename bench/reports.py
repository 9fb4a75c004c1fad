"""Reports, each beside one statement for the same rows; the book as CSV, as a browser reads it, beside COPY (B14)."""

import hashlib
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from tempfile import TemporaryFile
from typing import Any

from bench import bank
from bench.book import MEASURED_ON, OPEN_ON
from bench.stand import Result, Stand, say
from bench.statements import statements

REPORTS = ("aging", "migration", "collections", "book")
# Twelve months up to that of the open date.
DAYS = {
    "day": OPEN_ON, "before": OPEN_ON - timedelta(days=1), "open": MEASURED_ON,
    "from_on": MEASURED_ON.replace(year=MEASURED_ON.year - 1, month=MEASURED_ON.month + 1, day=1),
    "until": MEASURED_ON.replace(month=MEASURED_ON.month + 1, day=1),
}  # fmt: skip


def reports(stand: Stand) -> Iterator[Result]:
    """B14: the worst of the four ratios; the note lists each."""
    ratios: dict[str, list[float]] = {name: [] for name in REPORTS}
    ours: dict[str, list[float]] = {name: [] for name in REPORTS}
    differ: set[str] = set()
    rss = 0.0
    for _pair in range(stand.pairs):
        found = stand.taken_back(stand.ours("reports"))
        bare = {name: _one(stand, name) for name in REPORTS}
        rss = max(rss, found["rss_mb"])
        for name, (seconds, content) in bare.items():
            ours[name].append(found["reports"][name]["seconds"])
            ratios[name].append(found["reports"][name]["seconds"] / seconds)
            differ |= {name} if found["reports"][name]["sha256"] != content else set()
            say(f"  {name:12s} {ours[name][-1]:9.3f} s, one statement {seconds:9.3f} s")
    medians = {name: statistics.median(found) for name, found in ratios.items()}
    worst = max(REPORTS, key=lambda name: medians[name])
    mine = statistics.median(ours[worst])
    pages = ", ".join(f"{name} {found['reports'][name]['page'] * 1000:.0f}" for name in REPORTS[:-1])
    told = ", ".join(f"{name} {medians[name]:.2f} ({statistics.median(ours[name]):.2f} s)" for name in REPORTS)
    told += f"; whole pages, ms: {pages}"
    yield Result(
        "B14", ratio=medians[worst], ours=mine, other=mine / medians[worst], equal=not differ, rss_mb=rss,
        low=min(ratios[worst]), high=max(ratios[worst]),
        note=f"the worst is {worst}: {told}" + (f"; differ: {', '.join(sorted(differ))}" if differ else ""),
    )  # fmt: skip


def _one(stand: Stand, name: str) -> tuple[float, str]:
    """Seconds of the one statement by the application's role, and the hash of what it said."""
    connection = bank.connect(stand.database)
    cursor = connection.cursor()
    text = cursor.mogrify(statements("floor/reports.sql")[name], DAYS).decode()
    start = time.perf_counter()
    if name == "book":
        with TemporaryFile() as file:
            cursor.copy_expert(text, file)
            seconds = time.perf_counter() - start
            file.seek(0)
            content = hashlib.file_digest(file, "sha256").hexdigest()
    else:
        cursor.execute(text)
        rows = cursor.fetchall()
        seconds = time.perf_counter() - start
        content = said(rows)
    connection.close()
    return seconds, content


def said(rows: Any) -> str:
    """The hash of a report's rows, however they were counted."""
    return hashlib.sha256("\n".join("|".join(map(str, row)) for row in rows).encode()).hexdigest()
