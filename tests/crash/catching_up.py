"""C10: days missed are made up in one run, the runner killed inside it again and again, while money comes in.

The one who pays is killed and started again as well, and then tells from the first receipt on. A receipt is told a few
days before its value date, while the run is on its way there; so it is the same bank as one that closed every date on
its evening.
"""

import os
import random
import signal
import time
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from config import day_end
from loans.actions import ReceiptRow, post_receipts
from loans.models import Loan, Receipt
from tests.crash.books import FIRST, clock, plain, today, undisturbed
from tests.crash.ground import Ground
from tests.crash.processes import PATIENCE, exit_of, fork, wait_for
from tests.crash.tally import Tally

LOANS, CHUNK = 12, 5
AHEAD = 4
# On which date a receipt was told is left to chance; that it was is not.
BUT = ("loans.receipts_taken",)


def lags(trials: int, *, most: int = 400) -> list[int]:
    """Two and five days by turns, thirty each twentieth time, the longest at the end."""
    found = [30 if number % 20 == 10 else (2, 5)[number % 2] for number in range(trials - 1)]
    return [*found, most]


def run(ground: Ground, lags: list[int], tally: Tally, *, seed: int) -> Tally:
    days = [FIRST + timedelta(days=number) for number in range(sum(lags))]
    bank = plain(ground, LOANS, 60)
    expected = undisturbed(ground, bank, days, chunk=CHUNK, watch=_pay_for_tomorrow, but=BUT)
    dice = random.Random(seed)
    with ground.trial(bank, "missed"):
        for lag in lags:
            first = today()
            last = first + timedelta(days=lag - 1)
            trial = f"seed {seed} {lag} days until {last}"
            kills = dice.randint(1, 5) if lag < 100 else 40
            _catch_up(trial, first, last, kills, dice, tally)
            if today() <= last:
                tally.hang(trial, "the dates are not closed")
            tally.after(trial, expected[last], but=BUT)
    tally.notes["longest"] = max(lags)
    return tally


def _catch_up(trial: str, first: date, last: date, kills: int, dice: random.Random, tally: Tally) -> None:
    limit = time.monotonic() + PATIENCE + (last - first).days
    while today() <= last:
        payer = fork(partial(_pay_ahead, first, last))
        runner = fork(partial(_run, last))
        if kills:
            kills -= 1
            _let_live(first, last, dice)
            for child in dice.sample([payer, runner], dice.randint(1, 2)):
                os.kill(child, signal.SIGKILL)
        else:
            wait_for(lambda: today() > last, PATIENCE + (last - first).days)
        for child in (runner, payer):
            os.kill(child, signal.SIGKILL)
            tally.crashes += exit_of(child) == -signal.SIGKILL
        if time.monotonic() > limit:
            tally.hang(trial, f"stands at {today()}")
            return


def _let_live(first: date, last: date, dice: random.Random) -> None:
    """Until a random moment, but no longer than its share of the dates."""
    share = today() + timedelta(days=max(1, (last - first).days // 40 + 1))
    limit = time.monotonic() + dice.uniform(0.02, 0.6)
    while time.monotonic() < limit and today() < min(share, last):
        time.sleep(0.005)


def _run(last: date) -> None:
    """One run over all dates; it lets the one who pays keep ahead."""

    def watch() -> None:
        day = today() + timedelta(days=1)
        while not Receipt.objects.filter(channel="CORE", serial=f"{day}").exists():
            time.sleep(0.003)

    day_end.run(through=last, at_clock=clock, chunk=CHUNK, watch=watch)


def _pay_ahead(first: date, last: date) -> None:
    """Tells receipts while the run goes on, one to four days ahead of it."""
    day = first + timedelta(days=1)
    while day <= last + timedelta(days=1):
        if day <= today() + timedelta(days=AHEAD):
            _pay(day)
            day += timedelta(days=1)
        else:
            time.sleep(0.003)
    signal.pause()


def _pay_for_tomorrow(day: date) -> None:
    _pay(day + timedelta(days=1))


def _pay(day: date) -> None:
    """The receipt of a value date."""
    loans = Loan.objects.order_by("id").values_list("loan_note_no", flat=True)
    row = ReceiptRow(loans[day.toordinal() % len(loans)], Decimal("321.09"), day, "CORE", f"{day}")
    post_receipts(rows=[row], by="system", at=clock())
