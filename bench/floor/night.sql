-- The floor of a night: the same end state by the least that set-based SQL needs, stage by stage, each stage one
-- transaction. It knows what kind of book it works on (one receipt a loan and day, whole months, the bank's own
-- parameters), so it may leave out what the product has to look up. What people's policies decide (grades, follow-ups)
-- and the facts in the journal have no set-based form: their rows are handed over as the product made them (`made_…`),
-- and the floor pays for writing them only.

-- name: bill
WITH due AS (
    SELECT p.loan_id, p.next_number AS number, p.next_due_on AS due_on, p.next_number = p.last_number AS is_last,
           p.next_number + 1 = p.last_number AS is_next_last, (p.unbilled_principal * 100)::bigint AS balance,
           (p.installment_amount * 100)::bigint AS installment, l.repayment_method AS method, l.matures_on,
           (2 * (p.unbilled_principal * 100)::bigint * (p.annual_rate_percent * 10000)::bigint + 12000000) / 24000000
               AS interest
    FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id WHERE p.next_due_on <= %(day)s
), row AS (
    SELECT *, (CASE WHEN is_last THEN balance
                    ELSE greatest(0, least(balance, installment - CASE method WHEN 'EQUAL_PRINCIPAL' THEN 0 ELSE interest END))
               END) / 100.0 AS principal FROM due
), billed AS (
    INSERT INTO loans_installment (loan_id, number, due_on, principal, interest, principal_paid, interest_paid,
                                   overdue_from)
    SELECT loan_id, number, due_on, principal, interest / 100.0, 0, 0, due_on FROM row
), moved AS (
    UPDATE loans_position p SET unbilled_principal = p.unbilled_principal - row.principal,
           next_number = CASE WHEN NOT is_last THEN number + 1 END,
           next_due_on = CASE WHEN is_next_last THEN matures_on WHEN NOT is_last THEN due_on + interval '1 month' END,
           accrues_from = CASE WHEN NOT is_last THEN due_on END, accrued_before = 0
    FROM row WHERE p.loan_id = row.loan_id
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, installment_number)
    SELECT loan_id, 'BILLING', due_on, %(day)s, now(), number FROM row WHERE interest > 0
    RETURNING id, loan_id
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(day)s, posted.id, side.line, row.loan_id, side.account, row.number, side.sign * row.interest / 100.0
FROM posted JOIN row ON row.loan_id = posted.loan_id
CROSS JOIN (VALUES (1, 'INTEREST_RECEIVABLE', 1), (2, 'INTEREST_INCOME', -1)) AS side(line, account, sign)

-- Money that waits in suspense and finds an installment billed tonight; then the receipts of the day.
-- name: suspense
SELECT p.loan_id, NULL::bigint AS receipt_id, (p.suspense * 100)::bigint AS amount, %(day)s::date AS value_on
FROM loans_position p WHERE p.suspense > 0 AND EXISTS (
    SELECT FROM loans_installment i WHERE i.loan_id = p.loan_id AND i.settled_on IS NULL)

-- name: receipts
SELECT loan_id, id AS receipt_id, (amount * 100)::bigint AS amount, value_on FROM loans_receipt
WHERE state = 'WAITING' AND value_on <= %(day)s

