"""Others at work while day end is: a second and a third one, borrowers who pay, a migration; and how the work is cut.

However many workers, in chunks of whatever size, the state is the same. A payment that comes while a date closes leaves
its loan as if it had come before the evening or after it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any
from unittest.mock import patch

import psycopg2
from django.db import OperationalError, connection

from bench import bank as banks
from config.night import chunks
from loans.actions import ReceiptRow, post_receipts
from loans.models import Loan
from tests.crash.books import FIRST, clock, close, plain, undisturbed
from tests.crash.ground import Ground, here
from tests.crash.killing import works
from tests.crash.processes import exit_of, fork
from tests.crash.state import state
from tests.crash.tally import Tally

_START = 0.3
# In whatever order the chunks of a stage are claimed.
WORKERS, CHUNKS, ORDERS = (1, 2, 4), (1, 50, 1000), ("number", "number DESC", "md5(number::text)")
# Receipts apart from the instant at which they were booked: what each loan is, to be found before or after.
_LOANS = """
SELECT p.loan_id, md5(concat_ws('|', p.principal_balance, p.unbilled_principal, p.suspense, p.next_number,
  p.next_due_on, p.overdue_since, p.five_class, p.settled_on, p.fees_due,
  (SELECT string_agg(concat_ws(' ', i.number, i.principal_paid, i.interest_paid, i.penalty_paid, i.compound_paid,
                     i.overdue_from), ',' ORDER BY i.number) FROM loans_installment i WHERE i.loan_id = p.loan_id),
  (SELECT string_agg(concat_ws(' ', r.serial, r.amount, r.state), ',' ORDER BY r.channel, r.serial)
   FROM loans_receipt r WHERE r.loan_id = p.loan_id)))
