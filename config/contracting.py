"""A signed contract comes in: the person, the loan or the two loans of a combination, and the home that secures them.

It stands in the composition root because it writes into three rooms; each room's own action does the writing, all in
one transaction. Handed in again, the same contract is the same loan: nothing is registered or charged twice.

A contract that a person types in has passed no other system. Its first half is the cost disclosure with its hash, its
second the payment, which must say the same; so whoever made the disclosure does not pay out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from collateral.actions import NewHome, charge_home
from collateral.queries import charges_of
from config.boarding_bank import name_initials
from journal.errors import ActionRefused
from loans.actions.combination import disburse_combination
from loans.actions.disbursement import ContractRefused, NewContract, checked, disburse
from loans.actions.disclosure import disclosure_that_says
from loans.models import Combination, Loan
from loans.queries import require_business_date
from loans.queries.disclosures import visible_disclosures
from loans.rules.continuation import Plan
from people.actions import require
from people.batch import NewParty, register_parties
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to


@dataclass(frozen=True, slots=True)
class Borrower:
    """Who signed; one whom the bank knows is found by the identity number."""

    id_no: str
    name: str
    phone: str = ""


class BorrowerDiffers(ActionRefused):
    """The bank knows somebody of that identity number under another name."""

    code = "borrower_differs"


def branch_of(code: str, by: Staff) -> int:
    """Id of a branch that this person's roles reach; ContractRefused for any other."""
    found = Branch.objects.filter(code=code, pk__in=branch_ids_visible_to(by)).values_list("pk", flat=True).first()
    if found is None:
        raise ContractRefused({"branch": _("没有这个机构。")})
    return found


def officer_of(staff_no: str, branch_id: int) -> int | None:
    """Id of an account officer of the branch; None when none is named."""
    if not staff_no:
        return None
    officers = Staff.objects.filter(staff_no=staff_no, branch_id=branch_id, is_active=True)
    found = officers.values_list("pk", flat=True).first()
    if found is None:
        raise ContractRefused({"portfolio_officer": _("管户客户经理须为该机构的在岗人员。")})
    return found


def approver_of(staff_no: str) -> int | None:
    """Id of who approved the credit, anywhere in the bank; None when nobody is named."""
    if not staff_no:
        return None
    found = Staff.objects.filter(staff_no=staff_no).values_list("pk", flat=True).first()
    if found is None:
        raise ContractRefused({"approver": _("没有这个工号。")})
    return found


def borrower_of(person: Borrower) -> int:
    """Id of the borrower, registered when new; the bank's own name and number stay as they are."""
    row = NewParty(person.id_no, person.name, name_initials(person.name), person.phone)
    known = register_parties(rows=[row])[person.id_no]
    if known.name != person.name:
        raise BorrowerDiffers(_("姓名与本行登记的不一致。"), field="borrower.name")
    return known.id


@transaction.atomic
def open_loan(*, contract: NewContract, home: NewHome | None, by: Staff, at: datetime) -> Loan:
    """Pays out one contract and charges its home."""
    loan = disburse(contract=contract, by=by, at=at)
    _secure([loan], home, by, at)
    return loan


@transaction.atomic
def open_combination(
    *, fund: NewContract, commercial: NewContract, home: NewHome | None, by: Staff, at: datetime
) -> Combination:
    """Pays out both contracts of a combination and charges their one home, the fund's part first."""
    combination = disburse_combination(fund=fund, commercial=commercial, by=by, at=at)
    _secure(list(Loan.objects.filter(combination=combination).order_by("id")), home, by, at)
    return combination


def _secure(loans: list[Loan], home: NewHome | None, by: Staff, at: datetime) -> None:
    # Whoever hands in the same contract at the same time has waited in `disburse`, and finds the charge.
    if home is not None and not charges_of(loans[0].pk).exists():
        charge_home(home=home, loan_ids=[loan.pk for loan in loans], by=by.staff_no, at=at)


