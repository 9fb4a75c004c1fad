"""A bank is born, lives so many days under watch, and is judged at their end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config.invariants import findings
from journal.batch import run_pending
from tests.simulation.bank import FIRST, Size, clock, make, people
from tests.simulation.figures import figures, state_hash
from tests.simulation.life import Life, Rates
from tests.simulation.officers import Office
from tests.simulation.watch import Watch


@dataclass
class Year:
    """What one run came to."""

    watch: Watch
    office: Office
    figures: dict[str, Any]
    state: str
    broken: list[str]


def born(size: Size, seed: int) -> int:
    """The bank before its first day; how many loans it has."""
    loans = make(size, seed)
    run_pending(at=clock(FIRST, 1))
    return loans


def lived(
    size: Size,
    seed: int,
    days: int,
    *,
    loans: int,
    every: int,
    rates: Rates | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Year:
    """So many days of the bank that Django works on."""
    watch, office = Watch(every=every, tell=say), Office(pace=size.ceiling)
    life = Life(seed, office, watch, say, rates or Rates())
    life.live(days)
    found = figures(loans=loans, officers=len(people().officers), days=days, weeks=watch.weeks, ceiling=size.ceiling)
    broken = [f"{each.code}: {each.broken} {each.first}" for each in findings() if not each.is_ok]
    return Year(watch, office, {**found, **life.done}, state_hash(), broken)
