"""C7: two to four real beats at once, with real workers: each date is closed once, in order, however often it is asked.

A day passes every second; beats call every half second. When the last evening has come the clock stands still, and the
state is what it is where one runner closed the same dates alone.
"""

import time as clocks
from datetime import UTC, date, datetime, time, timedelta

from config import day_end, tasks
from config.celery import app
from journal.models import Entry
from tests.crash.books import FIRST, plain, today, undisturbed
from tests.crash.broker import beat, broker_up
from tests.crash.ground import Ground
from tests.crash.killing import Night, hurried
from tests.crash.processes import kill, wait_for
from tests.crash.tally import Tally

CHUNK, LOANS = 10, 30
CALLED = ("config.close_evening", "config.continue_evening", "journal.run_pending", "config.forget_idempotency_keys")


def run(ground: Ground, seconds: int, tally: Tally, *, beats: tuple[int, ...] = (3,)) -> Tally:
    """So many seconds with each number of beats; every date is a trial."""
    share = max(2, seconds // len(beats))
    days = [FIRST + timedelta(days=number) for number in range(share * len(beats))]
    bank = plain(ground, LOANS, len(days))
    expected = undisturbed(ground, bank, days, chunk=CHUNK, cut=False)
    before = (day_end.CHUNK, tasks.SPELL), tasks._now, app.conf.beat_schedule, app.conf.beat_max_loop_interval
    hurried(CHUNK, 1)
    app.conf.beat_schedule = {name: {"task": name, "schedule": 0.5} for name in CALLED}
    app.conf.beat_max_loop_interval = 0.2
    try:
        with ground.trial(bank, "beats"):
            for number, count in enumerate(beats):
                last = days[share * (number + 1) - 1]
                _pass(count, today(), last)
                trial = f"{count} beats until {last}"
                if today() <= last:
                    tally.hang(trial, "the dates are not closed")
                if (
                    Entry.objects.filter(kind="loans.date_closed", business_date__lte=last).count()
                    != (last - FIRST).days + 1
                ):
                    tally.hang(trial, "a date was not closed once")
                tally.after(trial, expected[last], cut=False)
                tally.trials += share - 1
    finally:
        hurried(*before[0])
        tasks._now, app.conf.beat_schedule, app.conf.beat_max_loop_interval = before[1:]
    tally.notes["beats"] = list(beats)
    return tally


def _pass(count: int, first: date, last: date) -> None:
    """Lets the days pass, one a second, with so many beats, until the last one is closed."""
    began = clocks.monotonic()

    def now() -> datetime:
        day = min(first + timedelta(days=int(clocks.monotonic() - began)), last)
        return datetime.combine(day, time(13, 10), tzinfo=UTC)

    tasks._now = now
    with broker_up() as broker, Night(broker, workers=1):
        running = [beat() for _each in range(count)]
        try:
            wait_for(lambda: today() > last)
            # And a few calls more, for which there is nothing to do.
            clocks.sleep(1.5)
        finally:
            for each in running:
                kill(each)
