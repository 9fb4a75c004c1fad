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
from loans.actions.debits import DebitFileDiffers, debit_content, make_debits
from loans.actions.disbursement import ContractRefused, ContractTaken, NewContract, disburse
from loans.actions.disclosure import ContingentFee, DisclosureRefused, NewDisclosure, make_disclosure
from loans.actions.files import (
    FileAlreadyTaken,
    FileRow,
    RowOutcome,
    added,
    finish_file,
    judge_rows,
    receive_file,
    take_chunk,
)
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
    "ContingentFee",
    "ContractRefused",
    "ContractTaken",
    "DateIsNotOpen",
    "DisclosureRefused",
    "DebitFileDiffers",
    "FileAlreadyTaken",
    "FileRow",
    "LedgerOutOfBalance",
    "NewContract",
    "NewDisclosure",
    "OpeningLoan",
    "ReceiptAlreadyReversed",
    "ReceiptNotPosted",
    "ReceiptOutcome",
    "ReceiptResult",
    "ReceiptRow",
    "ReversalNeedsReason",
    "RowOutcome",
    "added",
    "book_opening",
    "close_business_date",
    "disburse",
    "make_disclosure",
    "debit_content",
    "finish_file",
    "judge_rows",
    "make_debits",
    "open_bank",
    "open_ledger_month",
    "post_receipts",
    "receive_file",
    "reverse_receipt",
    "take_chunk",
]
