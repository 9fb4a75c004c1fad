"""The classes of faults, in the order of the table, each with how many trials it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.crash import (
    approving,
    beats,
    beside,
    catching_up,
    deliveries,
    evenings,
    filing,
    following,
    killing,
    posting,
    publishing,
    restarts,
)
from tests.crash.books import Life, rich_life
from tests.crash.ground import Ground
from tests.crash.points import KINDS
from tests.crash.tally import Tally

# From so many trials on a class is run in full.
FULL = 100


@dataclass
class Rig:
    """What the classes share: the ground, the seed, and the rich bank's life, which is lived once."""

    ground: Ground
    seed: int
    days: int
    _life: Life | None = None

    def life(self) -> Life:
        if self._life is None:
            self._life = rich_life(self.ground, chunk=2, days=self.days)
        return self._life

    def statements(self, trials: int, tally: Tally) -> Tally:
        """In a full run the process dies at every point at least once; what else may happen there is spread."""
        life = self.life()
        always = evenings.aims(life, ("exit",)) if trials >= FULL else []
        other = evenings.aims(life, ("sever", "deadlock") if always else KINDS)
        return evenings.run(life, [*always, *evenings.spread(other, max(0, trials - len(always)))], tally)

    def publishing(self, trials: int, tally: Tally) -> Tally:
        """Of the evenings' calls all that there are, then of requests'."""
        aims = evenings.spread(publishing.aims(self.life()), max(4, trials // 2))
        evenings.run(self.life(), aims, tally)
        return posting.run(self.ground, max(1, trials - len(aims)), tally, aim=publishing.by_turns())


Class = tuple[str, int, int, Callable[[Rig, int, Tally], Tally]]
# Name, trials of the gate, and of a full run.
CLASSES: tuple[Class, ...] = (
    ("C1 evening, every statement", 24, 400, Rig.statements),
    ("C1 receipts, every statement", 20, 120, lambda rig, n, tally: posting.run(rig.ground, n, tally)),
    ("C1 receipts file by the command", 8, 40, lambda rig, n, tally: filing.run(rig.ground, n, tally)),
    ("C2 kill -9, plain processes", 12, 420,
     lambda rig, n, tally: killing.forked(rig.ground, n, tally, seed=rig.seed, loans=400 if n >= 40 else 100)),
    ("C2 kill -9, follow-ups", 4, 80, lambda rig, n, tally: following.run(rig.ground, n, tally, seed=rig.seed)),
    ("C2 kill -9, Celery workers", 4, 80, lambda rig, n, tally: killing.celery(rig.ground, n, tally, seed=rig.seed)),
    ("C3 server gone and back", 3, 100, lambda rig, n, tally: restarts.run(rig.ground, n, tally, seed=rig.seed)),
    ("C4 between COMMIT and broker", 6, 200, Rig.publishing),
    ("C5 broker dead, empty, frozen, full", 4, 50,
     lambda rig, n, tally: publishing.faulty(rig.ground, n, tally, seed=rig.seed)),
    ("C6 delivered twice, reversed, late", 8, 50, lambda rig, n, tally: deliveries.run(rig.ground, n, tally)),
    ("C7 two to four beats", 6, 60,
     lambda rig, n, tally: beats.run(rig.ground, n, tally, beats=(2, 3, 4) if n >= 30 else (3,))),
    ("C10 days caught up", 6, 60,
     lambda rig, n, tally: catching_up.run(
         rig.ground, catching_up.lags(n, most=400 if n >= 30 else 10), tally, seed=rig.seed)),
    ("C10 approvals while days are caught up", 6, 100,
     lambda rig, n, tally: approving.run(rig.ground, n, tally, seed=rig.seed)),
    ("1, 2, 4 workers x 1, 50, 1000 loans", 9, 27,
     lambda rig, n, tally: beside.cut(rig.ground, tally, rounds=max(1, n // 9), days=2)),
    ("two and three day ends at once", 3, 20, lambda rig, n, tally: beside.two_runners(rig.ground, n, tally)),
    ("a payment on every loan meanwhile", 40, 160,
     lambda rig, n, tally: beside.paying(rig.ground, tally, rounds=max(1, n // 40), loans=40)),
    ("an event answered by two at once", 3, 20, lambda rig, n, tally: following.at_once(rig.ground, n, tally)),
    ("a migration adds columns meanwhile", 3, 20, lambda rig, n, tally: beside.migrating(rig.ground, n, tally)),
)  # fmt: skip


def run(rig: Rig, each: Class, trials: int) -> Tally:
    """One class of faults, so many trials."""
    name, _gate, _share, work = each
    return work(rig, trials, Tally(name))
