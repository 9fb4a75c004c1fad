"""Late receipts in the bank: what they pay of charges, in which order, and that a preview says what posting does."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg2.extras import DateRange

from journal.models import Entry
from loans import batch
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.models import ContractParameter, Installment, LedgerLine, Loan, Position, Posting, Receipt, Terms
from loans.queries import (
    allocation_preview,
    charges_owed,
    contract_parameters,
    loan_facts,
    owed_by,
    require_business_date,
)
from loans.queries.charges import AllocationPreview
from loans.replay import LoanWrittenOff, MoneyAlreadyUsed, replay_loans
from loans.writing import Header, write_postings
from tests.contracts import disbursed, operator
from tests.database.test_loans_reversal import FIRST, Told, broken, life, lived, pay, state, twin_books
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

# E9's loan and its second installment: 2,995.36 of interest and 1,551.09 of principal, due on 1 January 2027.
INTEREST, PRINCIPAL = Decimal("2995.36"), Decimal("1551.09")
DUE = date(2027, 1, 1)


def at_the_close_of(day: date) -> None:
    """Bills and ages without closing the days between."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT open_ledger_month(%s)", [day])
        cursor.execute("UPDATE loans_businessdate SET day = %s WHERE is_open", [day])


def e9(loan: Loan | None = None) -> Loan:
    """The loan of E1, its first installment paid on the day, its second billed."""
    loan = loan or disbursed(operator())
    for due_on, amount in ((date(2026, 12, 1), Decimal("4546.45")), (DUE, None)):
        at_the_close_of(due_on)
        batch.bill(as_of=due_on, at=AT)
        if amount:
            one(loan, amount, due_on, "first")
    return loan


# Days are jumped here and evenings not run: what the claims say of classes and closed dates is not looked at.
OF_THE_EVENING = ("nothing_is_posted_into_a_closed_date", "class", "overdue")


def wrong() -> list[str]:
    return [each for each in broken() if not any(word in each for word in OF_THE_EVENING)]


def one(loan: Loan, amount: Decimal | str, on: date, serial: str) -> Receipt:
    return pay(loan, Told(0, Decimal(amount), on, on), serial)


def lines(receipt: Receipt) -> list[tuple[str, int | None, Decimal]]:
    posting = Posting.objects.filter(receipt=receipt).exclude(kind="REVERSAL").latest("id")
    rows = LedgerLine.objects.filter(posting_id=posting.pk).order_by("line")
    return [(row.account, row.installment_number, row.amount) for row in rows]


def row(loan: Loan, number: int = 2) -> Installment:
    return Installment.objects.get(loan=loan, number=number)


@pytest.mark.parametrize(
    ("days", "penalty", "compound"),
    [(0, "0.00", "0.00"), (2, "0.00", "0.00"), (3, "0.00", "0.00"), (15, "3.49", "6.74"), (95, "22.10", "42.68")],
)
def test_e9_a_late_installment_costs_what_the_example_says(days: int, penalty: str, compound: str) -> None:
    loan, on = e9(), DUE + timedelta(days=days)
    at_the_close_of(on)
    owed = charges_owed(loan, on)
    assert (owed.penalty, owed.compound, owed.fees) == (Decimal(penalty), Decimal(compound), 0)
    receipt = one(loan, owed.total, on, "late")
    paid = row(loan)
    assert (paid.settled_on, paid.penalty_paid, paid.compound_paid) == (on, owed.penalty, owed.compound)
    assert (paid.penalty_left, paid.compound_left, charges_owed(loan, on).total) == (0, 0, 0)
    assert lines(receipt) == [
        each
        for each in (
            ("CASH", None, owed.total), ("PENALTY_INCOME", 2, -owed.penalty), ("COMPOUND_INCOME", 2, -owed.compound),
            ("INTEREST_RECEIVABLE", 2, -INTEREST), ("PRINCIPAL", 2, -PRINCIPAL),
        )
        if each[2]
    ]  # fmt: skip
    assert wrong() == []