-- name: pay
WITH money AS MATERIALIZED ({money}), owing AS (
    SELECT m.loan_id, m.receipt_id, m.amount, m.value_on, i.number, i.due_on, p.overdue_since,
           ((i.interest - i.interest_paid) * 100)::bigint AS interest,
           ((i.principal - i.principal_paid) * 100)::bigint AS principal, i.penalty_paid * 100 AS penalty_before,
           i.compound_paid * 100 AS compound_before, i.late_principal_units, i.late_interest_units,
           CASE WHEN m.value_on > i.due_on AND m.value_on > (
               SELECT min(w.day) FROM loans_workday w WHERE w.is_workday AND w.day >= i.due_on + 3)
           THEN ((m.value_on - greatest(i.due_on, l.baseline_on)) * p.annual_rate_percent * 10000 * 1500)::bigint
           ELSE 0 END AS units, coalesce(m.value_on - p.overdue_since > 90, false) AS is_principal_first
    FROM money m JOIN loans_position p ON p.loan_id = m.loan_id JOIN loans_loan l ON l.id = m.loan_id
    JOIN loans_installment i ON i.loan_id = m.loan_id AND i.settled_on IS NULL
), charged AS (
    SELECT *, greatest(0, div(2 * (late_principal_units + principal::numeric * units) + 360000000000, 720000000000)
                          - penalty_before) AS penalty,
              greatest(0, div(2 * (late_interest_units + interest::numeric * units) + 360000000000, 720000000000)
                          - compound_before) AS compound FROM owing
), slot AS (
    SELECT c.loan_id, c.number, c.amount, s.part, s.owed,
           sum(s.owed) OVER (PARTITION BY c.loan_id ORDER BY c.number, s.place) AS upto
    FROM charged c, LATERAL (VALUES
        ('penalty', CASE WHEN is_principal_first THEN 4 ELSE 1 END, penalty),
        ('compound', CASE WHEN is_principal_first THEN 3 ELSE 2 END, compound),
        ('interest', CASE WHEN is_principal_first THEN 2 ELSE 3 END, interest),
        ('principal', CASE WHEN is_principal_first THEN 1 ELSE 4 END, principal)) AS s(part, place, owed)
), taken AS MATERIALIZED (
    SELECT loan_id, number, sum(paid) FILTER (WHERE part = 'penalty') AS penalty,
           sum(paid) FILTER (WHERE part = 'compound') AS compound, sum(paid) FILTER (WHERE part = 'interest') AS interest,
           sum(paid) FILTER (WHERE part = 'principal') AS principal, sum(paid) AS paid
    FROM (SELECT *, greatest(0, least(owed, amount - (upto - owed))) AS paid FROM slot) x
    GROUP BY loan_id, number HAVING sum(paid) > 0
), after AS MATERIALIZED (
    SELECT t.*, c.value_on, c.units, c.penalty - t.penalty AS penalty_left,
           c.compound - t.compound AS compound_left, c.interest = t.interest AND c.principal = t.principal AS is_paid
    FROM charged c JOIN taken t ON t.loan_id = c.loan_id AND t.number = c.number
), installments AS (
    UPDATE loans_installment i SET interest_paid = i.interest_paid + a.interest / 100,
           principal_paid = i.principal_paid + a.principal / 100, penalty_paid = i.penalty_paid + a.penalty / 100,
           compound_paid = i.compound_paid + a.compound / 100, settled_on = CASE WHEN a.is_paid THEN a.value_on END,
           penalty_left = CASE WHEN a.is_paid THEN a.penalty_left / 100 ELSE 0 END,
           compound_left = CASE WHEN a.is_paid THEN a.compound_left / 100 ELSE 0 END,
           late_interest_units = i.late_interest_units + a.interest * a.units,
           late_principal_units = i.late_principal_units + a.principal * a.units
    FROM after a WHERE i.loan_id = a.loan_id AND i.number = a.number
), whole AS MATERIALIZED (
    SELECT m.loan_id, m.receipt_id, m.amount, m.value_on, coalesce(sum(t.paid), 0) AS paid,
           coalesce(sum(t.principal), 0) AS principal
    FROM money m LEFT JOIN taken t ON t.loan_id = m.loan_id
    GROUP BY m.loan_id, m.receipt_id, m.amount, m.value_on
), positions AS (
    UPDATE loans_position p SET principal_balance = p.principal_balance - w.principal / 100,
           suspense = p.suspense + CASE WHEN w.receipt_id IS NULL THEN -w.paid ELSE w.amount - w.paid END / 100,
           overdue_since = CASE WHEN p.overdue_since IS NOT NULL AND w.paid > 0 THEN (
               SELECT min(c.due_on) FROM charged c WHERE c.loan_id = p.loan_id AND c.due_on <= %(recognised_before)s
               AND NOT EXISTS (SELECT FROM after a WHERE a.loan_id = c.loan_id AND a.number = c.number AND a.is_paid))
               ELSE p.overdue_since END,
           settled_on = CASE WHEN p.next_number IS NULL AND p.principal_balance = w.principal / 100 THEN w.value_on END
    FROM whole w WHERE p.loan_id = w.loan_id
), receipts AS (
    UPDATE loans_receipt r SET state = 'POSTED', posted_on = %(day)s FROM whole w WHERE r.id = w.receipt_id
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, receipt_id)
    SELECT loan_id, CASE WHEN receipt_id IS NULL THEN 'SUSPENSE_USED' ELSE 'RECEIPT' END, value_on, %(day)s, now(),
           receipt_id FROM whole
    RETURNING id, loan_id
), line AS (
    SELECT loan_id, 0 AS place, 0 AS number, CASE WHEN receipt_id IS NULL THEN 'SUSPENSE' ELSE 'CASH' END AS account,
           CASE WHEN receipt_id IS NULL THEN paid ELSE amount END AS fen FROM whole
    UNION ALL
    SELECT t.loan_id, s.place, t.number, s.account, -s.fen FROM taken t, LATERAL (VALUES
        (1, 'PENALTY_INCOME', t.penalty), (2, 'COMPOUND_INCOME', t.compound), (3, 'INTEREST_RECEIVABLE', t.interest),
        (4, 'PRINCIPAL', t.principal)) AS s(place, account, fen) WHERE s.fen > 0
    UNION ALL
    SELECT loan_id, 0, 32767, 'SUSPENSE', paid - amount FROM whole WHERE receipt_id IS NOT NULL AND amount > paid
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(day)s, posted.id, row_number() OVER (PARTITION BY line.loan_id ORDER BY line.number, line.place), line.loan_id,
       line.account, CASE WHEN line.place > 0 THEN line.number END, line.fen / 100
FROM line JOIN posted ON posted.loan_id = line.loan_id

-- name: age
UPDATE loans_position p SET overdue_since = u.since
FROM (SELECT loan_id, min(overdue_from) AS since FROM loans_installment
      WHERE settled_on IS NULL AND due_on <= %(recognised)s GROUP BY loan_id) u
WHERE p.loan_id = u.loan_id AND p.overdue_since IS DISTINCT FROM u.since

-- What no longer stands is taken back; installments due in four days are announced, arrears on certain days reminded of.
-- What the coming installment is by: whole months on an ordinary day; on a repricing day the signed row of the first.
-- name: whole months
SELECT NULL::bigint AS fen

-- name: signed rows
SELECT t.principal_fen[p.next_number - t.first_number + 1] + t.interest_fen[p.next_number - t.first_number + 1] AS fen
FROM loans_terms t WHERE t.loan_id = p.loan_id AND t.effective_on = %(day)s AND p.next_number < t.plain_from

-- name: remind
WITH looked AS (
    SELECT m.id, p.suspense, (SELECT sum(principal - principal_paid + interest - interest_paid) FROM loans_installment
                              WHERE loan_id = m.loan_id AND settled_on IS NULL) AS now,
           CASE WHEN p.settled_on IS NOT NULL THEN 'ENDED' WHEN p.overdue_since IS NULL THEN 'PAID'
                WHEN p.overdue_since <> m.about THEN 'PARTLY_PAID' END AS ended
    FROM correspondence_message m JOIN loans_position p ON p.loan_id = m.loan_id
    WHERE m.kind = 'OVERDUE' AND m.state = 'WAITING' AND m.expires_on > %(day)s
    UNION ALL
    SELECT m.id, p.suspense, coalesce(s.fen, k.interest + CASE
               WHEN p.next_number = p.last_number THEN k.balance WHEN l.repayment_method = 'EQUAL_PRINCIPAL'
               THEN least(k.balance, k.installment)
               ELSE greatest(0, least(k.balance, k.installment - k.interest)) END) / 100.0, NULL
    FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id JOIN correspondence_message m ON m.loan_id = p.loan_id
         AND m.kind = 'DUE' AND m.about = p.next_due_on AND m.step = 0 AND m.state = 'WAITING' CROSS JOIN LATERAL (
        SELECT (p.unbilled_principal * 100)::bigint AS balance, (p.installment_amount * 100)::bigint AS installment,
               (2 * (p.unbilled_principal * 100)::bigint * (p.annual_rate_percent * 10000)::bigint + 12000000)
                   / 24000000 AS interest) k
    LEFT JOIN LATERAL ({rows}) s ON true
    WHERE p.next_due_on BETWEEN %(day)s + 1 AND %(day)s + 3 AND (p.suspense > 0 OR {repriced})
), changed AS (
    UPDATE correspondence_message m SET state = CASE WHEN x.why IS NULL THEN 'WAITING' ELSE 'CANCELLED' END,
           reason = coalesce(x.why, ''), ended_on = CASE WHEN x.why IS NOT NULL THEN %(day)s END,
           amount = CASE WHEN x.why IS NULL THEN x.now ELSE m.amount END,
           business_date = CASE WHEN x.why IS NULL THEN %(day)s ELSE m.business_date END
    FROM (SELECT *, coalesce(ended, CASE WHEN now <= suspense THEN 'COVERED' END) AS why FROM looked) x
    WHERE m.id = x.id AND (x.why IS NOT NULL OR x.now <> m.amount)
), due AS (
    SELECT p.loan_id, p.next_due_on, p.suspense * 100 AS suspense, coalesce(s.fen, k.interest + CASE
               WHEN p.next_number = p.last_number THEN k.balance WHEN l.repayment_method = 'EQUAL_PRINCIPAL'
               THEN least(k.balance, k.installment)
               ELSE greatest(0, least(k.balance, k.installment - k.interest)) END) AS fen
    FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id CROSS JOIN LATERAL (
        SELECT (p.unbilled_principal * 100)::bigint AS balance, (p.installment_amount * 100)::bigint AS installment,
               (2 * (p.unbilled_principal * 100)::bigint * (p.annual_rate_percent * 10000)::bigint + 12000000)
                   / 24000000 AS interest) k
    LEFT JOIN LATERAL ({rows}) s ON true
    WHERE p.next_due_on = %(day)s + 4
), late AS (
    SELECT p.loan_id, p.overdue_since, s.step, s.until FROM loans_position p JOIN (
        SELECT d.since, max(v.step) AS step, d.since + min(v.until) FILTER (WHERE v.until > %(day)s - d.since) AS until
        FROM (SELECT %(day)s - unnest(ARRAY[1, 7, 15, 30]) AS since
              UNION SELECT %(recognised_before)s + generate_series(1, %(recognised)s - %(recognised_before)s)) d
        JOIN (VALUES (1, 7), (7, 15), (15, 30), (30, 60)) AS v(step, until) ON v.step <= %(day)s - d.since
        GROUP BY d.since) s ON s.since = p.overdue_since
), found AS (
    SELECT loan_id, 'DUE' AS kind, next_due_on AS about, 0 AS step, fen / 100.0 AS amount, next_due_on AS until
    FROM due WHERE fen > suspense
    UNION ALL
    SELECT late.loan_id, 'OVERDUE', late.overdue_since, late.step, i.owed, late.until
    FROM late, LATERAL (SELECT sum(principal - principal_paid + interest - interest_paid) AS owed FROM loans_installment
                        WHERE loan_id = late.loan_id AND settled_on IS NULL) i
)
INSERT INTO correspondence_message (loan_id, kind, about, step, amount, channel, template_version, business_date,
                                    not_before, expires_on)
SELECT loan_id, kind, about, step, amount, 'SMS', 1, %(day)s, (%(day)s + 1 + time '09:00') AT TIME ZONE 'Asia/Shanghai',
       until FROM found ON CONFLICT DO NOTHING

-- name: classify
UPDATE loans_position p SET five_class = u.five_class FROM (
    SELECT loan_id, CASE WHEN %(day)s - overdue_since > 360 THEN 'LOSS' WHEN %(day)s - overdue_since > 270 THEN 'DOUBTFUL'
           WHEN %(day)s - overdue_since > 90 THEN 'SUBSTANDARD' WHEN %(day)s - overdue_since > 0 THEN 'SPECIAL_MENTION'
           ELSE 'PASS' END AS five_class
    FROM loans_position WHERE overdue_since IS NOT NULL OR five_class <> 'PASS') u
WHERE p.loan_id = u.loan_id AND p.five_class <> u.five_class

-- name: non accrual
WITH wanted AS (
    SELECT p.loan_id, coalesce(CASE WHEN p.overdue_since < %(day)s - 90 THEN i.interest END, 0) AS held,
           coalesce(CASE WHEN p.overdue_since < %(day)s - 90 THEN i.interest END, 0) - p.off_balance_interest AS more
    FROM loans_position p LEFT JOIN LATERAL (
        SELECT sum(interest - interest_paid) AS interest FROM loans_installment
        WHERE loan_id = p.loan_id AND settled_on IS NULL) i ON true
    WHERE p.overdue_since < %(day)s - 90 OR p.off_balance_interest > 0
), changed AS (
    UPDATE loans_position p SET off_balance_interest = w.held FROM wanted w WHERE p.loan_id = w.loan_id AND w.more <> 0
    RETURNING p.loan_id, w.more
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at)
    SELECT loan_id, 'NON_ACCRUAL', %(day)s, %(day)s, now() FROM changed RETURNING id, loan_id
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, amount)
SELECT %(day)s, posted.id, side.line, posted.loan_id, side.account, side.sign * changed.more
FROM posted JOIN changed ON changed.loan_id = posted.loan_id
CROSS JOIN (VALUES (1, 'INTEREST_INCOME', 1), (2, 'INTEREST_OFF_BALANCE', -1)) AS side(line, account, sign)

