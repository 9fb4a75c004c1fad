"""Contracts that the demo pays out itself: a combination loan on one home, and a home not yet registered."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

from collateral.actions import NewHome, record_registrable
from config.contracting import Borrower, open_combination, open_loan, register
from config.demo.book import OPERATOR, SEED, clock, identity
from config.demo.visits import person
from loans.actions.disbursement import NewContract
from loans.models import Loan
from loans.rules.simulation_request import Request, parse_request

FUND, BANK, ADVANCE = "DEMOC0001", "DEMOC0002", "DEMOC0003"
OFFICER, BRANCH = "A0102", "0101"
# The formal mortgage could be registered from here: an advance notice runs out after 90 days (民法典 221).
REGISTRABLE_ON = date(2026, 8, 13)


def pay_out(day: date) -> None:
    """Both parts of a combination loan, and a loan on a home that is only pre-registered."""
    by, at = person(OPERATOR), clock(day, 10)
    couple = Borrower(_identity(1), "高梓萱", "19900009001")
    named = register(person=couple, branch_code=BRANCH, officer_no=OFFICER, by=by)
    fund, bank = [
        NewContract(external_id=number, signed_on=day, product=product, credit_score=720,
                    request=_request(principal, rate, day), **_ids(named))
        for number, product, principal, rate in (
            (FUND, "HOUSING_FUND", "600000.00", "2.60"), (BANK, "COMMERCIAL", "900000.00", "3.05"),
        )
    ]  # fmt: skip
    home = NewHome("江城市滨江区滨江悦府6栋1单元1803", "CONDO", Decimal("2300000.00"), day, True, "FORMAL",
                   "江(2026)江城市不动产证明第0009001号", day)  # fmt: skip
    open_combination(fund=fund, commercial=bank, home=home, by=by, at=at)
    buyer = register(
        person=Borrower(_identity(2), "罗俊杰", "19900009002"), branch_code=BRANCH, officer_no=OFFICER, by=by
    )
    alone = NewContract(external_id=ADVANCE, signed_on=day, credit_score=735,
                        request=_request("1100000.00", "3.05", day), **_ids(buyer))  # fmt: skip
    planned = NewHome("江城市滨江区江岸新城2栋1单元905", "PLANNED_UNIT", Decimal("1900000.00"), day, True,
                      "ADVANCE_NOTICE", "江(2026)江城市预告证明第0009002号", day)  # fmt: skip
    open_loan(contract=alone, home=planned, by=by, at=at)


def _ids(named: dict[str, int | None]) -> dict[str, Any]:
    return {name: pk for name, pk in named.items() if pk is not None}


def _request(principal: str, rate: str, day: date) -> Request:
    found = parse_request({
        "principal": principal, "annual_rate_percent": rate, "installments": 300, "method": "EQUAL_INSTALLMENT",
        "disbursed_on": day.isoformat(),
    })  # fmt: skip
    assert isinstance(found, Request), found
    return found


def _identity(number: int) -> str:
    return identity(random.Random(f"{SEED}/contract/{number}"), 900 + number)  # noqa: S311 (made-up data)


def registrable(day: date) -> None:
    """The developer has registered first: the formal mortgage can be had, and the advance notice begins to run out."""
    loan = Loan.objects.get(external_id=ADVANCE)
    record_registrable(loan_id=loan.pk, registrable_on=REGISTRABLE_ON, by=person(OFFICER), at=clock(day, 11))
