"""What the tests of repricing share: rates published and approved, runs, evenings, what a loan looks like."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from config import day_end
from loans.actions import open_ledger_month
from loans.actions.lpr import decide_lpr, propose_lpr
from loans.actions.repricing import decide_repricing, propose_repricing
from loans.batch import bill
from loans.models import BusinessDate, Loan, Position, RepricingItem, RepricingRun, Terms
from people.models import Staff

NEW_YEAR = date(2027, 1, 1)


def publish(percent: str, day: date, maker: Staff, checker: Staff, at: datetime, tenor: str = "Y5") -> None:
    """A new LPR, entered and approved."""
    row = propose_lpr(
        tenor=tenor, published_on=day, rate_percent=Decimal(percent), source="同业拆借中心公告", by=maker, at=at
    )
    decide_lpr(lpr_id=row.pk, approve=True, by=checker, at=at)


def proposed(maker: Staff, at: datetime, from_on: date = NEW_YEAR, to_on: date = NEW_YEAR) -> RepricingRun:
    return propose_repricing(from_on=from_on, to_on=to_on, by=maker, at=at)


def approved(maker: Staff, checker: Staff, at: datetime, **window: date) -> RepricingRun:
    run = proposed(maker, at, **window)
    return decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=at)


def close_through(day: date, at: datetime) -> None:
    """The evenings of the loans' own stages up to a day; the other rooms have no part in this."""
    day_end.run(through=day, at_clock=lambda: at)


def evenings_to(day: date, at: datetime) -> None:
    """Opens a day and bills up to it, without the rest of the evenings."""
    open_ledger_month(day)
    BusinessDate.objects.filter(is_open=True).update(day=day)
    bill(as_of=day, at=at)


def state_of(loan_id: int) -> dict[str, Any]:
    position: dict[str, Any] = Position.objects.filter(pk=loan_id).values().get()
    terms = list(Terms.objects.filter(loan_id=loan_id).order_by("version").values())
    return {"position": position, "terms": terms}


def item_of(run: RepricingRun, loan: Loan | int) -> RepricingItem:
    return RepricingItem.objects.get(run=run, loan_id=loan if isinstance(loan, int) else loan.pk)
