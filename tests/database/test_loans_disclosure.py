"""Cost disclosures: what is kept, what a contract must agree with, and the fees that no disclosure names."""

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import translation

from journal.models import Entry, Exhibit
from journal.queries import exhibit_bytes
from loans import pdf
from loans.actions.disbursement import NewContract, disburse
from loans.actions.disclosure import (
    ContingentFee,
    DisclosureRefused,
    DisclosureUsed,
    NewDisclosure,
    make_disclosure,
    void_disclosure,
)
from loans.models import CostDisclosure, CostItem, Loan
from loans.queries.disclosures import disclosures_of, visible_disclosures
from loans.rules.contract import sha256_of
from loans.rules.disclosure import CostFee
from loans.writing import Header, write_postings
from people.actions import NotAllowed
from people.models import Staff
from tests.contracts import contract_of, disbursed, disclosed, disclosure_of, operator, request_of
from tests.database.test_loans_disbursement import FIVE_YEARS, publish
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
APPRAISAL = CostFee("APPRAISAL", "押品评估费", "江城评估有限公司", 300_000)
INSURANCE = CostFee("INSURANCE", "房屋财产险", "江城财险", 12_000, "EACH_YEAR")
PREPAYING = ContingentFee("PREPAYMENT_FEE", "提前还款违约金", "贷款人", None, "放款一年内，按提前还款本金的 1%")


@pytest.fixture
def by(db: None) -> Staff:
    return operator()


def made(by: Staff, **given: Any) -> CostDisclosure:
    return make_disclosure(asked=NewDisclosure(**{"request": request_of(), **given}), by=by, at=AT)


# ── What is kept ─────────────────────────────────────────────────────────────────────────────────


def test_e13_is_disclosed_with_every_item_and_who_charges_it(by: Staff) -> None:
    found = made(by, fees=(APPRAISAL,), contingent=(PREPAYING,))
    assert found.annualised_percent == Decimal("3.6243")
    items = {item.code: item for item in found.items.order_by("id")}
    assert list(items) == ["INTEREST", "APPRAISAL", "PENALTY", "COMPOUND", "MISUSE", "PREPAYMENT_FEE"]
    assert items["INTEREST"].amount == Decimal("636724.27")
    assert (items["APPRAISAL"].amount, items["APPRAISAL"].charged_by) == (Decimal(3000), "江城评估有限公司")
    assert "5.4000" in items["PENALTY"].basis and "7.2000" in items["MISUSE"].basis
    assert all(item.charged_by for item in items.values())
    said = found.content
    assert said["totals"] == {
        "received": "997000.00", "interest": "636724.27", "fees": "3000.00", "cost": "639724.27", "paid": "1639724.27"
    }  # fmt: skip
    assert (said["default"]["example_penalty"], said["default"]["example_compound"]) == ("6.98", "13.48")


def test_a_fee_of_every_year_is_disclosed_with_all_that_it_comes_to(by: Staff) -> None:
    item = CostItem.objects.get(disclosure=made(by, fees=(INSURANCE,)), code="INSURANCE")
    assert (item.amount, item.due) == (Decimal("3600.00"), "EACH_YEAR") and "30" in item.basis


def test_hashes_are_of_the_content_and_of_the_document(by: Staff) -> None:
    found = made(by, fees=(APPRAISAL,))
    assert found.content_sha256 == sha256_of(found.content) and found.number in found.content["number"]
    assert found.exhibit is not None
    document = exhibit_bytes(found.exhibit)
    assert document.startswith(b"%PDF-") and hashlib.sha256(document).hexdigest() == found.exhibit.sha256
    assert document == pdf.render("cost_disclosure.typ", {**found.content, "content_sha256": found.content_sha256})
    entry = Entry.objects.get(kind="loans.disclosure_made")
    assert (entry.data["content_sha256"], entry.data["pdf_sha256"]) == (found.content_sha256, found.exhibit.sha256)


def test_the_document_is_chinese_whatever_the_language_of_who_makes_it(by: Staff) -> None:
    with translation.override("en"):
        here = made(by).content
    there = made(by).content
    assert {**here, "number": ""} == {**there, "number": ""} and here["product_text"] == "商业性个人住房贷款"


def test_text_of_a_person_never_becomes_markup(by: Staff) -> None:
    fee = CostFee("ODD", '#panic("x") $x^2$ *b* <script>', "_i_ @ref \\u{41} // 䶮", 1)
    found = made(by, fees=(fee,))
    assert found.exhibit is not None and exhibit_bytes(found.exhibit).startswith(b"%PDF-")


