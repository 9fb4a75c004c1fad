"""History is kept from the owner of the tables too; committed rows are needed to see it."""

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from tests.factories import book_loan

STATEMENTS = ("UPDATE {0} SET loan_id = loan_id", "DELETE FROM {0}", "TRUNCATE {0} CASCADE")


def test_owner_cannot_change_history_either(fresh_bank: Any, owner_of: Callable[[str], Any]) -> None:
    book_loan(days_past_due=40)
    for table in ("loans_posting", "loans_ledger_line", "loans_terms"):
        for statement in STATEMENTS:
            with owner_of(fresh_bank.name) as cursor, pytest.raises(psycopg2.errors.RestrictViolation):
                cursor.execute(statement.format(table))