@transaction.atomic
def register(
    *, person: Borrower, branch_code: str, officer_no: str, approver_no: str = "", by: Staff
) -> dict[str, int | None]:
    """Looks up or registers everybody whom a contract names, for `NewContract`."""
    require(by, "loans.disburse")
    branch_id = branch_of(branch_code, by)
    officer_id = officer_of(officer_no, branch_id)
    approver_id = approver_of(approver_no)
    return {
        "branch_id": branch_id, "portfolio_officer_id": officer_id, "approver_id": approver_id,
        "borrower_id": borrower_of(person),
    }  # fmt: skip


# ── Typed in by a person ─────────────────────────────────────────────────────────────────────────

# The parts of a contract by the prefix of their fields: one without, or the two of a combination.
Parts = Mapping[str, NewContract]
Contracts = Callable[[dict[str, Any]], Parts]


class NeedsAnother(ContractRefused):
    """Who made the disclosure does not pay out."""

    code = "needs_another_person"


def foresee(
    *, contracts: Contracts, person: Borrower, branch_code: str, officer_no: str, approver_no: str = "", by: Staff
) -> dict[str, Plan]:
    """The plans of a contract as it would be paid out now; ContractRefused names all that stands against it.

    A new borrower is registered for the look and taken back with it: nothing stays.
    """
    with transaction.atomic():
        try:
            named = register(
                person=person, branch_code=branch_code, officer_no=officer_no, approver_no=approver_no, by=by
            )
            parts = contracts(named)
            return _foreseen(parts, by)
        finally:
            transaction.set_rollback(True)


def _foreseen(parts: Parts, by: Staff) -> dict[str, Plan]:
    plans, faults, day = {}, dict[str, str](), require_business_date()
    for prefix, contract in parts.items():
        try:
            plans[prefix], _scheme = checked(contract, day=day, is_part=bool(prefix), by=by)
        except ContractRefused as refused:
            faults |= {prefix + field: words for field, words in refused.sentences.items()}
        try:
            _require_another(prefix, contract, by)
            disclosure_that_says(contract, is_part=bool(prefix), by=by)
        except ActionRefused as refused:
            faults.setdefault(f"{prefix}disclosure", refused.message)
        if Loan.objects.filter(external_id=contract.external_id).exists():
            words = _("外部编号 %(id)s 已用于另一笔贷款。") % {"id": contract.external_id}
            faults.setdefault(f"{prefix}external_id", words)
    numbers = [contract.external_id for contract in parts.values()]
    if len(set(numbers)) < len(numbers):
        faults.setdefault(f"{list(parts)[-1]}external_id", _("两份合同的外部编号须不同。"))
    if faults:
        raise ContractRefused(faults)
    return plans


def _require_another(prefix: str, contract: NewContract, by: Staff) -> None:
    if not contract.disclosure:
        raise NeedsAnother({f"{prefix}disclosure": _("请填写另一人为这份合同出具的明示表编号。")})
    if visible_disclosures(by).filter(number=contract.disclosure, made_by=by).exists():
        raise NeedsAnother({f"{prefix}disclosure": _("这份明示表由您出具，放款须由另一人办理。")})


@transaction.atomic
def pay_out_typed(
    *,
    contracts: Contracts,
    person: Borrower,
    branch_code: str,
    officer_no: str,
    approver_no: str = "",
    home: NewHome | None,
    by: Staff,
    at: datetime,
) -> list[Loan]:
    """Pays out what a person typed in, one contract or both of a combination; another person made the disclosures."""
    named = register(person=person, branch_code=branch_code, officer_no=officer_no, approver_no=approver_no, by=by)
    parts = contracts(named)
    for prefix, contract in parts.items():
        _require_another(prefix, contract, by)
    if set(parts) == {""}:
        return [open_loan(contract=parts[""], home=home, by=by, at=at)]
    combination = open_combination(fund=parts["fund."], commercial=parts["commercial."], home=home, by=by, at=at)
    return list(Loan.objects.filter(combination=combination).order_by("id"))
