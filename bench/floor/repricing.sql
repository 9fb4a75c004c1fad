-- The floor of a repricing day. What the engine computes (installments, schedules and their hashes) has no set-based
-- form: the terms are handed over as a file to copy in, and so are the facts, with those of the night.

-- The day's rate, as the bank published it.
-- name: rate
INSERT INTO loans_lprrate (tenor, published_on, rate_percent, source, is_approved)
SELECT tenor, '2026-05-20', rate_percent - 0.1, 'bench', true FROM loans_lprrate
WHERE is_approved AND published_on = (SELECT max(published_on) FROM loans_lprrate)

-- The loans of 1 January reprice on the measured day.
-- name: day
UPDATE loans_position p SET next_repricing_on = %(day)s FROM loans_pricing r
WHERE r.loan_id = p.loan_id AND r.anchor = 'JANUARY_1' AND upper_inf(r.in_force)

-- name: positions
UPDATE loans_position p SET annual_rate_percent = t.annual_rate_percent, installment_amount = t.installment_amount,
       last_number = t.first_number + t.installments - 1, next_repricing_on = i.next_repricing_on,
       accrues_from = i.effective_on,
       accrued_before = p.accrued_before + div(2 * (p.unbilled_principal * 100) * (p.annual_rate_percent * 10000)
           * (i.effective_on - p.accrues_from) + 360000000, 720000000) / 100
FROM loans_repricingitem i JOIN loans_terms t ON t.source_id = i.id AND t.source = 'REPRICING'
WHERE i.state = 'PENDING' AND t.loan_id = i.loan_id AND p.loan_id = i.loan_id

-- name: items
UPDATE loans_repricingitem SET state = 'APPLIED', applied_on = %(day)s WHERE state = 'PENDING'
