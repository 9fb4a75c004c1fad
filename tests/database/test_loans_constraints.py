"""What the database itself refuses, to the application role and to the owner."""

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from loans.models import Receipt
from tests.factories import AT, book_loan

pytestmark = pytest.mark.django_db


def refused(statement: str, values: list[Any] | None = None) -> str:
    """Runs a statement as the application role; returns the error that refused it."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(caught.value)


@pytest.fixture
def loan(db: None) -> Any:
    return book_loan(days_past_due=40)


HISTORY = ["loans_posting", "loans_ledger_line", "loans_terms"]


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["UPDATE {0} SET loan_id = loan_id", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_application_cannot_change_history(loan: Any, table: str, statement: str) -> None:
    assert "permission denied" in refused(statement.format(table))


def line(posting: int, number: int, amount: str, day: str = "2026-10-31") -> str:
    return f"('{day}', {posting}, {number}, 1, 'CASH', NULL, {amount})"


def test_an_unbalanced_posting_is_refused(loan: Any) -> None:
    error = refused(f"INSERT INTO loans_ledger_line VALUES {line(990, 1, '5.00')}, {line(990, 2, '-4.99')}")
    assert "do not sum to zero" in error
    for amount in ("0", "'NaN'"):
        error = refused(f"INSERT INTO loans_ledger_line VALUES {line(990, 1, amount)}")
        assert "ledger_amount_not_zero" in error


def test_a_month_that_is_not_open_takes_no_lines(loan: Any) -> None:
    lines = f"{line(990, 1, '5.00', '2031-01-05')}, {line(990, 2, '-5.00', '2031-01-05')}"
    assert "no partition" in refused(f"INSERT INTO loans_ledger_line VALUES {lines}")


def test_a_serial_is_kept_once(loan: Any) -> None:
    fields = {"channel": "CNAPS", "serial": "1", "loan_ref": "x", "amount": 1, "value_on": date(2026, 11, 1)}
    Receipt.objects.create(state="UNMATCHED", received_at=AT, **fields)
    error = refused(
        "INSERT INTO loans_receipt (channel, serial, loan_ref, amount, value_on, state, received_at)"
        " VALUES ('CNAPS', '1', 'y', 2, '2026-11-02', 'WAITING', now())"
    )
    assert "receipt_serial_once" in error


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("INSERT INTO loans_businessdate VALUES ('2026-12-01', true, now(), NULL, '{}')", "one_open_business_date"),
        ("UPDATE loans_businessdate SET is_open = false", "closed_business_date_has_time"),
        ("UPDATE loans_position SET principal_balance = -1", "principal_balance_not_negative"),
        ("UPDATE loans_position SET unbilled_principal = principal_balance + 1", "unbilled_principal_inside_balance"),
        ("UPDATE loans_position SET suspense = -0.01", "suspense_not_negative"),
        ("UPDATE loans_installment SET principal_paid = principal + 1", "principal_paid_within_due"),
        ("UPDATE loans_installment SET interest_paid = -1", "interest_paid_within_due"),
        ("UPDATE loans_installment SET settled_on = '2026-11-01'", "settled_installment_is_paid"),
        ("INSERT INTO loans_installment SELECT (SELECT max(id) + 1 FROM loans_installment), number, due_on, principal,"
         " interest, principal_paid, interest_paid, overdue_from, settled_on, loan_id FROM loans_installment LIMIT 1",
         "installment_billed_once"),
        ("UPDATE loans_loan SET due_day = 32", "due_day_is_a_day"),
        ("UPDATE loans_loan SET matures_on = disbursed_on", "matures_after_disbursement"),
        ("UPDATE loans_loan SET principal_original = 0", "principal_original_positive"),
        ("INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at)"
         " SELECT loan_id, kind, value_on, business_date, booked_at FROM loans_posting", "loan_opens_once"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_true_is_refused(loan: Any, statement: str, name: str) -> None:
    assert name in refused(statement)


def test_a_posting_is_reversed_once(loan: Any) -> None:
    reversal = (
        "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, reverses_id)"
        " SELECT loan_id, 'REVERSAL', value_on, business_date, booked_at, id FROM loans_posting WHERE kind = 'OPENING'"
    )
    assert "posting_reversed_once" in refused(f"{reversal}; {reversal}")


BULK = ["loans_posting", "loans_installment", "loans_receipt", "loans_ledger_line"]


@pytest.mark.parametrize("table", BULK)
def test_no_index_of_a_bulk_table_begins_another(db: None, table: str) -> None:
    """Every index is written with every row; one whose columns begin another one's finds nothing more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.indexrelid::regclass::text FROM pg_index a JOIN pg_index b ON b.indrelid = a.indrelid"
            " AND b.indexrelid <> a.indexrelid AND b.indpred IS NULL AND NOT a.indisunique"
            " AND b.indkey::text || ' ' LIKE a.indkey::text || ' %%' WHERE a.indrelid = %s::regclass"
            " AND a.indpred IS NULL",
            [table],
        )
        assert cursor.fetchall() == []


def test_a_parameter_has_one_value_at_a_time(db: None) -> None:
    error = refused(
        "INSERT INTO loans_parameter (code, value, in_force, source)"
        " VALUES ('overdue_grace_days', '3', '[2020-01-01,2021-01-01)', 'test')"
    )
    assert "parameter_one_value_at_a_time" in error


def told(loan: Any, value_on: str = "2026-11-01") -> str:
    return (
        "INSERT INTO loans_receipt (channel, serial, loan_ref, loan_id, amount, value_on, state, received_at) "
        f"VALUES ('CORE', 'S{value_on}', 'x', {loan.pk}, 5, '{value_on}', 'WAITING', now())"
    )


def test_a_receipt_does_not_come_before_its_loan(loan: Any) -> None:
    assert "lies before loan" in refused(told(loan, "2026-10-30"))
    with connection.cursor() as cursor:
        cursor.execute(told(loan, "2026-10-31"))


@pytest.mark.parametrize("change", ["amount = 6", "serial = 'T'", "value_on = '2026-11-02'", "loan_id = NULL"])
def test_what_a_receipt_says_does_not_change(loan: Any, change: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(told(loan))
    assert "does not change" in refused(f"UPDATE loans_receipt SET {change}")


def test_a_reversal_is_not_reversed(loan: Any) -> None:
    header = "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, reverses_id) VALUES"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{header} ({loan.pk}, 'REVERSAL', '2026-11-01', '2026-11-01', now(), (SELECT min(id) FROM loans_posting))"
            " RETURNING id"
        )
        (reversal,) = cursor.fetchone()
    text = refused(f"{header} ({loan.pk}, 'REVERSAL', '2026-11-01', '2026-11-01', now(), {reversal})")
    assert "is a reversal and is not reversed" in text
