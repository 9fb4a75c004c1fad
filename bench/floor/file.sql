-- The day's file by set-based SQL: copied in, each serial once, what names no loan of ours kept as unmatched.

-- name: told
CREATE TEMPORARY TABLE told (loan text, amount numeric(15, 2), value_on date, channel text, serial text) ON COMMIT DROP

-- name: copy
COPY told FROM STDIN WITH (FORMAT csv, HEADER)

-- name: receipts
INSERT INTO loans_receipt (channel, serial, loan_ref, loan_id, amount, value_on, state, received_at)
SELECT DISTINCT ON (t.channel, t.serial) t.channel, t.serial, t.loan, l.id, t.amount, t.value_on,
       CASE WHEN l.id IS NULL THEN 'UNMATCHED' ELSE 'WAITING' END, now()
FROM told t LEFT JOIN loans_loan l ON l.loan_note_no = t.loan ORDER BY t.channel, t.serial, l.id
ON CONFLICT (channel, serial) DO NOTHING

-- name: unpaid
SELECT i.loan_id, i.number, i.interest, i.principal FROM loans_installment i
WHERE i.due_on = %(day)s AND i.settled_on IS NULL ORDER BY i.loan_id DESC LIMIT %(count)s
