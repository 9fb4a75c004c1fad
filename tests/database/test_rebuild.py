"""Rows made once more from the history alone: the same to the byte, and what was damaged is named and mended."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from journal.models import Entry
from loans import batch
from loans.actions import ReceiptRow, close_business_date, post_receipts, reverse_receipt
from loans.models import Installment, Loan, Position, Receipt, Terms
from loans.rebuild import Found, look, repair
from loans.rules.money import fen
from loans.rules.signed_terms import Contract, Signed, signed_contract
from tests.factories import AT, book_loan, make_branch, make_staff
from tests.loan_books import book

pytestmark = pytest.mark.django_db
FIRST = date(2026, 11, 1)
STAGES = (batch.bill, batch.post_waiting_receipts, batch.age, batch.classify, batch.non_accrual)


def close(day: date) -> None:
    for stage in STAGES:
        stage(as_of=day, at=AT)
    close_business_date(day=day, at=AT)


def pay(loan: Loan, amount: Decimal, value_on: date, serial: str) -> Any:
    row = ReceiptRow(loan.loan_note_no, amount, value_on, "CNAPS", serial)
    return post_receipts(rows=[row], by="system", at=AT)


def live(days: int, seed: int, loans: int = 40) -> None:
    """Evenings with receipts of all sizes, many of them late, and reversals."""
    random = Random(seed)
    book(loans, seed=seed, opens_on=FIRST)
    somebody = make_staff("OPERATIONS", make_branch())
    known = list(Loan.objects.all())
    for n in range(days):
        day = FIRST + timedelta(days=n)
        for k in range(4):
            late = random.choice([0, 0, random.randrange(n + 1)])
            amount = Decimal(random.choice([random.randint(1, 90_000), random.randint(90_000, 900_000)])).scaleb(-2)
            pay(random.choice(known), amount, day - timedelta(days=late), f"{n}/{k}")
        if n % 5 == 4:
            ids = list(Receipt.objects.filter(state="POSTED").order_by("id").values_list("id", flat=True))
            reverse_receipt(receipt_id=random.choice(ids), reason="渠道重复划款", by=somebody, at=AT)
        close(day)


def different() -> dict[int, Found]:
    return {each.loan_id: each for each in look() if not each.is_same}


def told(found: Found) -> set[tuple[str, str]]:
    return {(each.row, each.column) for each in found.differences}


def test_a_book_as_it_was_taken_over_is_what_its_history_says() -> None:
    book(150, opens_on=FIRST)
    assert different() == {}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_book_that_lived_is_what_its_history_says(seed: int) -> None:
    live(days=45, seed=seed)
    assert different() == {}


def test_money_of_the_open_day_does_not_hide_what_the_last_evening_said() -> None:
    loan = book_loan(days_past_due=95)
    close(FIRST)
    assert Position.objects.get(pk=loan.pk).five_class == "SUBSTANDARD"
    pay(loan, Decimal("100000.00"), FIRST + timedelta(days=1), "1")
    position = Position.objects.get(pk=loan.pk)
    assert (position.overdue_since, position.five_class) == (None, "SUBSTANDARD")
    assert different() == {}


def test_a_loan_without_interest_is_rebuilt_too() -> None:
    loan = book_loan(annual_rate_percent=Decimal("0.0000"), days_past_due=40)
    for n in range(25):
        close(FIRST + timedelta(days=n))
    pay(loan, Decimal("6000.00"), FIRST + timedelta(days=3), "1")
    assert Installment.objects.filter(loan_id=loan.pk, settled_on__isnull=False).exists()
    assert different() == {}


def test_the_hash_of_what_is_stored_is_the_hash_of_what_is_rebuilt() -> None:
    book(20, opens_on=FIRST)
    out = StringIO()
    call_command("rebuild_loans", "--check", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == "20 loans, 0 differ"
    assert lines[1].split()[1] == lines[2].split()[1]


DAMAGES: tuple[tuple[type[Any], dict[str, Any], str, str], ...] = (
    (Position, {"principal_balance": 1_000_000, "unbilled_principal": 1}, "position", "unbilled_principal"),
    (Position, {"suspense": 7}, "position", "suspense"),
    (Position, {"annual_rate_percent": 1}, "position", "annual_rate_percent"),
    (Position, {"installment_amount": 1}, "position", "installment_amount"),
    (Position, {"next_number": 300}, "position", "next_number"),
    (Position, {"next_due_on": date(2030, 1, 1)}, "position", "next_due_on"),
    (Position, {"last_number": 400}, "position", "last_number"),
    (Position, {"overdue_since": None}, "position", "overdue_since"),
    (Position, {"five_class": "LOSS"}, "position", "five_class"),
    (Position, {"settled_on": FIRST}, "position", "settled_on"),
    (Position, {"off_balance_interest": 3}, "position", "off_balance_interest"),
    (Position, {"fees_due": 3}, "position", "fees_due"),
    (Position, {"accelerated_on": FIRST}, "position", "accelerated_on"),
    (Installment, {"principal_paid": 1}, "installment", "principal_paid"),
    (Installment, {"interest_paid": 1}, "installment", "interest_paid"),
    (Installment, {"penalty_paid": 1}, "installment", "penalty_paid"),
    (Installment, {"late_principal_units": 1}, "installment", "late_principal_units"),
    (Installment, {"overdue_from": date(2026, 1, 1)}, "installment", "overdue_from"),
    (Installment, {"due_on": date(2026, 1, 1)}, "installment", "due_on"),
)


@pytest.mark.parametrize(("table", "values", "row", "column"), DAMAGES)
def test_a_damaged_column_is_named_and_mended(table: type[Any], values: dict[str, Any], row: str, column: str) -> None:
    loan, sound = book_loan(days_past_due=40), book_loan(days_past_due=40)
    close(FIRST)
    before = list(table.objects.filter(loan_id=loan.pk).order_by("pk").values_list())
    pk = table.objects.filter(loan_id=loan.pk).order_by("pk").values_list("pk", flat=True)[0]
    table.objects.filter(pk=pk).update(**values)
    found = different()
    assert set(found) == {loan.pk} and sound.pk not in found
    assert any(name.startswith(row) and which == column for name, which in told(found[loan.pk]))
    assert set(repair(loan_ids=[loan.pk, sound.pk], by="system", at=AT)) == {loan.pk}
    assert different() == {}
    assert list(table.objects.filter(loan_id=loan.pk).order_by("pk").values_list()) == before
    fact = Entry.objects.get(kind="loans.rebuilt")
    assert fact.loan_id == loan.pk and any(column in each for each in fact.data["columns"])


def test_a_lost_installment_comes_back() -> None:
    loan = book_loan(days_past_due=40)
    Installment.objects.filter(loan_id=loan.pk).order_by("number").first().delete()  # type: ignore[union-attr]
    assert len(different()[loan.pk].differences) == 1
    repair(loan_ids=[loan.pk], by="system", at=AT)
    assert different() == {}


def test_a_row_that_the_history_does_not_know_is_left_for_a_person() -> None:
    loan = book_loan(days_past_due=40)
    Installment.objects.create(
        loan_id=loan.pk, number=300, due_on=FIRST, overdue_from=FIRST, principal=1, interest=1
    )  # fmt: skip
    assert told(different()[loan.pk]) == {("installment 300", "")}
    assert repair(loan_ids=[loan.pk], by="system", at=AT) == {}
    assert not Entry.objects.filter(kind="loans.rebuilt").exists()


def test_a_last_day_that_a_repricing_moved_is_found_by_the_hash_that_was_signed() -> None:
    loan = book_loan(matures_on=date(2028, 5, 7), outstanding=Decimal("20000.00"))
    (terms,) = Terms.objects.filter(loan_id=loan.pk)
    known = signed(terms)
    contract = Contract(loan.baseline_on, 0, loan.disbursed_on, loan.due_day, date(2028, 4, 20))
    assert signed_contract(contract, [known, known]).matures_on == date(2028, 5, 7)
    assert signed_contract(contract, [known]) == contract


def signed(terms: Terms) -> Signed:
    arrays = (terms.principal_fen, terms.interest_fen)
    return Signed(
        terms.first_number, 36_000, fen(terms.installment_amount), *arrays, None, None, "1", terms.schedule_sha256
    )


@pytest.fixture
def lost_receipt() -> Iterator[Loan]:
    loan = book_loan(days_past_due=40)
    pay(loan, Decimal("500.00"), FIRST, "1")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM loans_receipt WHERE loan_id = %s", [loan.pk])
    yield loan


def test_what_the_ledger_contradicts_is_named_and_not_written(lost_receipt: Loan) -> None:
    found = different()[lost_receipt.pk]
    assert found.ledger and found.differences
    before = list(Position.objects.values_list())
    assert repair(loan_ids=[lost_receipt.pk], by="system", at=AT) == {}
    assert list(Position.objects.values_list()) == before


def test_the_command_says_what_differs_and_ends_with_1() -> None:
    loan = book_loan(days_past_due=40)
    Position.objects.filter(pk=loan.pk).update(last_number=1)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("rebuild_loans", "--check", stdout=out)
    assert ended.value.code == 1
    assert f"loan {loan.pk} position last_number: stored 1" in out.getvalue()
    out = StringIO()
    call_command("rebuild_loans", "--write", stdout=out)
    assert "1 loans mended" in out.getvalue()
    call_command("rebuild_loans", "--check", stdout=StringIO())
