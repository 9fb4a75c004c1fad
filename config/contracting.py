"""A signed contract comes in: the person, the loan or the two loans of a combination, and the home that secures them.

It stands in the composition root because it writes into three rooms; each room's own action does the writing, all in
one transaction. Handed in again, the same contract is the same loan: nothing is registered or charged twice.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from collateral.actions import NewHome, charge_home
from collateral.queries import charges_of
from config.boarding_bank import name_initials
from journal.errors import ActionRefused
from loans.actions.combination import disburse_combination
from loans.actions.disbursement import ContractRefused, NewContract, disburse
from loans.models import Combination, Loan
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
def register(*, person: Borrower, branch_code: str, officer_no: str, by: Staff) -> dict[str, int | None]:
    """Looks up or registers everybody whom a contract names, for `NewContract`."""
    require(by, "loans.disburse")
    branch_id = branch_of(branch_code, by)
    officer_id = officer_of(officer_no, branch_id)
    return {"branch_id": branch_id, "portfolio_officer_id": officer_id, "borrower_id": borrower_of(person)}
