"""One contract handed in twice at once is one loan; with the unique number off it would be two."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError

from journal.models import Entry
from loans.actions import disbursement
from loans.actions.disbursement import ContractTaken, disburse
from loans.models import CostDisclosure, Loan, Posting
from tests.contracts import contract_of, disclosed, operator, request_of
from tests.database.test_visit_races import at_once
from tests.factories import AT


def both_past_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the number, and both have looked for it before either writes."""
    gate, looked = threading.Barrier(2), disbursement.checked

    def together(*given: Any, **named: Any) -> Any:
        gate.wait(30)
        return looked(*given, **named)

    monkeypatch.setattr(disbursement, "_one_at_a_time", lambda external_id: None)
    monkeypatch.setattr(disbursement, "checked", together)


def handed_in_twice(*, differing: bool = False) -> list[Any]:
    by = operator()
    first = contract_of(by.branch)
    calls = [disclosed(first, by)] * 2
    if differing:
        calls[1] = disclosed(replace(first, request=request_of(principal="500000.00")), by)
    return at_once(*[lambda contract=contract: disburse(contract=contract, by=by, at=AT) for contract in calls])


def test_the_same_contract_twice_at_once_is_one_loan(fresh_bank: Any) -> None:
    found = handed_in_twice()
    assert all(isinstance(each, Loan) for each in found) and found[0].pk == found[1].pk
    assert Posting.objects.count() == Entry.objects.filter(kind="loans.disbursed").count() == 1
    assert CostDisclosure.objects.get().loan_id == found[0].pk


def test_of_two_contracts_of_one_number_at_once_one_goes_out(fresh_bank: Any) -> None:
    found = handed_in_twice(differing=True)
    assert sum(isinstance(each, Loan) for each in found) == 1
    assert sum(isinstance(each, ContractTaken) for each in found) == 1
    assert Loan.objects.count() == Posting.objects.count() == 1
    assert CostDisclosure.objects.filter(loan__isnull=False).count() == 1


def test_without_the_lock_only_the_database_stops_the_second(fresh_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    both_past_the_check(monkeypatch)
    found = handed_in_twice(differing=True)
    assert sum(isinstance(each, IntegrityError) for each in found) == 1
    assert Loan.objects.count() == Posting.objects.count() == 1


def test_without_lock_and_unique_number_there_would_be_two(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch, owner_of: Callable[[str], Any]
) -> None:
    with owner_of(fresh_bank.name) as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = 'loans_loan'::regclass AND contype = 'u'")
        (name,) = [row[0] for row in cursor.fetchall() if "external_id" in row[0]]
        cursor.execute(f'ALTER TABLE loans_loan DROP CONSTRAINT "{name}"')
        cursor.connection.commit()
    both_past_the_check(monkeypatch)
    handed_in_twice(differing=True)
    assert Loan.objects.filter(external_id="C-1").count() == 2