def test_a_floating_rate_and_a_subsidy_are_noted(by: Staff) -> None:
    from loans.rules.subsidy import FirstHome

    publish()
    home = FirstHome(Decimal(89), 140_000_000, True, False)
    said = made(by, pricing=FIVE_YEARS, first_home=home).content
    assert said["pricing"] == {
        "kind": "LPR", "tenor": "Y5", "spread_bp": "10.00", "cycle_months": 12, "anchor": "JANUARY_1"
    }  # fmt: skip
    assert said["subsidy"] == {
        "rate_percent": "1.0000", "years": 5, "principal_cap": "1000000.00", "first_installment": "833.33"
    }  # fmt: skip


def test_a_combination_names_its_partner_and_what_both_cost_together(by: Staff) -> None:
    fund = made(
        by, request=request_of(principal="600000.00", annual_rate_percent="2.60"), product="HOUSING_FUND",
        is_combination_part=True,
    )  # fmt: skip
    bank = made(
        by, request=request_of(principal="400000.00", annual_rate_percent="3.05"), is_combination_part=True,
        partner=fund.number,
    )  # fmt: skip
    partner = bank.content["partner"]
    assert (partner["number"], partner["first_amount"]) == (fund.number, "2402.04")
    assert (partner["principal_together"], partner["first_amount_together"]) == ("1000000.00", "4099.26")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "fees above the loan": ({"fees": (replace(APPRAISAL, amount_fen=100_000_000),)}, "fees"),
    "a code twice": ({"fees": (APPRAISAL, APPRAISAL)}, "fees"),
    "a code of ours": ({"fees": (replace(APPRAISAL, code="INTEREST"),)}, "fees"),
    "events": (
        {"request": request_of(prepayments=[{"paid_on": "2027-12-01", "amount": "1.00", "effect": "SHORTEN_TERM"}])},
        "terms",
    ),
    "two rows to 2150": (
        {"request": request_of(installments=2, first_due_on="2150-10-30", first_period="ONE_MONTH")},
        "terms.installments",
    ),
    "a long first period": (
        {"request": request_of(installments=12, first_due_on="2027-02-02", first_period="BY_DAYS")},
        "terms.first_due_on",
    ),
    "below the interest": ({"request": request_of(installment_amount="100.00")}, "terms.installment_amount"),
    "a rate above the product": ({"request": request_of(annual_rate_percent="25")}, "terms.annual_rate_percent"),
    "another rate than LPR and spread": (
        {"request": request_of(annual_rate_percent="3.00"), "pricing": FIVE_YEARS}, "terms.annual_rate_percent",
    ),
    "a cycle that is not on offer": ({"pricing": replace(FIVE_YEARS, cycle_months=5)}, "pricing.cycle_months"),
    "grace beyond the limit": ({"agreed": {"grace_days": 99}}, "agreed.grace_days"),
    "a partner of nobody": ({"is_combination_part": True, "partner": "MS1"}, "partner"),
}  # fmt: skip


def test_a_voided_disclosure_serves_no_contract_and_says_who_voided_it_and_why(by: Staff) -> None:
    found = made(by)
    voided = void_disclosure(disclosure_id=found.pk, reason="利率填错了", by=by, at=AT)
    assert (voided.state, voided.voided_by, voided.voided_at) == ("VOIDED", by, AT)
    entry = Entry.objects.get(kind="loans.disclosure_voided")
    assert (entry.actor, entry.data["number"], entry.data["reason"]) == (
        by.staff_no,
        found.number,
        "利率填错了",
    )
    with pytest.raises(DisclosureRefused) as refused:
        second = make_staff("OPERATIONS", by.branch)
        disburse(contract=replace(contract_of(by.branch), disclosure=found.number), by=second, at=AT)
    assert refused.value.conflict and not Loan.objects.exists()
    with pytest.raises(DisclosureRefused):
        made(by, is_combination_part=True, partner=found.number)
    with pytest.raises(DisclosureUsed):
        void_disclosure(disclosure_id=found.pk, reason="再作废一次", by=by, at=AT)
    assert Entry.objects.filter(kind="loans.disclosure_voided").count() == 1


