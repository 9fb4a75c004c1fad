"""`script/bench [ID …] --loans N [--pairs K] [--json FILE]`: measures, keeps each result by id, prints the table.

A run that stopped goes on where it stopped: what was measured on this commit with as many loans is not measured again
(`--anew` does). The table says what is to be reached (`docs/performance.md`).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import boarding, engine, money, nights, reports, repricing, web
from bench.bank import HOME
from bench.book import Book
from bench.stand import Result, Stand, say

Group = Callable[[Stand], Iterator[Result]]
# What yields which lines, in the order of the table.
GROUPS: tuple[tuple[tuple[str, ...], Group], ...] = (
    (("B1", "B1w_rows", "B1w_wal", "M"), nights.ordinary),
    (("B2",), nights.peak),
    (("B3",), nights.quiet),
    (("B4_rows", "B4_time"), nights.again),
    (("B5",), nights.missed),
    (("B6",), nights.killed),
    (("B7",), repricing.repricing_day),
    (("B8",), money.file_of_the_day),
    (("B9",), money.one_payment),
    (("B10",), engine.single),
    (("B11",), engine.bulk),
    (("B12",), boarding.boarding),
    (("B13",), nights.naive),
    (("B14",), reports.reports),
    (web.PAGES, web.pages),
    (("web_list_during_night",), web.during_night),
)
# (accept, aim) of a ratio; None: no figure asked.
WANTED: dict[str, tuple[float, float | None]] = {
    "B1": (3, 1.5), "B1g": (11, 10), "B1w_rows": (1.2, 1.0), "B1w_wal": (2, 1.2), "B2": (1.2, 1), "B3": (3, 1.5),
    "B4_rows": (0, 0), "B4_time": (0.2, 0.1), "B5": (1.1, 1), "B6": (0.15, 0.05), "B7": (3, 1.5), "B8": (4, 2),
    "B9": (8, 4), "B10": (2, 1.2), "B11": (0.2, 0.01), "B12": (10, 4), "B13": (0.01, 0.0025), "B14": (2, 1.2),
    "M": (1, 0.5), "web_list_during_night": (3, None),
}  # fmt: skip
# Below, fixed costs show in every ratio of times.
_TIMES_COUNT_FROM = 100_000
# Pages are held to milliseconds at a million loans, not to a ratio.
WANTED_MS = {"web_list": 25.0, "web_detail": 15.0, "web_dashboard": 15.0, "web_search": 25.0}


class Kept:
    """Results of one commit and one book size, in a file."""

    def __init__(self, book: Book) -> None:
        state = Path(os.environ.get("ANJU_STATE", HOME / "var"))
        self.path = state / f"bench-{book.name}.json"
        self.versions = _versions()
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        is_same = known.get("versions", {}).get("commit") == self.versions["commit"]
        self.results: dict[str, dict[str, Any]] = known.get("results", {}) if is_same else {}

    def keep(self, result: Result) -> None:
        self.results[result.id] = result.as_json()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"versions": self.versions, "results": self.results}, indent=1))


def _versions() -> dict[str, str]:
    import django
    import psycopg2

    commit = subprocess.run(
        ["git", "-C", str(HOME), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "psycopg2": psycopg2.__version__.split()[0],
        "cores": str(os.cpu_count()),
    }


def growth(kept: Kept, book: Book) -> Result | None:
    """B1g: the night beside that of a tenth of the book, where both were measured."""
    smaller = Kept(book._replace(loans=book.loans // 10))
    here, there = kept.results.get("B1"), smaller.results.get("B1")
    if not here or not there:
        return None
    return Result("B1g", ratio=here["ours"] / there["ours"], ours=here["ours"], other=there["ours"])


def measure(ids: set[str], book: Book, pairs: int, *, anew: bool) -> Kept:
    kept = Kept(book)
    stand: Stand | None = None
    for names, group in GROUPS:
        wanted = not ids or bool(ids & set(names))
        if not wanted or (not anew and all(name in kept.results for name in names)):
            continue
        stand = stand or Stand(book, pairs)
        say(", ".join(names))
        for result in group(stand):
            kept.keep(result)
    if grown := growth(kept, book):
        kept.keep(grown)
    if stand is not None:
        stand.check_clean()
    return kept


def table(kept: Kept) -> Iterator[str]:
    yield f"{'id':22s} {'ours':>10s} {'other':>10s} {'ratio':>8s} {'accept':>7s} {'aim':>7s}  equal  rows (needed)"
    for name, row in kept.results.items():
        accept, aim = WANTED.get(name, (None, None))
        if name in WANTED_MS:
            accept = WANTED_MS[name]
        told = row["ours"] if name in WANTED_MS else row["ratio"]
        missed = "" if accept is None or told <= accept else "  not reached"
        rows = "" if row["rows_written"] is None else f"{row['rows_written']} ({row['rows_needed']})"
        yield (
            f"{name:22s} {_figure(row['ours']):>10s} {_figure(row['other']):>10s} {_figure(row['ratio']):>8s} "
            f"{_figure(accept):>7s} {_figure(aim):>7s}  {row['equal']!s:5s}  {rows}{missed}"
        )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def main(arguments: list[str]) -> int:
    known = {name for names, _group in GROUPS for name in names}
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="what to measure; without any, everything")
    parser.add_argument("--loans", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=0, help="pairs of runs; 5, or 2 from a million loans")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--anew", action="store_true", help="measures again what was measured on this commit")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.ids) - known - {"B1g"}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    pairs = asked.pairs or (2 if asked.loans >= 1_000_000 else 5)
    kept = measure(set(asked.ids), Book(asked.loans), pairs, anew=asked.anew)
    for line in table(kept):
        sys.stdout.write(line + "\n")
    if asked.loans < _TIMES_COUNT_FROM:
        sys.stdout.write(
            f"Of a book this small only equality, rows and statements count; times from {_TIMES_COUNT_FROM:,} loans.\n"
        )
    if asked.json:
        asked.json.write_text(json.dumps({**kept.versions, **kept.results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
