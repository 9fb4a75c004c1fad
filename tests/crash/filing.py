"""C1, the receipts file as the command takes it in: dead at every statement of every part of it; then the file again.

A file is several transactions: it is received, each part of it posted, and it is finished. Whoever starts the command
once more with the same file goes on behind the last part that was posted.
"""

import tempfile
from datetime import timedelta
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db import DatabaseError, InterfaceError

from config import money_file
from loans.models import Loan, MoneyFile
from tests.crash.books import FIRST, plain, run_pending_now
from tests.crash.ground import Ground, leave
from tests.crash.points import DIED, Points
from tests.crash.posting import HEADER, KINDS
from tests.crash.processes import exit_of, fork
from tests.crash.state import State, state
from tests.crash.tally import Tally

LOANS, PART = 12, 7


def run(ground: Ground, trials: int, tally: Tally) -> Tally:
    """A file a trial; all points of a file are met in turn, spread over its statements."""
    before = money_file.CHUNK
    money_file.CHUNK = PART
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _files(ground, trials, tally, Path(folder))
    finally:
        money_file.CHUNK = before


def _files(ground: Ground, trials: int, tally: Tally, folder: Path) -> Tally:
    bank = plain(ground, LOANS, 0)
    expected: list[State] = []
    with ground.trial(bank, "filed"):
        notes = list(Loan.objects.order_by("id").values_list("loan_note_no", flat=True))
        paths = [make_file(folder, number, notes) for number in range(trials)]
        points = []
        for path in paths:
            watched = Points()
            with watched.watching():
                take(path)
            run_pending_now()
            points.append(len(watched.labels))
            expected.append(state())
    with ground.trial(bank, "cut"):
        for number, path in enumerate(paths):
            kind, met = KINDS[number % len(KINDS)], points[number]
            at = 1 + int((number // len(KINDS) * 0.618 % 1) * met)
            trial = f"file {number} {kind} at {at} of {met}"
            ended = exit_of(fork(lambda p=path, n=at, k=kind: _disturbed(p, n, k)))
            tally.crashes += 1
            if ended != (DIED if kind == "exit" else 0):
                tally.hang(trial, f"the command ended with {ended}")
            take(path)
            take(path)
            if MoneyFile.objects.filter(name=path.name, counts__finished=True).count() != 1:
                tally.hang(trial, "the file is not finished once")
            run_pending_now()
            tally.after(trial, expected[number])
    tally.notes["points of a file"] = max(points)
    return tally


def make_file(folder: Path, number: int, notes: list[str]) -> Path:
    """Three parts: payments, some twice, one ahead of its day, one for nobody, one that cannot be read."""
    ahead = FIRST + timedelta(days=2)
    rows = [f"{note},{20 + number}.{index:02},{FIRST},MOBILE,P{number}-{index}" for index, note in enumerate(notes)]
    rows += [rows[0], rows[-1], f"{notes[0]},10.00,{ahead},MOBILE,A{number}"]
    rows += [f"NOBODY,5.00,{FIRST},MOBILE,N{number}", f"{notes[0]},1e2,{FIRST},MOBILE,B{number}"]
    path = folder / f"r{number}.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def take(path: Path) -> None:
    call_command("post_receipts", str(path), stdout=StringIO())


def _disturbed(path: Path, number: int, kind: str) -> None:
    """The command's process. A command whose session is ended says so and ends; its person starts it again."""
    try:
        with Points(number, kind).watching():
            take(path)
    except (DatabaseError, InterfaceError):
        if kind != "sever":
            raise
        leave()
