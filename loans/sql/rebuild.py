"""The history of loans for a rebuild, and the rows that a rebuild is compared with. Amounts in fen, rates in ppm."""

LOAN_IDS = "SELECT id FROM loans_loan ORDER BY id"

# A contract as it was before its first change, and what changed since that the rows show.
CONTRACTS = """
SELECT l.id, l.baseline_on, l.baseline_days_past_due, l.disbursed_on,
       coalesce((c.before ->> 'due_day')::int, l.due_day), coalesce((c.before ->> 'matures_on')::date, l.matures_on),
       l.matures_on, a.accelerated_on,
       CASE WHEN o.has_moved THEN NULL ELSE p.class_floor END,
       EXISTS (SELECT FROM journal_heldback h WHERE h.stage = 'bill' AND h.subject_id = l.id)
FROM loans_loan l JOIN loans_position p ON p.loan_id = l.id
LEFT JOIN LATERAL (SELECT c.result -> 'before_contract' AS before FROM loans_contractchange c
    WHERE c.loan_id = l.id AND c.applied_on IS NOT NULL ORDER BY c.id LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT c.effective_on AS accelerated_on FROM loans_contractchange c
    WHERE c.loan_id = l.id AND c.kind = 'ACCELERATION' AND c.state IN ('APPLIED', 'OBSERVED') LIMIT 1) a ON true
LEFT JOIN (SELECT e.loan_id, true AS has_moved FROM journal_entry e WHERE e.loan_id = ANY(%(loan_ids)s::bigint[])
      AND (e.kind = 'loans.restructured' AND e.business_date > %(classified_on)s::date
           OR e.kind IN ('loans.class_floor_raised', 'loans.observation_ended')
              AND e.business_date >= %(classified_on)s::date) GROUP BY e.loan_id) o ON o.loan_id = l.id
WHERE l.id = ANY(%(loan_ids)s::bigint[])
"""
# Each version with the days that the change which signed it recorded (its own, or those it put back).
TERMS = """
SELECT t.loan_id, t.first_number, (t.annual_rate_percent * 10000)::bigint, (t.installment_amount * 100)::bigint,
       t.principal_fen, t.interest_fen, t.request,
       ARRAY(SELECT jsonb_array_elements_text(
           CASE WHEN (c.result ->> 'terms_version')::int = t.version THEN c.result #> '{after_terms,due_on}'
                ELSE c.result #> '{before_terms,due_on}' END)),
       c.id IS NOT NULL, t.engine_version, t.schedule_sha256,
       cardinality(t.principal_fen) = 0
           OR coalesce(c.kind = 'ACCELERATION' AND (c.result ->> 'terms_version')::int = t.version, false)
FROM loans_terms t LEFT JOIN loans_contractchange c ON t.source = 'CHANGE' AND c.id = t.source_id
WHERE t.loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY t.loan_id, t.version
"""
POSTINGS = """
SELECT p.loan_id, p.id, p.kind, p.value_on, p.business_date, p.installment_number, p.source_id, p.receipt_id,
       r.business_date, coalesce(g.accounts, '{}'), coalesce(g.numbers, '{}'), coalesce(g.amounts, '{}')
FROM loans_posting p LEFT JOIN (
    SELECT posting_id, array_agg(account ORDER BY line) AS accounts,
           array_agg(installment_number ORDER BY line) AS numbers,
           array_agg((amount * 100)::bigint ORDER BY line) AS amounts
    FROM loans_ledger_line WHERE loan_id = ANY(%(loan_ids)s::bigint[]) GROUP BY posting_id
) g ON g.posting_id = p.id
LEFT JOIN loans_posting r ON r.reverses_id = p.id
WHERE p.loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY p.loan_id, p.id
"""
RECEIPTS = """
SELECT loan_id, id, value_on, (amount * 100)::bigint, reversed_on FROM loans_receipt
WHERE state IN ('POSTED', 'REVERSED') AND loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id, id
"""

INSTALLMENTS = """
SELECT loan_id, number, due_on, overdue_from, (principal * 100)::bigint, (interest * 100)::bigint,
       (interest_paid * 100)::bigint, (principal_paid * 100)::bigint, settled_on, (penalty_paid * 100)::bigint,
       (compound_paid * 100)::bigint, (penalty_left * 100)::bigint, (compound_left * 100)::bigint,
       late_interest_units, late_principal_units
FROM loans_installment WHERE loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id, number
"""
FEES = """
SELECT loan_id, id, (amount * 100)::bigint, (waived * 100)::bigint, (paid * 100)::bigint, settled_on
FROM loans_fee WHERE loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id, id
"""
POSITIONS = """
SELECT loan_id, (principal_balance * 100)::bigint, (unbilled_principal * 100)::bigint, (suspense * 100)::bigint,
       (annual_rate_percent * 10000)::bigint, (installment_amount * 100)::bigint, next_number, next_due_on, last_number,
       overdue_since, five_class, settled_on, (off_balance_interest * 100)::bigint, (fees_due * 100)::bigint,
       written_off_on, accelerated_on, accrues_from, (accrued_before * 100)::bigint,
       (accrual_rate_percent * 10000)::bigint
FROM loans_position WHERE loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id
"""

