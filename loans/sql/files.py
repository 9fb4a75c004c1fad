"""Automatic debits: what is owed on a day by loan, the instructions with their answers."""

# Loans that may owe something on a business date; what falls due that day by their signed terms, and what debits
# without an answer have asked of them already. In fen. A billing that is held back is asked for once it is billed.
GATHER_DEBITS = """
WITH falling AS (
    SELECT p.loan_id, (t.principal_fen + t.interest_fen) AS fen
    FROM loans_position p CROSS JOIN LATERAL (
        SELECT s.principal_fen[p.next_number - s.first_number + 1] AS principal_fen,
               s.interest_fen[p.next_number - s.first_number + 1] AS interest_fen
        FROM loans_terms s WHERE s.loan_id = p.loan_id ORDER BY s.version DESC LIMIT 1
    ) t WHERE p.next_due_on = %(day)s::date
), loan AS (
    SELECT loan_id FROM falling
    UNION SELECT loan_id FROM loans_installment WHERE settled_on IS NULL
    UNION SELECT loan_id FROM loans_installment WHERE penalty_left > 0 OR compound_left > 0
    UNION SELECT loan_id FROM loans_fee WHERE settled_on IS NULL
), pending AS (
    SELECT loan_id, (sum(amount) * 100)::bigint AS fen FROM loans_debitinstruction
    WHERE result = 'PENDING' GROUP BY loan_id
)
SELECT loan.loan_id, l.loan_note_no, coalesce(falling.fen, 0), coalesce(pending.fen, 0)
FROM loan JOIN loans_loan l ON l.id = loan.loan_id
LEFT JOIN falling ON falling.loan_id = loan.loan_id LEFT JOIN pending ON pending.loan_id = loan.loan_id
ORDER BY loan.loan_id
"""
# Of what falls due on the date the treasury bears a part, posted in the evening: what `loans.rules.subsidy` asks for.
FALLING_SUBSIDISED = """
SELECT p.loan_id, coalesce(earlier.due_on, l.disbursed_on), t.interest_fen, (p.unbilled_principal * 100)::bigint,
       s.annual_rate_percent, (s.principal_cap * 100)::bigint, rates.since, rates.percent
FROM loans_subsidy s JOIN loans_position p ON p.loan_id = s.loan_id JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN loans_installment earlier ON earlier.loan_id = p.loan_id AND earlier.number = p.next_number - 1
CROSS JOIN LATERAL (SELECT v.interest_fen[p.next_number - v.first_number + 1] AS interest_fen
                    FROM loans_terms v WHERE v.loan_id = p.loan_id ORDER BY v.version DESC LIMIT 1) t
CROSS JOIN LATERAL (SELECT array_agg(v.effective_on ORDER BY v.effective_on, v.version) AS since,
                           array_agg(v.annual_rate_percent ORDER BY v.effective_on, v.version) AS percent
                    FROM loans_terms v WHERE v.loan_id = p.loan_id) rates
WHERE p.next_due_on = %(day)s::date AND lower(s.in_force) < p.next_due_on AND p.next_due_on <= upper(s.in_force)
"""
INSERT_INSTRUCTIONS = """
INSERT INTO loans_debitinstruction (file_id, serial, loan_id, amount, value_on, result, paid, failure)
SELECT %(file)s, u.serial, u.loan_id, u.amount, %(day)s::date, 'PENDING', 0, ''
FROM unnest(%(serial)s::text[], %(loan_id)s::bigint[], %(amount)s::numeric[]) AS u(serial, loan_id, amount)
"""
READ_INSTRUCTIONS = """
SELECT d.serial, d.id, l.loan_note_no, d.amount, d.value_on, d.result, d.paid, r.value_on, coalesce(r.serial, ''),
       d.failure
FROM loans_debitinstruction d JOIN loans_loan l ON l.id = d.loan_id
LEFT JOIN loans_receipt r ON r.id = d.receipt_id
WHERE d.serial = ANY(%(serials)s::text[]) ORDER BY d.id
"""
LOCK_INSTRUCTIONS = READ_INSTRUCTIONS + "FOR UPDATE OF d"
ANSWER_INSTRUCTIONS = """
UPDATE loans_debitinstruction d SET result = u.result, paid = u.paid, failure = u.failure, receipt_id = u.receipt_id
FROM unnest(%(id)s::bigint[], %(result)s::text[], %(paid)s::numeric[], %(failure)s::text[], %(receipt)s::bigint[])
AS u(id, result, paid, failure, receipt_id) WHERE d.id = u.id
"""
INSTRUCTIONS_OF_FILE = """
SELECT d.serial, l.loan_note_no, d.amount, d.value_on
FROM loans_debitinstruction d JOIN loans_loan l ON l.id = d.loan_id WHERE d.file_id = %(file)s ORDER BY d.loan_id
"""
