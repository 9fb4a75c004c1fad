"""What may be done to loans. Each action is one transaction, holds the open business date while it posts, and records
its fact."""

from loans.actions.bank import (
    BankAlreadyOpen,
    DateIsNotOpen,
    LedgerOutOfBalance,
    close_business_date,
    open_bank,
    open_ledger_month,
)
from loans.actions.booking import AsOfAfterBusinessDate, OpeningLoan, book_opening
from loans.actions.receipts import (
    LEAST_REASON,
    ReceiptAlreadyReversed,
    ReceiptNotPosted,
    ReceiptOutcome,
    ReceiptResult,
    ReceiptRow,
    ReversalNeedsReason,
    post_receipts,
    reverse_receipt,
)

__all__ = [
    "LEAST_REASON",
    "AsOfAfterBusinessDate",
    "BankAlreadyOpen",
    "DateIsNotOpen",
    "LedgerOutOfBalance",
    "OpeningLoan",
    "ReceiptAlreadyReversed",
    "ReceiptNotPosted",
    "ReceiptOutcome",
    "ReceiptResult",
    "ReceiptRow",
    "ReversalNeedsReason",
    "book_opening",
    "close_business_date",
    "open_bank",
    "open_ledger_month",
    "post_receipts",
    "reverse_receipt",
]
