"""Two people at one change, a payment beside a prepayment: one wins, and with the lock off it goes wrong."""

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError

from journal.models import Entry
from loans.actions.changes import ChangeMoved, ChangeNotInState, apply_change, decide_change, withdraw_change
from loans.actions.changes import apply as apply_module
from loans.actions.changes import decide as decide_module
from loans.models import ContractChange, Position, Posting
from tests.changing import AMOUNT, People, all_is_well, e1_loan, pay, position, propose, signed
from tests.database.test_visit_races import at_once
from tests.factories import AT, make_branch, make_staff

OPEN = date(2026, 11, 30)


def unlocked(change_id: int) -> tuple[ContractChange, Position]:
    change = ContractChange.objects.select_related("proposed_by", "decided_by").get(pk=change_id)
    return change, Position.objects.get(pk=change.loan_id)


def both_read(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """Lock off: both have read the change before either writes."""
    gate = threading.Barrier(2)

    def read(change_id: int) -> tuple[ContractChange, Position]:
        found = unlocked(change_id)
        gate.wait(30)
        return found

    monkeypatch.setattr(module, "locked_change", read)


def two_decisions() -> list[Any]:
    branch = make_branch()
    loan, who, other = e1_loan(), People(branch), make_staff("BRANCH_MANAGER", branch)
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")

    def approve() -> ContractChange:
        return decide_change(change_id=change.pk, approve=True, note="", version=1, by=who.manager, at=AT)

    def reject() -> ContractChange:
        return decide_change(change_id=change.pk, approve=False, note="收入证明不足", version=1, by=other, at=AT)

    return at_once(approve, reject)


def test_of_two_decisions_at_once_one_wins_and_the_other_hears_of_it(fresh_bank: Any) -> None:
    found = two_decisions()
    assert sum(isinstance(each, ContractChange) for each in found) == 1
    assert sum(isinstance(each, ChangeMoved) for each in found) == 1
    assert Entry.objects.filter(kind__in=("loans.change_approved", "loans.change_rejected")).count() == 1


def test_without_the_lock_both_decide(fresh_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    both_read(monkeypatch, decide_module)
    found = two_decisions()
    assert sum(isinstance(each, ContractChange) for each in found) == 2
    assert Entry.objects.filter(kind__in=("loans.change_approved", "loans.change_rejected")).count() == 2


def two_applications() -> tuple[Any, list[Any]]:
    loan, who = e1_loan(), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    pay(loan, Decimal("400400.00"), OPEN, "1")

    def call() -> ContractChange:
        return apply_change(change_id=change.pk, by=who.officer, at=AT)

    return loan, at_once(call, call)


def test_of_two_applications_at_once_one_takes_the_money(fresh_bank: Any) -> None:
    loan, found = two_applications()
    assert sum(isinstance(each, ContractChange) for each in found) == 1
    assert sum(isinstance(each, ChangeNotInState) for each in found) == 1
    assert Posting.objects.filter(kind="PREPAYMENT").count() == 1
    assert position(loan).suspense == Decimal("200200.00")
    all_is_well()


def test_without_the_lock_only_the_database_stops_the_second(fresh_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    both_read(monkeypatch, apply_module)
    loan, found = two_applications()
    assert sum(isinstance(each, DatabaseError) for each in found) == 1
    assert Posting.objects.filter(kind="PREPAYMENT").count() == 1


def applied_beside_a_withdrawal() -> list[Any]:
    loan, who = e1_loan(), People()
    change = signed(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    return at_once(
        lambda: apply_change(change_id=change.pk, by=who.officer, at=AT),
        lambda: withdraw_change(change_id=change.pk, reason="客户改变主意", by=who.officer, at=AT),
    )


def test_a_change_is_either_applied_or_withdrawn(fresh_bank: Any) -> None:
    found = applied_beside_a_withdrawal()
    assert sum(isinstance(each, ContractChange) for each in found) == 1
    assert sum(isinstance(each, ChangeNotInState) for each in found) == 1


def paid_beside_a_prepayment() -> Any:
    loan, who = e1_loan(), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    pay(loan, Decimal("200200.00"), OPEN, "1")
    found = at_once(
        lambda: apply_change(change_id=change.pk, by=who.officer, at=AT),
        lambda: pay(loan, Decimal("300.00"), OPEN, "2"),
    )
    assert not any(isinstance(each, Exception) for each in found), found
    return loan


def test_a_payment_beside_a_prepayment_is_as_one_after_the_other(fresh_bank: Any) -> None:
    loan = paid_beside_a_prepayment()
    assert position(loan).suspense == Decimal("300.00")
    all_is_well()


def test_without_the_lock_the_payment_is_lost(fresh_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The position is read before the payment commits and written after it."""
    read, paid = threading.Event(), threading.Event()

    def stale(change_id: int) -> tuple[ContractChange, Position]:
        found = unlocked(change_id)
        read.set()
        paid.wait(30)
        return found

    monkeypatch.setattr(apply_module, "locked_change", stale)
    real = pay

    def then_tell(*given: Any) -> Any:
        if given[-1] == "2":
            read.wait(30)
        try:
            return real(*given)
        finally:
            if given[-1] == "2":
                paid.set()

    monkeypatch.setattr("tests.database.test_changes_races.pay", then_tell)
    loan = paid_beside_a_prepayment()
    assert position(loan).suspense == 0
