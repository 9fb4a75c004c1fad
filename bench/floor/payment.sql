-- One payment of one installment, by six statements.

-- name: lock
SELECT * FROM loans_position WHERE loan_id = %(loan)s FOR UPDATE

-- name: receipt
INSERT INTO loans_receipt (channel, serial, loan_ref, loan_id, amount, value_on, state, received_at, posted_on)
VALUES ('COUNTER', %(serial)s, '', %(loan)s, %(interest)s + %(principal)s, %(day)s, 'POSTED', now(), %(day)s)

-- name: posting
INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, receipt_id)
VALUES (%(loan)s, 'RECEIPT', %(day)s, %(day)s, now(), currval(pg_get_serial_sequence('loans_receipt', 'id')))

-- name: lines
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(day)s, currval(pg_get_serial_sequence('loans_posting', 'id')), n, %(loan)s, account, number, amount
FROM (VALUES (1, 'CASH', NULL::int, %(interest)s + %(principal)s), (2, 'INTEREST_RECEIVABLE', %(number)s, -%(interest)s),
             (3, 'PRINCIPAL', %(number)s, -%(principal)s)) AS x(n, account, number, amount)

-- name: paid
UPDATE loans_installment SET interest_paid = interest, principal_paid = principal, settled_on = %(day)s
WHERE loan_id = %(loan)s AND number = %(number)s

-- name: position
UPDATE loans_position SET principal_balance = principal_balance - %(principal)s WHERE loan_id = %(loan)s
