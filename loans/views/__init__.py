"""Pages of loans, one module a task; a loan's own page shows rooms above and stands in `config/loan_page.py`."""

from loans.views.lists import LoanList, ReceiptList, ReverseReceipt

__all__ = ["LoanList", "ReceiptList", "ReverseReceipt"]
