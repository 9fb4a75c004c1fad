"""Pages of loans, one module a task; a loan's own page shows rooms above and stands in `config/loan_page.py`."""

from loans.views.contract import ContractPage, ContractSchedule
from loans.views.files import (
    BreakList,
    CloseBreak,
    DebitDownload,
    MakeDebits,
    MoneyFileList,
    MoneyFilePage,
    SettleReceipt,
)
from loans.views.lists import LoanList, ReceiptList, ReverseReceipt
from loans.views.payment import PaymentPage
from loans.views.postings import PostingsPage
from loans.views.refunds import ProposeRefund, RefundList, RefundPage
from loans.views.statement import StatementDocument, StatementPage, StatementWorkbook

__all__ = [
    "BreakList",
    "CloseBreak",
    "DebitDownload",
    "MakeDebits",
    "MoneyFileList",
    "MoneyFilePage",
    "ProposeRefund",
    "RefundList",
    "RefundPage",
    "SettleReceipt",
    "ContractPage",
    "ContractSchedule",
    "LoanList",
    "PaymentPage",
    "PostingsPage",
    "ReceiptList",
    "ReverseReceipt",
    "StatementDocument",
    "StatementPage",
    "StatementWorkbook",
]
