"""The subsidy of a first home: borne once an installment, before suspense, and kept whatever is folded again."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from loans.actions.bank import open_ledger_month
from loans.actions.disbursement import ContractRefused, disburse
from loans.actions.receipts import ReceiptRow, post_receipts, reverse_receipt
from loans.batch import bill, subsidise
from loans.models import BusinessDate, Installment, LedgerLine, Loan, Parameter, Position, Posting, Receipt, Subsidy
from loans.rules.subsidy import FirstHome
from people.models import Staff
from tests.contracts import TODAY, contract_of, disbursed, operator
from tests.database.test_loans_disbursement import counts
from tests.factories import AT

pytestmark = pytest.mark.django_db
HOME = FirstHome(Decimal(89), 140_000_000, True, False)
FIRST, SECOND = date(2026, 12, 1), date(2027, 1, 1)


@pytest.fixture
def by(db: None) -> Staff:
    return operator()


@pytest.fixture
def loan(by: Staff) -> Loan:
    return disbursed(by, first_home=HOME)


def open_on(day: date) -> None:
    """The bank stands on a day; nothing of the days between is closed."""
    BusinessDate.objects.filter(is_open=True).update(is_open=False, closed_at=AT)
    BusinessDate.objects.create(day=day, is_open=True, opened_at=AT)
    open_ledger_month(day)


def evening(day: date) -> dict[str, int]:
    open_on(day)
    bill(as_of=day, at=AT)
    return subsidise(as_of=day, at=AT)


def pay(loan: Loan, amount: str, on: date, serial: str) -> None:
    row = ReceiptRow(loan.loan_note_no, Decimal(amount), on, "CORE", serial)
    assert post_receipts(rows=[row], by="system", at=AT).posted == 1


def owed(loan: Loan, number: int) -> tuple[Decimal, Decimal]:
    row = Installment.objects.get(loan=loan, number=number)
    return row.interest - row.interest_paid, row.principal - row.principal_paid


def state(loan: Loan) -> Any:
    position = Position.objects.filter(loan=loan).values("principal_balance", "suspense", "overdue_since", "settled_on")
    rows = Installment.objects.filter(loan=loan).order_by("number").values(
        "number", "interest", "interest_paid", "principal_paid", "settled_on"
    )  # fmt: skip
    accounts: dict[str, Decimal] = {}
    for line in LedgerLine.objects.filter(loan_id=loan.pk):
        accounts[line.account] = accounts.get(line.account, Decimal(0)) + line.amount
    return list(position), list(rows), {name: amount for name, amount in accounts.items() if amount}


def test_e12_is_posted_and_the_borrower_owes_the_rest(loan: Loan) -> None:
    found = Subsidy.objects.get(loan=loan)
    assert (found.in_force.lower, found.in_force.upper) == (TODAY, date(2031, 11, 1))
    assert evening(FIRST) == {"borne": 1, "borne_fen": 83_333, "suspense_used": 0}
    posting = Posting.objects.get(loan=loan, kind="SUBSIDY")
    assert (posting.installment_number, posting.source_id, posting.value_on) == (1, found.pk, FIRST)
    lines = LedgerLine.objects.filter(posting_id=posting.pk).order_by("line")
    assert [(line.account, line.installment_number, line.amount) for line in lines] == [
        ("SUBSIDY_RECEIVABLE", 1, Decimal("833.33")), ("INTEREST_RECEIVABLE", 1, Decimal("-833.33"))
    ]  # fmt: skip
    assert owed(loan, 1) == (Decimal("2166.67"), Decimal("1546.45"))
    evening(SECOND)
    assert Posting.objects.filter(loan=loan, kind="SUBSIDY").count() == 2
    borne = LedgerLine.objects.filter(loan_id=loan.pk, account="SUBSIDY_RECEIVABLE", installment_number=2)
    assert borne.get().amount == Decimal("832.04")


def test_run_twice_it_changes_nothing(loan: Loan) -> None:
    evening(FIRST)
    before = (state(loan), Posting.objects.count())
    again = subsidise(as_of=FIRST, at=AT)
    assert again["borne"] == 0 and (state(loan), Posting.objects.count()) == before


def test_above_the_cap_only_the_cap_is_borne(by: Staff) -> None:
    large = disbursed(by, {"principal": "1200000.00"}, first_home=HOME, external_id="L")
    assert evening(FIRST)["borne_fen"] == 83_333
    assert owed(large, 1)[0] == Decimal("3600.00") - Decimal("833.33")


def test_a_broken_first_period_is_borne_as_it_is_charged(by: Staff) -> None:
    terms = {"due_day": 20, "first_due_on": "2026-12-20", "first_period": "BY_DAYS"}
    loan = disbursed(by, terms, first_home=HOME)
    # 49 days over 360 at 1 %.
    assert evening(date(2026, 12, 20))["borne_fen"] == 136_111
    assert Installment.objects.get(loan=loan).interest == Decimal("4900.00")


def test_a_loan_without_subsidy_is_left_alone(by: Staff) -> None:
    disbursed(by)
    assert evening(FIRST) == {"borne": 0, "borne_fen": 0, "suspense_used": 0}
    assert not Posting.objects.filter(kind="SUBSIDY").exists()


def test_money_paid_ahead_pays_only_what_the_treasury_does_not(loan: Loan) -> None:
    pay(loan, "4000.00", TODAY, "1")
    assert evening(FIRST)["suspense_used"] == 1
    assert owed(loan, 1) == (0, 0)
    position = Position.objects.get(loan=loan)
    assert position.suspense == Decimal("4000.00") - Decimal("4546.45") + Decimal("833.33")
    assert not Posting.objects.filter(loan=loan, kind="REVERSAL").exists()


def test_a_loan_billed_late_gives_back_what_was_paid_too_much(loan: Loan) -> None:
    """Its suspense was used before the subsidy came: the posting is reversed and made anew."""
    pay(loan, "4546.45", TODAY, "1")
    open_on(FIRST)
    Subsidy.objects.update(in_force=("2026-11-01", "2026-11-30"))
    bill(as_of=FIRST, at=AT)
    assert owed(loan, 1) == (0, 0)
    Subsidy.objects.update(in_force=("2026-11-01", "2031-11-01"))
    assert subsidise(as_of=FIRST, at=AT)["borne"] == 1
    assert owed(loan, 1) == (0, 0) and Position.objects.get(loan=loan).suspense == Decimal("833.33")
    assert Posting.objects.filter(loan=loan, kind="REVERSAL").count() == 1


def test_a_receipt_that_comes_late_or_is_taken_out_keeps_the_subsidy(by: Staff) -> None:
    loan, other = (disbursed(by, first_home=HOME, external_id=name, borrower_id=None) for name in ("A", "B"))
    pay(other, "5000.00", TODAY, "on time")
    evening(FIRST)
    evening(SECOND)
    pay(loan, "5000.00", TODAY, "late")
    assert state(loan) == state(other)
    assert Posting.objects.filter(loan=loan, kind="SUBSIDY").count() == 2
    receipt = Receipt.objects.get(serial="late")
    reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=by, at=AT)
    assert [owed(loan, number)[0] for number in (1, 2)] == [Decimal("2166.67"), Decimal("2163.32")]
    assert not Posting.objects.filter(loan=loan, reverses__kind="SUBSIDY").exists()


def test_the_last_installment_of_five_years_is_the_last_one_borne(by: Staff) -> None:
    loan = disbursed(by, first_home=HOME)
    Subsidy.objects.update(in_force=("2026-11-01", "2026-12-01"))
    assert evening(FIRST)["borne"] == 1
    assert evening(SECOND)["borne"] == 0
    assert Posting.objects.filter(loan=loan, kind="SUBSIDY").count() == 1


@pytest.mark.parametrize(
    "home",
    [replace(HOME, area=Decimal("120.5")), replace(HOME, price_fen=150_000_001), replace(HOME, is_first_home=False),
     replace(HOME, is_refinancing=True)],
)  # fmt: skip
def test_who_does_not_qualify_is_refused_with_the_reason(by: Staff, home: FirstHome) -> None:
    before = counts()
    with pytest.raises(ContractRefused) as refused:
        disburse(contract=contract_of(by.branch, first_home=home), by=by, at=AT)
    assert set(refused.value.sentences) == {"first_home"} and counts() == before


def test_a_borrower_has_one_subsidised_loan(by: Staff) -> None:
    first = disbursed(by, first_home=HOME)
    again = contract_of(by.branch, first_home=HOME, borrower_id=first.borrower_id, external_id="C-2")
    with pytest.raises(ContractRefused):
        disburse(contract=again, by=by, at=AT)


def test_outside_the_trial_there_is_no_subsidy(by: Staff) -> None:
    Parameter.objects.filter(code="interest_subsidy").delete()
    with pytest.raises(ContractRefused):
        disburse(contract=contract_of(by.branch, first_home=HOME), by=by, at=AT)
    assert not Subsidy.objects.exists()
