"""C6: every task delivered twice, five times, in reverse, a week late, and to two workers at once.

The tasks are those that Celery knows, so a new one is delivered too. What they send is delivered in its turn, in the
same pattern; when nothing is left to deliver beat calls once more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from celery import current_app

from config import day_end, tasks
from config.celery import app
from tests.crash.books import FIRST, plain, today, undisturbed
from tests.crash.ground import Ground
from tests.crash.killing import hurried
from tests.crash.processes import exit_of, fork
from tests.crash.tally import Tally

PATTERNS = ("twice", "five times", "reversed", "a week late", "two at once")
LATE = 7
CHUNK, LOANS = 5, 30
MOST_CALLS = 400


def names() -> list[str]:
    """Every task of ours, the evening's first."""
    app.loader.import_default_modules()
    ours = sorted(name for name in app.tasks if not name.startswith("celery."))
    return ["config.close_evening", *(name for name in ours if name != "config.close_evening")]


@contextmanager
def at_evening(day: date, sent: list[str]) -> Iterator[None]:
    """Ten past nine in the evening of a date; calls go to the list."""
    instant = datetime.combine(day, time(13, 10), tzinfo=UTC)
    now, send = tasks._now, current_app.send_task

    def sending(task: str, *_given: Any, **_named: Any) -> None:
        sent.append(task)

    tasks._now, current_app.send_task = lambda: instant, sending
    try:
        yield
    finally:
        tasks._now, current_app.send_task = now, send


def deliver(day: date, pattern: str) -> int:
    """Delivers the evening's calls and what they send in turn; how many deliveries it took."""
    times = {"twice": 2, "five times": 5}.get(pattern, 1)
    sent, delivered = names(), 0
    with at_evening(day, sent):
        while (sent or today() <= day) and delivered < MOST_CALLS:
            batch, sent[:] = sent[:] or ["config.continue_evening"], []
            for name in reversed(batch) if pattern == "reversed" else batch:
                for _each in range(times):
                    app.tasks[name]()
                    delivered += 1
    return delivered


def run(ground: Ground, trials: int, tally: Tally) -> Tally:
    """An evening a trial, or a week of them that nobody called for."""
    patterns = [PATTERNS[number % len(PATTERNS)] for number in range(trials)]
    lengths = [LATE if pattern == "a week late" else 1 for pattern in patterns]
    days = [FIRST + timedelta(days=number) for number in range(sum(lengths))]
    bank = plain(ground, LOANS, len(days))
    expected = undisturbed(ground, bank, days, chunk=CHUNK, cut=False)
    before = day_end.CHUNK, tasks.SPELL
    hurried(CHUNK, 0)
    try:
        with ground.trial(bank, "delivered"):
            for pattern, length in zip(patterns, lengths, strict=True):
                day = today() + timedelta(days=length - 1)
                trial = f"{day} {pattern}"
                if pattern == "two at once":
                    both = [fork(lambda d=day, p=pattern: deliver(d, p)) for _each in range(2)]
                    if [exit_of(child) for child in both] != [0, 0]:
                        tally.hang(trial, "a delivery raised")
                else:
                    tally.crashes += deliver(day, pattern)
                if today() <= day:
                    tally.hang(trial, "the date is not closed")
                tally.after(trial, expected[day], cut=False)
    finally:
        hurried(*before)
    tally.notes["tasks"] = names()
    return tally