def test_grace_over_new_year_ends_on_the_first_workday() -> None:
    # Due on Friday 1 January 2027, a holiday; three days later is Monday 4 January, the last day to pay.
    loan = e9()
    assert [bool(charges_owed(loan, DUE + timedelta(days=n)).total > INTEREST + PRINCIPAL) for n in (3, 4)] == [
        False, True
    ]  # fmt: skip


def test_the_stored_row_alone_says_what_is_owed_after_part_payments() -> None:
    loan = e9()
    for days, amount, serial in ((2, "1000.00", "a"), (20, "700.00", "b"), (40, "800.00", "c")):
        at_the_close_of(DUE + timedelta(days=days))
        one(loan, amount, DUE + timedelta(days=days), serial)
    stored, on = row(loan), DUE + timedelta(days=60)
    # All went to charges and interest. What was paid in grace left no units, the rest those of its days.
    charges = stored.penalty_paid + stored.compound_paid
    assert (stored.interest_paid, stored.late_principal_units) == (Decimal("2500.00") - charges, 0)
    parts = LedgerLine.objects.filter(loan_id=loan.pk, account="INTEREST_RECEIVABLE", amount__lt=0)
    _first, _in_time, *late = [-each.amount for each in parts.order_by("posting_id")]
    a_day = 100 * 36_000 * 1500
    units = (late[0] * 20 + late[1] * 40) * a_day
    assert stored.late_interest_units == units
    compound = (units + (stored.interest - stored.interest_paid) * 60 * a_day) / Decimal(360 * 10**9)
    expected = (compound / 100).quantize(Decimal("0.01"), ROUND_HALF_UP) - stored.compound_paid
    assert charges_owed(loan, on).compound == expected
    assert wrong() == []


def test_a_receipt_with_a_value_date_in_grace_pays_no_charges_whenever_it_comes() -> None:
    loan = e9()
    at_the_close_of(DUE + timedelta(days=30))
    late = one(loan, "5000.00", DUE + timedelta(days=30), "late")
    assert row(loan).penalty_paid > 0
    early = one(loan, INTEREST + PRINCIPAL, DUE + timedelta(days=2), "early")
    assert (row(loan).penalty_paid, row(loan).compound_paid, row(loan).settled_on) == (0, 0, DUE + timedelta(days=2))
    assert lines(early)[1:] == [("INTEREST_RECEIVABLE", 2, -INTEREST), ("PRINCIPAL", 2, -PRINCIPAL)]
    assert lines(late) == [("CASH", None, Decimal("5000.00")), ("SUSPENSE", None, Decimal("-5000.00"))]
    assert wrong() == []


def test_a_late_receipt_that_comes_late_bears_until_its_value_date_only() -> None:
    loan = e9()
    at_the_close_of(DUE + timedelta(days=40))
    one(loan, "200.00", DUE + timedelta(days=30), "s")
    assert row(loan).compound_paid == Decimal("13.48")
    receipt = one(loan, "3000.00", DUE + timedelta(days=15), "r")
    assert lines(receipt)[1:3] == [
        ("PENALTY_INCOME", 2, Decimal("-3.49")), ("COMPOUND_INCOME", 2, Decimal("-6.74"))
    ]  # fmt: skip
    # Five days after the fifteenth nothing is left of the interest to bear.
    assert row(loan).compound_paid < Decimal("13.48")
    assert wrong() == []


