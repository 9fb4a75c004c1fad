"""Two reversals of one receipt at once: one wins; with the lock off the database still refuses the second."""

import threading
from typing import Any

import pytest
from django.db import DatabaseError

from loans import replay, sql
from loans.actions import ReceiptAlreadyReversed, receipts, reverse_receipt
from loans.models import Posting, Receipt
from tests.database.test_loans_reversal import REASON, one, overdue_loan
from tests.database.test_visit_races import at_once
from tests.factories import AT, make_branch, make_staff


def reversals_at_once() -> list[Any]:
    loan, staff = overdue_loan(), make_staff("OPERATIONS", make_branch())
    receipt = one(loan, "800.00", "1")

    def call() -> Receipt:
        return reverse_receipt(receipt_id=receipt.pk, reason=REASON, by=staff, at=AT)

    return at_once(call, call)


def test_of_two_reversals_at_once_exactly_one_wins(fresh_bank: Any) -> None:
    found = reversals_at_once()
    assert sum(isinstance(each, Receipt) for each in found) == 1
    assert sum(isinstance(each, ReceiptAlreadyReversed) for each in found) == 1
    assert Posting.objects.filter(kind="REVERSAL").count() == 1


def test_without_the_lock_only_the_database_stops_the_second_reversal(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Barrier(2)

    def unlocked(*_given: Any) -> dict[int, Any]:
        return {}

    def both_read(*given: Any, **named: Any) -> Any:
        accounts = load(*given, **named)
        gate.wait(30)
        return accounts

    load = replay._load
    monkeypatch.setattr(receipts, "lock_positions", unlocked)
    monkeypatch.setattr(sql, "LOCK_LOANS", sql.LOCK_LOANS.replace("FOR UPDATE OF p", ""))
    monkeypatch.setattr(replay, "_load", both_read)
    found = reversals_at_once()
    assert sum(isinstance(each, DatabaseError) for each in found) == 1
    assert Posting.objects.filter(kind="REVERSAL").count() == 1
