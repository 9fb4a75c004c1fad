"""Runs operations side by side with their floors and prints the table; results are kept by id, so a run resumes."""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import bank, nights
from bench.book import MEASURED_ON, Book
from bench.days import add_receipts
from bench.measure import Cost, cost_of, state_of
from bench.undo import Undo


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def child(database: str, name: str, **asked: Any) -> Callable[[], dict[str, Any]]:
    """An operation of the product in a process of its own."""

    def work() -> dict[str, Any]:
        command = [sys.executable, "-m", "bench.ours", name, json.dumps(asked)]
        done = subprocess.run(
            command, env=bank.environment(database), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-4000:])
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    return work


def night(book: Book, pairs: int) -> dict[str, Any]:
    database = bank.template_of(book, say)
    connection = bank.connect(database, owner=True)
    cursor = connection.cursor()
    undo = Undo(cursor)
    if undo.is_needed():
        undo.take_back()
    ours = child(database, "day_end", through=str(MEASURED_ON))
    sides: dict[str, list[Cost]] = {"ours": [], "other": []}
    states: dict[str, Any] = {}
    clean = state_of(cursor, MEASURED_ON)

    def one(side: str, *, keep: bool = False) -> None:
        undo.remember()
        add_receipts(cursor, MEASURED_ON, seed=0)
        cursor.execute("VACUUM (ANALYZE) loans_receipt")
        cost = cost_of(cursor, ours if side == "ours" else lambda: nights.floor(database))
        state = state_of(cursor, MEASURED_ON)
        if keep:
            undo.keep_made(*nights.HANDED)
        else:
            sides[side].append(cost)
            states.setdefault(side, state)
        undo.take_back()
        say(f"{side:6s} {cost.seconds:8.3f} s {cost.rows_written:7d} rows {cost.wal_mb:7.2f} MB {cost.statements} st {cost.rss_mb} MB {cost.said}")
        back = state_of(cursor, MEASURED_ON)
        if back != clean:
            raise RuntimeError(f"not taken back: {[key for key in back if back[key] != clean[key]]}")

    one("ours", keep=True)
    for number in range(pairs):
        for side in ("ours", "other") if number % 2 == 0 else ("other", "ours"):
            one(side)
    differ = [name for name in states["ours"] if states["ours"][name] != states["other"][name]]
    say(f"differ: {differ}")
    return {"sides": sides, "differ": differ}


if __name__ == "__main__":
    found = night(Book(int(sys.argv[1])), int(sys.argv[2]))
    for name in sorted({*found["sides"]["ours"][0].rows, *found["sides"]["other"][0].rows}):
        print(name, found["sides"]["ours"][0].rows.get(name), found["sides"]["other"][0].rows.get(name))
