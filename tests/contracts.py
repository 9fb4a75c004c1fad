"""Contracts to be disclosed and disbursed in tests: a good one, and what differs from it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from loans.actions.disbursement import NewContract, disburse
from loans.actions.disclosure import NewDisclosure, make_disclosure
from loans.models import CostDisclosure, Loan
from loans.rules.simulation_request import Request, parse_request
from people.models import Branch, Staff
from tests.factories import AT, make_branch, make_party, make_staff, open_bank

TODAY = date(2026, 11, 1)
TERMS: dict[str, Any] = {
    "principal": "1000000.00",
    "annual_rate_percent": "3.60",
    "installments": 360,
    "method": "EQUAL_INSTALLMENT",
    "disbursed_on": "2026-11-01",
}


def request_of(**changed: Any) -> Request:
    found = parse_request({**TERMS, **changed})
    assert isinstance(found, Request), found
    return found


def operator() -> Staff:
    """Somebody in operations who may disburse; the bank is open."""
    open_bank(TODAY)
    return make_staff("OPERATIONS", make_branch(), name="赵敏")


def contract_of(branch: Branch, terms: Mapping[str, Any] | None = None, **given: Any) -> NewContract:
    fields: dict[str, Any] = {
        "external_id": "C-1",
        "borrower_id": given.pop("borrower_id", None) or make_party().pk,
        "branch_id": branch.pk,
        "signed_on": TODAY,
        "request": request_of(**(terms or {})),
        **given,
    }
    return NewContract(**fields)


def disclosed(contract: NewContract, by: Staff, **given: Any) -> NewContract:
    """The contract with the disclosure that says the same."""
    return replace(contract, disclosure=disclosure_of(contract, by, **given).number)


def disclosure_of(contract: NewContract, by: Staff, **given: Any) -> CostDisclosure:
    asked = NewDisclosure(
        request=contract.request, product=contract.product, pricing=contract.pricing, agreed=contract.agreed,
        first_home=contract.first_home, **given,
    )  # fmt: skip
    return make_disclosure(asked=asked, by=by, at=AT)


def disbursed(by: Staff, terms: Mapping[str, Any] | None = None, **given: Any) -> Loan:
    """A loan that was disclosed and paid out."""
    return disburse(contract=disclosed(contract_of(by.branch, terms, **given), by), by=by, at=AT)
