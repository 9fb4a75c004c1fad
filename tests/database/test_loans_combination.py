"""Combination loans: two contracts, one home, each posted by itself; both go out or none."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from collateral.actions import NewHome, charge_home
from collateral.queries import balances_beside, charges_of, collateral_values, loan_to_value
from followups.queries import desk
from journal.batch import run_pending
from journal.models import Entry
from loans.actions.combination import disburse_combination
from loans.actions.disbursement import ContractRefused, ContractTaken, NewContract, disburse
from loans.actions.disclosure import DisclosureRefused
from loans.models import Combination, LedgerLine, Loan, Posting
from loans.queries.contract import partners_of
from loans.rules.subsidy import FirstHome
from people.models import Staff
from risk.queries import grade_of
from tests.contracts import contract_of, disclosed, operator
from tests.database.test_loans_disbursement import counts
from tests.examples import table
from tests.factories import AT, make_branch, make_party, make_staff

pytestmark = pytest.mark.django_db
HOME = NewHome("江城市滨江区悦府路1号6栋1803室", "CONDO", Decimal("1250000.00"), date(2026, 10, 20))


@pytest.fixture
def by(db: None) -> Staff:
    return operator()


def pair(by: Staff, **given: Any) -> tuple[NewContract, NewContract]:
    """E11: the fund's part and the bank's, disclosed as parts."""
    fund, bank = table("combination")
    party = make_party().pk
    contracts = [
        contract_of(
            by.branch, {"principal": row["principal"], "annual_rate_percent": row["rate"]}, borrower_id=party,
            product=product, external_id=f"{row['id']}-1", **given,
        )
        for row, product in ((fund, "HOUSING_FUND"), (bank, "COMMERCIAL"))
    ]  # fmt: skip
    first, second = [disclosed(contract, by, is_combination_part=True) for contract in contracts]
    return first, second


def combined(by: Staff) -> list[Loan]:
    fund, commercial = pair(by)
    made = disburse_combination(fund=fund, commercial=commercial, by=by, at=AT)
    return list(made.loans.order_by("id").select_related("position"))


def test_e11_is_two_loans_of_one_combination_each_posted_by_itself(by: Staff) -> None:
    loans = combined(by)
    rows = table("combination")
    assert [str(loan.position.installment_amount) for loan in loans] == [row["installment"] for row in rows]
    assert sum(loan.position.installment_amount for loan in loans) == Decimal("4099.26")
    assert [loan.product for loan in loans] == ["HOUSING_FUND", "COMMERCIAL"]
    for loan, row in zip(loans, rows, strict=True):
        posting = Posting.objects.get(loan=loan)
        amounts = LedgerLine.objects.filter(posting_id=posting.pk).order_by("line").values_list("amount", flat=True)
        assert list(amounts) == [Decimal(row["principal"]), -Decimal(row["principal"])]
    assert [list(partners_of(loan)) for loan in loans] == [[loans[1]], [loans[0]]]
    (combination,) = Combination.objects.all()
    assert combination.number.startswith(f"ZH{by.branch.code[:4]}20261101")
    assert Entry.objects.get(kind="loans.combined").data["loans"] == [loan.pk for loan in loans]


def test_one_home_bears_both_charges_in_their_rank(by: Staff) -> None:
    loans = combined(by)
    home = charge_home(home=HOME, loan_ids=[loan.pk for loan in loans], by="system", at=AT)
    assert [(charge.property_id, charge.rank) for loan in loans for charge in charges_of(loan.pk)] == [
        (home.pk, 1), (home.pk, 2)
    ]  # fmt: skip
    values = collateral_values([loan.pk for loan in loans])
    beside = balances_beside([loan.pk for loan in loans])
    assert beside == {loans[0].pk: Decimal(400_000), loans[1].pk: Decimal(600_000)}
    for loan in loans:
        secured = loan.position.principal_balance + beside[loan.pk]
        assert loan_to_value(secured, values[loan.pk][0]) == Decimal("80.00")


def test_grade_plan_and_desk_look_at_the_ratio_over_both(by: Staff) -> None:
    loans = combined(by)
    # 600,000 or 400,000 alone would be 58 or 38 % of it; together they are 97 %.
    charge_home(home=replace(HOME, value=Decimal("1030000.00")), loan_ids=[x.pk for x in loans], by="system", at=AT)
    run_pending(at=AT)
    manager = make_staff("BRANCH_MANAGER", by.branch)
    for loan in loans:
        grade = grade_of(loan.pk)
        assert grade is not None and grade.inputs["loan_to_value"].startswith("97.08")
        assert {task.loan_to_value for task in desk(manager).filter(loan=loan)} == {Decimal("97.1")}


REFUSED = {
    "fund.product": lambda fund, bank: (replace(fund, product="COMMERCIAL"), bank),
    "commercial.product": lambda fund, bank: (fund, replace(bank, product="HOUSING_FUND")),
    "commercial.external_id": lambda fund, bank: (fund, replace(bank, external_id=fund.external_id)),
    "commercial.borrower": lambda fund, bank: (fund, replace(bank, borrower_id=make_party().pk)),
    "commercial.branch": lambda fund, bank: (fund, replace(bank, branch_id=make_branch().pk)),
    "commercial.signed_on": lambda fund, bank: (fund, replace(bank, signed_on=date(2026, 10, 30))),
}


@pytest.mark.parametrize("field", REFUSED)
def test_contracts_that_are_no_pair_are_refused(by: Staff, field: str) -> None:
    fund, commercial = REFUSED[field](*pair(by))
    before = counts()
    with pytest.raises(ContractRefused) as refused:
        disburse_combination(fund=fund, commercial=commercial, by=by, at=AT)
    assert field in refused.value.sentences and counts() == before and not Combination.objects.exists()


def test_both_go_out_or_none(by: Staff) -> None:
    fund, commercial = pair(by)
    before = counts()
    for wrong in (replace(commercial, disclosure=""), replace(commercial, disclosure=fund.disclosure)):
        with pytest.raises(DisclosureRefused):
            disburse_combination(fund=fund, commercial=wrong, by=by, at=AT)
        assert counts() == before and not Combination.objects.exists()


def test_a_disclosure_of_a_single_loan_does_not_serve_a_part(by: Staff) -> None:
    fund, commercial = pair(by)
    alone = disclosed(replace(commercial, disclosure=""), by)
    with pytest.raises(DisclosureRefused, match="组合贷"):
        disburse_combination(fund=fund, commercial=alone, by=by, at=AT)
    with pytest.raises(DisclosureRefused, match="组合贷"):
        disburse(contract=commercial, by=by, at=AT)


def test_the_same_combination_twice_is_one(by: Staff) -> None:
    fund, commercial = pair(by)
    made = disburse_combination(fund=fund, commercial=commercial, by=by, at=AT)
    before = counts()
    assert disburse_combination(fund=fund, commercial=commercial, by=by, at=AT) == made and counts() == before
    with pytest.raises(ContractTaken):
        disburse_combination(fund=fund, commercial=replace(commercial, external_id="other"), by=by, at=AT)
    with pytest.raises(ContractTaken):
        disburse_combination(fund=fund, commercial=replace(commercial, credit_score=1), by=by, at=AT)
    assert counts() == before and Combination.objects.count() == 1


def test_the_commercial_part_gets_no_subsidy(by: Staff) -> None:
    fund, commercial = pair(by)
    claimed = replace(commercial, first_home=FirstHome(Decimal(89), 120_000_000, True, False))
    with pytest.raises(ContractRefused) as refused:
        disburse_combination(fund=fund, commercial=claimed, by=by, at=AT)
    assert set(refused.value.sentences) == {"commercial.first_home"}
