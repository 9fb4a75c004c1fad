"""Boarding a book: loans, and their opening postings."""

INSERT_OPENING_LOANS = """
INSERT INTO loans_loan (loan_note_no, external_id, borrower_id, branch_id, portfolio_officer_id, principal_original,
    disbursed_on, matures_on, due_day, repayment_method, credit_score, baseline_on, baseline_days_past_due,
    payment_record, last_visit_on, import_batch_id, tape_line, tape_sha256)
SELECT u.loan_note_no, u.external_id, u.borrower_id, u.branch_id, u.portfolio_officer_id, u.principal_original,
    u.disbursed_on, u.matures_on, u.due_day, %(method)s, u.credit_score, %(as_of)s::date, u.days_past_due,
    u.payment_record, u.last_visit_on, %(batch)s, u.tape_line, u.tape_sha256
FROM unnest(%(loan_note_no)s::text[], %(external_id)s::text[], %(borrower_id)s::bigint[], %(branch_id)s::bigint[],
    %(portfolio_officer_id)s::bigint[], %(principal_original)s::numeric[], %(disbursed_on)s::date[],
    %(matures_on)s::date[], %(due_day)s::smallint[], %(days_past_due)s::int[], %(credit_score)s::smallint[],
    %(payment_record)s::text[], %(last_visit_on)s::date[], %(tape_line)s::int[], %(tape_sha256)s::text[])
    AS u(loan_note_no, external_id, borrower_id, branch_id, portfolio_officer_id, principal_original, disbursed_on,
         matures_on, due_day, days_past_due, credit_score, payment_record, last_visit_on, tape_line, tape_sha256)
RETURNING external_id, id
"""

# Opening postings: the whole balance and the interest in arrears, taken over against TAKEOVER; of a loan whose interest
# is no income at the take-over, that in arrears is off the balance sheet at once.
INSERT_OPENING_POSTINGS = """
WITH taken AS (
    SELECT * FROM unnest(%(loan_id)s::bigint[], %(principal)s::bigint[], %(interest)s::bigint[],
        %(off_balance)s::bigint[], %(last_line)s::smallint[]) AS u(loan_id, principal, interest, off_balance, last_line)
), arrears AS (
    SELECT * FROM unnest(%(a_loan)s::bigint[], %(a_number)s::smallint[], %(a_interest)s::bigint[],
        %(a_line)s::smallint[]) AS u(loan_id, number, interest, line) WHERE u.interest > 0
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at)
    SELECT loan_id, 'OPENING', %(as_of)s::date, %(business_date)s::date, %(at)s::timestamptz FROM taken
    RETURNING id, loan_id
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(business_date)s::date, posted.id, side.line, side.loan_id, side.account, side.number, side.amount / 100.0
FROM posted JOIN (
    SELECT loan_id, 1 AS line, 'PRINCIPAL' AS account, NULL::smallint AS number, principal AS amount FROM taken
    UNION ALL SELECT loan_id, 2, 'TAKEOVER', NULL, off_balance - principal - interest FROM taken
    UNION ALL SELECT loan_id, line, 'INTEREST_RECEIVABLE', number, interest FROM arrears
    UNION ALL SELECT loan_id, last_line, 'INTEREST_OFF_BALANCE', NULL, -off_balance FROM taken WHERE off_balance > 0
) side ON side.loan_id = posted.loan_id
"""

# What had accrued on the loans until they were taken over: no income of this ledger.
INSERT_GENERAL_TAKEN_OVER = """
INSERT INTO loans_general_line (business_date, branch_id, product, account, amount, batch_id)
SELECT %(business_date)s::date, t.branch_id, %(product)s, side.account, side.sign * t.fen / 100.0, %(batch)s
FROM unnest(%(branches)s::bigint[], %(fen)s::bigint[]) AS t(branch_id, fen)
CROSS JOIN (VALUES ('ACCRUED_INTEREST', 1), ('TAKEOVER', -1)) AS side(account, sign) WHERE t.fen <> 0
"""
