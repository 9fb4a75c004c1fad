"""Replay: receipts that come late, or are taken out again."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.payments import PAID

# The last day on which anything happened to a loan's money: a receipt before it changes what followed.
LAST_EVENTS = """
SELECT loan_id, max(day) FROM (
    SELECT loan_id, CASE kind WHEN 'BILLING' THEN business_date ELSE value_on END AS day FROM loans_posting
    WHERE loan_id = ANY(%(loan_ids)s::bigint[]) AND kind IN ('BILLING', 'RECEIPT', 'REPOSTING', 'SUSPENSE_USED', 'FEE',
        'WAIVER', 'PREPAYMENT', 'REFUND', 'SUBSIDY', 'WRITE_OFF')
    UNION ALL SELECT loan_id, due_on FROM loans_installment WHERE loan_id = ANY(%(loan_ids)s::bigint[])
) e GROUP BY loan_id
"""
# Every billed installment with the day it was billed (null: taken over with the book) and that posting.
GATHER_BILLED = """
SELECT i.loan_id, i.number, i.due_on, i.overdue_from, (i.interest * 100)::bigint, (i.principal * 100)::bigint,
       (i.interest_paid * 100)::bigint, (i.principal_paid * 100)::bigint, i.settled_on,
       (i.penalty_paid * 100)::bigint, (i.compound_paid * 100)::bigint, (i.penalty_left * 100)::bigint,
       (i.compound_left * 100)::bigint, i.late_interest_units, i.late_principal_units,
       CASE WHEN i.due_on <= l.baseline_on THEN NULL ELSE coalesce(p.business_date, i.due_on) END, coalesce(p.id, 0)
FROM loans_installment i JOIN loans_loan l ON l.id = i.loan_id
LEFT JOIN loans_posting p ON p.loan_id = i.loan_id AND p.installment_number = i.number AND p.kind = 'BILLING'
WHERE i.loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY i.loan_id, i.number
"""
# Posted receipts with the posting that they came in by.
GATHER_POSTED = """
SELECT r.loan_id, r.id, r.value_on, p.id, (r.amount * 100)::bigint FROM loans_receipt r
JOIN loans_posting p ON p.receipt_id = r.id AND p.loan_id = r.loan_id AND p.kind = 'RECEIPT'
WHERE r.state = 'POSTED' AND r.loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY r.loan_id, r.value_on, p.id
"""
# Postings of money that stand (nothing reverses them), with their lines.
GATHER_STANDING = """
SELECT p.loan_id, p.id, coalesce(p.receipt_id, 0), p.value_on, array_agg(g.account ORDER BY g.line),
       array_agg(g.installment_number ORDER BY g.line), array_agg((g.amount * 100)::bigint ORDER BY g.line)
FROM loans_posting p JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
WHERE p.loan_id = ANY(%(loan_ids)s::bigint[]) AND p.kind IN ('RECEIPT', 'REPOSTING', 'SUSPENSE_USED')
      AND NOT EXISTS (SELECT FROM loans_posting r WHERE r.reverses_id = p.id)
GROUP BY p.id ORDER BY p.loan_id, p.id
"""
# What people decided, standing: fees charged and waived, suspense used or given back, subsidies, a write-off.
GATHER_DECIDED = """
SELECT p.loan_id, p.id, p.kind, p.value_on, p.installment_number, p.source_id,
       (sum(g.amount) FILTER (WHERE g.amount > 0) * 100)::bigint,
       coalesce(bool_or(g.account = 'PRINCIPAL'), false)
FROM loans_posting p JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
WHERE p.loan_id = ANY(%(loan_ids)s::bigint[])
      AND p.kind IN ('FEE', 'WAIVER', 'PREPAYMENT', 'REFUND', 'SUBSIDY', 'WRITE_OFF')
      AND NOT EXISTS (SELECT FROM loans_posting r WHERE r.reverses_id = p.id)
GROUP BY p.id ORDER BY p.loan_id, p.id
"""
GATHER_FEES_PAID = """
SELECT loan_id, id, (paid * 100)::bigint, settled_on FROM loans_fee WHERE loan_id = ANY(%(loan_ids)s::bigint[])
"""
APPLY_REPLAY = (
    "WITH "
    + PAID
    + """
, state AS (
    SELECT * FROM unnest(%(p_loan)s::bigint[], %(p_balance)s::bigint[], %(p_suspense)s::bigint[],
        %(p_fees)s::bigint[], %(p_overdue)s::date[], %(p_settled)s::date[])
    AS u(loan_id, balance, suspense, fees, overdue_since, settled_on)
), positions AS (
    UPDATE loans_position p SET principal_balance = state.balance / 100.0, suspense = state.suspense / 100.0,
           fees_due = state.fees / 100.0, overdue_since = state.overdue_since, settled_on = state.settled_on
    FROM state WHERE p.loan_id = state.loan_id
), receipts AS (
    UPDATE loans_receipt r SET state = CASE WHEN r.id = ANY(%(taken_out)s::bigint[]) THEN 'REVERSED' ELSE 'POSTED' END,
           posted_on = coalesce(r.posted_on, %(as_of)s::date),
           reversed_on = CASE WHEN r.id = ANY(%(taken_out)s::bigint[]) THEN %(as_of)s::date END
    WHERE r.id = ANY(%(taken_out)s::bigint[]) OR r.id = ANY(%(taken_in)s::bigint[])
), posted AS (
    INSERT INTO loans_posting (id, loan_id, kind, value_on, business_date, booked_at, receipt_id, reverses_id,
                               after_reversal_id)
    SELECT u.id, u.loan_id, u.kind, u.value_on, %(as_of)s::date, %(at)s::timestamptz, nullif(u.receipt_id, 0),
           u.reverses_id, u.after_reversal_id
    FROM unnest(%(h_id)s::bigint[], %(h_loan)s::bigint[], %(h_kind)s::text[], %(h_value)s::date[],
        %(h_receipt)s::bigint[], %(h_reverses)s::bigint[], %(h_after)s::bigint[])
    AS u(id, loan_id, kind, value_on, receipt_id, reverses_id, after_reversal_id)
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, u.posting_id, u.line, u.loan_id, u.account, u.number, u.amount / 100.0
FROM unnest(%(l_posting)s::bigint[], %(l_loan)s::bigint[], %(l_line)s::smallint[], %(l_account)s::text[],
    %(l_number)s::smallint[], %(l_amount)s::bigint[]) AS u(posting_id, loan_id, line, account, number, amount)
"""
)
