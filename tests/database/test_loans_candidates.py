"""Classes and interest off the balance sheet: candidates are found through partial indexes."""

from datetime import date
from typing import Any

from django.db import connection

from loans.rules import aging
from loans.sql import CLASS_CANDIDATES, NON_ACCRUAL_CANDIDATES
from tests.conftest import FreshBank
from tests.loan_books import book

DAY = date(2026, 11, 1)


def plan_of(statement: str, values: dict[str, Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("EXPLAIN " + statement, values)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_candidates_are_found_through_partial_indexes(
    fresh_bank: FreshBank, owner_of: Any, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        book(400, opens_on=DAY)
        with owner_of(fresh_bank.name) as cursor:
            cursor.execute("ANALYZE loans_position, loans_installment")
            cursor.connection.commit()
        scope = {"as_of": DAY, "after": 0, "up_to": None, "loan_ids": None}
        classes = plan_of(CLASS_CANDIDATES, {**scope, **aging.crossing_dates(DAY)})
        values = {**scope, "overdue_before": date(2026, 8, 3), "non_performing": "{SUBSTANDARD,DOUBTFUL,LOSS}"}
        accrual = plan_of(NON_ACCRUAL_CANDIDATES, values)
    for index in ("position_overdue", "position_class_floor"):
        assert index in classes
    for index in ("position_overdue", "position_off_balance"):
        assert index in accrual
    # two indexes hold the loans below PASS; in a small book they cost the same
    for plan in (classes, accrual):
        assert "position_not_pass" in plan or "position_class_list" in plan
    assert "Seq Scan" not in classes + accrual
