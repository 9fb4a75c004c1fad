"""SQL of the loans: one statement gathers, one applies (docs/house.md 3).

Values travel as array literals and are unnested on the server, so a statement's text does not grow
with the rows. Amounts travel as integer fen. A posting and its lines are one statement, which is
what lets a statement-level trigger prove that every posting sums to zero.
"""

from loans.sql.accrual import APPLY_NON_ACCRUAL, NON_ACCRUAL_CANDIDATES, UNPAID_INTEREST
from loans.sql.aging import AGE_CANDIDATES, APPLY_CLASS, APPLY_OVERDUE, CLASS_CANDIDATES
from loans.sql.billing import APPLY_BILLING, DUE, GATHER_DUE
from loans.sql.booking import INSERT_GENERAL_TAKEN_OVER, INSERT_OPENING_LOANS, INSERT_OPENING_POSTINGS
from loans.sql.changes import OBSERVED_CHANGES, OPEN_CHANGES, REVERSE_POSTING
from loans.sql.charges import GATHER_FEES, GATHER_TERMS, PARAMETERS_ON
from loans.sql.chunks import IN_CHUNK
from loans.sql.control import (
    ACCRUES_BY_TERMS,
    BALANCES_BY_BRANCH,
    GENERAL_SINCE,
    INSERT_GENERAL,
    LEDGER_BY_BRANCH,
    LOANS_AHEAD,
    LOANS_OUT_OF_BALANCE,
    MAYBE_EARLY,
    OPEN_DAY,
    PLAIN_WEEK_DIFFERS,
    TAKEN_OVER_SINCE,
)
from loans.sql.figures import INSERT_FIGURES, READ_FIGURES
from loans.sql.payments import (
    APPLY_PAYMENTS,
    GATHER_OWING,
    GATHER_RECEIPTS,
    GATHER_UNPAID,
    LOCK_LOANS,
    LOCK_WITH_RECEIPTS,
    READ_LOANS,
    WAITING,
)
from loans.sql.postings import INSERT_POSTINGS, NEXT_POSTINGS
from loans.sql.receipts import INSERT_RECEIPTS, MATCH_LOANS, SAME_SERIALS
from loans.sql.replay import (
    APPLY_REPLAY,
    GATHER_BILLED,
    GATHER_DECIDED,
    GATHER_FEES_PAID,
    GATHER_POSTED,
    GATHER_STANDING,
    LAST_EVENTS,
)
from loans.sql.run import array, copy_as_made, copy_rows, int_array, rows, run

__all__ = [
    "ACCRUES_BY_TERMS",
    "AGE_CANDIDATES",
    "APPLY_BILLING",
    "APPLY_CLASS",
    "APPLY_NON_ACCRUAL",
    "APPLY_OVERDUE",
    "APPLY_PAYMENTS",
    "APPLY_REPLAY",
    "BALANCES_BY_BRANCH",
    "CLASS_CANDIDATES",
    "DUE",
    "GATHER_BILLED",
    "GATHER_DECIDED",
    "GATHER_DUE",
    "GATHER_FEES",
    "GATHER_FEES_PAID",
    "GATHER_OWING",
    "GATHER_POSTED",
    "GATHER_RECEIPTS",
    "GATHER_STANDING",
    "GATHER_TERMS",
    "GATHER_UNPAID",
    "GENERAL_SINCE",
    "INSERT_FIGURES",
    "INSERT_GENERAL",
    "INSERT_GENERAL_TAKEN_OVER",
    "INSERT_OPENING_LOANS",
    "INSERT_OPENING_POSTINGS",
    "INSERT_POSTINGS",
    "INSERT_RECEIPTS",
    "IN_CHUNK",
    "LAST_EVENTS",
    "LEDGER_BY_BRANCH",
    "LOANS_AHEAD",
    "LOANS_OUT_OF_BALANCE",
    "LOCK_LOANS",
    "LOCK_WITH_RECEIPTS",
    "MATCH_LOANS",
    "MAYBE_EARLY",
    "NEXT_POSTINGS",
    "NON_ACCRUAL_CANDIDATES",
    "PARAMETERS_ON",
    "OBSERVED_CHANGES",
    "OPEN_CHANGES",
    "OPEN_DAY",
    "PLAIN_WEEK_DIFFERS",
    "REVERSE_POSTING",
    "READ_FIGURES",
    "READ_LOANS",
    "SAME_SERIALS",
    "TAKEN_OVER_SINCE",
    "UNPAID_INTEREST",
    "WAITING",
    "array",
    "copy_as_made",
    "copy_rows",
    "int_array",
    "rows",
    "run",
]
