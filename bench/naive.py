"""The naive yardstick (B13): a night as a loop over loans with the ORM, one row at a time; runs inside `bench.ours`.

It does less than the product does (no penalty, no follow-ups, no control totals) and is right only for a plain book.
"""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

SAMPLE = 2000


def measure(asked: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    from django.utils import timezone

    from loans.models import Loan

    day = date.fromisoformat(asked["day"])
    ids = list(Loan.objects.order_by("pk").values_list("pk", flat=True))
    sample = random.Random(1).sample(ids, min(SAMPLE, len(ids)))  # noqa: S311 - a sample, no secret

    def work() -> dict[str, Any]:
        start = time.perf_counter()
        for loan_id in sample:
            _evening_of(loan_id, day, timezone.now())
        return {"each": (time.perf_counter() - start) / len(sample), "loans": len(sample)}

    return work


def _evening_of(loan_id: int, day: date, at: Any) -> None:
    from django.db import transaction

    from loans.models import Installment, Loan, Position, Receipt
    from loans.rules.aging import five_class

    with transaction.atomic():
        position = Position.objects.select_for_update().get(pk=loan_id)
        loan = Loan.objects.get(pk=loan_id)
        if position.next_due_on is not None and position.next_due_on <= day:
            _bill(loan, position, day, at)
        for receipt in Receipt.objects.filter(loan_id=loan_id, state="WAITING", value_on__lte=day):
            _post(receipt, position, day, at)
        unpaid = Installment.objects.filter(loan_id=loan_id, settled_on=None, due_on__lt=day).order_by("number").first()
        position.overdue_since = unpaid.overdue_from if unpaid else None
        position.five_class = five_class((day - position.overdue_since).days if position.overdue_since else 0)
        position.save()


def _bill(loan: Any, position: Any, day: date, at: Any) -> None:
    from loans.models import Installment, Terms

    terms = Terms.objects.filter(loan_id=loan.pk).order_by("-version").first()
    assert terms is not None
    place = position.next_number - terms.first_number
    principal, interest = Decimal(terms.principal_fen[place]) / 100, Decimal(terms.interest_fen[place]) / 100
    Installment.objects.create(
        loan_id=loan.pk, number=position.next_number, due_on=position.next_due_on, principal=principal,
        interest=interest, overdue_from=position.next_due_on,
    )  # fmt: skip
    _write(loan.pk, "BILLING", day, at, (("INTEREST_RECEIVABLE", interest), ("INTEREST_INCOME", -interest)))
    position.unbilled_principal -= principal
    position.next_number += 1
    position.next_due_on += timedelta(days=30)


def _post(receipt: Any, position: Any, day: date, at: Any) -> None:
    from loans.models import Installment

    left, lines = receipt.amount, [("CASH", receipt.amount)]
    for row in Installment.objects.filter(loan_id=receipt.loan_id, settled_on=None).order_by("number"):
        interest = min(left, row.interest - row.interest_paid)
        principal = min(left - interest, row.principal - row.principal_paid)
        left -= interest + principal
        row.interest_paid += interest
        row.principal_paid += principal
        if (row.interest_paid, row.principal_paid) == (row.interest, row.principal):
            row.settled_on = day
        row.save()
        position.principal_balance -= principal
        lines += [("INTEREST_RECEIVABLE", -interest), ("PRINCIPAL", -principal)]
    position.suspense += left
    _write(receipt.loan_id, "RECEIPT", day, at, (*lines, ("SUSPENSE", -left)), receipt_id=receipt.pk)
    receipt.state, receipt.posted_on = "POSTED", day
    receipt.save()


def _write(loan_id: int, kind: str, day: date, at: Any, lines: Any, **more: Any) -> None:
    """A posting; its lines are one statement, which the ledger's trigger insists on."""
    from loans.models import LedgerLine, Posting

    posting = Posting.objects.create(loan_id=loan_id, kind=kind, value_on=day, business_date=day, booked_at=at, **more)
    LedgerLine.objects.bulk_create(
        LedgerLine(business_date=day, posting_id=posting.pk, line=n, loan_id=loan_id, account=account, amount=amount)
        for n, (account, amount) in enumerate(lines, start=1)
        if amount
    )
