"""The night beside its floor: an ordinary one, a peak one, a quiet one, one run twice, thirty missed, one killed."""

import json
import random
import statistics
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
from bench.measure import Cost, checkpoint, flush_statistics
from bench.prices import unit_prices
from bench.stand import Result, Stand, Work, differing, median
from bench.statements import statements

# What the floor is handed: rows that follow from policies, not from money.
HANDED = (
    "journal_entry", "risk_grade", "risk_signal", "risk_signalstep", "followups_visittask", "followups_taskevent",
    "followups_notice", "followups_event", "followups_eventvisit", "followups_eventfinding",
    "followups_mergedtask", "followups_acrosspair",
)  # fmt: skip
_STAGES = (
    "bill", "pay suspense", "pay receipts", "age", "remind", "classify", "non accrual", "facts", "end grades", "grade",
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
    rows = night["signed rows" if ahead_of else "whole months"]
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    for stage in _STAGES:
        began = time.perf_counter()
        if ahead_of and stage in ahead_of:
            ahead_of[stage](cursor)
            seconds[f"ahead of {stage}"] = round(time.perf_counter() - began, 4)
            began = time.perf_counter()
        word, _space, money = stage.partition(" ")
        text = night[word] if word == "pay" else night[stage]
        text = text.replace("{money}", night.get(money, "")).replace("{rows}", rows)
        cursor.execute(text.replace("{repriced}", "true" if ahead_of else "false"), values)
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
    found = pairs.result("B1", note=f"floor by stage, ms: {slow}")
    found.besides["prices"] = unit_prices(
        [cost.said["stages"] for cost in pairs.other], ours.said["counts"], stand.book
    )
    if stand.book.loans >= _GROWS_FROM:
        found.besides["start_up"] = _start_up(stand, lambda _small: prepare)
    yield found
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

    It is the evening after itself: what the date brought is done, and the date is opened once more; its ledger lines
    are taken away and its control totals carried to the date before, for nothing is posted on a quiet day. From 100,000
    loans on, what such an evening takes in a bank of `_START_UP` loans is deducted: statements no loan makes longer.
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
    done = [f"{stage} {what} {count}" for stage, counts in pairs.ours[0].said["counts"].items()
            for what, count in counts.items() if count]  # fmt: skip
    note = f"other: one pass over the positions, read only; the evening did: {', '.join(done) or 'nothing'}"
    if stand.book.loans >= _LARGE:
        start_up = _start_up(stand, _opened_again)
        for cost in pairs.ours:
            cost.seconds -= start_up
        note += f"; {start_up:.3f} s of start-up deducted"
    found = pairs.result("B3", note=note)
    found.equal = None
    yield found


# Loans of the bank whose evening is called start-up; from how many on it is deducted, and from which growth is told.
_START_UP, _LARGE, _GROWS_FROM = 200, 100_000, 10_000
# What an evening wrote, so that the next one does not find rows whose visibility is still to be worked out.
_WRITTEN = (
    "loans_position, loans_installment, loans_posting, loans_ledger_line, loans_receipt, journal_entry, journal_run, "
    "followups_visittask, followups_taskevent, followups_notice, risk_grade, risk_signal, risk_signalstep, "
    "correspondence_message"
)


# What the date posted is in the totals of the date before; what accrues on the date, accrues once more.
_CARRIED = """
UPDATE loans_businessdate before SET totals = (day.totals - 'accrued') || CASE WHEN before.totals ? 'accrued'
    THEN jsonb_build_object('accrued', before.totals -> 'accrued') ELSE '{}' END
FROM loans_businessdate day WHERE day.day = %(day)s AND before.day = %(day)s - 1
"""


# Arrears that reach their 31st or 91st day on the date, and an installment that is late since this date beside one that
# was before, are found by it however often it is opened, and so are grades of the date: made a day older.
_NOTHING_CROSSES = (
    """
UPDATE loans_installment i SET due_on = i.due_on - 1, overdue_from = i.overdue_from - 1 FROM loans_position p
WHERE p.loan_id = i.loan_id AND i.settled_on IS NULL AND i.due_on = %(day)s - 1 AND p.overdue_since < i.due_on
""",
    """
UPDATE loans_installment i SET overdue_from = i.overdue_from - 1 FROM loans_position p
WHERE p.loan_id = i.loan_id AND i.settled_on IS NULL AND i.overdue_from = p.overdue_since
  AND p.overdue_since IN (%(day)s - 31, %(day)s - 91)
""",
    "UPDATE loans_position SET overdue_since = overdue_since - 1 WHERE overdue_since IN (%(day)s - 31, %(day)s - 91)",
    "UPDATE risk_grade SET graded_on = graded_on - 1 WHERE graded_on = %(day)s AND superseded_on IS NULL",
)

# And who is reminded three days ahead is reminded of the 30th, on which nothing is due: due days end with the 28th.
_NOTHING_TO_REMIND_OF = """
ALTER TABLE loans_parameter DISABLE TRIGGER USER;
UPDATE loans_parameter SET value = to_jsonb(29 - extract(day FROM %(day)s::date)::int)
WHERE code = 'reminder_days_before';
ALTER TABLE loans_parameter ENABLE TRIGGER USER
"""


def _opened_again(stand: Stand) -> Callable[[Any], None]:
    """After the date's evening comes one more, for what the first one brought forward to this very date."""

    def prepared(cursor: Any) -> None:
        prepare(cursor)
        for _evening in range(2):
            evening(stand)()
            open_again(cursor)
        cursor.execute(f"VACUUM (ANALYZE, INDEX_CLEANUP ON) {_WRITTEN}")

    def open_again(cursor: Any) -> None:
        cursor.execute("DELETE FROM journal_run WHERE business_date = %s", [MEASURED_ON])
        cursor.execute("DELETE FROM loans_businessdate WHERE day > %s", [MEASURED_ON])
        cursor.execute(_CARRIED, {"day": MEASURED_ON})
        cursor.execute(
            "UPDATE loans_businessdate SET is_open = true, closed_at = NULL, totals = '{}' WHERE day = %s",
            [MEASURED_ON],
        )
        for table in ("loans_figure", "loans_general_line", "loans_ledger_line"):
            cursor.execute(
                f"ALTER TABLE {table} DISABLE TRIGGER USER; DELETE FROM {table} WHERE business_date = %s; "  # noqa: S608
                f"ALTER TABLE {table} ENABLE TRIGGER USER",
                [MEASURED_ON],
            )
        for statement in (*_NOTHING_CROSSES, _NOTHING_TO_REMIND_OF):
            cursor.execute(statement, {"day": MEASURED_ON})

    return prepared


def _start_up(stand: Stand, prepared: Callable[[Stand], Callable[[Any], None]]) -> float:
    """Seconds of an evening in a bank of so few loans that only its statements count."""
    small = Stand(stand.book._replace(loans=_START_UP), stand.pairs)

    def run() -> Cost:
        prepared(small)(small.cursor)
        return small.cost(evening(small))

    return median([small.taken_back(run) for _ in range(3)])


def missed(stand: Stand) -> Iterator[Result]:
    """B5: thirty missed days in one run, beside the same days one by one; fewer where it was asked for."""
    days = stand.missed_days

    def at_once() -> tuple[Cost, Any]:
        prepare(stand.cursor, days)
        return stand.cost(evening(stand, days)), stand.state()

    def one_by_one() -> tuple[list[Cost], Any]:
        prepare(stand.cursor, days)
        costs = [stand.cost(evening(stand, day)) for day in range(1, days + 1)]
        return costs, stand.state()

    together, end = stand.taken_back(at_once)
    alone, other_end = stand.taken_back(one_by_one)
    seconds = sum(cost.seconds for cost in alone)
    differs = differing(end, other_end)
    note = f"{days} days; other: the sum of the days run one by one"
    yield Result(
        "B5", ratio=together.seconds / seconds, ours=together.seconds, other=seconds,
        equal=not differs, rows_written=together.rows_written,
        rows_needed=sum(cost.rows_written for cost in alone), statements=together.statements, wal_mb=together.wal_mb,
        rss_mb=together.rss_mb, note=f"{note}; differ: {', '.join(differs)}" if differs else note,
    )  # fmt: skip


def killed(stand: Stand) -> Iterator[Result]:
    """B6: killed at a random instant and started again: what the night took longer in all, of a night.

    Started again at once: no checkpoint lies between, and what the dead one's session holds is waited for.
    """
    dice = random.Random(stand.book.seed)  # noqa: S311 - an instant, no secret

    def undisturbed() -> tuple[Cost, Any]:
        prepare(stand.cursor)
        return stand.cost(evening(stand)), stand.state()

    def disturbed(after: float) -> tuple[float, Any]:
        prepare(stand.cursor)
        checkpoint(stand.cursor)
        lived = _kill(stand, after)
        return lived + float(evening(stand)()["seconds"]), stand.state()

    first, end = stand.taken_back(undisturbed)
    wholes, totals, equal = [first.seconds], [], True
    for _trial in range(max(stand.pairs, _KILLS) if stand.book.loans >= _LARGE else stand.pairs):
        total, other_end = stand.taken_back(partial(disturbed, dice.uniform(0.1, 0.9) * first.seconds))
        totals.append(total)
        equal = equal and not differing(end, other_end)
        wholes.append(stand.taken_back(undisturbed)[0].seconds)
    whole = statistics.median(wholes)
    extra = sorted((total - whole) / whole for total in totals)
    yield Result(
        "B6", ratio=statistics.median(extra), ours=statistics.median(totals), other=whole, equal=equal, low=extra[0],
        high=extra[-1], note=f"{len(extra)} kills; ours and other: killed and resumed, undisturbed; ratio: the extra",
    )  # fmt: skip


# At least so many kills where times count: one instant says little.
_KILLS = 3


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
