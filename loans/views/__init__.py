"""Pages of loans, one module a task; a loan's own page shows rooms above and stands in `config/loan_page.py`."""

from loans.views.contract import ContractPage, ContractSchedule
from loans.views.lists import LoanList, ReceiptList, ReverseReceipt
from loans.views.postings import PostingsPage
from loans.views.statement import StatementDocument, StatementPage, StatementWorkbook

__all__ = [
    "ContractPage",
    "ContractSchedule",
    "LoanList",
    "PostingsPage",
    "ReceiptList",
    "ReverseReceipt",
    "StatementDocument",
    "StatementPage",
    "StatementWorkbook",
]
