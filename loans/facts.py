"""The facts that the loans' batches and postings record of a loan, each in one place."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from journal.models import Entry
from loans.rules.aging import days_past_due

RECORD_CHANGED = "loans.payment_record_changed"


def loan_fact(kind: str, loan_id: int, as_of: date, at: datetime, by: str, data: dict[str, Any]) -> Entry:
    """A fact about a loan, to be recorded with others."""
    return Entry(
        kind=kind,
        subject_type="loan",
        subject_id=loan_id,
        loan_id=loan_id,
        actor=by,
        at=at,
        business_date=as_of,
        data=data,
    )


def settled_fact(loan_id: int, as_of: date, at: datetime, by: str) -> Entry:
    """Nothing is left to bill or to pay."""
    return loan_fact("loans.settled", loan_id, as_of, at, by, {})


def cured_fact(loan_id: int, since: date, as_of: date, at: datetime, by: str) -> Entry:
    """No recognised installment is unpaid any more."""
    data = {"overdue_since": str(since), "days_past_due": days_past_due(since, as_of)}
    return loan_fact("loans.overdue_cured", loan_id, as_of, at, by, data)


def began_fact(loan_id: int, since: date, as_of: date, at: datetime, by: str = "system") -> Entry:
    """An unpaid installment was recognised as overdue."""
    data = {"overdue_since": str(since), "days_past_due": days_past_due(since, as_of)}
    return loan_fact("loans.overdue_began", loan_id, as_of, at, by, data)


def moved_fact(loan_id: int, before: date, since: date, as_of: date, at: datetime, by: str = "system") -> Entry:
    """Still overdue, but from another day: the oldest of what was unpaid was paid, or is unpaid again."""
    data = {"from": str(before), "overdue_since": str(since), "days_past_due": days_past_due(since, as_of)}
    return loan_fact("loans.overdue_moved", loan_id, as_of, at, by, data)


def record_fact(loan_id: int, due_on: Iterable[date], as_of: date, at: datetime, by: str = "system") -> Entry:
    """Installments became late, or are no longer, and neither a beginning nor an end of arrears tells of it."""
    data = {"due_on": [str(day) for day in sorted(due_on)]}
    return loan_fact(RECORD_CHANGED, loan_id, as_of, at, by, data)


def class_fact(
    loan_id: int, before: str, after: str, days: int, as_of: date, at: datetime, *, floor: str = ""
) -> Entry:
    """The five-class of a loan changed with its days past due, or with the floor of its observation."""
    data: dict[str, Any] = {"from": before, "to": after, "days_past_due": days}
    if floor:
        data["class_floor"] = floor
    return loan_fact("loans.class_changed", loan_id, as_of, at, "system", data)
