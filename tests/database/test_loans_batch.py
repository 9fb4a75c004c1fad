"""Bill, post, age, classify: what an evening does to a loan, and that doing it twice does nothing."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from journal.models import Entry, HeldBack
from loans import batch
from loans.actions import ReceiptRow, close_business_date, post_receipts
from loans.models import BusinessDate, Installment, LedgerLine, Loan, Position, Posting, Receipt
from loans.queries import charges_owed
from loans.rules import aging
from tests.factories import AT, book_loan
from tests.loan_books import book

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)  # a Friday; the due day of the loans here


def short_loan(**given: Any) -> Loan:
    """Two installments left: 2026-11-20 and 2026-12-20."""
    fields = {"outstanding": Decimal("20000.00"), "matures_on": date(2026, 12, 20), "opens_on": DAY, **given}
    return book_loan(**fields)


def pay(loan: Loan, amount: Decimal | str, value_on: date, serial: str) -> Any:
    row = ReceiptRow(loan.loan_note_no, Decimal(amount), value_on, "CNAPS", serial)
    return post_receipts(rows=[row], by="system", at=AT)


def evening(day: date) -> dict[str, dict[str, int]]:
    stages = (batch.bill, batch.post_waiting_receipts, batch.age, batch.classify)
    return {stage.__name__: stage(as_of=day, at=AT) for stage in stages}


def close(day: date) -> dict[str, dict[str, int]]:
    counts = evening(day)
    close_business_date(day=day, at=AT)
    return counts


def open_month(day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT open_ledger_month(%s)", [day])


def facts(loan: Loan) -> list[tuple[str, str]]:
    rows = Entry.objects.filter(loan_id=loan.pk).order_by("id")
    return [(row.kind.removeprefix("loans."), str(row.business_date)) for row in rows]


def position(loan: Loan) -> Position:
    return Position.objects.get(pk=loan.pk)


def state() -> list[Any]:
    tables = (Position, Installment, Posting, LedgerLine, Receipt, Entry)
    return [sorted(map(str, table.objects.values_list())) for table in tables]


def test_billing_moves_a_row_of_the_schedule_to_the_debt() -> None:
    loan = short_loan()
    assert batch.bill(as_of=DAY, at=AT)["billed"] == 1
    row = Installment.objects.get(loan_id=loan.pk)
    after = position(loan)
    assert (row.due_on, row.interest, row.overdue_from) == (DAY, Decimal("60.00"), DAY)
    assert after.unbilled_principal == Decimal("20000.00") - row.principal
    assert after.principal_balance == Decimal("20000.00")
    assert (after.next_number, after.next_due_on) == (after.last_number, date(2026, 12, 20))
    lines = LedgerLine.objects.filter(loan_id=loan.pk, installment_number=row.number)
    assert {line.account: line.amount for line in lines} == {
        "INTEREST_RECEIVABLE": Decimal("60.00"), "INTEREST_INCOME": Decimal("-60.00")
    }  # fmt: skip


def test_an_evening_run_twice_is_an_evening_run_once() -> None:
    book(60, opens_on=DAY)
    for loan in Loan.objects.all()[:20]:
        pay(loan, "700.00", DAY, f"S{loan.pk}")
    evening(DAY)
    before = state()
    evening(DAY)
    assert state() == before


def test_a_loan_whose_row_is_not_the_signed_one_is_held_back_and_the_others_go_on() -> None:
    wrong, right = short_loan(), short_loan()
    Position.objects.filter(pk=wrong.pk).update(installment_amount=Decimal("1.00"))
    assert batch.bill(as_of=DAY, at=AT) == {"billed": 1, "held_back": 1, "suspense_used": 0}
    assert Installment.objects.get().loan_id == right.pk
    held = HeldBack.objects.get()
    assert (held.stage, held.subject_id, held.since) == ("bill", wrong.pk, DAY)
    assert "第" in held.reason
    Position.objects.filter(pk=wrong.pk).update(installment_amount=position(right).installment_amount)
    later = DAY + timedelta(days=40)
    open_month(later)
    BusinessDate.objects.filter(is_open=True).update(day=later)
    assert batch.bill(as_of=later, at=AT)["billed"] == 3  # both installments of one, the second of the other
    assert not HeldBack.objects.exists()


def test_a_receipt_pays_the_oldest_first_and_interest_before_principal() -> None:
    loan = short_loan(days_past_due=45)
    first, second = Installment.objects.filter(loan_id=loan.pk).order_by("number")
    late = charges_owed(loan, DAY).installments
    assert [each.number for each in late if each.penalty and each.compound] == [first.number, second.number]
    charges = sum(each.penalty + each.compound for each in late)
    amount = first.interest + first.principal + charges + second.interest + Decimal("1.00")
    assert pay(loan, amount, DAY, "1").posted == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.settled_on, first.principal_paid) == (DAY, first.principal)
    assert (second.settled_on, second.interest_paid, second.principal_paid) == (None, second.interest, Decimal("1.00"))
    posting = Posting.objects.get(kind="RECEIPT")
    lines = LedgerLine.objects.filter(posting_id=posting.pk).order_by("line")
    assert [(line.account, line.installment_number, line.amount) for line in lines] == [
        ("CASH", None, amount),
        ("PENALTY_INCOME", first.number, -late[0].penalty),
        ("COMPOUND_INCOME", first.number, -late[0].compound),
        ("INTEREST_RECEIVABLE", first.number, -first.interest),
        ("PRINCIPAL", first.number, -first.principal),
        ("PENALTY_INCOME", second.number, -late[1].penalty),
        ("COMPOUND_INCOME", second.number, -late[1].compound),
        ("INTEREST_RECEIVABLE", second.number, -second.interest),
        ("PRINCIPAL", second.number, Decimal("-1.00")),
    ]
    assert position(loan).overdue_since == second.overdue_from


def test_more_than_the_debt_waits_in_suspense_and_pays_the_next_installment() -> None:
    loan = short_loan()
    pay(loan, "500.00", DAY, "1")
    assert position(loan).suspense == Decimal("500.00")
    assert batch.bill(as_of=DAY, at=AT) == {"billed": 1, "held_back": 0, "suspense_used": 1}
    row = Installment.objects.get()
    assert position(loan).suspense == 0
    assert (row.interest_paid, row.principal_paid) == (Decimal("60.00"), Decimal("440.00"))
    assert Posting.objects.filter(kind="SUSPENSE_USED").count() == 1


def test_receipts_of_a_loan_are_taken_in_order_of_value_date_and_arrival() -> None:
    loan = short_loan(opens_on=date(2026, 11, 18))
    for serial, value_on in (("late", 21), ("b", 20), ("a", 20), ("early", 19)):
        assert pay(loan, "100.00", date(2026, 11, value_on), serial).waiting == 1
    for day in (18, 19, 20):
        close(date(2026, 11, day))
    posted = Posting.objects.filter(kind="RECEIPT").order_by("id")
    assert [each.receipt.serial for each in posted] == ["early", "b", "a"]
    assert Receipt.objects.get(serial="late").state == "WAITING"


def test_overdue_begins_on_day_1_and_is_cured_by_payment() -> None:
    loan = short_loan()
    close(DAY)
    assert position(loan).overdue_since is None
    friday = Installment.objects.get()
    for day in (21, 22):
        close(date(2026, 11, day))
    after = position(loan)
    assert (after.overdue_since, after.five_class) == (DAY, "SPECIAL_MENTION")
    assert facts(loan) == [("overdue_began", "2026-11-21"), ("class_changed", "2026-11-21")]
    pay(loan, friday.interest + friday.principal, date(2026, 11, 23), "1")
    assert position(loan).overdue_since is None
    close(date(2026, 11, 23))
    assert position(loan).five_class == "PASS"
    assert facts(loan)[2:] == [("overdue_cured", "2026-11-23"), ("class_changed", "2026-11-23")]


def test_recognition_waits_for_the_workday_after_a_holiday() -> None:
    # E15's shape: due on Saturday 21 November, last day to pay Monday 23, recognised at Tuesday's close as day 3.
    loan = short_loan(due_day=21, matures_on=date(2026, 12, 21), opens_on=date(2026, 11, 21))
    for day in (21, 22, 23):
        close(date(2026, 11, day))
    assert position(loan).overdue_since is None
    counts = close(date(2026, 11, 24))
    assert counts["age"]["began"] == 1
    began = Entry.objects.get(kind="loans.overdue_began")
    assert began.data == {"overdue_since": "2026-11-21", "days_past_due": 3}


def test_arrears_of_the_tape_neither_begin_nor_end_by_themselves() -> None:
    loan = short_loan(days_past_due=12, opens_on=date(2026, 11, 1))
    close(date(2026, 11, 1))
    assert position(loan).overdue_since == date(2026, 10, 19)
    assert facts(loan) == []


@pytest.mark.parametrize(("days", "name"), [(90, "SUBSTANDARD"), (270, "DOUBTFUL"), (360, "LOSS")])
def test_class_is_crossed_on_its_day(days: int, name: str) -> None:
    loan = short_loan(days_past_due=days, opens_on=date(2026, 11, 1))
    before = position(loan).five_class
    close(date(2026, 11, 1))
    change = Entry.objects.get(kind="loans.class_changed", loan_id=loan.pk)
    assert change.data == {"from": before, "to": name, "days_past_due": days + 1}


def test_the_last_payment_settles_the_loan() -> None:
    loan = short_loan()
    for day in range(31):
        close(DAY + timedelta(days=day))
    # The first installment is a month late, the second a day, which is within grace.
    owed = charges_owed(loan, date(2026, 12, 21))
    assert [bool(each.penalty) for each in owed.installments] == [True, False]
    assert pay(loan, owed.total + 5, date(2026, 12, 21), "1").posted == 1
    after = position(loan)
    assert (after.principal_balance, after.next_number, after.settled_on) == (0, None, date(2026, 12, 21))
    assert (after.suspense, after.overdue_since) == (Decimal("5.00"), None)
    assert ("settled", "2026-12-21") in facts(loan)
    close(date(2026, 12, 21))
    assert position(loan).five_class == "PASS"
    assert pay(loan, "1.00", date(2026, 12, 22), "2").posted == 1
    assert [kind for kind, _day in facts(loan)].count("settled") == 1


def test_what_aging_missed_is_healed_the_next_evening() -> None:
    loan = short_loan()
    batch.bill(as_of=DAY, at=AT)
    later = date(2026, 12, 9)
    assert batch.age(as_of=later, at=AT)["began"] == 1
    Position.objects.filter(pk=loan.pk).update(overdue_since=date(2026, 1, 1), five_class="LOSS")
    assert batch.age(as_of=later, at=AT)["moved"] == 1
    assert batch.classify(as_of=later, at=AT) == {"changed": 1}
    assert (position(loan).overdue_since, position(loan).five_class) == (DAY, "SPECIAL_MENTION")


def test_chunks_by_loan_id_do_what_one_chunk_does() -> None:
    book(30, opens_on=DAY)
    cuts = batch.bill_cuts(as_of=DAY, size=3)
    due = cuts.ends[0]
    assert len(cuts.ends) == cuts.due // 3
    first = batch.bill(as_of=DAY, at=AT, after=0, up_to=due)["billed"]
    assert first >= 3 and set(
        Installment.objects.filter(due_on__gt=date(2026, 10, 31)).values_list("loan_id", flat=True)
    )
    assert not Installment.objects.filter(due_on__gt=date(2026, 10, 31), loan_id__gt=due).exists()
    batch.bill(as_of=DAY, at=AT, after=due)
    assert batch.bill(as_of=DAY, at=AT)["billed"] == 0
    assert batch.bill_cuts(as_of=DAY, size=1)[:2] == ([], 0)


def test_statements_of_an_evening_do_not_grow_with_the_book() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            evening(DAY)
        return len(captured)

    book(20, opens_on=DAY)
    small = statements()
    for loan in Loan.objects.all():
        pay(loan, "700.00", DAY, f"S{loan.pk}")
    book_more(200)
    assert statements() <= small + 4


def book_more(loans: int) -> None:
    from random import Random

    from loans.actions import book_opening
    from loans.models import ImportBatch
    from tests.factories import make_branch, make_party
    from tests.loan_books import AS_OF, opening_row

    branch, party = make_branch(), make_party()
    rows = [opening_row(5000 + n, borrower_id=party.pk, branch_id=branch.pk, random=Random(n)) for n in range(loans)]
    batch_row = ImportBatch.objects.create(file_name="x", sha256="x", as_of=AS_OF, actor="system", at=AT)
    book_opening(rows=rows, as_of=AS_OF, batch=batch_row, by="system", at=AT)


def test_sql_and_rules_agree_on_random_books() -> None:
    """The candidates that SQL finds are exactly the loans whose rules say something else than is stored."""
    book(150, seed=7, opens_on=date(2026, 11, 1))
    as_of = date(2026, 12, 27)
    open_month(as_of)
    BusinessDate.objects.filter(is_open=True).update(day=as_of)
    batch.bill(as_of=as_of, at=AT)
    until = aging.recognised_due_until(as_of, 0, _calendar(as_of))
    expected = {}
    for each in Position.objects.select_related("loan"):
        unpaid = Installment.objects.filter(loan_id=each.pk, settled_on__isnull=True)
        rows = [aging.UnpaidInstallment(row.due_on, row.overdue_from) for row in unpaid]
        expected[each.pk] = aging.overdue_since(rows, until, each.loan.baseline_on)
    batch.age(as_of=as_of, at=AT)
    batch.classify(as_of=as_of, at=AT)
    for each in Position.objects.all():
        assert each.overdue_since == expected[each.pk]
        assert each.five_class == aging.five_class(aging.days_past_due(each.overdue_since, as_of))


def _calendar(as_of: date) -> Any:
    from loans.queries import calendar

    return calendar(as_of - timedelta(days=40), as_of)
