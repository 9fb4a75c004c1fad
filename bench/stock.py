"""Fills an empty bank with a book: loans by COPY, their year of history by the database itself, then one evening.

The tables' indexes and triggers are taken off while the rows go in and put back afterwards, and the evening of
`OPEN_ON` is the product's own, so that grades and tasks stand as a night leaves them. A finished book is a template
database; whoever measures works on it and takes back what was done, or on a copy.
"""

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from typing import Any

import psycopg2

from bench import indexes
from bench.book import (
    BRANCHES,
    CLOSED_ON,
    OFFICERS_A_BRANCH,
    OPEN_ON,
    TAKEN_OVER_EARLY_ON,
    TAKEN_OVER_ON,
    Book,
    Drawn,
    chunks,
    draw,
    identity,
    initials,
    next_repricing_on,
    note_number,
)
from bench.statements import statements
from loans.rules.continuation import period_start
from loans.rules.schedule import ENGINE_VERSION

_COLUMNS = {
    "people_party": "id, name, name_initials, id_no, phone",
    "loans_loan": (
        "id, loan_note_no, external_id, borrower_id, branch_id, portfolio_officer_id, signed_on, principal_original, "
        "disbursed_on, matures_on, due_day, repayment_method, credit_score, baseline_on, baseline_days_past_due, "
        "payment_record, last_visit_on, import_batch_id, tape_sha256"
    ),
    "loans_terms": (
        "loan_id, version, effective_on, principal, annual_rate_percent, installment_amount, first_number, "
        "installments, plain_from, request, source, engine_version, schedule_sha256, principal_fen, interest_fen"
    ),
    "loans_position": (
        "loan_id, principal_balance, unbilled_principal, suspense, annual_rate_percent, installment_amount, "
        "next_number, next_due_on, last_number, overdue_since, five_class, next_repricing_on, off_balance_interest, "
        "branch_id, accrues_from"
    ),
    "loans_pricing": "loan_id, in_force, kind, tenor, spread_bp, cycle_months, anchor, source",
    "book_loan": "loan_id, first_due_on, billed, unpaid",
}
_LPR_PPM = 35_000
# Before these the planner has to know how large the tables have become: without indexes a wrong join has no end.
_JOINS_WHAT_WAS_MADE = ("facts", "dates")
_LARGE = 5_000


