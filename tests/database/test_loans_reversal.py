"""Reversal and late receipts: the loan stands as if the money had never come, or had come on time."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from config.invariants import findings
from journal.models import Entry
from loans import batch, posting
from loans.actions import (
    ReceiptAlreadyReversed,
    ReceiptNotPosted,
    ReceiptRow,
    ReversalNeedsReason,
    book_opening,
    close_business_date,
    post_receipts,
    reverse_receipt,
)
from loans.models import ImportBatch, Installment, LedgerLine, Loan, Position, Posting, Receipt
from people.actions import NotAllowed
from people.models import Staff
from tests import factories
from tests.factories import AT, book_loan, make_branch, make_staff
from tests.loan_books import AS_OF, opening_row

pytestmark = pytest.mark.django_db

FIRST = date(2026, 11, 1)
REASON = "渠道重复划款"


class Told(NamedTuple):
    """A receipt of a life: which loan of the book, when it counts, when it comes."""

    loan: int
    amount: Decimal
    value_on: date
    comes_on: date


def close(day: date) -> None:
    for stage in (batch.bill, batch.post_waiting_receipts, batch.age, batch.classify):
        stage(as_of=day, at=AT)
    close_business_date(day=day, at=AT)


def twin_books(loans: int, seed: int) -> tuple[list[Loan], list[Loan]]:
    """The same loans twice in one bank."""
    factories.open_bank(FIRST)
    branch, party = make_branch(), factories.make_party()
    batch_row = ImportBatch.objects.create(file_name="x", sha256="x", as_of=AS_OF, actor="system", at=AT)
    books = []
    for base in (0, 1000):
        random = Random(seed)
        rows = [opening_row(base + n, borrower_id=party.pk, branch_id=branch.pk, random=random) for n in range(loans)]
        ids = book_opening(rows=rows, as_of=AS_OF, batch=batch_row, by="system", at=AT)
        books.append([Loan.objects.get(pk=ids[row.external_id]) for row in rows])
    return books[0], books[1]


def life(loans: int, days: int, seed: int) -> list[Told]:
    """Receipts of all sizes; two thirds come days after their value date."""
    random = Random(seed)
    told = []
    for _n in range(loans * 8):
        offset = random.randrange(days)
        late = random.choice([0, random.randrange(days - offset), random.randrange(min(9, days - offset))])
        amount = random.choice([random.randint(1, 100_000), random.randint(100_000, 700_000)])
        value_on = FIRST + timedelta(days=offset)
        told.append(
            Told(random.randrange(loans), Decimal(amount).scaleb(-2), value_on, value_on + timedelta(days=late))
        )
    return told


def pay(loan: Loan, told: Told, serial: str) -> Receipt:
    row = ReceiptRow(loan.loan_note_no, told.amount, told.value_on, "CNAPS", serial)
    assert post_receipts(rows=[row], by="system", at=AT).posted == 1
    return Receipt.objects.get(serial=serial)


def state(loan: Loan) -> Any:
    positions = Position.objects.filter(pk=loan.pk).values()
    rows = Installment.objects.filter(loan_id=loan.pk).order_by("number").values()
    return [
        {name: value for name, value in row.items() if name not in ("id", "loan_id")} for row in [*positions, *rows]
    ]


def broken() -> list[str]:
    return [f"{each.code}: {each.first}" for each in findings() if not each.is_ok]


def lived(on_time: list[Loan], late: list[Loan], days: int, told: list[Told]) -> None:
    """Both books through the same days; the first gets each receipt on its value date, the second when it comes."""
    for offset in range(days):
        day = FIRST + timedelta(days=offset)
        for n, each in enumerate(told):
            if each.value_on == day:
                pay(on_time[each.loan], each, f"A{n}")
            if each.comes_on == day:
                pay(late[each.loan], each, f"B{n}")
        close(day)


@pytest.fixture
def operations() -> Iterator[Staff]:
    yield make_staff("OPERATIONS", make_branch())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_arrival_does_not_change_the_final_state(seed: int) -> None:
    on_time, late = twin_books(8, seed)
    lived(on_time, late, 70, life(8, 70, seed))
    assert Posting.objects.filter(kind="REVERSAL").exists()
    assert [state(loan) for loan in late] == [state(loan) for loan in on_time]
    assert broken() == []


def test_without_the_replay_the_order_of_arrival_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "come_late", lambda *_given: set())
    on_time, late = twin_books(8, 1)
    lived(on_time, late, 70, life(8, 70, 1))
    assert [state(loan) for loan in late] != [state(loan) for loan in on_time]


@pytest.mark.parametrize("seed", [4, 5])
def test_posting_and_reversing_leaves_the_state_as_it_was(seed: int, operations: Staff) -> None:
    book, other = twin_books(6, seed)
    random = Random(seed)
    told = life(6, 50, seed)
    for offset in range(50):
        day = FIRST + timedelta(days=offset)
        for n, each in enumerate(told):
            if each.comes_on != day:
                continue
            before = state(book[each.loan])
            receipt = pay(book[each.loan], each, f"A{n}")
            reverse_receipt(receipt_id=receipt.pk, reason=REASON, by=operations, at=AT)
            assert state(book[each.loan]) == before
            pay(other[each.loan], each, f"B{n}")
        if offset % 10 == 9:
            posted = list(Receipt.objects.filter(state="POSTED", loan_id__in=[loan.pk for loan in other]))
            out = random.choice(posted)
            reverse_receipt(receipt_id=out.pk, reason=REASON, by=operations, at=AT)
        close(day)
    assert not Receipt.objects.filter(state="POSTED", loan_id__in=[loan.pk for loan in book]).exists()
    assert broken() == []


def test_a_life_with_reversals_is_the_life_without_those_receipts(operations: Staff) -> None:
    never, reversed_ = twin_books(6, 9)
    told = life(6, 60, 9)
    out = set(range(0, len(told), 4))
    for offset in range(60):
        day = FIRST + timedelta(days=offset)
        for n, each in enumerate(told):
            if each.comes_on == day:
                pay(reversed_[each.loan], each, f"B{n}")
                if n not in out:
                    pay(never[each.loan], each, f"A{n}")
            if n in out and day == min(each.comes_on + timedelta(days=n % 20), FIRST + timedelta(days=59)):
                receipt = Receipt.objects.get(serial=f"B{n}")
                reverse_receipt(receipt_id=receipt.pk, reason=REASON, by=operations, at=AT)
        close(day)
    assert Receipt.objects.filter(state="REVERSED").count() == len(out)
    assert [state(loan) for loan in reversed_] == [state(loan) for loan in never]
    assert broken() == []


def test_a_file_of_late_receipts_is_one_replay_a_loan_and_as_good_as_one_by_one() -> None:
    one_by_one, at_once = twin_books(20, 11)
    told = [each._replace(comes_on=FIRST + timedelta(days=40)) for each in life(20, 40, 11)]
    for offset in range(40):
        close(FIRST + timedelta(days=offset))
    for n, each in enumerate(told):
        pay(one_by_one[each.loan], each, f"A{n}")
    rows = [
        ReceiptRow(at_once[each.loan].loan_note_no, each.amount, each.value_on, "CNAPS", f"B{n}")
        for n, each in enumerate(told)
    ]
    with CaptureQueriesContext(connection) as few:
        assert post_receipts(rows=rows[:5], by="system", at=AT).posted == 5
    with CaptureQueriesContext(connection) as many:
        assert post_receipts(rows=rows[5:], by="system", at=AT).posted == len(rows) - 5 > 100
    assert len(many) <= len(few) + 12
    assert [state(loan) for loan in at_once] == [state(loan) for loan in one_by_one]
    assert broken() == []


def overdue_loan() -> Loan:
    return book_loan(outstanding=Decimal("20000.00"), matures_on=date(2027, 1, 20), days_past_due=45)


def one(loan: Loan, amount: str, serial: str, value_on: date = FIRST) -> Receipt:
    return pay(loan, Told(0, Decimal(amount), value_on, value_on), serial)


def test_history_is_added_to_and_each_reversal_names_its_original(operations: Staff) -> None:
    loan = overdue_loan()
    first, second = one(loan, "800.00", "1"), one(loan, "5000.00", "2")
    original = list(LedgerLine.objects.order_by("posting_id", "line").values_list())
    reverse_receipt(receipt_id=first.pk, reason=REASON, by=operations, at=AT)
    assert list(LedgerLine.objects.order_by("posting_id", "line").values_list())[: len(original)] == original
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.reversed_on, second.state) == ("REVERSED", FIRST, "POSTED")
    reversals = Posting.objects.filter(kind="REVERSAL").order_by("id")
    assert [each.reverses.receipt.serial for each in reversals] == ["2", "1"]
    again = Posting.objects.get(kind="REPOSTING")
    assert (again.receipt_id, again.value_on, again.business_date) == (second.pk, FIRST, FIRST)
    assert again.after_reversal_id == reversals[0].pk
    entry = Entry.objects.get(kind="loans.receipt_reversed")
    assert entry.data == {
        "amount": "800.00", "value_on": "2026-11-01", "reason": REASON, "reversed": 2, "posted": 1
    }  # fmt: skip
    assert broken() == []


def test_what_cannot_be_reversed_is_refused_and_changes_nothing(operations: Staff) -> None:
    loan = overdue_loan()
    receipt = one(loan, "800.00", "1")
    post_receipts(rows=[ReceiptRow(loan.loan_note_no, Decimal(5), date(2026, 11, 9), "CNAPS", "w")], by="x", at=AT)
    post_receipts(rows=[ReceiptRow("NOBODY", Decimal(5), FIRST, "CNAPS", "u")], by="x", at=AT)
    officer = make_staff("LOAN_OFFICER", make_branch())

    def refused(error: type[Exception], pk: int, reason: str = REASON, by: Staff = operations) -> None:
        before = (state(loan), Posting.objects.count(), Entry.objects.count())
        with pytest.raises(error):
            reverse_receipt(receipt_id=pk, reason=reason, by=by, at=AT)
        assert (state(loan), Posting.objects.count(), Entry.objects.count()) == before

    for reason in (" 错 ", "\u200b" * 4):
        refused(ReversalNeedsReason, receipt.pk, reason=reason)
    refused(NotAllowed, receipt.pk, by=officer)
    for serial in ("w", "u"):
        refused(ReceiptNotPosted, Receipt.objects.get(serial=serial).pk)
    reverse_receipt(receipt_id=receipt.pk, reason=REASON, by=operations, at=AT)
    refused(ReceiptAlreadyReversed, receipt.pk)


def test_the_serial_of_a_reversed_receipt_does_not_post_again(operations: Staff) -> None:
    loan = overdue_loan()
    receipt = one(loan, "800.00", "1")
    reverse_receipt(receipt_id=receipt.pk, reason=REASON, by=operations, at=AT)
    row = ReceiptRow(loan.loan_note_no, Decimal("800.00"), FIRST, "CNAPS", "1")
    outcome = post_receipts(rows=[row], by="system", at=AT).outcomes[0]
    assert (outcome.state, outcome.column) == ("REFUSED", "serial")
    assert Posting.objects.filter(kind="RECEIPT").count() == 1


def test_a_reversal_opens_a_settled_loan_and_its_arrears_again(operations: Staff) -> None:
    loan = book_loan(
        outstanding=Decimal("2000.00"), matures_on=date(2026, 11, 3), due_day=3, days_past_due=10
    )  # fmt: skip
    for day in range(1, 4):
        close(date(2026, 11, day))
    before = state(loan)
    receipt = one(loan, "3000.00", "1", date(2026, 11, 4))
    assert Position.objects.get(pk=loan.pk).settled_on == date(2026, 11, 4)
    reverse_receipt(receipt_id=receipt.pk, reason=REASON, by=operations, at=AT)
    assert state(loan) == before
    kinds = [each.kind for each in Entry.objects.filter(loan_id=loan.pk).order_by("id")]
    assert kinds[-2:] == ["loans.overdue_began", "loans.receipt_reversed"]


def refused_by_database(statement: str) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return str(caught.value)


INSERT = (
    "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, receipt_id, {0}) SELECT loan_id,"
)


def test_the_database_refuses_a_second_reversal_and_a_second_reposting(operations: Staff) -> None:
    loan = overdue_loan()
    first = one(loan, "800.00", "1")
    one(loan, "5000.00", "2")
    reverse_receipt(receipt_id=first.pk, reason=REASON, by=operations, at=AT)
    rest = "value_on, business_date, booked_at, receipt_id"
    again = f"{INSERT.format('reverses_id')} 'REVERSAL', {rest}, reverses_id FROM loans_posting WHERE kind = 'REVERSAL'"
    assert "reverses_id" in refused_by_database(again)
    again = (
        f"{INSERT.format('after_reversal_id')} 'REPOSTING', {rest}, after_reversal_id FROM loans_posting"
        " WHERE kind = 'REPOSTING'"
    )
    assert "reversal_is_followed_once" in refused_by_database(again)
    nameless = f"{INSERT.format('reverses_id')} 'REVERSAL', {rest}, NULL FROM loans_posting"
    assert "reversal_names_its_original" in refused_by_database(nameless)
    nameless = f"{INSERT.format('after_reversal_id')} 'REPOSTING', {rest}, NULL FROM loans_posting"
    assert "reposting_names_its_reversal" in refused_by_database(nameless)
    dayless = "UPDATE loans_receipt SET reversed_on = NULL WHERE state = 'REVERSED'"
    assert "reversed_receipt_has_its_days" in refused_by_database(dayless)