def test_e10_more_than_90_days_late_the_principal_comes_first() -> None:
    loan, on = e9(), DUE + timedelta(days=95)
    at_the_close_of(on)
    assert allocation_preview(loan, Decimal("2950.00"), on).order[0] == "principal"
    one(loan, "2950.00", on, "late")
    paid = row(loan)
    assert (paid.principal_paid, paid.interest_paid) == (PRINCIPAL, Decimal("1398.91"))
    owed = charges_owed(loan, on)
    assert (owed.interest, owed.compound, owed.penalty) == (Decimal("1596.45"), Decimal("42.68"), Decimal("22.10"))
    # The rest of the interest ends the installment; its charges are frozen and still owed.
    one(loan, owed.interest, on, "rest")
    frozen = row(loan)
    assert (frozen.settled_on, frozen.penalty_left, frozen.compound_left) == (on, Decimal("22.10"), Decimal("42.68"))
    assert Position.objects.get(loan=loan).overdue_since is None
    assert charges_owed(loan, on + timedelta(days=500)).charges == Decimal("64.78")
    one(loan, "64.78", on, "charges")
    done = row(loan)
    assert (done.penalty_left, done.compound_left, done.penalty_paid) == (0, 0, Decimal("22.10"))
    assert wrong() == []


def test_days_past_due_on_the_value_date_decide_the_order() -> None:
    loan = e9()
    at_the_close_of(DUE + timedelta(days=95))
    preview = allocation_preview(loan, Decimal("3000.00"), DUE + timedelta(days=90))
    assert preview.order == ("penalty", "compound", "interest", "principal")
    one(loan, "3000.00", DUE + timedelta(days=90), "back-dated")
    assert row(loan).principal_paid == 0


# ── What the contract agreed ─────────────────────────────────────────────────────────────────────


def agree(loan: Loan, code: str, value: Any, since: date | None = None, until: date | None = None) -> None:
    ContractParameter.objects.create(
        loan=loan, code=code, value=value, in_force=DateRange(since, until, "[)"), source="test"
    )


def test_a_contract_keeps_its_own_parameters() -> None:
    loan, on = e9(), DUE + timedelta(days=15)
    plain = charges_owed(loan, on).charges
    agree(loan, "penalty_multiplier_overdue", "1.3")
    # 1,551.09 and 2,995.36 at 4.68 % for fifteen days.
    assert (charges_owed(loan, on).penalty, charges_owed(loan, on).compound) == (Decimal("3.02"), Decimal("5.84"))
    agree(loan, "grace_days", 20)
    assert charges_owed(loan, on).charges == 0 < plain
    assert charges_owed(loan, DUE + timedelta(days=31)).charges > 0
    found = contract_parameters([loan.pk], on)[loan.pk]
    assert (found["grace_days"], found["penalty_multiplier_overdue"], found["principal_first_dpd"]) == (20, "1.3", 90)


def test_the_order_of_a_contract_holds_for_an_installment_in_time_too() -> None:
    loan = e9()
    agree(loan, "allocation_order", ["principal", "interest", "compound", "penalty"])
    (paid,) = checked(loan, Decimal("1600.00"), DUE).rows
    assert (paid.principal, paid.interest) == (PRINCIPAL, Decimal("48.91"))
    one(loan, "1600.00", DUE, "part")
    assert (row(loan).principal_paid, row(loan).interest_paid) == (PRINCIPAL, Decimal("48.91"))


def test_a_parameter_agreed_for_a_time_holds_for_that_time() -> None:
    loan = e9()
    agree(loan, "penalty_multiplier_overdue", "3.0", DUE + timedelta(days=10), DUE + timedelta(days=20))
    days = [charges_owed(loan, DUE + timedelta(days=n)).penalty for n in (10, 20, 30)]
    # 5.4 %, then 10.8 %, then 5.4 % again, each for ten days.
    assert days == [Decimal("2.33"), Decimal("6.98"), Decimal("9.31")]


def test_each_day_bears_at_the_contract_rate_of_that_day() -> None:
    loan = e9()
    first = Terms.objects.get(loan=loan)
    first.pk, first.version, first.effective_on = None, 2, DUE + timedelta(days=10)
    first.annual_rate_percent = Decimal("7.2000")
    first.save(force_insert=True)
    assert charges_owed(loan, DUE + timedelta(days=20)).penalty == Decimal("6.98")


