"""Boarding a book: what a tape's row becomes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from journal.models import Entry
from loans.actions import AsOfAfterBusinessDate, book_opening
from loans.models import ImportBatch, Installment, LedgerLine, Loan, Posting, Terms
from loans.queries import future_schedule, loan_facts
from tests.factories import AT, book_loan, make_branch, make_party
from tests.loan_books import AS_OF, book, opening_row

pytestmark = pytest.mark.django_db


def lines_of(loan: Loan) -> dict[tuple[str, int | None], Decimal]:
    lines = LedgerLine.objects.filter(loan_id=loan.pk)
    return {(line.account, line.installment_number): line.amount for line in lines}


def test_a_current_loan_opens_with_its_balance() -> None:
    loan = book_loan(outstanding=Decimal("900000.00"))
    position = loan.position
    assert (position.principal_balance, position.unbilled_principal) == (Decimal("900000.00"),) * 2
    assert (position.next_number, position.next_due_on) == (46, date(2026, 11, 20))
    assert (position.overdue_since, position.five_class) == (None, "PASS")
    assert lines_of(loan) == {("PRINCIPAL", None): Decimal("900000.00"), ("TAKEOVER", None): Decimal("-900000.00")}
    posting = Posting.objects.get(loan_id=loan.pk)
    assert (posting.kind, posting.business_date, posting.value_on) == (
        "OPENING",
        date(2026, 10, 31),
        date(2026, 10, 31),
    )
    terms = Terms.objects.get(loan_id=loan.pk)
    assert sum(terms.principal_fen) == 90_000_000 and terms.installments == position.last_number - 45
    assert not Installment.objects.exists()


def test_arrears_lie_inside_the_balance() -> None:
    loan = book_loan(days_past_due=45)
    position = loan.position
    arrears = list(Installment.objects.filter(loan_id=loan.pk).order_by("number"))
    assert [(row.due_on, row.overdue_from) for row in arrears] == [
        (date(2026, 9, 20), date(2026, 9, 16)),
        (date(2026, 10, 20), date(2026, 10, 20)),
    ]
    assert (position.overdue_since, position.five_class) == (date(2026, 9, 16), "SPECIAL_MENTION")
    assert position.principal_balance == Decimal("900000.00")
    assert position.unbilled_principal + sum(row.principal for row in arrears) == position.principal_balance
    interest = {("INTEREST_RECEIVABLE", row.number): row.interest for row in arrears}
    total = Decimal("900000.00") + sum(interest.values())
    assert lines_of(loan) == {
        ("PRINCIPAL", None): Decimal("900000.00"), ("TAKEOVER", None): -total, **interest
    }  # fmt: skip


def test_boarding_is_baseline_and_fires_nothing() -> None:
    loan = book_loan(days_past_due=400)
    assert list(Entry.objects.filter(loan_id=loan.pk)) == []
    booked = Entry.objects.get(kind="loans.booked")
    assert (booked.subject_type, booked.data["loans"], booked.data["principal"]) == ("import_batch", 1, "900000.00")


def test_future_schedule_is_what_was_signed() -> None:
    loan = book_loan(matures_on=date(2027, 1, 20), outstanding=Decimal("30000.00"))
    rows = future_schedule(loan)
    assert [row.due_on for row in rows] == [date(2026, 11, 20), date(2026, 12, 20), date(2027, 1, 20)]
    assert sum(row.principal for row in rows) == Decimal("30000.00") and rows[-1].balance == 0
    facts = loan_facts(loan)
    assert (facts.next_due_on, facts.next_amount, facts.installments_left) == (rows[0].due_on, rows[0].amount, 3)


def test_a_balance_of_a_day_not_closed_cannot_be_taken_over() -> None:
    with pytest.raises(AsOfAfterBusinessDate):
        book_loan(as_of=date(2026, 11, 1))
    assert not Loan.objects.exists()


def test_a_book_costs_the_same_statements_whatever_its_size() -> None:
    book(1)
    assert _statements_of_boarding(80, first=1000) == _statements_of_boarding(5, first=2000)


def _statements_of_boarding(loans: int, *, first: int) -> int:
    branch, party = make_branch(), make_party()
    batch = ImportBatch.objects.create(file_name="x", sha256="x", as_of=AS_OF, actor="system", at=AT)
    rows = [
        replace(opening_row(first + n, borrower_id=party.pk, branch_id=branch.pk, random=Random(n)), days_past_due=40)
        for n in range(loans)
    ]
    with CaptureQueriesContext(connection) as captured:
        ids = book_opening(rows=rows, as_of=AS_OF, batch=batch, by="system", at=AT)
    assert len(ids) == loans
    return len(captured)
