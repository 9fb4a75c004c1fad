"""Receipts and suspense: loans are locked, payments and debts gathered; one statement applies what was allocated."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.chunks import IN_CHUNK

WAITING = (
    "FROM loans_receipt r WHERE r.state = 'WAITING' AND r.value_on <= %(as_of)s AND "
    "(%(receipt_ids)s::bigint[] IS NULL OR r.id = ANY(%(receipt_ids)s::bigint[])) AND " + IN_CHUNK.format("r")
)


# Positions of loans with receipts to post, or of given loans (suspense); locked in id order. The last column: may
# the order of allocation be another than the usual one, which matters for a part payment even when nothing is late?
_LOCKED = """
SELECT p.loan_id, (p.suspense * 100)::bigint, (p.principal_balance * 100)::bigint, p.next_number, p.overdue_since,
       p.settled_on, l.baseline_on, (p.fees_due * 100)::bigint, p.written_off_on,
       EXISTS (SELECT FROM loans_parameter b WHERE b.code = 'allocation_order'
               AND b.value <> '["penalty", "compound", "interest", "principal"]')
       OR EXISTS (SELECT FROM loans_contractparameter c
                  WHERE c.loan_id = p.loan_id AND c.code = 'allocation_order')
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id WHERE p.loan_id
"""
LOCK_WITH_RECEIPTS = _LOCKED + "IN (SELECT r.loan_id " + WAITING + ") ORDER BY p.loan_id FOR UPDATE OF p"
READ_LOANS = _LOCKED + "= ANY(%(loan_ids)s::bigint[]) ORDER BY p.loan_id"
LOCK_LOANS = READ_LOANS + " FOR UPDATE OF p"
GATHER_RECEIPTS = (
    "SELECT r.loan_id, r.id, (r.amount * 100)::bigint, r.value_on " + WAITING + " ORDER BY r.loan_id, r.value_on, r.id"
)
GATHER_UNPAID = """
SELECT loan_id, number, due_on, overdue_from, ((interest - interest_paid) * 100)::bigint,
       ((principal - principal_paid) * 100)::bigint
FROM loans_installment WHERE settled_on IS NULL AND loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id, number
"""
# Installments that owe principal or interest, or charges that were left at their settlement.
_OWING = """
SELECT loan_id, number, due_on, overdue_from, ((interest - interest_paid) * 100)::bigint,
       ((principal - principal_paid) * 100)::bigint, (interest_paid * 100)::bigint, (principal_paid * 100)::bigint,
       settled_on, (penalty_paid * 100)::bigint, (compound_paid * 100)::bigint, (penalty_left * 100)::bigint,
       (compound_left * 100)::bigint, late_interest_units, late_principal_units
FROM loans_installment WHERE loan_id = ANY(%(loan_ids)s::bigint[]) AND
"""
GATHER_OWING = (
    _OWING
    + "settled_on IS NULL UNION ALL"
    + _OWING
    + "settled_on IS NOT NULL AND (penalty_left > 0 OR compound_left > 0) ORDER BY 1, 2"
)

# What is paid of installments and of fees, written as it stands now: shared by payments and replay.
PAID = """
paid AS (
    SELECT * FROM unnest(%(i_loan)s::bigint[], %(i_number)s::smallint[], %(i_interest)s::bigint[],
        %(i_principal)s::bigint[], %(i_settled)s::date[], %(i_penalty)s::bigint[], %(i_compound)s::bigint[],
        %(i_penalty_left)s::bigint[], %(i_compound_left)s::bigint[], %(i_interest_units)s::numeric[],
        %(i_principal_units)s::numeric[])
    AS u(loan_id, number, interest, principal, settled_on, penalty, compound, penalty_left, compound_left,
         interest_units, principal_units)
), installments AS (
    UPDATE loans_installment i SET interest_paid = paid.interest / 100.0, principal_paid = paid.principal / 100.0,
           settled_on = paid.settled_on, penalty_paid = paid.penalty / 100.0, compound_paid = paid.compound / 100.0,
           penalty_left = paid.penalty_left / 100.0, compound_left = paid.compound_left / 100.0,
           late_interest_units = paid.interest_units, late_principal_units = paid.principal_units
    FROM paid WHERE i.loan_id = paid.loan_id AND i.number = paid.number
), fees AS (
    UPDATE loans_fee f SET paid = u.paid / 100.0, settled_on = u.settled_on
    FROM unnest(%(f_id)s::bigint[], %(f_paid)s::bigint[], %(f_settled)s::date[]) AS u(id, paid, settled_on)
    WHERE f.id = u.id
)
"""
APPLY_PAYMENTS = (
    "WITH "
    + PAID
    + """
, state AS (
    SELECT * FROM unnest(%(p_loan)s::bigint[], %(p_principal)s::bigint[], %(p_suspense)s::bigint[],
        %(p_fees)s::bigint[], %(p_overdue)s::date[], %(p_settled)s::date[])
    AS u(loan_id, principal, suspense, fees, overdue_since, settled_on)
), headers AS (
    SELECT * FROM unnest(%(h_loan)s::bigint[], %(h_receipt)s::bigint[], %(h_value)s::date[])
    AS u(loan_id, receipt_id, value_on)
), lines AS (
    SELECT * FROM unnest(%(l_loan)s::bigint[], %(l_receipt)s::bigint[], %(l_line)s::smallint[], %(l_account)s::text[],
        %(l_number)s::smallint[], %(l_amount)s::bigint[]) AS u(loan_id, receipt_id, line, account, number, amount)
), positions AS (
    UPDATE loans_position p SET principal_balance = p.principal_balance - state.principal / 100.0,
           suspense = p.suspense + state.suspense / 100.0, fees_due = p.fees_due - state.fees / 100.0,
           overdue_since = state.overdue_since, settled_on = state.settled_on
    FROM state WHERE p.loan_id = state.loan_id
), receipts AS (
    UPDATE loans_receipt r SET state = 'POSTED', posted_on = %(as_of)s::date
    FROM headers WHERE r.id = headers.receipt_id AND headers.receipt_id > 0
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, receipt_id)
    SELECT loan_id, %(kind)s, value_on, %(as_of)s::date, %(at)s::timestamptz, nullif(receipt_id, 0) FROM headers
    RETURNING id, loan_id, coalesce(receipt_id, 0) AS receipt_id
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, posted.id, lines.line, lines.loan_id, lines.account, lines.number, lines.amount / 100.0
FROM posted JOIN lines ON lines.loan_id = posted.loan_id AND lines.receipt_id = posted.receipt_id
"""
)
