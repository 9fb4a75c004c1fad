"""Three months of new contracts: subsidised, combined, in grace, paid ahead and paid late; every claim holds."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.core.management import call_command

from collateral.actions import charge_home
from config import day_end
from config.invariants import findings
from loans.actions.combination import disburse_combination
from loans.actions.receipts import ReceiptRow, post_receipts, reverse_receipt
from loans.models import LedgerLine, Loan, Posting, Receipt
from tests.contracts import disbursed, operator
from tests.database.test_loans_combination import HOME as FLAT
from tests.database.test_loans_combination import pair
from tests.database.test_loans_subsidy import HOME
from tests.factories import AT

THROUGH = date(2027, 2, 2)


def clock() -> datetime:
    return datetime.now(UTC)


def paid(loan: Loan, amount: str, on: date, serial: str) -> None:
    row = ReceiptRow(loan.loan_note_no, Decimal(amount), on, "CORE", serial)
    post_receipts(rows=[row], by="system", at=clock())


def broken() -> list[str]:
    return [f"{each.code}: {each.first}" for each in findings() if not each.is_ok]


def test_new_contracts_keep_every_claim_through_three_months(fresh_bank: Any, capsys: Any) -> None:
    by = operator()
    broken_first = {"due_day": 20, "first_due_on": "2026-12-20", "first_period": "BY_DAYS"}
    late = disbursed(by, broken_first, first_home=HOME, external_id="S1")
    ahead = disbursed(by, first_home=HOME, external_id="S2")
    fund, commercial = pair(by)
    combination = disburse_combination(fund=fund, commercial=commercial, by=by, at=AT)
    parts = list(combination.loans.order_by("id"))
    charge_home(home=FLAT, loan_ids=[loan.pk for loan in parts], by="system", at=AT)
    disbursed(by, {"principal_grace_installments": 4, "installments": 14}, external_id="G")
    paid(ahead, "9000.00", date(2026, 11, 1), "ahead")
    paid(parts[0], "2402.04", date(2026, 12, 1), "fund")
    day_end.run(through=THROUGH, at_clock=clock)
    assert broken() == []
    # Money that should have come before Christmas, and money that never came.
    paid(late, "9000.00", date(2026, 12, 20), "late")
    paid(parts[1], "1697.22", date(2026, 12, 1), "wrong")
    receipt = Receipt.objects.get(serial="wrong")
    reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=by, at=clock())
    assert broken() == []
    # 49 days, then a month; twice two months; nothing of what was folded again.
    assert Posting.objects.filter(kind="SUBSIDY").count() == 5
    borne = LedgerLine.objects.filter(account="SUBSIDY_RECEIVABLE", loan_id=late.pk).order_by("posting_id")
    assert [str(line.amount) for line in borne] == ["1361.11", "832.04"]
    call_command("rebuild_loans")
    assert "0" in capsys.readouterr().out