# ── What is read, and how often ──────────────────────────────────────────────────────────────────


def statements(loan: Loan, amount: str, on: date, serial: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        one(loan, amount, on, serial)
    return [each["sql"] for each in captured]


def test_a_receipt_in_time_reads_no_terms_and_late_ones_read_them_once_for_all() -> None:
    loan = e9()
    for amount, serial in (("100.00", "part"), ("4446.45", "rest")):
        assert not any("loans_terms" in each for each in statements(loan, amount, DUE, serial))
    late = [book_loan(days_past_due=40) for _n in range(6)]
    rows = [ReceiptRow(each.loan_note_no, Decimal(500), DUE, "CNAPS", f"L{each.pk}") for each in late]
    with CaptureQueriesContext(connection) as few:
        post_receipts(rows=rows[:1], by="system", at=AT)
    with CaptureQueriesContext(connection) as many:
        post_receipts(rows=rows[1:], by="system", at=AT)
    assert len(many) == len(few)
    assert sum("loans_terms" in each["sql"] for each in many) == 1


def test_what_is_owed_is_read_for_many_loans_at_once() -> None:
    loans = [book_loan(days_past_due=40) for _n in range(8)]
    with CaptureQueriesContext(connection) as captured:
        found = owed_by([loan.pk for loan in loans], DUE)
    assert len(captured) == 4
    assert found[loans[3].pk] == charges_owed(loans[3], DUE)
    assert all(each.penalty and each.compound for each in found.values())


def test_the_facts_of_a_loan_carry_its_charges() -> None:
    loan = e9()
    on = DUE + timedelta(days=15)
    at_the_close_of(on)
    batch.age(as_of=on, at=AT)
    loan.refresh_from_db()
    with CaptureQueriesContext(connection) as captured:
        facts = loan_facts(loan)
    assert (facts.penalty, facts.compound, facts.fees) == (Decimal("3.49"), Decimal("6.74"), 0)
    assert (facts.owed, facts.overdue_amount) == (Decimal("4556.68"), Decimal("4546.45"))
    assert (facts.days_past_due, facts.overdue_installments) == (15, 1)
    assert len(captured) <= 6


# ── Any life: preview = posted, order of arrival is nothing ──────────────────────────────────────


def checked(loan: Loan, amount: Decimal, on: date) -> AllocationPreview:
    """The preview; who knows the business date and asks for no order is told the same parts by fewer statements."""
    found = allocation_preview(loan, amount, on)
    spare = allocation_preview(loan, amount, on, today=require_business_date(), says_order=False)
    assert replace(spare, order=()) == replace(found, order=())
    return found


def previewed(loan: Loan, told: Told) -> list[tuple[str, int | None, Decimal]]:
    found = checked(loan, told.amount, told.value_on)
    rows: list[tuple[str, int | None, Decimal]] = [("CASH", None, told.amount), ("FEE_RECEIVABLE", None, -found.fees)]
    for each in found.rows:
        rows += [
            ("PENALTY_INCOME", each.number, -each.penalty), ("COMPOUND_INCOME", each.number, -each.compound),
            ("INTEREST_RECEIVABLE", each.number, -each.interest), ("PRINCIPAL", each.number, -each.principal),
        ]  # fmt: skip
    rows.append(("SUSPENSE", None, -found.rest))
    return [each for each in rows if each[2]]


@pytest.mark.parametrize("seed", [21, 22])
def test_a_preview_says_what_posting_then_does_and_writes_nothing(seed: int) -> None:
    from tests.database.test_loans_reversal import close

    book, _other = twin_books(6, seed)
    told = life(6, 60, seed)
    seen = set()
    for offset in range(60):
        day = FIRST + timedelta(days=offset)
        for n, each in enumerate(told):
            if each.comes_on == day:
                loan, before = book[each.loan], (Posting.objects.count(), Entry.objects.count())
                expected = previewed(loan, each)
                assert (Posting.objects.count(), Entry.objects.count()) == before
                assert lines(pay(loan, each, f"P{n}")) == expected
                seen |= {account for account, _number, _amount in expected}
        close(day)
    assert {"PENALTY_INCOME", "COMPOUND_INCOME", "SUSPENSE"} <= seen


@pytest.mark.parametrize("seed", [31, 32])
def test_contracts_of_all_kinds_end_in_the_same_state_in_whatever_order_receipts_arrive(seed: int) -> None:
    """Own multipliers, grace, orders and a rate that changes; long arrears pay principal first."""
    books = twin_books(8, seed)
    for book in books:
        random = Random(seed)
        for loan in book:
            agree(loan, "penalty_multiplier_overdue", random.choice(["1.3", "1.5", "9.0"]))
            agree(loan, "grace_days", random.choice([0, 3, 9]))
            if random.random() < 0.5:
                agree(loan, "principal_first_dpd", random.choice([2, 10, 30]))
            if random.random() < 0.3:
                agree(loan, "allocation_order", ["interest", "principal", "compound", "penalty"])
    lived(*books, 70, life(8, 70, seed))
    assert Posting.objects.filter(kind="REVERSAL").exists()
    assert [state(loan) for loan in books[1]] == [state(loan) for loan in books[0]]
    assert Installment.objects.exclude(penalty_paid=0).exists()
    assert broken() == []


# ── What people decided stays ────────────────────────────────────────────────────────────────────


def take_out(loan: Loan, kind: str, amount: str, on: date, other: str, source: int = 77) -> None:
    """Suspense taken out the way a prepayment or a refund takes it."""
    fen = int(Decimal(amount) * 100)
    header = Header(loan.pk, kind, on, source_id=source)
    write_postings([(header, [("SUSPENSE", None, fen), (other, None, -fen)])], as_of=on, at=AT)
    position = Position.objects.get(loan=loan)
    repaid = Decimal(amount) if other == "PRINCIPAL" else Decimal(0)
    Position.objects.filter(loan=loan).update(
        suspense=position.suspense - Decimal(amount), principal_balance=position.principal_balance - repaid,
        unbilled_principal=position.unbilled_principal - repaid,
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "other"), [("PREPAYMENT", "PRINCIPAL"), ("REFUND", "CASH")])
def test_a_receipt_whose_money_was_used_is_not_taken_out(kind: str, other: str) -> None:
    loan, staff = e9(), make_staff("OPERATIONS", make_branch())
    receipt = one(loan, "30000.00", DUE, "much")
    take_out(loan, kind, "20000.00", DUE, other)
    before = (state(loan), Posting.objects.count(), Entry.objects.count())
    with pytest.raises(MoneyAlreadyUsed) as caught:
        reverse_receipt(receipt_id=receipt.pk, reason="划错账户", by=staff, at=AT)
    assert "77" in caught.value.message and str(DUE) in caught.value.message
    assert (state(loan), Posting.objects.count(), Entry.objects.count()) == before
    # More money makes it possible; what was taken stays taken.
    one(loan, "25000.00", DUE - timedelta(days=3), "more")
    assert Position.objects.get(loan=loan).suspense == Decimal("30453.55")
    reverse_receipt(receipt_id=receipt.pk, reason="划错账户", by=staff, at=AT)
    assert Position.objects.get(loan=loan).suspense == Decimal("453.55")


