"""Loans that begin and end in the year: disclosed, paid out and secured; paid back ahead of their time."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

from collateral.actions import NewHome, charge_home
from loans.actions import ReceiptRow, post_receipts
from loans.actions import changes as contract_changes
from loans.actions.disbursement import NewContract, disburse
from loans.actions.disclosure import NewDisclosure, make_disclosure
from loans.models import Loan
from loans.rules.simulation_request import Request, parse_request
from people.batch import NewParty, register_parties
from people.rules.identity import check_digit
from tests.simulation.bank import People, clock


def new_contract(day: date, serial: int, staff: People, dice: Random) -> Loan:
    """A contract of a new borrower, managed by an officer of its branch."""
    branch = dice.choice(sorted(staff.managers))
    owner = dice.choice([one for one in staff.officers if one.branch_id == branch])
    principal = dice.randrange(30, 400) * 10_000
    request = parse_request({
        "principal": f"{principal}.00", "annual_rate_percent": "3.60", "installments": 360,
        "method": "EQUAL_INSTALLMENT", "disbursed_on": str(day), "due_day": dice.randrange(1, 29),
        "first_period": "BY_DAYS",
    })  # fmt: skip
    assert isinstance(request, Request), request
    contract = NewContract(
        external_id=f"N{day:%Y%m%d}{serial:03d}", borrower_id=_borrower(day, serial), branch_id=branch, signed_on=day,
        request=request, portfolio_officer_id=owner.pk, credit_score=dice.randrange(560, 840),
    )  # fmt: skip
    asked = NewDisclosure(
        request=request, product=contract.product, pricing=contract.pricing, agreed=contract.agreed, first_home=None
    )
    made = make_disclosure(asked=asked, by=staff.operations, at=clock(day, 9))
    loan = disburse(contract=replace(contract, disclosure=made.number), by=staff.operations, at=clock(day, 10))
    value = Decimal(principal * 100 // dice.choice((55, 60, 65, 70, 75, 80)))
    home = NewHome(
        address=f"武汉市武昌区新路{serial}号{day:%m%d}室", property_type="CONDO", value=value, valued_on=day,
        is_owner_occupied=dice.random() < 0.9,
    )  # fmt: skip
    charge_home(home=home, loan_ids=[loan.pk], by=staff.operations.staff_no, at=clock(day, 10))
    return loan


def _borrower(day: date, serial: int) -> int:
    body = f"420102{1960 + serial % 40}{day:%m%d}{day.year % 10 * 100 + serial % 100:03d}"
    number = body + check_digit(body)
    row = NewParty(number, "新客户", "xkh", f"199{day:%m%d}{serial:04d}")
    return register_parties(rows=[row])[number].id


def settle(pk: int, staff: People, day: date) -> None:
    """Everything is paid back; what is owed comes in with the request."""
    change = contract_changes.propose_change(
        loan_id=pk, kind="SETTLEMENT", asked={}, reason="借款人书面申请结清贷款", evidence=None,
        by=staff.manager_of(pk), at=clock(day, 10),
    )  # fmt: skip
    total = change.principal + change.interest + change.charges + change.fee
    row = ReceiptRow(Loan.objects.get(pk=pk).loan_note_no, total, day, "COUNTER", f"S{change.pk}")
    post_receipts(rows=[row], by="system", at=clock(day, 10))
    decided = contract_changes.decide_change(
        change_id=change.pk, approve=True, note="同意", version=change.version, by=staff.head, at=clock(day, 11)
    )
    decided.refresh_from_db()
    contract_changes.sign_change(
        change_id=change.pk, note="柜面面签", version=decided.version, by=staff.head, at=clock(day, 11)
    )
