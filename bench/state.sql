-- What must be the same on both sides: rows without the numbers of sequences and without instants. Two sides are equal
-- when each query has as many rows and the same sum of their hashes.

-- name: positions
SELECT * FROM loans_position

-- name: installments
SELECT loan_id, number, due_on, principal, interest, principal_paid, interest_paid, penalty_paid, compound_paid,
       penalty_left, compound_left, late_principal_units, late_interest_units, overdue_from, settled_on
FROM loans_installment

-- name: receipts
SELECT channel, serial, loan_ref, loan_id, amount, value_on, state, posted_on, reversed_on FROM loans_receipt

-- name: postings
SELECT p.loan_id, p.kind, p.value_on, p.business_date, p.installment_number, r.serial
FROM loans_posting p LEFT JOIN loans_receipt r ON r.id = p.receipt_id WHERE p.business_date >= %(day)s

-- name: ledger lines
SELECT p.loan_id, p.kind, p.value_on, p.installment_number AS billed, r.serial, g.business_date, g.line, g.account,
       g.installment_number, g.amount
FROM loans_ledger_line g JOIN loans_posting p ON p.id = g.posting_id LEFT JOIN loans_receipt r ON r.id = p.receipt_id
WHERE g.business_date >= %(day)s

-- name: terms
SELECT loan_id, version, effective_on, principal, annual_rate_percent, installment_amount, first_number, installments,
       schedule_sha256 FROM loans_terms WHERE effective_on >= %(day)s

-- name: grades
SELECT loan_id, level, graded_on, superseded_on, policy_version, line_number, inputs FROM risk_grade

-- name: tasks
SELECT loan_id, branch_id, kind, rule, cycle, is_light, method, level, opens_on, due_on, assigned_to_id,
       proposed_second_id, state, reason, policy_version, policy_line, created_on, closed_on, outcome, evidence FROM followups_visittask

-- name: task events
SELECT t.loan_id, t.rule, t.cycle, e.kind, e.business_date, e.data
FROM followups_taskevent e JOIN followups_visittask t ON t.id = e.task_id WHERE e.business_date >= %(day)s

-- name: notices
SELECT t.loan_id, t.rule, t.cycle, n.code, n.audience, n.due_on, n.raised_on, n.tell_on
FROM followups_notice n JOIN followups_visittask t ON t.id = n.task_id WHERE n.raised_on >= %(day)s

-- name: events
SELECT loan_id, subject, code, level, happened_on, known_on, source, feed, is_baseline, content_sha256, recorded_by
FROM followups_event WHERE known_on >= %(day)s

-- name: answered events
SELECT e.loan_id, e.content_sha256, t.loan_id AS visited, t.rule, t.cycle, v.is_note, v.business_date
FROM followups_eventvisit v JOIN followups_event e ON e.id = v.event_id JOIN followups_visittask t ON t.id = v.task_id
WHERE v.business_date >= %(day)s

-- name: findings of events
SELECT e.loan_id, e.content_sha256, f.finding, f.business_date
FROM followups_eventfinding f JOIN followups_event e ON e.id = f.event_id WHERE f.business_date >= %(day)s

-- name: tasks done along
SELECT v.loan_id AS visited, v.rule AS visit, t.loan_id, t.rule, t.cycle, k.mode, k.merged_by, k.business_date,
       k.ended_at IS NULL AS holds, k.ended_by, k.reason, k.undo
FROM followups_mergedtask k JOIN followups_visittask v ON v.id = k.lead_id JOIN followups_visittask t ON t.id = k.task_id

-- name: messages
SELECT loan_id, kind, about, step, amount, channel, template_version, business_date, not_before, expires_on, state,
       reason, ended_on, ended_by_id, note FROM correspondence_message

-- name: facts
SELECT kind, loan_id, business_date, data - 'event_id' AS data FROM journal_entry
WHERE loan_id IS NOT NULL AND business_date >= %(day)s

-- name: dates
SELECT day, is_open, totals FROM loans_businessdate

-- name: figures
SELECT business_date, branch_id, product, five_class, days_band, loans, principal FROM loans_figure

-- name: general lines
SELECT business_date, branch_id, product, account, amount FROM loans_general_line

-- name: breaks
SELECT stage, subject_id FROM journal_heldback
