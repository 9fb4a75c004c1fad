"""A small bank in which everything of the money happened once, by the actions that people and evenings use: late and
reversed receipts, fees, a refund, changes of contract of every consequence, a repricing, a subsidised contract."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from config import day_end
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.actions.changes import apply_change, decide_change, propose_change, reverse_change, sign_change
from loans.actions.fees import charge_fee, waive_fee
from loans.actions.lpr import decide_lpr, propose_lpr
from loans.actions.refunds import decide_refund, propose_refund
from loans.actions.repricing import decide_repricing, propose_repricing
from loans.models import ContractChange, Loan, Position, Receipt
from loans.rules.subsidy import FirstHome
from people.models import Branch
from tests.contracts import disbursed
from tests.factories import AT, book_loan, make_branch, make_staff, open_bank

OPENED = date(2026, 12, 18)
NEW_YEAR = date(2027, 1, 1)
LAST = date(2027, 1, 3)
HOME = FirstHome(Decimal(89), 140_000_000, True, False)


class RichBank:
    """Loans by what happened to them; `live` makes it all happen."""

    def __init__(self) -> None:
        open_bank(OPENED)
        self.branch: Branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch, name="方予安")
        self.risk = make_staff("RISK_MANAGER", self.branch, name="韩若水")
        self.maker = make_staff("OPERATIONS", self.branch, name="唐一")
        self.checker = make_staff("OPERATIONS", self.branch, name="唐二")
        self.day = OPENED
        self.at = AT
        self.told = 0
        arrears = {"late": 40, "slow": 120, "claim": 200, "lost": 150, "mild": 30}
        names = ("quiet", "ahead", "undone", "gone", "feed", "back", "turned", *arrears)
        self.loans: dict[str, Loan] = {
            name: book_loan(
                branch=self.branch, opens_on=OPENED, as_of=OPENED - timedelta(days=1),
                days_past_due=arrears.get(name, 0),
            )
            for name in names
        }  # fmt: skip

    def id(self, name: str) -> int:
        return int(self.loans[name].pk)

    def close(self, through: date) -> None:
        day_end.run(through=through, at_clock=lambda: self.at)
        self.day = through + timedelta(days=1)

    def pay(self, name: str, amount: str, value_on: date | None = None) -> Receipt:
        self.told += 1
        row = ReceiptRow(self.loans[name].loan_note_no, Decimal(amount), value_on or self.day, "CNAPS", f"{self.told}")
        post_receipts(rows=[row], by="system", at=self.at)
        return Receipt.objects.get(serial=f"{self.told}")

    def change(self, name: str, kind: str, evidence: Any = None, **asked: str) -> ContractChange:
        change = propose_change(
            loan_id=self.id(name), kind=kind, asked=asked, reason="客户申请办理", evidence=evidence, by=self.officer,
            at=self.at,
        )  # fmt: skip
        decide_change(change_id=change.pk, approve=True, note="", version=1, by=self.risk, at=self.at)
        sign_change(change_id=change.pk, note="柜面签署补充协议", version=2, by=self.officer, at=self.at)
        return apply_change(change_id=change.pk, by=self.officer, at=self.at)

    def live(self) -> "RichBank":
        self._contracts()
        self.close(OPENED)
        self._changes()
        self.close(date(2026, 12, 20))
        self._money()
        self.close(date(2026, 12, 23))
        self._lost_claim()
        self._reprice()
        self.close(LAST)
        self.pay("quiet", "10.00")
        return self

    def _contracts(self) -> None:
        terms = {
            "disbursed_on": str(OPENED), "first_due_on": "2026-12-28", "due_day": 28, "first_period": "BY_DAYS",
        }  # fmt: skip
        self.loans["new"] = disbursed(self.maker, terms, first_home=HOME, signed_on=OPENED)

    def _changes(self) -> None:
        """Paid ahead, settled, undone, eased, accelerated."""
        self.pay("ahead", "300000.00")
        self.change("ahead", "PREPAYMENT", amount="200000.00", effect="SHORTEN_TERM")
        self.pay("undone", "300000.00")
        undone = self.change("undone", "PREPAYMENT", amount="200000.00", effect="LOWER_INSTALLMENT")
        reverse_change(change_id=undone.pk, reason="客户撤销申请", by=self.risk, at=self.at)
        self.pay("gone", "905000.00")
        self.change("gone", "SETTLEMENT")
        self.change("mild", "RESTRUCTURING", annual_rate_percent="3.0")
        self.change("claim", "ACCELERATION")
        self.change("lost", "ACCELERATION")

    def _money(self) -> None:
        """Late, in part, too much, taken back; a fee paid and one waived, a refund."""
        self.pay("quiet", "4300.00", date(2026, 12, 20))
        self.pay("late", "6000.00")
        self.pay("slow", "2500.00")
        reversed_one = self.pay("turned", "3000.00")
        self.pay("turned", "2000.00")
        reverse_receipt(receipt_id=reversed_one.pk, reason="渠道重复划款", by=self.maker, at=self.at)
        self.pay("turned", "500.00", date(2026, 12, 20))
        charge_fee(
            loan_id=self.id("feed"), code="COPY", amount=Decimal("50.00"), reason="调阅档案", by=self.maker, at=self.at
        )  # fmt: skip
        self.pay("feed", "20.00")
        fee = charge_fee(
            loan_id=self.id("feed"), code="POST", amount=Decimal("8.00"), reason="邮寄对账单", by=self.maker, at=self.at
        )  # fmt: skip
        waive_fee(fee_id=fee.pk, reason="本行承担邮费", by=self.checker, at=self.at)
        self.pay("back", "9000.00")
        held = Position.objects.get(pk=self.id("back")).suspense
        refund = propose_refund(
            loan_id=self.id("back"), amount=held, reason="客户多还，申请退回", by=self.maker, at=self.at
        )
        decide_refund(refund_id=refund.pk, approve=True, note="", by=self.checker, at=self.at)

    def _lost_claim(self) -> None:
        pdf = ("裁定书.pdf", b"%PDF-1.7 test")
        self.change("lost", "WRITE_OFF", evidence=pdf)
        self.pay("lost", "1234.56")

    def _reprice(self) -> None:
        row = propose_lpr(
            tenor="Y5", published_on=date(2026, 12, 21), rate_percent=Decimal("3.30"), source="同业拆借中心公告",
            by=self.maker, at=self.at,
        )  # fmt: skip
        decide_lpr(lpr_id=row.pk, approve=True, by=self.risk, at=self.at)
        run = propose_repricing(from_on=NEW_YEAR, to_on=NEW_YEAR, by=self.maker, at=self.at)
        decide_repricing(
            run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=self.risk, at=self.at
        )
