"""Reads of a loan's ledger for people: each posting with its lines, what reverses it, what took its place.

Every amount on a page can be followed to here: by installment, by receipt, by kind.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from journal.models import Entry
from loans.models import LedgerLine, Loan, Posting, Receipt
from people.models import Staff


@dataclass(frozen=True, slots=True)
class Undone:
    """Who took a receipt out again, when and why."""

    who: str
    at: datetime
    reason: str


def reversal_of(receipt: Receipt) -> Undone | None:
    """What the journal says of a receipt's reversal; None where it says nothing."""
    entries = Entry.objects.filter(subject_type="receipt", subject_id=receipt.pk, kind="loans.receipt_reversed")
    entry = entries.order_by("-id").first()
    if entry is None:
        return None
    name = Staff.objects.filter(staff_no=entry.actor).values_list("name", flat=True).first()
    return Undone(name or entry.actor, entry.at, entry.data.get("reason", ""))


def postings_of(loan: Loan) -> QuerySet[Posting]:
    """A loan's postings with their receipts and the postings that they reverse or are reversed by."""
    return Posting.objects.filter(loan_id=loan.pk).select_related("receipt", "reverses", "posting", "after_reversal")


def touching(found: QuerySet[Posting], loan: Loan, number: int) -> QuerySet[Posting]:
    """Those with a line of an installment, or that billed it."""
    lines = LedgerLine.objects.filter(loan_id=loan.pk, installment_number=number)
    return found.filter(pk__in=lines.values("posting_id"))


def lines_of(loan: Loan, postings: Sequence[Posting]) -> dict[int, list[LedgerLine]]:
    """Ledger lines by posting, in order; one query, pruned to the months in question."""
    found: dict[int, list[Any]] = defaultdict(list)
    if postings:
        lines = LedgerLine.objects.filter(
            loan_id=loan.pk,
            business_date__in={posting.business_date for posting in postings},
            posting_id__in=[posting.pk for posting in postings],
        )
        for line in lines.order_by("posting_id", "line"):
            found[line.posting_id].append(line)
    return dict(found)
