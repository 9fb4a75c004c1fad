"""The evening's work on loans: bill, post what waits, age, classify, take interest off the balance sheet.

Every stage takes `(*, as_of, at, after, up_to, loan_ids)`, finds its work through a partial index,
is one transaction, and run twice changes nothing the second time. `after` and `up_to` bound the loan
ids of a chunk (exclusive, inclusive); `cuts` says where the chunks of a stage end.
"""

from loans.batch.accrual import non_accrual, non_accrual_cuts
from loans.batch.aging import age, age_cuts, class_cuts, classify
from loans.batch.billing import bill, bill_cuts
from loans.batch.changes import apply_changes, watch_changes
from loans.batch.chunks import Cuts, apply_cuts, watch_cuts
from loans.batch.receipts import post_waiting_receipts, waiting_cuts
from loans.batch.repricing import reprice, reprice_cuts
from loans.batch.subsidy import subsidise, subsidy_cuts

__all__ = [
    "Cuts",
    "age",
    "age_cuts",
    "apply_changes",
    "apply_cuts",
    "bill",
    "bill_cuts",
    "class_cuts",
    "classify",
    "non_accrual",
    "non_accrual_cuts",
    "post_waiting_receipts",
    "reprice",
    "reprice_cuts",
    "subsidise",
    "subsidy_cuts",
    "waiting_cuts",
    "watch_changes",
    "watch_cuts",
]
