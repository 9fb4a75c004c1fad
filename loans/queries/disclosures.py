"""Reads of cost disclosures, and of the LPR that a contract is made from."""

from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from loans.models import CostDisclosure, Loan, LprRate
from people.models import Staff
from people.queries import branch_ids_visible_to


def visible_disclosures(staff: Staff) -> QuerySet[CostDisclosure]:
    """Disclosures of the loans one sees; one of no loan yet belongs to the branch of whoever made it."""
    tied = Q(loan__in=Loan.objects.visible_to(staff))
    waiting = Q(loan__isnull=True, made_by__branch_id__in=branch_ids_visible_to(staff))
    return CostDisclosure.objects.filter(tied | waiting)


def disclosures_of(loan: Loan) -> QuerySet[CostDisclosure]:
    """The loan's cost disclosures, the newest first. The caller has checked access to the loan."""
    return CostDisclosure.objects.filter(loan_id=loan.pk).order_by("-id")


def lpr_for_contract(tenor: str, signed_on: date) -> Decimal | None:
    """LPR in percent that a contract signed on a day is made from: the latest approved, published up to that day."""
    known = LprRate.objects.filter(tenor=tenor, published_on__lte=signed_on, is_approved=True)
    return known.order_by("-published_on").values_list("rate_percent", flat=True).first()