def write_off(loan: Loan, on: date) -> Decimal:
    """Everything billed, then the balance off the books."""
    Position.objects.filter(loan=loan).update(
        next_number=None, next_due_on=None, unbilled_principal=0,
        principal_balance=sum(each.principal - each.principal_paid for each in Installment.objects.filter(loan=loan)),
    )  # fmt: skip
    balance = Position.objects.get(loan=loan).principal_balance
    fen = int(balance * 100)
    header = Header(loan.pk, "WRITE_OFF", on)
    write_postings([(header, [("WRITE_OFF", None, fen), ("PRINCIPAL", None, -fen)])], as_of=on, at=AT)
    Position.objects.filter(loan=loan).update(principal_balance=0, written_off_on=on)
    return balance


def test_after_a_write_off_principal_is_a_recovery_and_nothing_before_it_changes() -> None:
    loan, staff = e9(), make_staff("OPERATIONS", make_branch())
    off, on = DUE + timedelta(days=100), DUE + timedelta(days=110)
    at_the_close_of(off)
    early = one(loan, "51.09", DUE + timedelta(days=95), "early")
    assert write_off(loan, off) == Decimal("1500.00")
    at_the_close_of(on)
    late = one(loan, "1600.00", on, "late")
    # More than 90 days: principal first, credited to the loss.
    assert lines(late)[1:] == [("INTEREST_RECEIVABLE", 2, Decimal("-100.00")), ("WRITE_OFF", 2, Decimal("-1500.00"))]
    assert (Position.objects.get(loan=loan).principal_balance, row(loan).principal_paid) == (0, PRINCIPAL)
    told = ReceiptRow(loan.loan_note_no, Decimal(5), off - timedelta(days=1), "CNAPS", "before")
    outcome = post_receipts(rows=[told], by="system", at=AT).outcomes[0]
    assert (outcome.state, outcome.column) == ("REFUSED", "value_on")
    before = (state(loan), Posting.objects.count())
    with pytest.raises(LoanWrittenOff):
        reverse_receipt(receipt_id=early.pk, reason="划错账户", by=staff, at=AT)
    assert (state(loan), Posting.objects.count()) == before
    one(loan, "20.00", off, "between")
    assert (Position.objects.get(loan=loan).principal_balance, row(loan).principal_paid) == (0, PRINCIPAL)
    reverse_receipt(receipt_id=late.pk, reason="划错账户", by=staff, at=AT)
    assert row(loan).principal_paid == Decimal("71.09")
    owed = charges_owed(loan, on).total
    one(loan, owed, on, "all")
    assert Position.objects.get(loan=loan).settled_on == on


