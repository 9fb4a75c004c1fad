"""A loan as in the worked examples, people, and the steps of a change of contract, for tests of changes."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from config.invariants import findings
from journal.models import Entry
from loans import batch
from loans.actions import ReceiptRow, close_business_date, post_receipts
from loans.actions.changes import apply_change, decide_change, propose_change, sign_change
from loans.models import ContractChange, Installment, LedgerLine, Loan, Position, Posting, Pricing, Terms
from loans.queries import future_schedule, require_business_date
from loans.rebuild import look
from people.models import Staff
from tests.factories import AT, book_loan, make_branch, make_staff

AMOUNT = {"amount": "200000.00"}
PDF = b"%PDF-1.7 test"


def e1_loan(opens_on: date = date(2026, 11, 30), **given: Any) -> Loan:
    """E1 after twelve installments: 348 left at 3.60 % with a balance of 981,133.31; due on the 20th."""
    fields = {
        "outstanding": Decimal("981133.31"), "annual_rate_percent": Decimal("3.6000"),
        "disbursed_on": date(2025, 10, 20), "matures_on": date(2055, 11, 20), "due_day": 20,
        "opens_on": opens_on, "as_of": opens_on - timedelta(days=1), **given,
    }  # fmt: skip
    return book_loan(**fields)


class People:
    """Who proposes, who approves, who takes money."""

    def __init__(self, branch: Any = None) -> None:
        branch = branch or make_branch()
        self.officer: Staff = make_staff("LOAN_OFFICER", branch, name="方予安")
        self.manager: Staff = make_staff("BRANCH_MANAGER", branch, name="顾明远")
        self.risk: Staff = make_staff("RISK_MANAGER", branch, name="韩若水")


def pay(loan: Loan, amount: Decimal | str, value_on: date, serial: str) -> Any:
    row = ReceiptRow(loan.loan_note_no, Decimal(amount), value_on, "CNAPS", serial)
    return post_receipts(rows=[row], by="system", at=AT)


def propose(loan: Loan, kind: str, who: People, **asked: str) -> ContractChange:
    return propose_change(
        loan_id=loan.pk, kind=kind, asked=asked, reason="客户申请办理", evidence=None, by=who.officer, at=AT
    )


def signed(loan: Loan, kind: str, who: People, checker: Staff | None = None, **asked: str) -> ContractChange:
    change = propose(loan, kind, who, **asked)
    return sign(change, who, checker)


def sign(change: ContractChange, who: People, checker: Staff | None = None) -> ContractChange:
    change = decide_change(change_id=change.pk, approve=True, note="", version=1, by=checker or who.manager, at=AT)
    return sign_change(change_id=change.pk, note="柜面签署补充协议", version=2, by=who.officer, at=AT)


def apply(change: ContractChange, who: People) -> ContractChange:
    return apply_change(change_id=change.pk, by=who.officer, at=AT)


def position(loan: Loan) -> Position:
    return Position.objects.get(pk=loan.pk)


def rows_of(loan: Loan) -> list[tuple[int, date, Decimal, Decimal]]:
    loan = Loan.objects.select_related("position").get(pk=loan.pk)
    return [(row.number, row.due_on, row.principal, row.interest) for row in future_schedule(loan)]


def shown(rows: Any) -> list[tuple[int, date, Decimal, Decimal]]:
    return [(row.number, row.due_on, row.principal, row.interest) for row in rows]


def everything() -> list[Any]:
    tables = (ContractChange, Position, Installment, Posting, LedgerLine, Terms, Loan, Pricing, Entry)
    return [sorted(map(str, table.objects.values_list())) for table in tables]


def close(day: date) -> None:
    for stage in (batch.bill, batch.post_waiting_receipts, batch.apply_changes, batch.age, batch.classify):
        stage(as_of=day, at=AT)
    batch.watch_changes(as_of=day, at=AT)
    close_business_date(day=day, at=AT)


def open_next(day: date) -> None:
    """Closes every date before a day."""
    while (today := require_business_date()) < day:
        close(today)


def all_is_well() -> None:
    """Every claim about the stored book holds, and the rows made once more from the history are the same."""
    broken = [(each.code, each.first) for each in findings() if each.broken]
    assert broken == [], broken
    different = [each for each in look() if not each.is_same]
    assert different == [], different
