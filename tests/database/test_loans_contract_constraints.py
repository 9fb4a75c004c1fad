"""Limits of a contract disbursed here, as the database holds them against rows written past the code."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from loans.models import Loan, Terms
from people.models import Staff
from tests.contracts import disbursed, operator
from tests.factories import book_loan, make_party

pytestmark = pytest.mark.django_db
LOAN = (
    "INSERT INTO loans_loan (loan_note_no, borrower_id, branch_id, principal_original, disbursed_on, matures_on,"
    " due_day, repayment_method, baseline_days_past_due, payment_record, tape_sha256, signed_on)"
    " VALUES (%s, %s, %s, 100, '2026-11-01', '2027-11-01', 1, 'EQUAL_INSTALLMENT', 0, '', '', %s) RETURNING id"
)
POSITION = (
    "INSERT INTO loans_position (loan_id, principal_balance, unbilled_principal, suspense, annual_rate_percent,"
    " installment_amount, next_number, next_due_on, last_number, five_class)"
    " VALUES (%s, 100, 100, 0, 3.6, 10, 1, %s, 12, 'PASS')"
)
TERMS = (
    "INSERT INTO loans_terms (loan_id, version, effective_on, principal, annual_rate_percent, installment_amount,"
    " first_number, installments, source, engine_version, schedule_sha256, principal_fen, interest_fen)"
    " VALUES (%s, 1, '2026-11-01', 100, %s, 10, 1, %s, 'DISBURSEMENT', '1', '', '{}', '{}')"
)
POSTING = (
    "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, installment_number)"
    " VALUES (%s, %s, %s, %s, now(), %s)"
)


def run(statement: str, values: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0] if cursor.description else None


def refused(statement: str, values: list[Any]) -> str:
    """Name of the constraint that refused."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        run(statement, values)
    return str(caught.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


@pytest.fixture
def by(db: None) -> Staff:
    return operator()


def bare_loan(by: Staff, *, signed_on: str = "2026-11-01", first_due_on: str | None = "2026-12-01") -> int:
    """A loan past the code, with a position and no terms."""
    number = f"ML000020261101{Loan.objects.count():06d}"
    pk = int(run(LOAN, [number, make_party().pk, by.branch.pk, signed_on]))
    if first_due_on:
        run(POSITION, [pk, first_due_on])
    return pk


@pytest.mark.parametrize(
    ("signed_on", "first_due_on", "rate", "term", "constraint"),
    [
        ("2026-11-01", "2026-12-01", "3.6", 481, "contract_term_within_limit"),
        ("2026-08-27", "2026-12-01", "3.6", 361, "contract_term_within_limit"),
        ("2026-11-01", "2026-12-01", "3.6", 0, "contract_term_within_limit"),
        ("2026-11-01", "2026-12-01", "24.0001", 360, "contract_rate_within_limit"),
        ("2026-11-01", "2026-11-01", "3.6", 360, "first_due_after_disbursement"),
        ("2026-11-01", "2026-10-20", "3.6", 360, "first_due_after_disbursement"),
        ("2026-11-01", None, "3.6", 360, "first_due_after_disbursement"),
        ("2026-11-01", "2027-02-02", "3.6", 12, "first_due_within_limit"),
    ],
)
def test_terms_beyond_the_limits_of_their_day_are_refused(
    by: Staff, signed_on: str, first_due_on: str | None, rate: str, term: int, constraint: str
) -> None:
    pk = bare_loan(by, signed_on=signed_on, first_due_on=first_due_on)
    assert refused(TERMS, [pk, rate, term]) == constraint
    assert not Terms.objects.filter(loan_id=pk).exists()


def test_terms_at_the_limits_are_taken(by: Staff) -> None:
    run(TERMS, [bare_loan(by), "24.0", 480])
    run(TERMS, [bare_loan(by, signed_on="2026-08-27"), "0", 360])


@pytest.mark.parametrize(("signed_on", "matures_on"), [("2026-11-01", "2066-12-01"), ("2026-08-27", "2056-12-01")])
def test_a_term_counts_by_the_calendar_whatever_its_rows(by: Staff, signed_on: str, matures_on: str) -> None:
    pk = bare_loan(by, signed_on=signed_on)
    Loan.objects.filter(pk=pk).update(matures_on=matures_on)
    assert refused(TERMS, [pk, "3.6", 2]) == "contract_term_within_limit"
    last = date.fromisoformat(matures_on) - timedelta(days=1)
    Loan.objects.filter(pk=pk).update(matures_on=last)
    run(TERMS, [pk, "3.6", 2])


def test_a_number_of_another_form_is_refused_but_to_a_loan_taken_over(by: Staff) -> None:
    party = make_party().pk
    for number in ("X1", "ML000020261101", "ml00002026110100001x", "ML0000202611010000010"):
        assert refused(LOAN, [number, party, by.branch.pk, None]) == "loan_note_number_is_formed"
    assert book_loan(by.branch, loan_note_no="HT-2023/17").loan_note_no == "HT-2023/17"


def test_a_contract_is_signed_before_its_money_goes_out(by: Staff) -> None:
    values = ["ML000020261101000001", make_party().pk, by.branch.pk, "2026-11-02"]
    assert refused(LOAN, values) == "signed_before_disbursement"


def test_a_loan_is_paid_out_once_and_on_the_open_date(by: Staff) -> None:
    loan = disbursed(by)
    assert refused(POSTING, [loan.pk, "DISBURSEMENT", "2026-11-01", "2026-11-01", None]) == "loan_is_disbursed_once"
    other = bare_loan(by)
    assert refused(POSTING, [other, "DISBURSEMENT", "2026-10-31", "2026-11-01", None]) == "disbursed_on_the_open_date"


def test_an_installment_is_borne_once(by: Staff) -> None:
    loan = disbursed(by)
    run(POSTING, [loan.pk, "SUBSIDY", "2026-11-01", "2026-11-01", 1])
    run(POSTING, [loan.pk, "SUBSIDY", "2026-11-01", "2026-11-01", 2])
    assert refused(POSTING, [loan.pk, "SUBSIDY", "2026-11-01", "2026-11-01", 1]) == "installment_is_borne_once"
