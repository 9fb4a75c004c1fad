"""What an evening looks for is found through partial indexes: one that is needed is used, without it the book is read.

Which of two indexes is cheaper the planner guesses from a sample; so the indexes of the whole table are taken away
first, and a scan of the table is the last thing it would choose. Then it is left exactly where no partial index serves.
"""

from datetime import date
from typing import Any

import pytest

from loans.rules import aging
from loans.sql import CLASS_CANDIDATES
from loans.sql.accrual import NON_ACCRUAL_CANDIDATES
from loans.sql.billing import DUE
from loans.sql.payments import WAITING
from tests.conftest import FreshBank

DAY = date(2026, 11, 1)
SCOPE = {"as_of": DAY, "after": 0, "up_to": None, "loan_ids": None}
CLASSES = (CLASS_CANDIDATES, {**SCOPE, **aging.crossing_dates(DAY)})
ACCRUAL = (
    NON_ACCRUAL_CANDIDATES,
    {**SCOPE, "overdue_before": DAY, "non_performing": "{SUBSTANDARD,DOUBTFUL,LOSS}"},
)
BILLING = ("SELECT p.loan_id " + DUE, SCOPE)
OVERDUE = (
    "position_overdue", "position_overdue_list", "position_class_since", "position_branch_overdue",
    "position_class_overdue", "position_apart",
)  # fmt: skip
NOT_PASS = ("position_class_since", "position_class_list", "position_class_balance", "position_apart")
WHOLE_TABLE = """
ALTER TABLE loans_position DROP CONSTRAINT loans_position_pkey CASCADE;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT indexrelid::regclass::text FROM pg_index
                WHERE indrelid = 'loans_position'::regclass AND indpred IS NULL LOOP
        EXECUTE 'DROP INDEX ' || name;
    END LOOP;
END $$
"""


@pytest.fixture
def cursor(fresh_bank: FreshBank, owner_of: Any) -> Any:
    """The owner's, in a transaction that is rolled back: only partial indexes are left on the positions."""
    with owner_of(fresh_bank.name) as found:
        found.execute("SET enable_seqscan = off")
        found.execute(WHOLE_TABLE)
        yield found
        found.connection.rollback()


def reads_the_book(cursor: Any, statement: str, values: dict[str, Any]) -> bool:
    cursor.execute("EXPLAIN " + statement, values)
    return "Seq Scan on loans_position" in "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("looked_for", [CLASSES, ACCRUAL, BILLING], ids=["classes", "accrual", "billing"])
def test_candidates_are_found_through_partial_indexes(cursor: Any, looked_for: Any) -> None:
    assert not reads_the_book(cursor, *looked_for)


@pytest.mark.parametrize(
    ("looked_for", "indexes"),
    [
        (CLASSES, OVERDUE), (CLASSES, NOT_PASS), (CLASSES, ("position_class_floor",)),
        (ACCRUAL, OVERDUE), (ACCRUAL, NOT_PASS), (ACCRUAL, ("position_holds_no_more",)),
        (BILLING, ("position_due",)),
    ],
)  # fmt: skip
def test_without_any_of_them_the_book_is_read(cursor: Any, looked_for: Any, indexes: tuple[str, ...]) -> None:
    for name in indexes:
        cursor.execute(f"DROP INDEX {name}")
    assert reads_the_book(cursor, *looked_for)


CHUNK = {"after": 100, "up_to": 120}
WAITING_RECEIPTS = ("SELECT r.loan_id " + WAITING, {**SCOPE, **CHUNK, "receipt_ids": None})


@pytest.mark.parametrize(
    ("looked_for", "index"),
    [((BILLING[0], {**SCOPE, **CHUNK}), "position_due"), (WAITING_RECEIPTS, "receipt_waiting")],
    ids=["billing", "receipts"],
)
def test_a_chunk_reads_its_own_part_of_what_is_due(cursor: Any, looked_for: Any, index: str) -> None:
    """Without it each of the many chunks of a peak day reads what is due in all of them."""
    cursor.execute("DROP INDEX receipt_by_loan")
    cursor.execute("EXPLAIN " + looked_for[0], looked_for[1])
    plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan
    bounds = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert "loan_id > 100" in bounds and "loan_id <= 120" in bounds and "2026-11-01" in bounds
