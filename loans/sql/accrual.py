"""Interest off the balance sheet: the loans whose holding is not what it should be, found through partial indexes."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.chunks import IN_CHUNK

# Non-accrual loans are overdue or not PASS: the index of those holds all that is asked of them, and that of unpaid
# installments what they owe. A third one holds loans that hold something and are neither.
# Loans of these whose holding is not the unpaid billed interest (non-accrual) or nothing (the others). That index is
# read in a step of its own: with what is asked of its rows beside it, three others would be joined and the rows read.
NON_ACCRUAL_CANDIDATES = (
    "WITH apart AS MATERIALIZED (SELECT p.loan_id, p.off_balance_interest AS held, "
    "p.overdue_since < %(overdue_before)s OR p.five_class = ANY(%(non_performing)s::text[]) AS is_off "
    "FROM loans_position p WHERE (p.overdue_since IS NOT NULL OR p.five_class <> 'PASS') AND "
    + IN_CHUNK.format("p")
    + ") SELECT h.loan_id FROM (SELECT a.loan_id, a.held, CASE WHEN a.is_off "
    "THEN (SELECT sum(i.interest - i.interest_paid) FROM loans_installment i "
    "WHERE i.loan_id = a.loan_id AND i.settled_on IS NULL) END AS wanted FROM apart a WHERE a.is_off OR a.held > 0"
    " UNION ALL SELECT p.loan_id, p.off_balance_interest, NULL FROM loans_position p "
    "WHERE p.off_balance_interest > 0 AND p.overdue_since IS NULL AND p.five_class = 'PASS' AND "
    + IN_CHUNK.format("p")
    + ") h WHERE coalesce(h.wanted, 0) <> h.held"
)
# Read after the lock, in a statement of its own: one that waits for a lock sees other tables as they were before.
UNPAID_INTEREST = """
SELECT i.loan_id, sum((i.interest - i.interest_paid) * 100)::bigint FROM loans_installment i
WHERE i.settled_on IS NULL AND i.loan_id = ANY(%(loan_ids)s::bigint[]) GROUP BY i.loan_id
"""
APPLY_NON_ACCRUAL = """
UPDATE loans_position p SET off_balance_interest = u.held / 100.0
FROM unnest(%(loan_id)s::bigint[], %(held)s::bigint[]) AS u(loan_id, held) WHERE p.loan_id = u.loan_id
"""
