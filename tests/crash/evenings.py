"""C1, the evening: dead at every SQL statement of every stage, cut off by the database, told of a deadlock; then on.

Each trial is an evening on which one thing happens at one point; then it goes on as the next runner would, and its end
is compared with that of the undisturbed evening. A point is a place and a statement (`points`).
"""

from datetime import date

from django.db import DatabaseError, InterfaceError

from tests.crash.books import Evening, Label, Life, close, today
from tests.crash.ground import leave
from tests.crash.points import DIED, KINDS, Points
from tests.crash.processes import exit_of, fork
from tests.crash.tally import Tally

Aim = tuple[Evening, int, str]


def aims(life: Life, kinds: tuple[str, ...] = KINDS) -> list[Aim]:
    """Every point that a life passes, once of each kind, on the evening that has fewest to meet so far."""
    passed: dict[Label, dict[int, int]] = {}
    for index, evening in enumerate(life.evenings):
        for number, label in enumerate(evening.labels, start=1):
            passed.setdefault(label, {}).setdefault(index, number)
    load = [0] * len(life.evenings)
    chosen: dict[tuple[Label, str], Aim] = {}
    for label in sorted(passed, key=lambda label: len(passed[label])):
        for kind in kinds:
            index = min(passed[label], key=lambda index: load[index])
            load[index] += 1
            chosen[label, kind] = (life.evenings[index], passed[label][index], kind)
    return [chosen[label, kind] for label in passed for kind in kinds]


def spread(aims: list[Aim], most: int) -> list[Aim]:
    """So many of them, evenly from all places; all when there are no more."""
    if len(aims) <= most:
        return aims
    return [aims[number * len(aims) // most] for number in range(most)]


def run(life: Life, aims: list[Aim], tally: Tally) -> Tally:
    """A copy of the bank serves an evening after another, as long as something is to be met there."""
    left: dict[date, list[Aim]] = {}
    for aim in aims:
        left.setdefault(aim[0].day, []).append(aim)
    while any(left.values()):
        first = next(index for index, evening in enumerate(life.evenings) if left.get(evening.day))
        with life.ground.trial(life.evenings[first].before):
            for index, evening in enumerate(life.evenings[first:]):
                if index and not evening.follows or not left.get(evening.day):
                    break
                if not _one(life, left[evening.day].pop(0), tally):
                    break
    tally.notes["points"] = len({(e.labels[n - 1], kind) for e, n, kind in aims})
    tally.notes["evenings"] = len({e.day for e, _number, _kind in aims})
    return tally


def _one(life: Life, aim: Aim, tally: Tally) -> bool:
    """A trial on the bank at hand; True when the evening after it may follow."""
    evening, number, kind = aim
    place, statement = evening.labels[number - 1]
    trial = f"{evening.day} chunk {life.chunk} {kind} at {number} ({place}: {statement[:60]})"
    before = len(tally.found)
    ended = exit_of(fork(lambda: _disturbed(evening, number, kind, life.chunk)))
    if ended != (DIED if kind == "exit" else 0):
        tally.hang(trial, f"the runner ended with {ended}")
    tally.crashes += 1
    close(evening.day, life.chunk)
    if today() <= evening.day:
        tally.hang(trial, "the date is not closed")
    tally.after(trial, evening.after)
    return len(tally.found) == before and evening.day < today()


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
