"""What is posted stands on the open business date; the database refuses any other, and no close slips in between."""

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from loans.actions import close_business_date
from loans.models import BusinessDate, LedgerLine, Posting
from tests.conftest import FreshBank
from tests.factories import AT, book_loan

HEADER = (
    "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at)"
    " VALUES (%(loan)s, 'BILLING', %(value)s, %(day)s, %(at)s) RETURNING id"
)
LINES = (
    "INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, amount)"
    " VALUES (%(day)s, %(posting)s, 1, %(loan)s, 'INTEREST_RECEIVABLE', 5),"
    " (%(day)s, %(posting)s, 2, %(loan)s, 'INTEREST_INCOME', -5)"
)


def post(loan: Any, day: str, value: str = "2026-10-31", lines_on: str | None = None) -> None:
    with connection.cursor() as cursor:
        values = {"loan": loan.pk, "day": day, "value": value, "at": AT}
        cursor.execute(HEADER, values)
        (posting,) = cursor.fetchone()
        cursor.execute(LINES, {**values, "posting": posting, "day": lines_on or day})


def refused(*given: Any, **named: Any) -> str:
    before = (Posting.objects.count(), LedgerLine.objects.count())
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        post(*given, **named)
    assert (Posting.objects.count(), LedgerLine.objects.count()) == before
    return str(caught.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


@pytest.fixture
def loan(db: None) -> Any:
    """A loan of a bank that closed its first date."""
    loan = book_loan()
    close_business_date(day=BusinessDate.objects.get(is_open=True).day, at=AT)
    return loan


@pytest.mark.parametrize("day", ["2026-10-31", "2026-11-01", "2026-11-03"])
def test_a_day_that_is_not_open_takes_no_posting(loan: Any, day: str) -> None:
    assert refused(loan, day, "2026-10-31") == "posting_on_the_open_date"


@pytest.mark.parametrize("day", ["2026-10-31", "2026-11-01", "2026-11-03"])
def test_a_day_that_is_not_open_takes_no_line_either(loan: Any, day: str) -> None:
    assert refused(loan, "2026-11-02", lines_on=day) == "posting_on_the_open_date"


def test_the_open_date_takes_a_posting_of_an_earlier_value(loan: Any) -> None:
    post(loan, "2026-11-02", "2026-10-31")
    assert Posting.objects.filter(kind="BILLING", value_on="2026-10-31", business_date="2026-11-02").exists()


def test_one_day_of_many_that_is_not_open_refuses_the_statement(loan: Any) -> None:
    with (
        pytest.raises(DatabaseError, match="posted on 2026-11-01 to 2026-11-02"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, installment_number)"
            " SELECT %s, 'BILLING', '2026-10-31', day, now(), row_number() OVER () FROM unnest("
            " ARRAY['2026-11-02', '2026-11-02', '2026-11-01']::date[]) day",
            [loan.pk],
        )


def test_a_book_taken_over_before_the_first_close_stands_on_its_own_day(db: None) -> None:
    book_loan()
    assert set(Posting.objects.values_list("business_date", "kind")) == {(book_loan().baseline_on, "OPENING")}


def post_while_closing(loan: Any) -> bool:
    """Posts without holding the date while somebody closes it; did the close wait for the posting?"""
    day = BusinessDate.objects.get(is_open=True).day
    posted, closed = threading.Event(), threading.Event()

    def close() -> None:
        try:
            posted.wait(20)
            close_business_date(day=day, at=AT)
            closed.set()
        finally:
            connection.close()

    thread = threading.Thread(target=close)
    thread.start()
    with transaction.atomic():
        post(loan, str(day))
        posted.set()
        # A close that does not wait is through at once; one that waits is seen waiting.
        waited = _is_waited_for(closed)
    thread.join(60)
    assert closed.is_set()
    return waited


def _is_waited_for(closed: threading.Event) -> bool:
    """Whoever waits in this database; transactions are waited for across databases."""
    while not closed.wait(0.02):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks waits JOIN pg_locks holds USING (pid) WHERE NOT waits.granted"
                " AND holds.database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
            if cursor.fetchone() == (True,):
                return True
    return False


def test_a_date_does_not_close_under_a_posting(fresh_bank: FreshBank) -> None:
    assert post_while_closing(book_loan())


def test_without_the_trigger_it_does(fresh_bank: FreshBank, owner_of: Any) -> None:
    loan = book_loan()
    with owner_of(fresh_bank.name) as cursor:
        cursor.execute("ALTER TABLE loans_posting DISABLE TRIGGER posting_on_the_open_date")
        cursor.execute("ALTER TABLE loans_ledger_line DISABLE TRIGGER posting_on_the_open_date")
        cursor.connection.commit()
    assert not post_while_closing(loan)
