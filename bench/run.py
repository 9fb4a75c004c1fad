"""`script/bench [ID …] --loans N[,N…] [--pairs K] [--json FILE]`: measures, keeps each result by id, prints the table.

A run that stopped goes on where it stopped: what was measured on this commit with as many loans is not measured again
(`--anew` does). Several sizes are measured one after another and told in one table, with what grows from one to the
next. The table says what is to be reached and what was not (`docs/performance.md`).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import boarding, engine, money, nights, plan, prices, reports, repricing, web
from bench.bank import HOME
from bench.book import Book
from bench.stand import Result, Stand, say

Group = Callable[[Stand], Iterator[Result]]
# Days missed, of B5.
MISSED = 30
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
    (("plan",), plan.dry_run),
    (web.PAGES, web.pages),
    (("web_list_during_night",), web.during_night),
)
# (accept, aim) of a ratio; None: no figure asked.
WANTED: dict[str, tuple[float, float | None]] = {
    "B1": (3, 1.5), "B1g": (11, 10), "B1w_rows": (1.2, 1.0), "B1w_wal": (2, 1.2), "B2": (1.2, 1), "B3": (3, 1.5),
    "B4_rows": (0, 0), "B4_time": (0.2, 0.1), "B5": (1.1, 1), "B6": (0.15, 0.05), "B7": (3, 1.5), "B8": (4, 2),
    "B9": (8, 4), "B10": (2, 1.2), "B11": (0.2, 0.01), "B12": (10, 4), "B13": (0.01, 0.0025), "B14": (2, 1.2),
    "M": (1, 0.5), "Mg": (1.1, 1), "web_list_during_night": (3, None),
}  # fmt: skip
# Below, fixed costs show in every ratio of times; these are no times, or have no fixed cost.
_TIMES_COUNT_FROM = 100_000
_COUNTS_ALWAYS = {"B1w_rows", "B4_rows", "B10", "B11", "M"}
# Pages are held to milliseconds at a million loans, not to a ratio.
WANTED_MS = {"web_list": 25.0, "web_detail": 15.0, "web_dashboard": 15.0, "web_search": 25.0}


class Kept:
    """Results of one commit and one book size, in a file."""

    def __init__(self, book: Book) -> None:
        self.loans = book.loans
        state = Path(os.environ.get("ANJU_STATE", HOME / "var"))
        self.path = state / f"bench-{book.name}.json"
        self.versions = _versions()
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        is_same = known.get("versions", {}).get("commit") == self.versions["commit"]
        self.results: dict[str, dict[str, Any]] = known.get("results", {}) if is_same else {}
        # Figures beside the lines, by id: start-up, unit prices of the floor.
        self.besides: dict[str, dict[str, Any]] = known.get("besides", {}) if is_same else {}

    def keep(self, result: Result) -> None:
        self.results[result.id] = result.as_json()
        self.besides[result.id] = result.besides
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = {"versions": self.versions, "results": self.results, "besides": self.besides}
        self.path.write_text(json.dumps(kept, indent=1))

    @property
    def start_up(self) -> float:
        """Seconds of a night that no loan makes longer."""
        return float(self.besides.get("B1", {}).get("start_up", 0))

    @property
    def prices(self) -> list[prices.Price]:
        return [prices.Price(*each) for each in self.besides.get("B1", {}).get("prices", [])]


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


def growth(kept: Kept, book: Book) -> Iterator[Result]:
    """The night and its memory beside those of a tenth of the book (B1g, Mg), where both were measured."""
    smaller = Kept(book._replace(loans=book.loans // 10))
    if "B1" in kept.results and "B1" in smaller.results:
        here, there = (each.results["B1"]["ours"] - each.start_up for each in (kept, smaller))
        note = f"start-up deducted: {kept.start_up:.3f} and {smaller.start_up:.3f} s"
        yield Result("B1g", ratio=here / there, ours=here, other=there, note=note)
    if "M" in kept.results and "M" in smaller.results and smaller.loans >= _TIMES_COUNT_FROM:
        most, before = kept.results["M"]["ours"], smaller.results["M"]["ours"]
        yield Result("Mg", ratio=most / before, ours=most, other=before, note="most memory, MB")


def measure(ids: set[str], book: Book, pairs: int, *, anew: bool, missed_days: int = MISSED) -> Kept:
    kept = Kept(book)
    stand: Stand | None = None
    for names, group in GROUPS:
        wanted = not ids or bool(ids & set(names))
        if not wanted or (not anew and all(name in kept.results for name in names)):
            continue
        stand = stand or Stand(book, pairs, missed_days=missed_days)
        say(", ".join(names))
        for result in group(stand):
            kept.keep(result)
    for result in growth(kept, book):
        kept.keep(result)
    if stand is not None:
        stand.check_clean()
    return kept


def table(sizes: Sequence[Kept]) -> Iterator[str]:
    """A line for each id and size, what is asked of it beside it; then what was not reached."""
    missed: list[str] = []
    yield (
        f"{'loans':>9s} {'id':22s} {'ours':>10s} {'other':>10s} {'ratio':>8s} {'accept':>7s} {'aim':>7s}  equal  "
        "rows (needed)"
    )
    for name in _order(sizes):
        for kept in sizes:
            if row := kept.results.get(name):
                accept, aim = (WANTED_MS[name], None) if name in WANTED_MS else WANTED.get(name, (None, None))
                if said := verdict(name, row, kept.loans):
                    missed.append(f"{name} at {kept.loans:,}: {said}")
                rows = "" if row["rows_written"] is None else f"{row['rows_written']} ({row['rows_needed']})"
                yield (
                    f"{kept.loans:9d} {name:22s} {_figure(row['ours']):>10s} {_figure(row['other']):>10s} "
                    f"{_figure(row['ratio']):>8s} {_figure(accept):>7s} {_figure(aim):>7s}  {row['equal']!s:5s}  "
                    f"{rows}{'  ' + said if said else ''}".rstrip()
                )
    for kept in sizes:
        if kept.prices:
            yield ""
            yield f"{kept.loans:,} loans"
            yield from prices.table(kept.prices)
    yield ""
    yield f"Not reached: {'; '.join(missed) if missed else 'nothing'}."


def _order(sizes: Sequence[Kept]) -> list[str]:
    """Ids as the groups have them, growth behind the night."""
    known = [name for names, _group in GROUPS for name in names]
    known[1:1] = ["B1g"]
    known[known.index("M") + 1 : known.index("M") + 1] = ["Mg"]
    return known + sorted({name for kept in sizes for name in kept.results} - set(known))


def verdict(name: str, row: Mapping[str, Any], loans: int) -> str:
    """What a line misses, if anything."""
    if row["equal"] is False:
        return "not equal"
    if loans < _TIMES_COUNT_FROM and name not in _COUNTS_ALWAYS:
        return ""
    if name in WANTED_MS:
        return f"{_figure(row['ours'])} ms, asked {_figure(WANTED_MS[name])}" if row["ours"] > WANTED_MS[name] else ""
    accept, aim = WANTED.get(name, (None, None))
    if accept is not None and row["ratio"] > accept:
        return f"{_figure(row['ratio'])}, accepted {_figure(accept)}"
    return f"{_figure(row['ratio'])}, accepted, aim {_figure(aim)}" if aim is not None and row["ratio"] > aim else ""


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def main(arguments: list[str]) -> int:
    known = {name for names, _group in GROUPS for name in names}
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="what to measure; without any, everything")
    parser.add_argument("--loans", type=_sizes, default=[10_000], metavar="N[,N…]")
    parser.add_argument("--pairs", type=int, default=0, help="pairs of runs; 5, or 2 from a million loans")
    parser.add_argument("--missed-days", type=int, default=MISSED, metavar="DAYS", help=f"days of B5; {MISSED}")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--anew", action="store_true", help="measures again what was measured on this commit")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.ids) - known - {"B1g", "Mg"}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    sizes = []
    for loans in asked.loans:
        say(f"{loans:,} loans")
        pairs = asked.pairs or (2 if loans >= 1_000_000 else 5)
        sizes.append(measure(set(asked.ids), Book(loans), pairs, anew=asked.anew, missed_days=asked.missed_days))
        if asked.json:
            asked.json.write_text(json.dumps(as_json(sizes), indent=1) + "\n")
    for line in table(sizes):
        sys.stdout.write(line + "\n")
    if asked.loans[0] < _TIMES_COUNT_FROM:
        sys.stdout.write(
            f"Of a book this small only equality, rows and statements count; times from {_TIMES_COUNT_FROM:,} loans.\n"
        )
    return 0


def as_json(sizes: Sequence[Kept]) -> dict[str, Any]:
    """Of one size `{id: {…}}` with versions and unit prices beside; of several the same by number of loans."""
    found = {kept.loans: {**kept.results, "floor_prices": [each._asdict() for each in kept.prices]} for kept in sizes}
    lines = found[sizes[0].loans] if len(sizes) == 1 else {str(loans): each for loans, each in found.items()}
    return {**sizes[0].versions, **lines}


def _sizes(text: str) -> list[int]:
    return sorted({int(each) for each in text.split(",")})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
