"""Pages of loans, one module a task; a loan's own page shows rooms above and stands in `config/loan_page.py`."""

from loans.views.change_new import NewChange
from loans.views.changes import (
    ApplyChange,
    ChangeEvidence,
    ChangeList,
    ChangePage,
    ChangePrint,
    ChangeRows,
    ChangesWaiting,
    DecideChange,
    ReverseChange,
    SignChange,
    WithdrawChange,
)
from loans.views.contract import ContractPage, ContractSchedule
from loans.views.fees import ChargeFee, FeeList, WaiveFee
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
from loans.views.prepayment import PrepaymentPage
from loans.views.refunds import ProposeRefund, RefundList, RefundPage
from loans.views.statement import StatementDocument, StatementPage, StatementWorkbook

__all__ = [
    "ApplyChange",
    "BreakList",
    "ChangeEvidence",
    "ChangeList",
    "ChangePage",
    "ChangePrint",
    "ChangeRows",
    "ChangesWaiting",
    "ChargeFee",
    "CloseBreak",
    "ContractPage",
    "ContractSchedule",
    "DebitDownload",
    "FeeList",
    "DecideChange",
    "LoanList",
    "MakeDebits",
    "MoneyFileList",
    "MoneyFilePage",
    "NewChange",
    "PaymentPage",
    "PostingsPage",
    "PrepaymentPage",
    "ProposeRefund",
    "ReceiptList",
    "RefundList",
    "RefundPage",
    "ReverseChange",
    "ReverseReceipt",
    "SettleReceipt",
    "SignChange",
    "StatementDocument",
    "StatementPage",
    "StatementWorkbook",
    "WaiveFee",
    "WithdrawChange",
]
