"""Disbursement: what is booked, what is refused with nothing written, and the same contract twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import models

from followups.models import VisitTask
from journal.batch import run_pending
from journal.models import Entry
from loans.actions.bank import open_ledger_month
from loans.actions.disbursement import ContractRefused, ContractTaken, NewContract, disburse
from loans.batch import bill
from loans.models import (
    BusinessDate,
    ContractParameter,
    CostDisclosure,
    Installment,
    LedgerLine,
    Loan,
    LprRate,
    Parameter,
    Position,
    Posting,
    Pricing,
    Subsidy,
    Terms,
)
from loans.queries import future_schedule
from loans.rules.continuation import from_json
from loans.rules.contract import NewPricing
from people.actions import NotAllowed
from people.models import Staff
from tests.contracts import TODAY, contract_of, disbursed, disclosed, operator, request_of
from tests.factories import AT, book_loan, make_branch, make_party, make_staff

pytestmark = pytest.mark.django_db
WRITTEN: tuple[type[models.Model], ...] = (
    Loan, Position, Terms, Pricing, ContractParameter, Subsidy, Posting, LedgerLine, Entry
)  # fmt: skip
FIVE_YEARS = NewPricing(kind="LPR", tenor="Y5", spread_bp=Decimal("10"), cycle_months=12, anchor="JANUARY_1")


@pytest.fixture
def by(db: None) -> Staff:
    return operator()


def counts() -> dict[str, Any]:
    tied = CostDisclosure.objects.filter(loan__isnull=False).count()
    return {"tied": tied, **{model.__name__: model._default_manager.count() for model in WRITTEN}}


def refused(contract: NewContract, by: Staff, error: type[Exception] = ContractRefused) -> Any:
    before = counts()
    with pytest.raises(error) as caught:
        disburse(contract=contract, by=by, at=AT)
    assert counts() == before
    return caught.value


def publish() -> None:
    """The LPR that FIVE_YEARS is made from; the seed may have it."""
    approved = {"rate_percent": Decimal("3.50"), "source": "test", "is_approved": True}
    LprRate.objects.get_or_create(tenor="Y5", published_on=date(2025, 5, 20), defaults=approved)


# ── What is booked ───────────────────────────────────────────────────────────────────────────────


def test_a_contract_becomes_a_loan_with_its_position_terms_posting_and_fact(by: Staff) -> None:
    loan = disbursed(by, credit_score=700)
    position, terms = loan.position, Terms.objects.get(loan=loan)
    assert loan.loan_note_no == f"ML{by.branch.code[:4]}20261101{loan.pk % 1_000_000:06d}"
    assert (loan.signed_on, loan.disbursed_on, loan.matures_on, loan.due_day) == (TODAY, TODAY, date(2056, 11, 1), 1)
    assert (position.principal_balance, position.unbilled_principal) == (Decimal(1_000_000), Decimal(1_000_000))
    assert (position.next_number, position.next_due_on, position.last_number) == (1, date(2026, 12, 1), 360)
    assert (position.installment_amount, position.annual_rate_percent) == (Decimal("4546.45"), Decimal("3.6"))
    assert from_json(terms.request) == request_of() and (terms.version, terms.source) == (1, "DISBURSEMENT")
    assert sum(terms.principal_fen) == 100_000_000 and len(terms.interest_fen) == 360
    posting = Posting.objects.get(loan=loan)
    assert (posting.kind, posting.value_on, posting.business_date) == ("DISBURSEMENT", TODAY, TODAY)
    lines = LedgerLine.objects.filter(posting_id=posting.pk).order_by("line").values_list("account", "amount")
    assert list(lines) == [("PRINCIPAL", Decimal(1_000_000)), ("CASH", Decimal(-1_000_000))]
    entry = Entry.objects.get(kind="loans.disbursed")
    assert (entry.loan_id, entry.actor, entry.data["principal"]) == (loan.pk, by.staff_no, "1000000.00")
    assert entry.data["disclosure_sha256"] == CostDisclosure.objects.get(loan=loan).content_sha256


SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "equal principal": {"method": "EQUAL_PRINCIPAL"},
    "interest only": {"method": "INTEREST_ONLY"},
    "actual over 360": {"day_count": "ACT/360"},
    "actual over 365": {"day_count": "ACT/365"},
    "actual over actual": {"day_count": "ACT/ACT"},
    "broken by days": {"due_day": 20, "first_period": "BY_DAYS"},
    "broken, a month and days": {"due_day": 20, "first_period": "MONTH_PLUS_DAYS"},
    "broken, one month": {"first_due_on": "2026-12-20", "first_period": "ONE_MONTH"},
    "whole yuan up": {"installment_rounding": "YUAN_UP"},
    "grace": {"principal_grace_installments": 4},
    "grace, equal principal, by days": {
        "principal_grace_installments": 4, "method": "EQUAL_PRINCIPAL", "due_day": 25, "first_period": "BY_DAYS"
    },
    "fixed installment": {"installment_amount": "90000.00", "installments": 1},
    "zero rate": {"annual_rate_percent": "0"},
    "one row": {"installments": 1},
    "anchor 31": {"due_day": 31, "first_due_on": "2026-12-31", "first_period": "BY_DAYS"},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_billed_to_the_end_as_it_was_signed(by: Staff, shape: str) -> None:
    loan = disbursed(by, {"installments": 14, **SHAPES[shape]})
    agreed = future_schedule(loan)
    for row in agreed:
        open_ledger_month(row.due_on)
        BusinessDate.objects.filter(is_open=True).update(day=row.due_on)
        done = bill(as_of=row.due_on, at=AT, loan_ids=[loan.pk])
        assert (done["billed"], done["held_back"]) == (1, 0), (shape, row)
    billed = Installment.objects.filter(loan=loan).order_by("number")
    found = [(row.number, row.due_on, row.principal, row.interest) for row in billed]
    assert found == [(row.number, row.due_on, row.principal, row.interest) for row in agreed]
    position = Position.objects.get(loan=loan)
    assert (position.unbilled_principal, position.next_number) == (0, None)
    assert sum(row.principal for row in agreed) == Decimal(1_000_000) and agreed[-1].due_on == loan.matures_on


def test_a_floating_rate_is_made_from_the_lpr_and_knows_its_next_repricing(by: Staff) -> None:
    publish()
    days = {
        ("JANUARY_1", 12): date(2027, 1, 1),
        ("JANUARY_1", 3): date(2027, 1, 1),
        ("LOAN_DAY", 12): date(2027, 11, 1),
        ("LOAN_DAY", 6): date(2027, 5, 1),
        ("LOAN_DAY", 3): date(2027, 2, 1),
    }
    for number, ((anchor, cycle), expected) in enumerate(days.items()):
        pricing = replace(FIVE_YEARS, anchor=anchor, cycle_months=cycle)
        loan = disbursed(by, pricing=pricing, external_id=f"F{number}")
        assert loan.position.next_repricing_on == expected
        stored = Pricing.objects.get(loan=loan)
        assert (stored.kind, stored.tenor, stored.spread_bp) == ("LPR", "Y5", Decimal(10))
        assert stored.in_force.lower == TODAY and stored.in_force.upper is None
    fixed = disbursed(by, external_id="F9")
    assert fixed.position.next_repricing_on is None and Pricing.objects.get(loan=fixed).kind == "FIXED"


def test_what_a_contract_agreed_otherwise_is_kept(by: Staff) -> None:
    loan = disbursed(by, agreed={"grace_days": 5, "penalty_multiplier_overdue": "1.3"})
    kept = dict(ContractParameter.objects.filter(loan=loan).values_list("code", "value"))
    assert kept == {"grace_days": 5, "penalty_multiplier_overdue": "1.3"}


def test_a_disbursed_loan_is_graded_and_followed_up(by: Staff) -> None:
    loan = disbursed(by, credit_score=640)
    run_pending(at=AT)
    days = sorted((task.due_on - TODAY).days for task in VisitTask.objects.filter(loan=loan))
    assert days and days[0] <= 30


# ── What is refused ──────────────────────────────────────────────────────────────────────────────

REFUSED: dict[str, tuple[Callable[[NewContract], NewContract], str]] = {
    "another day": (lambda c: replace(c, request=request_of(disbursed_on="2026-10-31")), "terms.disbursed_on"),
    "a later day": (lambda c: replace(c, request=request_of(disbursed_on="2026-11-02")), "terms.disbursed_on"),
    "signed later": (lambda c: replace(c, signed_on=date(2026, 11, 2)), "signed_on"),
    "long, signed before 2026-08-28": (
        lambda c: replace(c, request=request_of(installments=361), signed_on=date(2026, 8, 27)), "terms.installments"
    ),
    "long by a fixed installment": (
        lambda c: replace(c, request=request_of(installment_amount="3500.00")), "terms.installments"
    ),
    "two rows to 2150": (
        lambda c: replace(c, request=request_of(
            installments=2, first_due_on="2150-10-30", first_period="ONE_MONTH")), "terms.installments"
    ),
    "a long first period": (
        lambda c: replace(c, request=request_of(
            installments=12, first_due_on="2027-02-02", first_period="BY_DAYS")), "terms.first_due_on"
    ),
    "a month that is two": (
        lambda c: replace(c, request=request_of(
            installments=12, first_due_on="2027-01-01", first_period="ONE_MONTH")), "terms.first_due_on"
    ),
    "as many rows as months, a month later": (
        lambda c: replace(c, request=request_of(
            installments=480, first_due_on="2027-01-01", first_period="BY_DAYS")), "terms.installments"
    ),
    "dear": (lambda c: replace(c, request=request_of(annual_rate_percent="24.0001")), "terms.annual_rate_percent"),
    "with a rate change": (
        lambda c: replace(c, request=request_of(
            rate_changes=[{"effective_on": "2027-01-01", "annual_rate_percent": "3.00"}])), "terms"
    ),
    "with a pause": (
        lambda c: replace(c, request=request_of(interest_pauses=[{"from": "2027-01-01", "to": "2027-01-05"}])), "terms"
    ),
    "nobody": (lambda c: replace(c, borrower_id=987654321), "borrower"),
    "nowhere": (lambda c: replace(c, branch_id=987654321), "branch"),
    "no officer": (lambda c: replace(c, portfolio_officer_id=987654321), "portfolio_officer"),
    "fixed with a tenor": (lambda c: replace(c, pricing=NewPricing(kind="FIXED", tenor="Y5")), "pricing"),
    "another tenor": (lambda c: replace(c, pricing=replace(FIVE_YEARS, tenor="Y1")), "pricing.tenor"),
    "another cycle": (lambda c: replace(c, pricing=replace(FIVE_YEARS, cycle_months=4)), "pricing.cycle_months"),
    "a cycle of later": (
        lambda c: replace(c, pricing=replace(FIVE_YEARS, cycle_months=3), signed_on=date(2024, 10, 31)),
        "pricing.cycle_months",
    ),
    "another spread": (
        lambda c: replace(c, pricing=replace(FIVE_YEARS, spread_bp=Decimal("-30"))), "terms.annual_rate_percent"
    ),
    "much grace": (lambda c: replace(c, agreed={"grace_days": 16}), "agreed.grace_days"),
    "a mild penalty": (
        lambda c: replace(c, agreed={"penalty_multiplier_overdue": "0.9"}), "agreed.penalty_multiplier_overdue"
    ),
    "another parameter": (lambda c: replace(c, agreed={"max_rate_percent": "36"}), "agreed.max_rate_percent"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_by_field_and_nothing_is_written(by: Staff, case: str) -> None:
    publish()
    changed, field = REFUSED[case]
    error = refused(changed(contract_of(by.branch)), by)
    assert field in error.sentences, error.sentences


def test_every_fault_is_named_at_once(by: Staff) -> None:
    contract = contract_of(by.branch, {"annual_rate_percent": "25"}, borrower_id=987654321, signed_on=date(2026, 11, 2))
    assert set(refused(contract, by).sentences) == {"terms.annual_rate_percent", "borrower", "signed_on"}


def test_a_first_period_may_be_as_long_as_the_bank_allows(by: Staff) -> None:
    terms = {"installments": 12, "first_due_on": "2027-02-01", "first_period": "BY_DAYS"}
    assert disbursed(by, terms).position.next_due_on == date(2027, 2, 1)
    Parameter.objects.filter(code="max_first_period_days").update(value=91)
    error = refused(contract_of(by.branch, terms, external_id="C-2"), by)
    assert set(error.sentences) == {"terms.first_due_on"}


def test_forty_years_may_be_signed_since_the_rule_of_2026(by: Staff) -> None:
    loan = disbursed(by, {"installments": 480}, signed_on=TODAY)
    assert loan.position.last_number == 480
    assert Parameter.objects.filter(code="max_term_months").count() == 2


def test_an_officer_of_another_branch_is_no_officer_of_the_loan(by: Staff) -> None:
    officer = make_staff("LOAN_OFFICER", make_branch())
    error = refused(contract_of(by.branch, portfolio_officer_id=officer.pk), by)
    assert set(error.sentences) == {"portfolio_officer"}
    own = make_staff("LOAN_OFFICER", by.branch)
    assert disbursed(by, portfolio_officer_id=own.pk).portfolio_officer_id == own.pk


def test_only_who_may_disburse_does(by: Staff) -> None:
    contract = disclosed(contract_of(by.branch), by)
    for role in ("LOAN_OFFICER", "BRANCH_MANAGER", "RISK_MANAGER", "AUDITOR", "ADMINISTRATOR"):
        refused(contract, make_staff(role, by.branch), NotAllowed)


# ── Twice ────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_contract_twice_is_one_loan(by: Staff) -> None:
    contract = disclosed(contract_of(by.branch), by)
    loan = disburse(contract=contract, by=by, at=AT)
    before = counts()
    again = disburse(contract=replace(contract, request=request_of()), by=by, at=AT)
    assert again.pk == loan.pk and counts() == before


def test_another_contract_under_the_same_number_is_refused(by: Staff) -> None:
    contract = disclosed(contract_of(by.branch), by)
    disburse(contract=contract, by=by, at=AT)
    for other in (
        replace(contract, request=request_of(principal="1000000.01")),
        replace(contract, borrower_id=make_party().pk),
        replace(contract, signed_on=date(2026, 10, 30)),
        replace(contract, agreed={"grace_days": 4}),
        replace(contract, pricing=FIVE_YEARS),
    ):
        assert refused(other, by, ContractTaken).conflict


def test_the_number_of_a_loan_taken_over_is_taken(by: Staff) -> None:
    book_loan(by.branch, external_id="C-1")
    refused(contract_of(by.branch), by, ContractTaken)
