"""Contracts over the API: disclose, pay out, combine; bad input is refused by field and leaves nothing behind."""

import copy
import hashlib
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collateral.models import Charge, Property
from journal.models import Entry
from loans.models import Combination, CostDisclosure, Loan, Posting
from people.models import Party
from tests.contracts import TERMS
from tests.web.api_bank import Api, Bank, make_bank
from tests.web.contract_bodies import BORROWER, COMBINATION, DISCLOSURE, HOME, LOAN

WRITTEN = (Loan, Party, Property, Charge, CostDisclosure, Combination, Posting, Entry)
AMOUNTS = [
    "-0", "-1", "-1000.00", "0", "0.00", "0.001", "1e2", "1E6", "NaN", "Infinity", "-Infinity", "1_000", "１２", "٣",
    "１０００.００", "1,234.56", "+1", " 1", "1 ", "1.", ".5", "1.234", "", "12345678901234", 1, 1000000, 0, True, None,
    [], {}, ["1.00"],
]  # fmt: skip
RATES = ["-1", "NaN", "1e1", "３.６", "٣", "3.60%", "3.60001", "36.01", "1000", "", " 3.6", 3.6, 3, None, True, [], {}]


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def counts() -> list[int]:
    return [model.objects.count() for model in WRITTEN]  # type: ignore[attr-defined]