FROM loans_position p
"""
# A column of each hot table, added and taken away again.
_TABLES = ("loans_position", "loans_installment", "loans_receipt", "loans_posting", "journal_entry", "journal_run")


def cut(ground: Ground, tally: Tally, *, rounds: int = 1, loans: int = 60, days: int = 3) -> Tally:
    """1, 2 and 4 workers, chunks of 1, 50 and 1000 loans, claimed from the first, the last and anyhow."""
    evenings = [FIRST + timedelta(days=number) for number in range(days)]
    for number in range(rounds):
        bank = plain(ground, loans + number, days)
        with ground.trial(bank, "whole"):
            close(evenings[-1])
            expected = state(cut=False)
        for at, (workers, chunk) in enumerate(product(WORKERS, CHUNKS), start=number):
            order = ORDERS[(at + at // len(CHUNKS)) % len(ORDERS)]
            name = f"{workers} workers, chunks of {chunk} by {order}"
            claim = chunks.CLAIM.replace("business_date, number", f"business_date, {order}")
            assert order == "number" or claim != chunks.CLAIM
            with ground.trial(bank, "cut"), patch.object(chunks, "CLAIM", claim):
                done = [fork(partial(works, evenings[-1], chunk)) for _each in range(workers)]
                if any(exit_of(child) != 0 for child in done):
                    tally.hang(name, "a worker ended badly")
                tally.after(name, expected, cut=False)
    return tally


def two_runners(ground: Ground, trials: int, tally: Tally) -> Tally:
    """Two or three day ends at once, as people start them."""
    days = [FIRST + timedelta(days=2 * number + 1) for number in range(trials)]
    bank = plain(ground, 30, 2 * trials)
    expected = undisturbed(ground, bank, [FIRST + timedelta(days=n) for n in range(2 * trials)], chunk=5)
    with ground.trial(bank, "two"):
        for number, day in enumerate(days):
            runners = [fork(partial(close, day, 5)) for _each in range(2 + number % 2)]
            if any(exit_of(child) != 0 for child in runners):
                tally.hang(f"until {day}", "a runner ended badly")
            tally.after(f"until {day}", expected[day])
    return tally


def paying(ground: Ground, tally: Tally, *, rounds: int = 1, loans: int = 60) -> Tally:
    """Two payments on every loan, one of them told twice, while the evening runs: each loan is a trial."""
    for number in range(rounds):
        bank = plain(ground, loans + number, 0)
        paid_at_once(ground, bank, paid_alone(ground, bank), tally, f"round {number}")
    return tally


def paid_alone(ground: Ground, bank: str) -> tuple[dict[int, str], dict[int, str]]:
    """How the loans are when both payments came before the evening, and when they came after it."""
    with ground.trial(bank, "first"):
        _each(_payers())
        close(FIRST + timedelta(days=1))
        before = loans_as_they_are()
    with ground.trial(bank, "last"):
        close(FIRST)
        _each(_payers())
        close(FIRST + timedelta(days=1))
        return before, loans_as_they_are()


def paid_at_once(
    ground: Ground, bank: str, alone: tuple[dict[int, str], dict[int, str]], tally: Tally, name: str
) -> None:
    """The same payments beside each other and beside the evening, each loan then as in one of the two."""
    before, after = alone
    with ground.trial(bank, "paid"):
        again = partial(_pay_all, FIRST, "one", backwards=True)
        # Whoever is at work together begins together, however slowly the machine makes processes.
        moment = time.monotonic() + _START
        busy = [fork(partial(_at, moment, work)) for work in (*_payers(), again, partial(close, FIRST, 3))]
        if any(exit_of(child) != 0 for child in busy):
            tally.hang(name, "somebody ended badly")
        close(FIRST + timedelta(days=1))
        found = loans_as_they_are()
        wrong = [loan for loan, digest in found.items() if digest not in (before[loan], after[loan])]
        tally.trials += len(found) - 1
        if wrong:
            tally.differs += len(wrong) - 1
        tally.judge(f"{name} loans {wrong[:5]}", {}, {"loans": (0, 1)} if wrong else {})
        tally.after(name, state())
    tally.notes["loans that differ before and after"] = sum(before[loan] != after[loan] for loan in before)


def _payers() -> list[partial[None]]:
    return [partial(_pay_all, FIRST, word) for word in ("one", "two")]


def _each(works: list[partial[None]]) -> None:
    for work in works:
        work()


def _at(moment: float, work: partial[None]) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
    work()


def _pay_all(day: date, word: str, *, backwards: bool = False) -> None:
    """One payment on every loan; whoever tells it a second time changes nothing."""
    notes = list(Loan.objects.order_by("id").values_list("loan_note_no", flat=True))
    for note in reversed(notes) if backwards else notes:
        row = ReceiptRow(note, Decimal("777.77"), day, "CORE", f"{word}{note}")
        for attempt in range(20):
            try:
                post_receipts(rows=[row], by="system", at=clock())
                break
            except OperationalError:
                if attempt == 19:
                    raise
                time.sleep(0.05)


def loans_as_they_are() -> dict[int, str]:
    """What each loan is, but for instants."""
    with connection.cursor() as cursor:
        cursor.execute(_LOANS)
        return dict(cursor.fetchall())


def migrating(ground: Ground, trials: int, tally: Tally) -> Tally:
    """A migration adds columns while evenings run; it gives way after a moment and tries again."""
    days = [FIRST + timedelta(days=number) for number in range(trials)]
    bank = plain(ground, 60, trials)
    expected = undisturbed(ground, bank, days, chunk=5)
    with ground.trial(bank, "altered"):
        for day in days:
            with _altering() as altered:
                runners = [fork(partial(close, day, 5)), fork(partial(works, day, 5))]
                ended = [_altered_until(altered, child) for child in runners]
            if ended != [0, 0]:
                tally.hang(str(day), f"the runners ended with {ended}")
            tally.crashes += altered["done"]
            tally.notes["gave way"] = tally.notes.get("gave way", 0) + altered["gave way"]
            tally.after(str(day), expected[day])
    return tally


@contextmanager
def _altering() -> Iterator[dict[str, Any]]:
    link = psycopg2.connect(banks.url_of(here(), owner=True))
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            cursor.execute("SET lock_timeout = '30ms'")
            yield {"cursor": cursor, "done": 0, "gave way": 0, "next": 0}
    finally:
        link.close()


def _altered_until(altered: dict[str, Any], child: int) -> int | None:
    """Adds a column after another until the process ends; every second one is taken away again."""
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        table = _TABLES[altered["next"] // 2 % len(_TABLES)]
        verb = "DROP COLUMN IF EXISTS crash_note" if altered["next"] % 2 else "ADD COLUMN IF NOT EXISTS crash_note text"
        try:
            altered["cursor"].execute(f"ALTER TABLE {table} {verb}")
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected):
            altered["gave way"] += 1
        else:
            altered["done"] += 1
            altered["next"] += 1
        time.sleep(0.01)
    return exit_of(child)
