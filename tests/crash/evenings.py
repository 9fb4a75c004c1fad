"""C1, the evening: dead at every SQL statement of every stage, cut off by the database, told of a deadlock; then on.

Each trial begins with a copy of the bank before an evening, lets one thing happen at one point, goes on as the next
runner would, and compares with the undisturbed evening. A point is a place and a statement (`points`); of the evenings
that pass it the first is taken.
"""

from django.db import DatabaseError, InterfaceError

from tests.crash.books import Evening, Life, close, today
from tests.crash.ground import leave
from tests.crash.points import DIED, KINDS, Points
from tests.crash.processes import exit_of, fork
from tests.crash.tally import Tally

Aim = tuple[Evening, int, str]


def aims(life: Life, kinds: tuple[str, ...] = KINDS) -> list[Aim]:
    """Every point that a life passes, once of each kind, with the evening on which to meet it."""
    found: dict[tuple[str, str, str], Aim] = {}
    for evening in life.evenings:
        for number, (place, statement) in enumerate(evening.labels, start=1):
            for kind in kinds:
                found.setdefault((place, statement, kind), (evening, number, kind))
    return list(found.values())


def spread(aims: list[Aim], most: int) -> list[Aim]:
    """So many of them, evenly from all places; all when there are no more."""
    if len(aims) <= most:
        return aims
    return [aims[number * len(aims) // most] for number in range(most)]


def run(life: Life, aims: list[Aim], tally: Tally) -> Tally:
    for evening, number, kind in aims:
        place, statement = evening.labels[number - 1]
        trial = f"{evening.day} chunk {life.chunk} {kind} at {number} ({place}: {statement[:60]})"
        with life.ground.trial(evening.before):
            ended = exit_of(fork(lambda e=evening, n=number, k=kind: _disturbed(e, n, k, life.chunk)))
            if ended != (DIED if kind == "exit" else 0):
                tally.hang(trial, f"the runner ended with {ended}")
            tally.crashes += 1
            close(evening.day, life.chunk)
            if today() <= evening.day:
                tally.hang(trial, "the date is not closed")
            tally.after(trial, evening.after)
    tally.notes["points"] = len({(e.labels[n - 1], kind) for e, n, kind in aims})
    tally.notes["evenings"] = len({e.day for e, _number, _kind in aims})
    return tally


def _disturbed(evening: Evening, number: int, kind: str, chunk: int) -> None:
    """The runner's process; whoever lives on after its session was ended begins anew, as a worker does."""
    try:
        with Points(number, kind).watching():
            close(evening.day, chunk)
    except (DatabaseError, InterfaceError):
        if kind != "sever":
            raise
        leave()
        close(evening.day, chunk)