def test_a_subsidy_that_comes_after_the_money_gives_the_rest_back_to_suspense() -> None:
    loan = e9()
    one(loan, "4546.45", DUE, "whole")
    header = Header(loan.pk, "SUBSIDY", DUE, 2, 5)
    write_postings(
        [(header, [("SUBSIDY_RECEIVABLE", 2, 80_000), ("INTEREST_RECEIVABLE", 2, -80_000)])], as_of=DUE, at=AT
    )
    replay_loans(loan_ids=[loan.pk], as_of=DUE, at=AT, by="system")
    assert (Position.objects.get(loan=loan).suspense, row(loan).interest_paid) == (Decimal("800.00"), INTEREST)
    assert row(loan).settled_on == DUE
    again = state(loan)
    replay_loans(loan_ids=[loan.pk], as_of=DUE, at=AT, by="system")
    assert state(loan) == again


# ── The database ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ("penalty_left = 1", "charges_left_after_settlement"),
        ("compound_left = 1", "charges_left_after_settlement"),
        ("penalty_paid = -1", "charges_not_negative"),
        ("compound_paid = -1", "charges_not_negative"),
        ("settled_on = due_on", "settled_installment_is_paid"),
        ("late_principal_units = -1", "charges_not_negative"),
        ("late_interest_units = -1", "charges_not_negative"),
        ("interest_paid = interest + 1", "interest_paid_within_due"),
    ],
)
def test_the_database_refuses_charges_that_cannot_be(changed: str, constraint: str) -> None:
    book_loan(days_past_due=40)
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE loans_installment SET {changed}")
    assert constraint in str(caught.value)