-- name: facts
INSERT INTO journal_entry SELECT * FROM made_journal_entry WHERE loan_id IS NOT NULL

-- name: end grades
UPDATE risk_grade g SET superseded_on = m.superseded_on FROM changed_risk_grade m WHERE g.id = m.id

-- name: grade
WITH warned AS (
    INSERT INTO risk_signal SELECT * FROM made_risk_signal
), ended AS (
    UPDATE risk_signal s SET state = m.state, outcome = m.outcome, closed_on = m.closed_on, version = m.version
    FROM changed_risk_signal m WHERE s.id = m.id
), told AS (
    INSERT INTO risk_signalstep SELECT * FROM made_risk_signalstep
)
INSERT INTO risk_grade SELECT * FROM made_risk_grade

-- name: follow up
UPDATE followups_mergedtask k SET ended_at = m.ended_at, ended_by = m.ended_by, reason = m.reason, undo = m.undo
FROM changed_followups_mergedtask m WHERE k.id = m.id;
WITH changed AS (
    UPDATE followups_visittask t SET state = m.state, level = m.level, outcome = m.outcome, closed_on = m.closed_on, version = m.version,
           evidence = m.evidence, opens_on = m.opens_on, due_on = m.due_on, method = m.method, reason = m.reason,
           policy_line = m.policy_line, policy_version = m.policy_version, assigned_to_id = m.assigned_to_id,
           proposed_second_id = m.proposed_second_id
    FROM changed_followups_visittask m WHERE t.id = m.id
), made AS (
    INSERT INTO followups_visittask SELECT * FROM made_followups_visittask
), told AS (
    INSERT INTO followups_notice SELECT * FROM made_followups_notice
), event AS (
    INSERT INTO followups_event SELECT * FROM made_followups_event
), answer AS (
    INSERT INTO followups_eventvisit SELECT * FROM made_followups_eventvisit
), finding AS (
    INSERT INTO followups_eventfinding SELECT * FROM made_followups_eventfinding
)
INSERT INTO followups_taskevent SELECT * FROM made_followups_taskevent;
INSERT INTO followups_mergedtask SELECT * FROM made_followups_mergedtask

