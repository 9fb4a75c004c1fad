"""C4, C5: what a broker may do to a night: a call never made, or lost; the broker killed, emptied, frozen, full.

What is to be done stands in the database, so that nothing is lost but time.
"""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import cycle

from config import day_end, tasks
from journal.batch import run_pending
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.models import Loan, Receipt
from people.models import Staff
from tests.crash.books import FIRST, Label, Life, clock, plain, undisturbed
from tests.crash.broker import Broker, broker_up
from tests.crash.evenings import Aim
from tests.crash.ground import Ground
from tests.crash.killing import CHUNK, Night, hurried
from tests.crash.tally import Tally
from tests.factories import make_branch, make_staff

FAULTS = ("killed", "emptied", "frozen", "full")
LOANS = 60


def aims(life: Life) -> list[Aim]:
    """Between the COMMIT and the call that tells of it, and right after that call; on every evening."""
    found = []
    for evening in life.evenings:
        for number, (_place, what) in enumerate(evening.labels, start=1):
            if what.startswith("publish"):
                found += [(evening, number, "exit"), (evening, min(number + 1, len(evening.labels)), "exit")]
    return found


def by_turns() -> Callable[[list[Label]], int]:
    """Of a request: right before the call that tells of it, and right after that call."""
    behind = cycle((0, 1))

    def aim(labels: list[Label]) -> int:
        texts = [what for _place, what in labels]
        call = next((n for n, what in enumerate(texts, start=1) if what.startswith("publish")), len(texts))
        return min(call + next(behind), len(texts))

    return aim


def faulty(ground: Ground, trials: int, tally: Tally, *, seed: int, loans: int = LOANS) -> Tally:
    """A fault an evening: before people post and reverse receipts, or while the evening is at work."""
    days = [FIRST + timedelta(days=number) for number in range(trials)]
    with ground.trial(plain(ground, loans, trials), "staffed"):
        by = staffed()
        bank = ground.copy_here("posting")
    expected = undisturbed(ground, bank, days, chunk=CHUNK, watch=partial(post, by=by), cut=False)
    dice, slowest = random.Random(seed), 0.0
    before = day_end.CHUNK, tasks.SPELL
    hurried(CHUNK, 1)
    try:
        with ground.trial(bank, "faulty"), broker_up() as broker, Night(broker, workers=1) as night:
            for number, day in enumerate(days):
                fault, early = FAULTS[number % len(FAULTS)], number // len(FAULTS) % 2 == 0
                trial = f"seed {seed} {day} {fault} {'before' if early else 'during'} the evening"
                if early:
                    strike(broker, fault)
                post(day, by)
                night.ask(day)
                night.call()
                if not early:
                    time.sleep(dice.uniform(0.0, 0.3))
                    strike(broker, fault)
                time.sleep(dice.uniform(0.1, 1.0))
                heal(broker, fault)
                tally.crashes += 1
                healed = time.monotonic()
                if not night.until_closed(day):
                    tally.hang(trial, "the date is not closed")
                slowest = max(slowest, time.monotonic() - healed)
                run_pending(at=clock())
                tally.after(trial, expected[day], cut=False)
    finally:
        hurried(*before)
    tally.notes["slowest, seconds after the broker was back"] = round(slowest, 1)
    return tally


def staffed() -> Staff:
    """Somebody who posts and reverses receipts."""
    return make_staff("OPERATIONS", make_branch())


def strike(broker: Broker, fault: str) -> None:
    {"killed": broker.kill, "emptied": broker.flush, "frozen": broker.freeze, "full": broker.fill}[fault]()


def heal(broker: Broker, fault: str) -> None:
    {"killed": broker.start, "emptied": broker.flush, "frozen": broker.thaw, "full": broker.empty}[fault]()


def post(day: date, by: Staff) -> None:
    """A receipt and its reversal, which wakes a worker: money goes on whatever the broker is at."""
    loans = Loan.objects.order_by("id").values_list("loan_note_no", flat=True)
    note = loans[day.toordinal() % len(loans)]
    rows = [
        ReceiptRow(note, Decimal("123.45"), day, "CORE", f"{day}{word}") for word in ("stays", "goes")
    ]  # fmt: skip
    post_receipts(rows=rows, by=by, at=clock())
    gone = Receipt.objects.get(serial=f"{day}goes")
    reverse_receipt(receipt_id=gone.pk, reason="渠道重复划款", by=by, at=clock())