class Streams:
    """Rows on their way into the tables, as COPY text."""

    def __init__(self) -> None:
        self._texts = {table: io.StringIO() for table in _COLUMNS}

    def add(self, table: str, *values: object) -> None:
        text = "\t".join(["\\N" if value is None else str(value) for value in values])
        self._texts[table].write(text + "\n")

    def copy(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            for table, text in self._texts.items():
                text.seek(0)
                cursor.copy_expert(f"COPY {table} ({_COLUMNS[table]}) FROM STDIN", text)


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def add(streams: Streams, loan: Drawn, first_branch: int, first_officer: int) -> None:
    """The rows of one loan."""
    pk, plan, first = loan.loan_id, loan.plan, loan.plan.rows[0]
    rate, installment = f"{loan.rate_ppm / 10_000:.4f}", yuan(plan.installment_fen)
    branch, officer = first_branch + loan.branch, first_officer + loan.branch * OFFICERS_A_BRANCH + loan.officer
    batch = {None: None, TAKEN_OVER_EARLY_ON: 1, TAKEN_OVER_ON: 2}[loan.baseline_on]
    signed_on = None if loan.baseline_on else loan.disbursed_on
    streams.add("people_party", pk, loan.name, initials(loan.name), identity(pk), f"199{pk:08d}")
    streams.add(
        "loans_loan", pk, note_number(loan), f"EXT{pk:08d}", pk, branch, officer, signed_on, yuan(loan.original_fen),
        loan.disbursed_on, loan.matures_on, loan.due_day, loan.method, loan.score, loan.baseline_on, 0, loan.marks,
        loan.last_visit_on, batch, "",
    )  # fmt: skip
    principal, interest = [row.principal_fen for row in plan.rows], [row.interest_fen for row in plan.rows]
    streams.add(
        "loans_terms", pk, 1, loan.baseline_on or loan.disbursed_on, yuan(loan.outstanding_fen), rate, installment,
        first.number, len(plan.rows), loan.plain_from, loan.request, "OPENING" if loan.baseline_on else "DISBURSEMENT",
        ENGINE_VERSION, plan.sha256, _array(principal), _array(interest),
    )  # fmt: skip
    following = plan.rows[loan.billed]
    unbilled = sum(principal[loan.billed :])
    streams.add(
        "loans_position", pk, yuan(unbilled + sum(row.principal_fen for row in loan.arrears)), yuan(unbilled), 0, rate,
        installment, following.number, following.due_on, plan.rows[-1].number, loan.overdue_since, loan.five_class,
        next_repricing_on(loan), yuan(loan.off_balance_fen), branch,
        _accrues_from(loan),
    )  # fmt: skip
    streams.add(
        "loans_pricing", pk, f"[{loan.baseline_on or loan.disbursed_on},)", "LPR", "Y5",
        (loan.rate_ppm - _LPR_PPM) / 100, 12, loan.anchor, "book",
    )  # fmt: skip
    streams.add("book_loan", pk, first.due_on, loan.billed, loan.unpaid)


def _accrues_from(loan: Drawn) -> date:
    """The due day before the next one, or the disbursement where nothing was billed yet."""
    if loan.billed:
        return loan.plan.rows[loan.billed - 1].due_on
    return period_start(loan.plan.rows[0].due_on, loan.due_day) if loan.baseline_on else loan.disbursed_on


def _array(values: list[int]) -> str:
    return "{" + str(values)[1:-1] + "}"


def _copy_chunks(dsn: str, book: Book, mine: Sequence[int], first_branch: int, first_officer: int) -> int:
    """Draws and copies some chunks over a connection of its own; runs in a process of its own."""
    count = 0
    connection = psycopg2.connect(dsn)
    with connection:
        for chunk in mine:
            streams = Streams()
            for loan in draw(book, chunk):
                add(streams, loan, first_branch, first_officer)
                count += 1
            streams.copy(connection)
    connection.close()
    return count


def fill(book: Book, owner_dsn: str, say: Callable[[str], None]) -> None:
    """Fills a migrated and seeded database, as its owner, up to the evening of `OPEN_ON`."""
    connection = psycopg2.connect(owner_dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    made, days = dict(statements("history.sql")), _days(book)
    made.pop("spread")
    cursor.execute(made.pop("staging").replace("%%", "%"))
    cursor.execute(made.pop("branches and officers"), days)
    first_branch, first_officer, _place = cursor.fetchone()
    indexes.take_off(cursor)
    count = _copy(book, owner_dsn, first_branch, first_officer)
    say(f"{count} loans copied")
    for name, statement in made.items():
        if name in _JOINS_WHAT_WAS_MADE:
            cursor.execute("ANALYZE")
        cursor.execute(statement, days)
        say(f"{name}: {cursor.rowcount}")
    indexes.put_back(cursor)
    cursor.execute("VACUUM (ANALYZE)")
    say("indexes back")
    connection.close()


def _copy(book: Book, dsn: str, first_branch: int, first_officer: int) -> int:
    """Draws and copies the loans, a large book with two processes."""
    if book.loans < _LARGE:
        return _copy_chunks(dsn, book, chunks(book), first_branch, first_officer)
    parts = [part for start in range(_processes()) if (part := list(chunks(book))[start :: _processes()])]
    with ProcessPoolExecutor(_processes()) as pool:
        jobs = [pool.submit(_copy_chunks, dsn, book, part, first_branch, first_officer) for part in parts]
        return sum(job.result() for job in jobs)


def spread_follow_ups(cursor: Any, book: Book) -> None:
    """Lays the follow-ups that the first evening planned as an ordinary bank has them."""
    cursor.execute(statements("history.sql")["spread"], _days(book))


def _days(book: Book) -> dict[str, Any]:
    return {
        "open_on": OPEN_ON,
        "closed_on": CLOSED_ON,
        "taken_over_on": TAKEN_OVER_ON,
        "early_on": TAKEN_OVER_EARLY_ON,
        "seed": book.seed,
        "branches": BRANCHES,
        "officers": OFFICERS_A_BRANCH,
    }


def _processes() -> int:
    return min(2, os.cpu_count() or 1)