-- name: close
WITH part AS (
    SELECT branch_id, product, count(*) FILTER (WHERE settled_on IS NULL) AS loans, sum(principal_balance) AS amount,
           sum(CASE WHEN accrues_from IS NULL OR overdue_since < %(day)s - 90
                         OR five_class IN ('SUBSTANDARD', 'DOUBTFUL', 'LOSS') THEN 0
                    ELSE (2 * (unbilled_principal * 100)::bigint * (annual_rate_percent * 10000)::int
                          * (%(day)s - accrues_from) + 360000000) / 720000000
                         + CASE WHEN accrued_before = 0 THEN 0 ELSE (accrued_before * 100)::bigint END
               END)::bigint AS accrued
    FROM loans_position GROUP BY branch_id, product
), whole AS (
    SELECT part.*, b.code, coalesce((SELECT (totals -> 'accrued' ->> (b.code || ' ' || part.product))::numeric
               FROM loans_businessdate WHERE day = %(day)s - 1), 0) AS before
    FROM part JOIN people_branch b ON b.id = part.branch_id
), branch AS (
    SELECT code, sum(amount) AS amount FROM whole GROUP BY code
), told AS (
    UPDATE loans_businessdate SET totals = jsonb_build_object(
        'loans', (SELECT sum(loans) FROM whole), 'principal', (SELECT sum(amount)::text FROM whole),
        'branches', (SELECT jsonb_object_agg(code, amount::text) FROM branch),
        'accrued', (SELECT coalesce(jsonb_object_agg(code || ' ' || product, round(accrued / 100.0, 2)::text)
                               FILTER (WHERE accrued <> 0), '{}') FROM whole))
    WHERE day = %(day)s
), general AS (
    INSERT INTO loans_general_line (business_date, branch_id, product, account, amount)
    SELECT %(day)s, branch_id, product, side.account, side.sign * (accrued / 100.0 - before)
    FROM whole, (VALUES ('ACCRUED_INTEREST', 1), ('INTEREST_INCOME', -1)) AS side(account, sign)
    WHERE accrued / 100.0 <> before
), apart AS (
    SELECT branch_id, product, five_class, band, count(*) AS loans, sum(principal_balance) AS amount FROM (
        SELECT p.branch_id, p.product, p.five_class, CASE WHEN p.overdue_since < %(day)s - 90 THEN 91
                   WHEN p.overdue_since < %(day)s - 30 THEN 31 WHEN p.overdue_since < %(day)s THEN 1 ELSE 0 END AS band,
               p.principal_balance
        FROM loans_position p
        WHERE p.settled_on IS NULL AND (p.overdue_since IS NOT NULL OR p.five_class <> 'PASS')) k
    WHERE five_class <> 'PASS' OR band > 0 GROUP BY 1, 2, 3, 4
)
INSERT INTO loans_figure (business_date, branch_id, product, five_class, days_band, loans, principal)
SELECT %(day)s, branch_id, product, five_class, band, loans, amount FROM apart
UNION ALL
SELECT %(day)s, w.branch_id, w.product, 'PASS', 0, w.loans - coalesce(a.loans, 0), w.amount - coalesce(a.amount, 0)
FROM whole w LEFT JOIN (
    SELECT branch_id, product, sum(loans) AS loans, sum(amount) AS amount FROM apart GROUP BY 1, 2) a
ON a.branch_id = w.branch_id AND a.product = w.product;
UPDATE loans_businessdate SET is_open = false, closed_at = now() WHERE day = %(day)s;
INSERT INTO loans_businessdate (day, is_open, opened_at, totals) VALUES (%(day)s::date + 1, true, now(), '{}')

-- name: read only pass
SELECT count(*), sum(CASE WHEN overdue_since IS NULL THEN 0 ELSE %(day)s - overdue_since END),
       count(*) FILTER (WHERE five_class <> CASE WHEN %(day)s - overdue_since > 360 THEN 'LOSS'
           WHEN %(day)s - overdue_since > 270 THEN 'DOUBTFUL' WHEN %(day)s - overdue_since > 90 THEN 'SUBSTANDARD'
           WHEN %(day)s - overdue_since > 0 THEN 'SPECIAL_MENTION' ELSE 'PASS' END),
       sum((principal_balance * 100)::bigint * (annual_rate_percent * 10000)::bigint / 360000000)
FROM loans_position