def test_a_disclosure_that_was_used_is_not_voided_nor_one_without_a_reason(by: Staff) -> None:
    used = CostDisclosure.objects.get(loan=disbursed(by))
    waiting = made(by)
    for pk, reason, error in ((used.pk, "利率填错了", DisclosureUsed), (waiting.pk, "错", DisclosureRefused)):
        with pytest.raises(error):
            void_disclosure(disclosure_id=pk, reason=reason, by=by, at=AT)
    with pytest.raises(NotAllowed):
        void_disclosure(disclosure_id=waiting.pk, reason="利率填错了", by=make_staff("AUDITOR", by.branch), at=AT)
    assert not CostDisclosure.objects.filter(voided_at__isnull=False).exists()
    assert not Entry.objects.filter(kind="loans.disclosure_voided").exists()


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ("voided_at = now()", "voided_disclosure_says_why"),
        ("void_reason = 'because'", "tied to a loan once, never changed"),
        ("voided_at = now(), voided_by_id = made_by_id", "voided_disclosure_says_why"),
        (
            "voided_at = now(), voided_by_id = made_by_id, void_reason = 'because', loan_id = 1",
            "tied to a loan once, never changed",
        ),
        (
            "voided_at = now(), voided_by_id = made_by_id, void_reason = 'because', number = 'X'",
            "tied to a loan once, never changed",
        ),
    ],
)
def test_the_database_keeps_how_a_disclosure_is_voided(by: Staff, change: str, claim: str) -> None:
    found = made(by)
    with pytest.raises(DatabaseError, match=claim), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE loans_costdisclosure SET {change} WHERE id = %s", [found.pk])  # noqa: S608
    void_disclosure(disclosure_id=found.pk, reason="利率填错了", by=by, at=AT)
    with (
        pytest.raises(DatabaseError, match="voided_disclosure_has_no_loan"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE loans_costdisclosure SET loan_id = 1 WHERE id = %s", [found.pk])
    for undone in ("voided_at = NULL, voided_by_id = NULL, void_reason = ''", "void_reason = 'another'"):
        with (
            pytest.raises(DatabaseError, match="tied to a loan once, never changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE loans_costdisclosure SET {undone} WHERE id = %s", [found.pk])  # noqa: S608


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_disclosed_leaves_nothing(by: Staff, case: str) -> None:
    publish()
    given, field = REFUSED[case]
    before = (CostDisclosure.objects.count(), Exhibit.objects.count(), Entry.objects.count())
    with pytest.raises(DisclosureRefused) as refused:
        made(by, **given)
    assert refused.value.field == field
    assert (CostDisclosure.objects.count(), Exhibit.objects.count(), Entry.objects.count()) == before


def test_only_who_may_disclose_does(by: Staff) -> None:
    for role in ("RISK_MANAGER", "AUDITOR", "ADMINISTRATOR"):
        with pytest.raises(NotAllowed):
            made(make_staff(role, by.branch))
    assert made(make_staff("LOAN_OFFICER", by.branch)).loan_id is None


def test_a_disclosure_of_no_loan_is_seen_in_its_branch_only(by: Staff) -> None:
    officer, colleague = make_staff("LOAN_OFFICER", by.branch), make_staff("LOAN_OFFICER", by.branch)
    stranger = make_staff("LOAN_OFFICER", make_branch())
    found = made(officer)
    assert list(visible_disclosures(colleague)) == [found] and not visible_disclosures(stranger).exists()
    other = make_branch()
    contract = contract_of(other)
    tied = disclosed(contract, officer)
    loan = disburse(contract=tied, by=by, at=AT)
    assert [each.number for each in disclosures_of(loan)] == [tied.disclosure]
    assert not visible_disclosures(officer).filter(loan=loan).exists()
    assert visible_disclosures(make_staff("LOAN_OFFICER", other)).filter(loan=loan).exists()


# ── At disbursement ──────────────────────────────────────────────────────────────────────────────


def refused(contract: NewContract, by: Staff) -> DisclosureRefused:
    before = (Loan.objects.count(), Entry.objects.count(), CostDisclosure.objects.filter(loan=None).count())
    with pytest.raises(DisclosureRefused) as caught:
        disburse(contract=contract, by=by, at=AT)
    after = (Loan.objects.count(), Entry.objects.count(), CostDisclosure.objects.filter(loan=None).count())
    assert after == before and caught.value.field == "disclosure"
    return caught.value


def test_since_august_2026_no_contract_goes_out_without_its_disclosure(by: Staff) -> None:
    refused(contract_of(by.branch, signed_on=date(2026, 8, 1)), by)
    loan = disburse(contract=contract_of(by.branch, signed_on=date(2026, 7, 31)), by=by, at=AT)
    assert not disclosures_of(loan).exists()


def test_the_disclosure_must_say_what_the_contract_says(by: Staff) -> None:
    publish()
    contract = disclosed(contract_of(by.branch), by)
    for changed, what in (
        (replace(contract, request=request_of(principal="999999.99")), "还款计划"),
        (replace(contract, request=request_of(due_day=20, first_period="BY_DAYS")), "还款计划"),
        (replace(contract, request=request_of(installment_rounding="YUAN_UP")), "还款计划"),
        (replace(contract, product="HOUSING_FUND"), "贷款种类"),
        (replace(contract, pricing=FIVE_YEARS), "定价"),
        (replace(contract, agreed={"grace_days": 5}), "罚息和宽限期"),
        (replace(contract, signed_on=date(2026, 10, 31)), "出具日晚于签约日"),
    ):
        assert what in refused(changed, by).message
    assert disburse(contract=contract, by=by, at=AT).disclosures.count() == 1


def test_a_disclosure_serves_one_contract(by: Staff) -> None:
    contract = disclosed(contract_of(by.branch), by)
    disburse(contract=contract, by=by, at=AT)
    assert refused(replace(contract, external_id="C-2"), by).conflict
    refused(replace(contract, external_id="C-3", disclosure="MS999"), by)


# ── In the database ──────────────────────────────────────────────────────────────────────────────


def sql_refuses(statement: str, values: list[Any]) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(getattr(caught.value.__cause__, "diag", None) and caught.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


CHARGE = (
    "INSERT INTO loans_fee (loan_id, code, amount, paid, charged_on, reason, charged_by)"
    " VALUES (%s, %s, %s, 0, '2026-11-01', 'x', 'x')"
)


def charge(loan: Loan, code: str, amount: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(CHARGE, [loan.pk, code, amount])


def test_a_fee_that_is_not_disclosed_is_refused_by_the_database(by: Staff) -> None:
    contract = contract_of(by.branch)
    found = disclosure_of(contract, by, fees=(APPRAISAL, INSURANCE), contingent=(PREPAYING,))
    loan = disburse(contract=replace(contract, disclosure=found.number), by=by, at=AT)
    assert sql_refuses(CHARGE, [loan.pk, "HANDLING", "1.00"]) == "fee_is_disclosed"
    assert sql_refuses(CHARGE, [loan.pk, "INTEREST", "1.00"]) == "fee_is_disclosed"
    assert sql_refuses(CHARGE, [loan.pk, "APPRAISAL", "3000.01"]) == "fee_is_disclosed"
    charge(loan, "APPRAISAL", "2000.00")
    assert sql_refuses(CHARGE, [loan.pk, "APPRAISAL", "1000.01"]) == "fee_is_disclosed"
    charge(loan, "APPRAISAL", "1000.00")
    # Named without a highest amount: how it is reckoned stands in words.
    charge(loan, "PREPAYMENT_FEE", "9999.00")


def prepaid(loan: Loan, fee: int) -> None:
    """A prepayment out of suspense with a fee, as a change posts it; the lines alone."""
    header = Header(loan.pk, "PREPAYMENT", loan.disbursed_on, source_id=1)
    lines = [("SUSPENSE", None, 1000 + fee), ("PRINCIPAL", None, -1000), ("FEE_INCOME", None, -fee)]
    with transaction.atomic():
        write_postings([(header, lines)], as_of=loan.disbursed_on, at=AT)


def test_a_fee_for_prepaying_is_refused_by_the_database_too(by: Staff) -> None:
    silent = disbursed(by)
    with pytest.raises(DatabaseError, match="prepayment fee"):
        prepaid(silent, 1)
    prepaid(silent, 0)
    contract = contract_of(by.branch, external_id="C-2")
    found = disclosure_of(contract, by, contingent=(replace(PREPAYING, amount_fen=50_000),))
    loan = disburse(contract=replace(contract, disclosure=found.number), by=by, at=AT)
    prepaid(loan, 50_000)
    with pytest.raises(DatabaseError, match="prepayment fee"):
        prepaid(loan, 50_001)
    exempt = contract_of(by.branch, external_id="C-3", signed_on=date(2026, 7, 31))
    prepaid(disburse(contract=exempt, by=by, at=AT), 1)


def test_loans_signed_before_the_rule_and_loans_taken_over_are_exempt(by: Staff) -> None:
    charge(book_loan(by.branch), "HANDLING", "1.00")
    charge(disburse(contract=contract_of(by.branch, signed_on=date(2026, 7, 31)), by=by, at=AT), "HANDLING", "1.00")


def test_a_disclosure_is_tied_once_and_never_changed(by: Staff) -> None:
    loan = disbursed(by)
    tied = CostDisclosure.objects.get(loan=loan)
    free = made(by)
    for change in ("loan_id = NULL", "loan_id = loan_id + 1", "annualised_percent = 1", "content = '{}'"):
        statement = f"UPDATE loans_costdisclosure SET {change} WHERE id = %s"
        assert sql_refuses(statement, [tied.pk]) == "disclosure_is_kept"
    for change in ("loan_id = 1, number = 'x'", "request = '{}'"):
        statement = f"UPDATE loans_costdisclosure SET {change} WHERE id = %s"
        assert sql_refuses(statement, [free.pk]) == "disclosure_is_kept"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM loans_costdisclosure WHERE id = %s", [free.pk])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE loans_costitem SET amount = 1")