WRITE_INSTALLMENTS = """
WITH made AS (
    SELECT * FROM unnest(%(loan)s::bigint[], %(number)s::smallint[], %(due_on)s::date[], %(overdue_from)s::date[],
        %(principal)s::bigint[], %(interest)s::bigint[], %(interest_paid)s::bigint[], %(principal_paid)s::bigint[],
        %(settled_on)s::date[], %(penalty_paid)s::bigint[], %(compound_paid)s::bigint[], %(penalty_left)s::bigint[],
        %(compound_left)s::bigint[], %(late_interest_units)s::numeric[], %(late_principal_units)s::numeric[])
    AS u(loan_id, number, due_on, overdue_from, principal, interest, interest_paid, principal_paid, settled_on,
         penalty_paid, compound_paid, penalty_left, compound_left, late_interest_units, late_principal_units)
)
INSERT INTO loans_installment (loan_id, number, due_on, overdue_from, principal, interest, interest_paid,
    principal_paid, settled_on, penalty_paid, compound_paid, penalty_left, compound_left, late_interest_units,
    late_principal_units)
SELECT loan_id, number, due_on, overdue_from, principal / 100.0, interest / 100.0, interest_paid / 100.0,
       principal_paid / 100.0, settled_on, penalty_paid / 100.0, compound_paid / 100.0, penalty_left / 100.0,
       compound_left / 100.0, late_interest_units, late_principal_units FROM made
ON CONFLICT (loan_id, number) DO UPDATE SET due_on = EXCLUDED.due_on, overdue_from = EXCLUDED.overdue_from,
    principal = EXCLUDED.principal, interest = EXCLUDED.interest, interest_paid = EXCLUDED.interest_paid,
    principal_paid = EXCLUDED.principal_paid, settled_on = EXCLUDED.settled_on, penalty_paid = EXCLUDED.penalty_paid,
    compound_paid = EXCLUDED.compound_paid, penalty_left = EXCLUDED.penalty_left,
    compound_left = EXCLUDED.compound_left, late_interest_units = EXCLUDED.late_interest_units,
    late_principal_units = EXCLUDED.late_principal_units
"""
WRITE_POSITIONS = """
UPDATE loans_position p SET principal_balance = u.principal_balance / 100.0,
    unbilled_principal = u.unbilled_principal / 100.0, suspense = u.suspense / 100.0,
    annual_rate_percent = u.annual_rate_percent / 10000.0, installment_amount = u.installment_amount / 100.0,
    next_number = u.next_number, next_due_on = u.next_due_on, last_number = u.last_number,
    overdue_since = u.overdue_since, five_class = u.five_class, settled_on = u.settled_on,
    off_balance_interest = u.off_balance_interest / 100.0, fees_due = u.fees_due / 100.0,
    written_off_on = u.written_off_on, accelerated_on = u.accelerated_on, accrues_from = u.accrues_from,
    accrued_before = u.accrued_before / 100.0, accrual_rate_percent = u.accrual_rate_percent / 10000.0
FROM unnest(%(loan)s::bigint[], %(principal_balance)s::bigint[], %(unbilled_principal)s::bigint[],
    %(suspense)s::bigint[], %(annual_rate_percent)s::bigint[], %(installment_amount)s::bigint[],
    %(next_number)s::smallint[], %(next_due_on)s::date[], %(last_number)s::smallint[], %(overdue_since)s::date[],
    %(five_class)s::text[], %(settled_on)s::date[], %(off_balance_interest)s::bigint[], %(fees_due)s::bigint[],
    %(written_off_on)s::date[], %(accelerated_on)s::date[], %(accrues_from)s::date[], %(accrued_before)s::bigint[],
    %(accrual_rate_percent)s::bigint[])
    AS u(loan_id, principal_balance, unbilled_principal, suspense, annual_rate_percent, installment_amount,
         next_number, next_due_on, last_number, overdue_since, five_class, settled_on, off_balance_interest, fees_due,
         written_off_on, accelerated_on, accrues_from, accrued_before, accrual_rate_percent)
WHERE p.loan_id = u.loan_id
"""
WRITE_FEES = """
UPDATE loans_fee f SET paid = u.paid / 100.0, settled_on = u.settled_on
FROM unnest(%(fee_id)s::bigint[], %(paid)s::bigint[], %(settled_on)s::date[]) AS u(id, paid, settled_on)
WHERE f.id = u.id
"""
