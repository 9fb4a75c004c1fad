"""Reads of a loan's fees for people: what its cost disclosure names, how much of each item is charged, who charged.

The ledger's trigger is the judge of what may be charged; what is read here says the same before the button is pressed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, F, Sum

from loans.models import CostItem, CostKind, Fee, Loan
from loans.queries.bank import parameter
from people.models import Staff

ZERO = Decimal("0.00")
# What contracts signed before the disclosure was required name, unless the parameter of the day says otherwise.
CONTRACT_FEES = ("REGISTRATION", "NOTARY", "COPY", "POST", "LEGAL")
# Items that every disclosure has; they are interest in one form or another, not fees.
_NO_FEES = ("INTEREST", "PENALTY", "COMPOUND", "MISUSE")


@dataclass(frozen=True, slots=True)
class DisclosedFee:
    """A fee that the loan's disclosure names; `most` is None where only a way of reckoning is named."""

    code: str
    label: str
    charged_by: str
    basis: str
    most: Decimal | None
    charged: Decimal

    @property
    def left(self) -> Decimal | None:
        return None if self.most is None else max(self.most - self.charged, ZERO)


def disclosed_fees(loan: Loan) -> list[DisclosedFee]:
    """What the loan's disclosures name as fees, with what of each is charged and not waived."""
    items = CostItem.objects.filter(disclosure__loan_id=loan.pk, kind__in=(CostKind.FEE, CostKind.CONTINGENT))
    named = list(items.exclude(code__in=_NO_FEES).order_by("disclosure_id", "id"))
    if not named:
        return []
    standing = Fee.objects.filter(loan_id=loan.pk).values("code").annotate(all=Sum(F("amount") - F("waived")))
    charged = {row["code"]: row["all"] for row in standing}
    return [
        DisclosedFee(one.code, one.label, one.charged_by, one.basis, one.amount, charged.get(one.code, ZERO))
        for one in named
    ]


def needs_disclosure(loan: Loan) -> bool:
    """Must a fee of this loan be on its disclosure? Not when it was signed before the rule or taken over."""
    if loan.baseline_on is not None:
        return False
    return bool(parameter("cost_disclosure_required", loan.signed_on or loan.disbursed_on, default=False))


def agreed_codes(loan: Loan) -> tuple[str, ...]:
    """Fees that the bank's contract of the loan's day of signing names; what binds a loan without a disclosure."""
    named = parameter("contract_fees", loan.signed_on or loan.disbursed_on, default=list(CONTRACT_FEES))
    return tuple(map(str, named))


def fee_totals(loan: Loan) -> dict[str, Decimal | int]:
    """Charged, paid and waived over all fees of a loan, and how many there are."""
    found = Fee.objects.filter(loan_id=loan.pk).aggregate(
        count=Count("id"), charged=Sum("amount"), paid=Sum("paid"), waived=Sum("waived")
    )
    return {name: value or (0 if name == "count" else ZERO) for name, value in found.items()}


def staff_names(staff_nos: Iterable[str]) -> dict[str, str]:
    """Names by staff number, for columns that keep the number only."""
    found = Staff.objects.filter(staff_no__in=set(staff_nos)).values_list("staff_no", "name")
    return dict(found)
