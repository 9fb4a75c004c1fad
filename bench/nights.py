"""The night beside its floor: an ordinary one, a peak one, a quiet one, one run twice, thirty missed, one killed."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from bench import bank
from bench.book import MEASURED_ON
from bench.days import add_receipts
from bench.measure import Cost, flush_statistics
from bench.stand import Result, Stand, Work, differing, median
from bench.statements import statements

# What the floor is handed: rows that follow from policies, not from money.
HANDED = ("journal_entry", "risk_grade", "followups_visittask", "followups_taskevent")
MISSED = 30
_STAGES = (
    "bill", "pay suspense", "pay receipts", "age", "classify", "non accrual", "facts", "end grades", "grade",
    "follow up", "close",
)  # fmt: skip


def floor(
    database: str, day: date = MEASURED_ON, ahead_of: Mapping[str, Callable[[Any], None]] | None = None
) -> dict[str, Any]:
    """The floor of a night; each stage is one transaction of the application's role. Seconds by stage.

    What a day has besides is done `ahead_of` the stage named.
    """
    night = statements("floor/night.sql")
    connection = bank.connect(database)
    cursor = connection.cursor()
    values = days_known(cursor, day)
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    for stage in _STAGES:
        began = time.perf_counter()
        if ahead_of and stage in ahead_of:
            ahead_of[stage](cursor)
            seconds[f"ahead of {stage}"] = round(time.perf_counter() - began, 4)
            began = time.perf_counter()
        word, _space, money = stage.partition(" ")
        text = night[word].replace("{money}", night[money]) if word == "pay" else night[stage]
        cursor.execute(text, values)
        seconds[stage] = round(time.perf_counter() - began, 4)
    total = time.perf_counter() - start
    flush_statistics(cursor)
    connection.close()
    return {"seconds": total, "statements": len(_STAGES), "stages": seconds}


def days_known(cursor: Any, day: date) -> dict[str, date]:
    """The day, and up to which due day this and the last close recognise."""
    cursor.execute(
        "SELECT (SELECT max(day) FROM loans_workday WHERE is_workday AND day <= %(day)s - 1), "
        "(SELECT max(day) FROM loans_workday WHERE is_workday AND day <= %(day)s - 2)",
        {"day": day},
    )
    recognised, before = cursor.fetchone()
    return {"day": day, "recognised": recognised, "recognised_before": before}


def prepare(cursor: Any, days: int = 1) -> None:
    """The receipts of the coming days wait."""
    for each in range(days):
        add_receipts(cursor, MEASURED_ON + timedelta(days=each), seed=0)
    cursor.execute("VACUUM (ANALYZE) loans_receipt")


def evening(stand: Stand, days: int = 1) -> Work:
    return stand.ours("day_end", through=str(MEASURED_ON + timedelta(days=days - 1)))


def hand_over(stand: Stand) -> Cost:
    """Runs the night once, unmeasured, for the rows that the floor is handed."""

    def run() -> Cost:
        prepare(stand.cursor)
        return stand.cost(evening(stand))

    found: Cost = stand.taken_back(run, keep=HANDED)
    return found


def ordinary(stand: Stand) -> Iterator[Result]:
    """B1 and what is read off the same runs: rows, WAL, memory."""
    hand_over(stand)
    pairs = stand.compare(evening(stand), lambda: floor(stand.database), prepare=prepare)
    ours, other = pairs.ours[0], pairs.other[0]
    slow = ", ".join(f"{stage} {seconds * 1000:.0f}" for stage, seconds in other.said["stages"].items())
    yield pairs.result("B1", note=f"floor by stage, ms: {slow}")
    yield Result(
        "B1w_rows", ratio=ours.rows_written / other.rows_written, ours=ours.rows_written, other=other.rows_written,
        equal=not pairs.differ, rows_written=ours.rows_written, rows_needed=other.rows_written,
    )  # fmt: skip
    yield Result("B1w_wal", ratio=ours.wal_mb / other.wal_mb, ours=ours.wal_mb, other=other.wal_mb, wal_mb=ours.wal_mb)
    rss = max(cost.rss_mb for cost in pairs.ours)
    yield Result("M", ratio=rss / 256, ours=rss, other=256.0, rss_mb=rss, note="most memory of the process, of 256 MB")


def again(stand: Stand) -> Iterator[Result]:
    """B4: the same date run a second time writes nothing."""

    def run() -> tuple[Cost, Cost]:
        prepare(stand.cursor)
        return stand.cost(evening(stand)), stand.cost(evening(stand))

    first, second = stand.taken_back(run)
    written = second.rows_written
    yield Result(
        "B4_rows", ratio=float(written), ours=written, other=0, rows_written=written, rows_needed=0, equal=True
    )
    yield Result("B4_time", ratio=second.seconds / first.seconds, ours=second.seconds, other=first.seconds)


def quiet(stand: Stand) -> Iterator[Result]:
    """B3: an evening on which nothing is due or crosses a line, beside one pass that only reads the positions.

    It is the evening after itself: what the date brought is done, and the date is opened once more. From 100,000 loans
    on, what such an evening takes in a bank of `_START_UP` loans is deducted: statements that no loan makes longer.
    """

    def read() -> dict[str, Any]:
        connection = bank.connect(stand.database)
        cursor = connection.cursor()
        start = time.perf_counter()
        cursor.execute(statements("floor/night.sql")["read only pass"], {"day": MEASURED_ON})
        seconds = time.perf_counter() - start
        connection.close()
        return {"seconds": seconds}

    pairs = stand.compare(
        evening(stand), read, prepare=_opened_again(stand), parts=("dates",), pairs=min(stand.pairs, 3)
    )
    note = "other: one pass over the positions, read only"
    if stand.book.loans >= _LARGE:
        start_up = _start_up(stand)
        for cost in pairs.ours:
            cost.seconds -= start_up
        note += f"; {start_up:.3f} s of start-up deducted"
    found = pairs.result("B3", note=note)
    found.equal = None
    yield found


_START_UP, _LARGE = 200, 100_000
# What an evening wrote, so that the next one does not find rows whose visibility is still to be worked out.
_WRITTEN = (
    "loans_position, loans_installment, loans_posting, loans_ledger_line, loans_receipt, journal_entry, journal_run, "
    "followups_visittask, followups_taskevent, risk_grade"
)


def _opened_again(stand: Stand) -> Callable[[Any], None]:
    def prepared(cursor: Any) -> None:
        prepare(cursor)
        evening(stand)()
        cursor.execute("DELETE FROM journal_run WHERE business_date = %s", [MEASURED_ON])
        cursor.execute("DELETE FROM loans_businessdate WHERE day > %s", [MEASURED_ON])
        cursor.execute(
            "UPDATE loans_businessdate SET is_open = true, closed_at = NULL, totals = '{}' WHERE day = %s",
            [MEASURED_ON],
        )
        cursor.execute(
            "ALTER TABLE loans_figure DISABLE TRIGGER USER; DELETE FROM loans_figure WHERE business_date = %s; "
            "ALTER TABLE loans_figure ENABLE TRIGGER USER",
            [MEASURED_ON],
        )
        cursor.execute(f"VACUUM (ANALYZE) {_WRITTEN}")

    return prepared


def _start_up(stand: Stand) -> float:
    small = Stand(stand.book._replace(loans=_START_UP), stand.pairs)

    def run() -> Cost:
        _opened_again(small)(small.cursor)
        return small.cost(evening(small))

    return median([small.taken_back(run) for _ in range(3)])


def missed(stand: Stand) -> Iterator[Result]:
    """B5: thirty missed days in one run, beside the same days one by one."""

    def at_once() -> tuple[Cost, Any]:
        prepare(stand.cursor, MISSED)
        return stand.cost(evening(stand, MISSED)), stand.state()

    def one_by_one() -> tuple[list[Cost], Any]:
        prepare(stand.cursor, MISSED)
        costs = [stand.cost(evening(stand, day)) for day in range(1, MISSED + 1)]
        return costs, stand.state()

    together, end = stand.taken_back(at_once)
    alone, other_end = stand.taken_back(one_by_one)
    seconds = sum(cost.seconds for cost in alone)
    yield Result(
        "B5", ratio=together.seconds / seconds, ours=together.seconds, other=seconds,
        equal=not differing(end, other_end), rows_written=together.rows_written,
        rows_needed=sum(cost.rows_written for cost in alone), statements=together.statements, wal_mb=together.wal_mb,
        rss_mb=together.rss_mb, note=f"{MISSED} days; other: the sum of the days run one by one",
    )  # fmt: skip


def killed(stand: Stand) -> Iterator[Result]:
    """B6: killed at a random instant and started again: what the night took longer in all, of a night."""
    dice = random.Random(stand.book.seed)  # noqa: S311 - an instant, no secret

    def undisturbed() -> tuple[Cost, Any]:
        prepare(stand.cursor)
        return stand.cost(evening(stand)), stand.state()

    def disturbed(after: float) -> tuple[float, Any]:
        prepare(stand.cursor)
        lived = _kill(stand, after)
        return lived + stand.cost(evening(stand)).seconds, stand.state()

    whole, end = stand.taken_back(undisturbed)
    extra, equal = [], True
    for _trial in range(stand.pairs):
        after = dice.uniform(0.1, 0.9) * whole.seconds
        total, other_end = stand.taken_back(partial(disturbed, after))
        extra.append((total - whole.seconds) / whole.seconds)
        equal = equal and not differing(end, other_end)
    extra.sort()
    yield Result(
        "B6", ratio=extra[len(extra) // 2], ours=whole.seconds, equal=equal, low=extra[0], high=extra[-1],
        note=f"{len(extra)} kills",
    )  # fmt: skip


def _kill(stand: Stand, after: float) -> float:
    """Starts an evening, kills it so many seconds after it began its work; how long it worked."""
    command = [sys.executable, "-m", "bench.ours", "day_end", json.dumps({"through": str(MEASURED_ON)})]
    with subprocess.Popen(
        command, env=bank.environment(stand.database), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.perf_counter()
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return time.perf_counter() - began


def peak(stand: Stand) -> Iterator[Result]:
    """B2: 42 % of the book due on one day; time per due loan beside that of an ordinary night."""
    crowded = Stand(stand.book._replace(shape="P"), stand.pairs)

    def run(where: Stand) -> Cost:
        prepare(where.cursor)
        return where.cost(evening(where))

    each: dict[str, float] = {}
    for name, where in (("U", stand), ("P", crowded)):
        costs = [where.taken_back(partial(run, where)) for _ in range(min(3, stand.pairs))]
        each[name] = median(costs) / costs[0].said["counts"]["bill"]["billed"]
    yield Result("B2", ratio=each["P"] / each["U"], ours=each["P"] * 1e6, other=each["U"] * 1e6, note="µs per due loan")


def naive(stand: Stand) -> Iterator[Result]:
    """B13: ours for each loan of the book, beside a loop over loans with the ORM."""

    def ours() -> Cost:
        prepare(stand.cursor)
        return stand.cost(evening(stand))

    def loop() -> Cost:
        prepare(stand.cursor)
        return stand.cost(stand.ours("naive", day=str(MEASURED_ON)))

    each = stand.taken_back(ours).seconds / stand.book.loans
    other = stand.taken_back(loop).said["each"]
    yield Result("B13", ratio=each / other, ours=each * 1e6, other=other * 1e6, note="µs a loan of the book")