def with_value(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a path like `fees.0.amount`; `...` takes the value away."""
    changed = copy.deepcopy(body)
    place: Any = changed
    *way, last = path.split(".")
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if value is ...:
        place.pop(last)
    else:
        place[last] = value
    return changed


def disclosed(api: Api, **body: Any) -> str:
    reply = api.post("disclosures/", {**DISCLOSURE, **body}, key=f"d{CostDisclosure.objects.count()}")
    assert reply.status_code == 201, reply.json()
    return str(reply.json()["number"])


def loan_body(bank: Bank, **given: Any) -> dict[str, Any]:
    body = {**LOAN, "branch": bank.home.code, "home": HOME, **given}
    return {**body, "disclosure": disclosed(bank.api("officer"))} if "disclosure" not in given else body


def combination_body(bank: Bank) -> dict[str, Any]:
    officer, body = bank.api("officer"), {**copy.deepcopy(COMBINATION), "branch": bank.home.code, "home": HOME}
    first = disclosed(officer, terms=body["fund"]["terms"], product="HOUSING_FUND", is_combination_part=True)
    second = disclosed(officer, terms=body["commercial"]["terms"], is_combination_part=True, partner=first)
    body["fund"]["disclosure"], body["commercial"]["disclosure"] = first, second
    return body


# ── Good ones ────────────────────────────────────────────────────────────────────────────────────


def test_a_disclosure_is_made_read_and_fetched(bank: Bank) -> None:
    officer = bank.api("officer")
    made = officer.post("disclosures/", DISCLOSURE, key="1")
    assert made.status_code == 201
    found = made.json()
    assert (found["annualised_percent"], found["loan_id"]) == ("3.6243", None)
    assert [item["code"] for item in found["items"]][:2] == ["INTEREST", "APPRAISAL"]
    assert officer.get(f"disclosures/{found['id']}/").json() == found
    (row,) = officer.get("disclosures/").json()["results"]
    assert row["number"] == found["number"] and "content" not in row
    pdf = officer.get(f"disclosures/{found['id']}/pdf/")
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert hashlib.sha256(pdf.content).hexdigest() == found["pdf_sha256"]
    again = officer.post("disclosures/", DISCLOSURE, key="1")
    assert again.json() == found and CostDisclosure.objects.count() == 1
    assert bank.api("stranger").get("disclosures/").json()["results"] == []


def test_a_contract_becomes_a_loan_with_borrower_and_home(bank: Bank) -> None:
    officer = bank.staff["officer"]
    body = loan_body(bank, portfolio_officer=officer.staff_no)
    reply = bank.api("operations").post("loans/", body, key="1")
    assert reply.status_code == 201, reply.json()
    found = reply.json()
    loan = Loan.objects.get(external_id="LOS-1")
    assert (found["id"], found["loan_note_no"]) == (loan.pk, loan.loan_note_no)
    assert (found["principal_balance"], found["installment_amount"]) == ("1000000.00", "4546.45")
    assert (found["portfolio_officer"]["staff_no"], found["product"]) == (officer.staff_no, "COMMERCIAL")
    party = Party.objects.get(id_no=BORROWER["id_no"])
    assert (party.name, party.name_initials, loan.borrower_id) == ("陈立新", "clx", party.pk)
    charge = Charge.objects.select_related("property").get(loan=loan)
    assert (charge.kind, charge.rank, str(charge.property.value)) == ("ADVANCE_NOTICE", 1, "1250000.00")
    whole = bank.api("officer").get(f"loans/{loan.pk}/").json()
    assert (whole["loan_to_value"], whole["signed_on"], whole["partners"]) == ("80.00", "2026-11-01", [])
    (row,) = bank.api("officer").get("disclosures/", loan=loan.pk).json()["results"]
    assert row["loan_id"] == loan.pk


def test_the_same_contract_once_more_is_the_same_loan(bank: Bank) -> None:
    operations, body = bank.api("operations"), loan_body(bank)
    first = operations.post("loans/", body, key="1")
    before = counts()
    second, replayed = operations.post("loans/", body, key="2"), operations.post("loans/", body, key="1")
    assert (second.status_code, second.json()) == (200, first.json())
    assert replayed.json() == first.json() and counts() == before
    other = operations.post("loans/", {**body, "credit_score": 700}, key="3")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "external_id_taken")
    assert counts() == before


def test_a_borrower_whom_the_bank_knows_is_not_registered_twice(bank: Bank) -> None:
    party = bank.loans["home"].borrower
    known = {"id_no": party.id_no, "name": party.name}
    reply = bank.api("operations").post("loans/", loan_body(bank, borrower=known), key="1")
    assert reply.status_code == 201 and Loan.objects.get(external_id="LOS-1").borrower_id == party.pk
    before = counts()
    other = {"id_no": party.id_no, "name": "王志远"}
    wrong = bank.api("operations").post("loans/", loan_body(bank, borrower=other, disclosure=""), key="2")
    assert (wrong.status_code, wrong.json()["error"]["fields"].keys()) == (422, {"borrower.name"})
    assert counts() == before and party.name not in wrong.content.decode()


def test_a_combination_is_two_loans_on_one_home(bank: Bank) -> None:
    body = combination_body(bank)
    reply = bank.api("operations").post("combinations/", body, key="1")
    assert reply.status_code == 201, reply.json()
    found = reply.json()
    assert [loan["installment_amount"] for loan in found["loans"]] == ["2402.04", "1697.22"]
    assert [loan["product"] for loan in found["loans"]] == ["HOUSING_FUND", "COMMERCIAL"]
    assert found["loan_to_value"] == "80.00" and Property.objects.filter(charges__rank=2).count() == 1
    for one, other in (found["loans"], found["loans"][::-1]):
        whole = bank.api("officer").get(f"loans/{one['id']}/").json()
        (partner,) = whole["partners"]
        assert (partner["loan_note_no"], whole["combination"]) == (other["loan_note_no"], found["number"])
        assert whole["loan_to_value"] == "80.00"
    before = counts()
    again = bank.api("operations").post("combinations/", body, key="2")
    assert (again.status_code, again.json()) == (200, found) and counts() == before


def test_a_subsidised_loan_says_so(bank: Bank) -> None:
    home = {"area": "89.50", "price": "1400000.00", "is_first_home": True, "is_refinancing": False}
    number = disclosed(bank.api("officer"), first_home=home)
    body = loan_body(bank, disclosure=number, first_home=home)
    assert bank.api("operations").post("loans/", body, key="1").json()["subsidy"] == "1000000.00"


# ── Bad ones ─────────────────────────────────────────────────────────────────────────────────────


def refused(bank: Bank, path: str, body: Any, field: str, status: int = 400, key: str = "k") -> None:
    before = counts()
    reply = bank.api("operations").post(path, body, key=key)
    assert reply.status_code == status, (field, body, reply.content.decode()[:400])
    assert any(name == field or name.startswith(f"{field}.") for name in reply.json()["error"]["fields"]), (
        field, reply.json()
    )  # fmt: skip
    assert counts() == before


@pytest.mark.parametrize(
    "path", ["terms.principal", "fees.0.amount", "contingent.0.amount", "terms.installment_amount"]
)
def test_an_amount_that_is_none_is_no_disclosure(bank: Bank, path: str) -> None:
    for amount in AMOUNTS:
        refused(bank, "disclosures/", with_value(DISCLOSURE, path, amount), path)


def test_an_amount_or_rate_that_is_none_is_no_loan(bank: Bank) -> None:
    body = {**LOAN, "home": HOME, "first_home": {
        "area": "89", "price": "1400000.00", "is_first_home": True, "is_refinancing": False}}  # fmt: skip
    for path in ("terms.principal", "home.value", "first_home.price"):
        for amount in AMOUNTS:
            refused(bank, "loans/", with_value(body, path, amount), path)
    for rate in RATES:
        refused(bank, "loans/", with_value(body, "terms.annual_rate_percent", rate), "terms.annual_rate_percent")
    refused(bank, "combinations/", with_value(COMBINATION, "fund.terms.principal", "1e6"), "fund.terms.principal")


WRONG: list[tuple[str, Any, str]] = [
    ("terms.installments", 0, "terms.installments"),
    ("terms.installments", 481, "terms.installments"),
    ("terms.installments", "360", "terms.installments"),
    ("terms.first_due_on", "2026-11-01", "terms.first_due_on"),
    ("terms.first_due_on", "2026-10-20", "terms.first_due_on"),
    ("terms.due_day", 20, "terms.first_period"),
    ("terms.method", "BALLOON", "terms.method"),
    ("terms.nonsense", 1, "terms.nonsense"),
    ("terms", "1000000.00", "terms"),
    ("terms", ..., "terms"),
    ("signed_on", "2026-13-01", "signed_on"),
    ("signed_on", "２０２６-11-01", "signed_on"),
    ("product", "CAR", "product"),
    ("external_id", "LOS 1", "external_id"),
    ("external_id", "１２", "external_id"),
    ("external_id", 1, "external_id"),
    ("external_id", "x" * 41, "external_id"),
    ("pricing.kind", "LPR", "pricing.tenor"),
    ("pricing", {"kind": "FIXED", "tenor": "Y5"}, "pricing.tenor"),
    ("pricing", {"kind": "LPR", "tenor": "Y5", "spread_bp": 10, "cycle_months": 12, "anchor": "JANUARY_1"},
     "pricing.spread_bp"),
    ("pricing", {"kind": "LPR", "tenor": "Y5", "spread_bp": "1e1", "cycle_months": 12, "anchor": "JANUARY_1"},
     "pricing.spread_bp"),
    ("agreed.grace_days", "3", "agreed.grace_days"),
    ("agreed.grace_days", -1, "agreed.grace_days"),
    ("agreed.penalty_multiplier_overdue", 1.5, "agreed.penalty_multiplier_overdue"),
    ("agreed.penalty_multiplier_overdue", "１.５", "agreed.penalty_multiplier_overdue"),
    ("agreed.max_rate_percent", "36", "agreed.max_rate_percent"),
    ("borrower.id_no", "110105194912310021", "borrower.id_no"),
    ("borrower.name", "\u202e倒", "borrower.name"),
    ("borrower.phone", "12345", "borrower.phone"),
    ("home.address", "a\u200bb", "home.address"),
    ("home.kind", "SOLD", "home.kind"),
    ("first_home", {"area": "8e1", "price": "1.00", "is_first_home": 1, "is_refinancing": "no"}, "first_home"),
    ("credit_score", "700", "credit_score"),
    ("principal_original", "1.00", "principal_original"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "field"), WRONG, ids=lambda each: str(each)[:40])
def test_what_is_not_understood_is_refused_by_field(bank: Bank, path: str, value: Any, field: str) -> None:
    refused(bank, "loans/", with_value({**LOAN, "branch": bank.home.code, "home": HOME}, path, value), field)


def test_what_the_limits_do_not_allow_is_refused_by_field(bank: Bank) -> None:
    base = loan_body(bank)
    for number, (path, value, field) in enumerate((
        ("terms.disbursed_on", "2026-10-31", "terms.disbursed_on"),
        ("terms.annual_rate_percent", "24.01", "terms.annual_rate_percent"),
        ("signed_on", "2026-11-02", "signed_on"),
        ("branch", "NOWHERE", "branch"),
        ("portfolio_officer", "NOBODY", "portfolio_officer"),
        ("disclosure", "", "disclosure"),
        ("disclosure", "MS1", "disclosure"),
        ("terms.principal", "999999.99", "disclosure"),
        ("agreed.grace_days", 16, "agreed.grace_days"),
        ("terms.interest_pauses", [{"from": "2027-01-01", "to": "2027-01-05"}], "terms"),
    )):  # fmt: skip
        refused(bank, "loans/", with_value(base, path, value), field, 422, key=f"k{number}")


def test_a_fault_of_one_part_of_a_combination_bears_its_name(bank: Bank) -> None:
    body = combination_body(bank)
    dear = with_value(body, "commercial.terms.annual_rate_percent", "24.5")
    refused(bank, "combinations/", dear, "commercial.terms.annual_rate_percent", 422, key="1")
    bare = with_value(body, "fund.disclosure", "")
    refused(bank, "combinations/", bare, "fund.disclosure", 422, key="2")


def test_a_disclosure_of_too_much_or_of_nothing_is_refused(bank: Bank) -> None:
    fee = DISCLOSURE["fees"][0]
    refused(bank, "disclosures/", {**DISCLOSURE, "fees": [fee, fee]}, "fees", 422, key="1")
    refused(bank, "disclosures/", {**DISCLOSURE, "fees": [{**fee, "amount": "1000000.00"}]}, "fees", 422, key="2")
    refused(bank, "disclosures/", {**DISCLOSURE, "fees": [{**fee, "code": f"F{n}"} for n in range(41)]}, "fees")
    refused(bank, "disclosures/", {**DISCLOSURE, "fees": [{**fee, "code": "费用"}]}, "fees.0.code")
    refused(bank, "disclosures/", {**DISCLOSURE, "fees": [{**fee, "label": "a\u200bb"}]}, "fees.0.label")
    refused(bank, "disclosures/", with_value(DISCLOSURE, "contingent.0.basis", ""), "contingent.0.basis")
    refused(bank, "disclosures/", {**DISCLOSURE, "is_combination_part": "yes"}, "is_combination_part")


def test_without_a_key_no_money_goes_out(bank: Bank) -> None:
    before = counts()
    for path, body in (("loans/", LOAN), ("combinations/", COMBINATION), ("disclosures/", DISCLOSURE)):
        reply = bank.api("operations").post(path, body)
        assert reply.status_code == 400 and "Idempotency-Key" in reply.json()["error"]["fields"]
    assert counts() == before


def test_a_list_of_disclosures_costs_the_same_however_long(bank: Bank) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert bank.api("officer").get("disclosures/").status_code == 200
        return len(queries)

    disclosed(bank.api("officer"))
    one = asked()
    for _more in range(3):
        disclosed(bank.api("officer"))
    assert asked() == one


def test_terms_are_the_terms_of_a_simulation(bank: Bank) -> None:
    rows = bank.api("officer").post("simulations/schedule/", TERMS).json()["installments"]
    made = bank.api("operations").post("loans/", loan_body(bank), key="1").json()
    future = bank.api("officer").get(f"loans/{made['id']}/schedule/").json()["results"]
    assert [(row["due_on"], row["principal"], row["interest"]) for row in future] == [
        (row["due_on"], row["principal"], row["interest"]) for row in rows
    ]  # fmt: skip
