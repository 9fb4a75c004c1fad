"""Postings written one by one with their lines."""

NEXT_POSTINGS = (
    "SELECT nextval(pg_get_serial_sequence('loans_posting', 'id')) FROM generate_series(1, %(count)s) ORDER BY 1"
)
INSERT_POSTINGS = """
WITH posted AS (
    INSERT INTO loans_posting (id, loan_id, kind, value_on, business_date, booked_at, installment_number, source_id,
                               receipt_id)
    SELECT u.id, u.loan_id, u.kind, u.value_on, %(as_of)s::date, %(at)s::timestamptz, u.number, u.source_id,
           u.receipt_id
    FROM unnest(%(h_id)s::bigint[], %(h_loan)s::bigint[], %(h_kind)s::text[], %(h_value)s::date[],
        %(h_number)s::smallint[], %(h_source)s::bigint[], %(h_receipt)s::bigint[])
    AS u(id, loan_id, kind, value_on, number, source_id, receipt_id)
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, u.posting_id, u.line, u.loan_id, u.account, u.number, u.amount / 100.0
FROM unnest(%(l_posting)s::bigint[], %(l_loan)s::bigint[], %(l_line)s::smallint[], %(l_account)s::text[],
    %(l_number)s::smallint[], %(l_amount)s::bigint[]) AS u(posting_id, loan_id, line, account, number, amount)
"""
