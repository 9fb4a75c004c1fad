"""C3: the server is gone in the middle of an evening, of a receipts file, or right after it said yes; then it is back.

It is a server of the rig's own with fsync and synchronous_commit on, as a bank has them, told to end at once
(`pg_ctl restart -m immediate`): nothing is written any more, sessions end without a word, and what is known afterwards
is what the log holds. At a statement or a COMMIT of one process, the next one going on; and at random under two Celery
workers. What was acknowledged is not told again, so that a loss shows.
"""

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from config import money_file
from loans.actions import ReceiptRow, post_receipts
from loans.models import Loan, MoneyFile
from tests.crash import killing
from tests.crash.books import FIRST, clock, close, plain, run_pending_now, today
from tests.crash.filing import PART, make_file, take
from tests.crash.ground import FILE_BY_FILE, Ground, leave
from tests.crash.points import Points
from tests.crash.processes import exit_of, fork, wait_for
from tests.crash.servers import BANK, DURABLE, Server, default_at, server_of
from tests.crash.state import State, state
from tests.crash.tally import Tally

STEPS = ("evening", "file", "receipt")
LOANS, CHUNK, FULL = 30, 5, 20
# How the bank is copied, and how the server keeps what it acknowledged: both are guards (`guards`).
STRATEGY, SETTINGS = FILE_BY_FILE, DURABLE


class Outage(Points):
    """At its point the server is gone; who is at work finds that out by itself."""

    def __init__(self, at: int, server: Server) -> None:
        super().__init__(at)
        self.server = server

    def _strike(self) -> None:
        self.server.quit()
        wait_for(lambda: not self.server.answers())


@dataclass
class Step:
    """What is done next in the life of the bank, undisturbed: how many points it passed and how it left the bank."""

    number: int
    points: int
    after: State

    @property
    def name(self) -> str:
        return STEPS[self.number % len(STEPS)]


class Work:
    """The steps of a bank; each is made from its number only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = list(Loan.objects.order_by("id").values_list("loan_note_no", flat=True))

    def do(self, number: int) -> None:
        step = STEPS[number % len(STEPS)]
        if step == "evening":
            close(FIRST + timedelta(days=number // len(STEPS)), CHUNK)
        elif step == "file":
            take(make_file(self.folder, number, self.notes[:12]))
        else:
            row = ReceiptRow(self.notes[number % len(self.notes)], Decimal("88.88"), FIRST, "CORE", f"{number}")
            post_receipts(rows=[row], by="system", at=clock())

    def is_done(self, number: int) -> bool:
        step = STEPS[number % len(STEPS)]
        if step == "evening":
            return today() == FIRST + timedelta(days=number // len(STEPS) + 1)
        files = MoneyFile.objects.filter(name=f"r{number}.csv", counts__finished=True)
        return step == "receipt" or files.count() == 1


def run(ground: Ground, trials: int, tally: Tally, *, seed: int) -> Tally:
    """Steps in turn; in a full run every fifth trial is an evening under Celery."""
    steps = trials if trials < FULL else trials * 4 // 5
    with _own_server(ground.empty, SETTINGS) as (server, own):
        _at_points(own, server, steps, tally)
        if nights := trials - steps:
            killing.celery(
                own, nights, tally, seed=seed, loans=200, kinds=["server"],
                strike=lambda _night, _kind, _dice: restart(server),
            )  # fmt: skip
    return tally


@contextmanager
def _own_server(empty: str, settings: Mapping[str, str]) -> Iterator[tuple[Server, Ground]]:
    leave()
    with (
        tempfile.TemporaryDirectory() as folder,
        server_of(empty, Path(folder) / "c3", settings) as server,
        default_at(server.port),
    ):
        own = Ground(BANK, STRATEGY)
        try:
            yield server, own
        finally:
            own.clear()


def restart(server: Server) -> bool:
    """Ends it at once and starts it again."""
    leave()
    server.kill()
    server.start()
    return True


def _at_points(ground: Ground, server: Server, steps: int, tally: Tally) -> None:
    bank = plain(ground, LOANS, steps // len(STEPS) + 1)
    before = money_file.CHUNK
    money_file.CHUNK = PART
    try:
        with tempfile.TemporaryDirectory() as folder:
            with ground.trial(bank, "steady"):
                lived = _lived(Work(Path(folder)), steps)
            with ground.trial(bank, "restarted"):
                work = Work(Path(folder))
                for step in lived:
                    _one(work, server, step, tally)
    finally:
        money_file.CHUNK = before
    tally.notes["points"] = {step.name: step.points for step in lived[: len(STEPS)]}


def _lived(work: Work, steps: int) -> list[Step]:
    found = []
    for number in range(steps):
        points = Points()
        with points.watching():
            work.do(number)
        run_pending_now()
        found.append(Step(number, len(points.labels), state()))
    return found


def _one(work: Work, server: Server, step: Step, tally: Tally) -> None:
    """A step during which the server is gone, or right after which, where it has said yes."""
    at = 1 + int(random.Random(step.number).random() * step.points)
    trial = f"{step.name} {step.number} server gone at {at} of {step.points}"
    if step.name == "receipt":
        trial = f"{step.name} {step.number} server gone after it said yes"
        work.do(step.number)
    else:
        ended = exit_of(fork(lambda: _disturbed(work, server, step.number, at), quiet=True))
        if ended != 1:
            tally.hang(trial, f"who was at work ended with {ended}")
    restart(server)
    tally.crashes += 1
    if step.name != "receipt":
        work.do(step.number)
    if not work.is_done(step.number):
        tally.hang(trial, "it is not done")
    run_pending_now()
    tally.after(trial, step.after)


def _disturbed(work: Work, server: Server, number: int, at: int) -> None:
    with Outage(at, server).watching():
        work.do(number)
