"""Billing: due positions are gathered with what was signed, and billed in one statement."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.chunks import IN_CHUNK

DUE = "FROM loans_position p WHERE p.next_due_on <= %(as_of)s AND " + IN_CHUNK.format("p")
# Due positions with what the step needs and what the signed terms say of the installment, locked in id order. The
# stored request comes along only for a row that is no plain month.
GATHER_DUE = (
    """
SELECT p.loan_id, p.next_number, p.next_due_on, p.last_number, (p.unbilled_principal * 100)::bigint,
       (p.installment_amount * 100)::bigint, p.annual_rate_percent, p.suspense > 0,
       l.due_day, l.matures_on, l.repayment_method, t.principal_fen, t.interest_fen, t.first_number, t.request
FROM loans_position p
JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN LATERAL (
    SELECT s.principal_fen[p.next_number - s.first_number + 1] AS principal_fen,
           s.interest_fen[p.next_number - s.first_number + 1] AS interest_fen,
           s.first_number, CASE WHEN p.next_number < s.plain_from THEN s.request END AS request
    FROM loans_terms s WHERE s.loan_id = p.loan_id ORDER BY s.version DESC LIMIT 1
) t ON true
WHERE p.next_due_on <= %(as_of)s AND """
    + IN_CHUNK.format("p")
    + " ORDER BY p.loan_id FOR UPDATE OF p"
)

APPLY_BILLING = """
WITH due AS (
    SELECT * FROM unnest(%(loan_id)s::bigint[], %(number)s::smallint[], %(due_on)s::date[], %(principal)s::bigint[],
        %(interest)s::bigint[], %(next_number)s::smallint[], %(next_due_on)s::date[], %(accrues_from)s::date[],
        %(accrued_before)s::bigint[])
    AS u(loan_id, number, due_on, principal, interest, next_number, next_due_on, accrues_from, accrued_before)
), billed AS (
    INSERT INTO loans_installment (loan_id, number, due_on, principal, interest, principal_paid, interest_paid,
                                   overdue_from, settled_on)
    SELECT loan_id, number, due_on, principal / 100.0, interest / 100.0, 0, 0, due_on,
           CASE WHEN principal = 0 AND interest = 0 THEN %(as_of)s::date END
    FROM due
), moved AS (
    UPDATE loans_position p SET unbilled_principal = p.unbilled_principal - due.principal / 100.0,
           next_number = due.next_number, next_due_on = due.next_due_on,
           accrues_from = due.accrues_from, accrued_before = due.accrued_before / 100.0,
           accrual_rate_percent = NULL
    FROM due WHERE p.loan_id = due.loan_id
), posted AS (
    -- Also without interest (a pause): the posting says where in its day the installment was billed.
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, installment_number)
    SELECT loan_id, 'BILLING', due_on, %(as_of)s::date, %(at)s::timestamptz, number FROM due
    RETURNING id, loan_id, installment_number
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, posted.id, side.line, due.loan_id, side.account, due.number, side.sign * due.interest / 100.0
FROM posted JOIN due ON due.loan_id = posted.loan_id AND due.interest > 0
CROSS JOIN (VALUES (1, 'INTEREST_RECEIVABLE', 1), (2, 'INTEREST_INCOME', -1)) AS side(line, account, sign)
"""
