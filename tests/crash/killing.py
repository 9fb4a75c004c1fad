"""C2: kill -9 of workers at random while an evening runs over hundreds of loans; a trial is one evening of one bank.

`children` and `workers` are real Celery workers on a broker of their own, killed singly, whole, or all at once, and
started again as a supervisor does; beat's call comes several times a second instead of twice a minute. `forked` are
plain processes that do what the tasks do, so that many more evenings can be disturbed.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from config import day_end, tasks
from config.night import nights
from journal.models import Run
from tests.crash import processes
from tests.crash.books import FIRST, clock, plain, today, undisturbed
from tests.crash.broker import Broker, Worker, broker_up, said
from tests.crash.ground import Ground
from tests.crash.processes import fork
from tests.crash.tally import Tally

LOANS = 400
CHUNK = 10
KINDS = ("child", "worker", "worker, children live", "both")


def forked(ground: Ground, trials: int, tally: Tally, *, seed: int, loans: int = LOANS, chunk: int = CHUNK) -> Tally:
    """Two processes work on each evening, die one to five times, and are followed by others."""
    days = [FIRST + timedelta(days=number) for number in range(trials)]
    bank = plain(ground, loans, trials)
    expected = undisturbed(ground, bank, days, chunk=chunk)
    dice = random.Random(seed)
    inside = 0
    with ground.trial(bank, "killed"):
        for day in days:
            trial = f"seed {seed} {day}"
            inside += disturbed(day, chunk, dice, tally, trial)
            tally.after(trial, expected[day])
    tally.notes |= {"loans": loans, "kills inside an evening": inside}
    return tally


def disturbed(day: date, chunk: int, dice: random.Random, tally: Tally, trial: str) -> int:
    """An evening by two processes that die one to five times and are followed by others; how often inside it."""
    kills, inside = dice.randint(1, 5), 0
    children: list[int] = []
    limit = time.monotonic() + processes.PATIENCE
    while today() <= day:
        while len(children) < 2:
            children.append(fork(lambda: works(day, chunk), quiet=True))
        time.sleep(dice.uniform(0.0, 0.15))
        if kills:
            kills -= 1
            inside += Run.objects.filter(business_date=day).exists()
            tally.crashes += _kill_some(children, dice)
        else:
            children = [child for child in children if os.waitpid(child, os.WNOHANG) == (0, 0)]
        if time.monotonic() > limit:
            tally.hang(trial, "the date is not closed")
            break
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return inside


def works(day: date, chunk: int) -> None:
    """What `continue_evening` and `work_chunks` do, in a spell of their own length."""
    day_end.advance(through=day, at_clock=clock, seconds=5, chunk=chunk)
    while today() <= day:
        day_end.work(at_clock=clock, seconds=1)
        day_end.advance(through=day, at_clock=clock, seconds=5, chunk=chunk)
        time.sleep(0.005)


def _kill_some(children: list[int], dice: random.Random) -> int:
    """One or all; how many were still alive."""
    killed = 0
    for child in list(children) if dice.random() < 0.3 else [dice.choice(children)]:
        os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        children.remove(child)
    return killed


class Night:
    """Evenings done by real Celery workers, called by the rig as beat calls them."""

    def __init__(self, broker: Broker, workers: int = 2, children: int = 2) -> None:
        self.broker = broker
        self.workers = [Worker(f"w{number}", children) for number in range(workers)]
        self._called = 0.0

    def __enter__(self) -> "Night":
        for worker in self.workers:
            worker.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        for worker in self.workers:
            worker.end()

    def ask(self, day: date) -> None:
        nights.begin(day, through=day, at=clock())

    def call(self, every: float = 0.2) -> None:
        """Beat, hurried; it does not heap up calls that nobody takes."""
        if time.monotonic() - self._called >= every and self.broker.waiting() < 4:
            self.broker.send("config.continue_evening")
            self._called = time.monotonic()

    def until_closed(self, day: date) -> bool:
        limit = time.monotonic() + processes.PATIENCE
        while today() <= day:
            if time.monotonic() > limit:
                return False
            for worker in self.workers:
                worker.revive()
            self.call()
            time.sleep(0.01)
        return True

    def words(self) -> str:
        """How the broker and the workers are, for whoever reads why an evening did not end."""
        children = {worker.name: len(worker.child_ids()) for worker in self.workers}
        return f"broker answers {self.broker.answers()}, waiting {self.broker.waiting()}, children {children}; {said()}"

    def kill(self, kind: str, dice: random.Random) -> bool:
        """Kills and starts again; False when there was nobody to kill."""
        worker = dice.choice(self.workers)
        if kind == "child":
            return worker.kill_child(dice.randint(0, 9))
        for each in self.workers if kind == "both" else [worker]:
            each.kill(children_too=kind != "worker, children live")
            each.start()
        return True


Strike = Callable[[Night, str, random.Random], bool]


def hurried(chunk: int, spell: float) -> None:
    """Sizes that make one evening many tasks; for processes forked afterwards."""
    day_end.CHUNK, tasks.SPELL = chunk, spell  # type: ignore[assignment]


def celery(
    ground: Ground,
    trials: int,
    tally: Tally,
    *,
    seed: int,
    loans: int = LOANS,
    kinds: Sequence[str] = KINDS,
    strike: Strike = Night.kill,
) -> Tally:
    """Real workers; each evening one to five kills of one kind."""
    days = [FIRST + timedelta(days=number) for number in range(trials)]
    bank = plain(ground, loans, trials)
    expected = undisturbed(ground, bank, days, chunk=CHUNK)
    dice = random.Random(seed)
    before = day_end.CHUNK, tasks.SPELL
    hurried(CHUNK, 1)
    inside = 0
    try:
        with ground.trial(bank, "celery"), broker_up() as broker, Night(broker) as night:
            for number, day in enumerate(days):
                kind = kinds[number % len(kinds)]
                trial = f"seed {seed} {day} {kind}"
                night.ask(day)
                for _kill in range(dice.randint(1, 5)):
                    limit = time.monotonic() + dice.uniform(0.02, 0.4)
                    while time.monotonic() < limit:
                        night.call()
                        time.sleep(0.01)
                    if today() > day:
                        break
                    inside += Run.objects.filter(business_date=day).exists()
                    tally.crashes += strike(night, kind, dice)
                if not night.until_closed(day):
                    tally.hang(trial, f"the date is not closed; {night.words()}")
                tally.after(trial, expected[day])
    finally:
        hurried(*before)
    tally.notes |= {"loans": loans, "kills inside an evening": inside}
    return tally
