"""Combination loans (组合贷): a housing fund loan and a commercial one, two contracts on one home, posted apart.

The fund bears the risk of its part and the bank is its agent (住房公积金管理条例 12, 26), so nothing of one contract
ever counts in the other. Both go out in one transaction or none does.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from loans.actions.disbursement import ContractRefused, ContractTaken, NewContract, book_contract, next_number
from loans.actions.disclosure import DisclosureRefused
from loans.models import Combination, Loan, Product
from loans.queries import hold_business_date
from people.actions import require
from people.models import Branch, Staff

# What each of the two contracts says for itself.
_OF_A_PART = {"external_id", "terms", "pricing", "agreed", "disclosure", "first_home", "credit_score"}


@transaction.atomic
def disburse_combination(*, fund: NewContract, commercial: NewContract, by: Staff, at: datetime) -> Combination:
    """Books both contracts on the open business date; asked again, the combination of the first time."""
    require(by, "loans.disburse")
    day = hold_business_date()
    _check_pair(fund, commercial)
    known = _known(fund, commercial)
    if known is not None:
        # Each contract says for itself whether it is the same.
        _book("fund", fund, known, by, at)
        _book("commercial", commercial, known, by, at)
        return known
    branch = Branch.objects.get(pk=fund.branch_id)
    pk, number = next_number("ZH", "loans_combination", branch, day)
    combination = Combination.objects.create(pk=pk, number=number, made_on=day)
    loans = [_book("fund", fund, combination, by, at), _book("commercial", commercial, combination, by, at)]
    if any(loan.combination_id != pk for loan in loans):
        raise ContractTaken(_("其中一份合同已单独放款。"), field="external_id")
    record(
        kind="loans.combined", subject_type="combination", subject_id=pk, by=by.staff_no, at=at, business_date=day,
        data={"number": number, "loans": [loan.pk for loan in loans]},
    )  # fmt: skip
    return combination


def _book(part: str, contract: NewContract, combination: Combination, by: Staff, at: datetime) -> Loan:
    """One contract of the two; what it is refused for bears the name of its part."""

    def named(field: str) -> str:
        return f"{part}.{field}" if field.split(".")[0] in _OF_A_PART else field

    try:
        return book_contract(contract, combination=combination, by=by, at=at)
    except ContractRefused as refused:
        raise ContractRefused({named(field): words for field, words in refused.sentences.items()}) from None
    except (ContractTaken, DisclosureRefused) as refused:
        raise type(refused)(refused.message, field=named(refused.field), conflict=refused.conflict) from None


def _check_pair(fund: NewContract, commercial: NewContract) -> None:
    """One borrower, one branch, one day of signing, and the two products."""
    faults: dict[str, str] = {}
    if fund.product != Product.HOUSING_FUND:
        faults["fund.product"] = _("组合贷的公积金部分须为公积金贷款。")
    if commercial.product != Product.COMMERCIAL:
        faults["commercial.product"] = _("组合贷的商业性部分须为商业性贷款。")
    if fund.external_id == commercial.external_id:
        faults["commercial.external_id"] = _("两份合同的外部编号须不同。")
    for name, words in (
        ("borrower_id", _("两份合同的借款人须相同。")),
        ("branch_id", _("两份合同的机构须相同。")),
        ("signed_on", _("两份合同须同日签署。")),
    ):
        if getattr(fund, name) != getattr(commercial, name):
            faults[f"commercial.{name.removesuffix('_id')}"] = words
    if not Branch.objects.filter(pk=fund.branch_id).exists():
        faults["branch"] = _("没有这个机构。")
    if faults:
        raise ContractRefused(faults)


def _known(fund: NewContract, commercial: NewContract) -> Combination | None:
    """The combination that both external numbers belong to already."""
    numbers = (fund.external_id, commercial.external_id)
    found = list(Loan.objects.filter(external_id__in=numbers).select_related("combination"))
    ids = {loan.combination_id for loan in found}
    if len(found) == 2 and len(ids) == 1 and found[0].combination is not None:
        return found[0].combination
    if found:
        raise ContractTaken(_("外部编号 %(id)s 已用于另一笔贷款。") % {"id": found[0].external_id}, field="external_id")
    return None
