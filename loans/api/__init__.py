"""Loans over the API: one module a noun; the addresses stand in `config/api_urls.py`."""

from loans.api.changes import (
    ChangeApply,
    ChangeDecide,
    ChangeDetail,
    ChangeEvidence,
    ChangeList,
    ChangeReverse,
    ChangeSign,
    ChangeWithdraw,
    LoanChangePreview,
    LoanChanges,
)
from loans.api.fields import BranchBrief, LoanRow, MaskedBorrower, MoneyField, StaffBrief, money, visible_loans
from loans.api.files import (
    Breaks,
    CloseBreak,
    Debits,
    MatchReceipt,
    MoneyFileContent,
    MoneyFileDetail,
    MoneyFiles,
    ReturnReceipt,
)
from loans.api.loans import BusinessDate, LoanInstallments, LoanList, LoanPostings, LoanSchedule
from loans.api.receipts import ReceiptReversal, Receipts
from loans.api.refunds import RefundDecision, RefundDetail, Refunds
from loans.api.simulations import ScheduleSimulation

__all__ = [
    "Breaks",
    "CloseBreak",
    "Debits",
    "MatchReceipt",
    "MoneyFileContent",
    "MoneyFileDetail",
    "MoneyFiles",
    "RefundDecision",
    "RefundDetail",
    "Refunds",
    "ReturnReceipt",
    "BranchBrief",
    "BusinessDate",
    "ChangeApply",
    "ChangeDecide",
    "ChangeDetail",
    "ChangeEvidence",
    "ChangeList",
    "ChangeReverse",
    "ChangeSign",
    "ChangeWithdraw",
    "LoanChangePreview",
    "LoanChanges",
    "LoanInstallments",
    "LoanList",
    "LoanPostings",
    "LoanRow",
    "LoanSchedule",
    "MaskedBorrower",
    "MoneyField",
    "ReceiptReversal",
    "Receipts",
    "ScheduleSimulation",
    "StaffBrief",
    "money",
    "visible_loans",
]
