"""What the database itself refuses of a change of contract."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from loans.models import ContractChange, Loan
from tests.changing import AMOUNT, People, e1_loan, propose

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(db: None) -> ContractChange:
    return propose(e1_loan(), "PREPAYMENT", People(), **AMOUNT, effect="SHORTEN_TERM")


def refused(statement: str, values: list[Any]) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("state = 'APPROVED', decided_by_id = proposed_by_id", "change_maker_is_not_checker"),
        ("state = 'REJECTED', decided_by_id = proposed_by_id", "change_maker_is_not_checker"),
        ("state = 'APPROVED'", "decided_change_has_its_checker"),
        ("state = 'SIGNED', decided_by_id = {other}", "signed_change_has_its_day"),
        ("state = 'APPLIED', decided_by_id = {other}, signed_on = '2026-11-30'", "applied_change_has_its_day"),
        ("applied_on = '2026-11-30'", "applied_change_has_its_day"),
        (
            "state = 'OBSERVED', decided_by_id = {other}, signed_on = '2026-11-30', applied_on = '2026-11-30'",
            "observed_change_has_its_period",
        ),
        (
            "state = 'REVERSED', decided_by_id = {other}, signed_on = '2026-11-30', applied_on = '2026-11-30'",
            "reversed_change_has_another_person",
        ),
        (
            "state = 'REVERSED', decided_by_id = {other}, signed_on = '2026-11-30', applied_on = '2026-11-30', "
            "ended_by_id = proposed_by_id",
            "reversed_change_has_another_person",
        ),
        ("principal = -0.01", "change_parts_not_negative"),
        ("fee = -0.01", "change_parts_not_negative"),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: ContractChange, assignment: str, constraint: str) -> None:
    other = People(change.proposed_by.branch).manager.pk
    statement = f"UPDATE loans_contractchange SET {assignment.format(other=other)} WHERE id = %s"  # noqa: S608 - ours
    assert constraint in refused(statement, [change.pk])


def test_a_loan_has_one_open_change(change: ContractChange) -> None:
    columns = [each.column for each in ContractChange._meta.concrete_fields if each.column != "id"]
    names = ", ".join(columns)
    copied = f"INSERT INTO loans_contractchange ({names}) SELECT {names} FROM loans_contractchange WHERE id = %s"  # noqa: S608
    assert "one_open_change_a_loan" in refused(copied, [change.pk])
    ContractChange.objects.filter(pk=change.pk).update(state="EXPIRED")
    with connection.cursor() as cursor:
        cursor.execute(copied, [change.pk])
    assert ContractChange.objects.count() == 2


def test_a_version_of_the_terms_is_signed_once(change: ContractChange) -> None:
    loan = Loan.objects.get(pk=change.loan_id)
    columns = "loan_id, version, effective_on, principal, annual_rate_percent, installment_amount, first_number, " \
        "installments, engine_version, schedule_sha256, principal_fen, interest_fen"  # fmt: skip
    again = f"INSERT INTO loans_terms ({columns}) SELECT {columns} FROM loans_terms WHERE loan_id = %s"  # noqa: S608
    assert "terms_version_once" in refused(again, [loan.pk])
