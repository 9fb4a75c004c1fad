"""Where operations are measured: one book's database, runs that are taken back, pairs in turn (ABBA), equal ends."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import bank
from bench.book import MEASURED_ON, Book
from bench.measure import Cost, cost_of, state_of
from bench.undo import Undo

Work = Callable[[], dict[str, Any]]
State = dict[str, tuple[int, int]]


@dataclass
class Result:
    """One line of the table. `ratio` is ours ÷ other (the figure itself where there is no other); smaller is better."""

    id: str
    ratio: float | None = None
    ours: float | None = None
    other: float | None = None
    equal: bool | None = None
    rows_written: int | None = None
    rows_needed: int | None = None
    statements: int | None = None
    wal_mb: float | None = None
    rss_mb: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    # Figures that explain the line and are no line of their own: start-up, unit prices. Kept apart from the lines.
    besides: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        del found["id"], found["besides"]
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}


@dataclass
class Pairs:
    """Both sides of an operation, run in turn."""

    ours: list[Cost] = field(default_factory=list)
    other: list[Cost] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)

    def ratios(self) -> list[float]:
        return [ours.seconds / other.seconds for ours, other in zip(self.ours, self.other, strict=True)]

    def result(self, name: str, note: str = "") -> Result:
        """Medians; the ratio is the median of the pairs' ratios."""
        ratios, first = self.ratios(), self.ours[0]
        return Result(
            name,
            ratio=statistics.median(ratios),
            ours=median(self.ours),
            other=median(self.other),
            equal=not self.differ,
            rows_written=first.rows_written,
            rows_needed=self.other[0].rows_written,
            statements=first.statements,
            wal_mb=first.wal_mb,
            rss_mb=max(cost.rss_mb for cost in self.ours),
            low=min(ratios),
            high=max(ratios),
            note=note or (f"differ: {', '.join(self.differ)}" if self.differ else ""),
        )


def median(costs: Iterable[Cost]) -> float:
    return statistics.median(cost.seconds for cost in costs)


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def child(database: str, name: str, **asked: Any) -> Work:
    """An operation of the product in a process of its own (`bench.ours`)."""

    def work() -> dict[str, Any]:
        command = [sys.executable, "-m", "bench.ours", name, json.dumps(asked)]
        done = subprocess.run(command, env=bank.environment(database), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-4000:])
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    return work


class Stand:
    """A book's database while something is measured on it."""

    def __init__(self, book: Book, pairs: int, *, empty: str = "", missed_days: int = 30) -> None:
        self.book, self.pairs, self.missed_days = book, pairs, missed_days
        self.database = bank.template_of(book, say, empty=empty)
        self.cursor = bank.connect(self.database, owner=True).cursor()
        self.undo = Undo(self.cursor)
        if self.undo.is_needed():
            say("an earlier run is taken back first")
            self.undo.take_back()
        self._clean = self.state()

    def ours(self, name: str, **asked: Any) -> Work:
        return child(self.database, name, **asked)

    def state(self, *names: str) -> State:
        return state_of(self.cursor, MEASURED_ON, *names)

    def cost(self, work: Work) -> Cost:
        return cost_of(self.cursor, work)

    def taken_back(self, run: Callable[[], Any], *, keep: tuple[str, ...] = ()) -> Any:
        """Runs something and takes back whatever it wrote; `keep` are tables whose new rows are handed to a floor."""
        self.undo.remember()
        try:
            found = run()
            if keep:
                self.undo.keep_made(*keep)
        finally:
            self.undo.take_back()
        return found

    def compare(
        self, ours: Work, other: Work, *, prepare: Callable[[Any], None], parts: tuple[str, ...] = (), pairs: int = 0
    ) -> Pairs:
        """Both sides in turn (AB, BA, …), each from the same rows; their ends are compared at the first pair."""
        found = Pairs()
        ends: dict[str, State] = {}

        def side(name: str, work: Work) -> None:
            def run() -> Cost:
                prepare(self.cursor)
                cost = self.cost(work)
                if name not in ends:
                    ends[name] = self.state(*parts)
                return cost

            cost = self.taken_back(run)
            getattr(found, name).append(cost)
            say(f"  {name:5s} {cost.seconds:9.3f} s {cost.rows_written:8d} rows {cost.wal_mb:8.2f} MB of WAL")

        for number in range(pairs or self.pairs):
            both = [("ours", ours), ("other", other)]
            for name, work in both if number % 2 == 0 else reversed(both):
                side(name, work)
        found.differ = differing(ends["ours"], ends["other"])
        return found

    def check_clean(self) -> None:
        """What was measured has left nothing behind."""
        left = differing(self._clean, self.state())
        if left:
            raise RuntimeError(f"not taken back: {', '.join(left)}")


def differing(one: State, another: State) -> list[str]:
    return [name for name in one if one[name] != another[name]]
