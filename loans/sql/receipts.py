"""Receipts coming in: which loans they name, which serials are known."""

MATCH_LOANS = """
SELECT l.id, l.loan_note_no, l.external_id, coalesce(l.baseline_on, l.disbursed_on), p.written_off_on, p.suspense
FROM loans_loan l JOIN loans_position p ON p.loan_id = l.id
WHERE loan_note_no = ANY(%(refs)s::text[]) OR external_id = ANY(%(refs)s::text[])
"""
INSERT_RECEIPTS = """
INSERT INTO loans_receipt (channel, serial, loan_ref, loan_id, amount, value_on, state, received_at)
SELECT u.channel, u.serial, u.loan_ref, u.loan_id, u.amount, u.value_on, u.state, %(at)s::timestamptz
FROM unnest(%(channel)s::text[], %(serial)s::text[], %(loan_ref)s::text[], %(loan_id)s::bigint[], %(amount)s::numeric[],
    %(value_on)s::date[], %(state)s::text[]) AS u(channel, serial, loan_ref, loan_id, amount, value_on, state)
ON CONFLICT (channel, serial) DO NOTHING RETURNING channel, serial, id
"""
SAME_SERIALS = """
SELECT r.channel, r.serial, r.loan_ref, r.loan_id, r.amount, r.value_on, r.state FROM loans_receipt r
JOIN unnest(%(channel)s::text[], %(serial)s::text[]) AS u(channel, serial)
ON r.channel = u.channel AND r.serial = u.serial
"""
