-- The book's year of history, made by the database from the loans that were copied in: twelve installments a loan, each
-- billed on its day and paid by a receipt (one in fifty a few days late, within grace), but for those still unpaid;
-- ledger lines as the product writes them; homes, means, follow-ups that were made, the closing totals.

-- name: staging
CREATE UNLOGGED TABLE book_loan (loan_id bigint, first_due_on date, billed int, unpaid int);
-- The same number for the same key, below a million.
CREATE FUNCTION book_dice(key bigint, seed bigint) RETURNS int LANGUAGE sql IMMUTABLE
RETURN (abs(hashint8extended(key, seed)) %% 1000000)::int;

-- name: branches and officers
WITH branch AS (
    INSERT INTO people_branch (code, name, parent_id, path)
    SELECT lpad(n::text, 4, '0'), 'Branch ' || n, root.id, root.path || lpad(n::text, 4, '0') || '/'
    FROM generate_series(1, %(branches)s) n, (SELECT id, path FROM people_branch ORDER BY id LIMIT 1) root ORDER BY n
    RETURNING id, code
), officer AS (
    INSERT INTO people_staff (password, staff_no, name, is_active, branch_id)
    SELECT '!', 'A' || branch.code || lpad(n::text, 2, '0'), 'Officer ' || branch.code || '/' || n, true, branch.id
    FROM branch, generate_series(1, %(officers)s) n ORDER BY branch.id, n
    RETURNING id
), whole AS (
    INSERT INTO people_staff (password, staff_no, name, is_active, branch_id)
    SELECT '!', code, 'Bench ' || code, true, (SELECT min(id) FROM people_branch)
    FROM unnest(ARRAY['OPERATIONS', 'RISK_MANAGER']) AS code
    RETURNING id, staff_no
), roles AS (
    INSERT INTO people_staff_roles (staff_id, role_id)
    SELECT officer.id, role.id FROM officer, people_role role WHERE role.code = 'LOAN_OFFICER'
    UNION ALL SELECT whole.id, role.id FROM whole JOIN people_role role ON role.code = whole.staff_no
), batches AS (
    -- The book names its two batches 1 and 2, whatever the sequence has given away.
    INSERT INTO loans_importbatch (id, file_name, sha256, as_of, actor, at, counts)
    SELECT place, 'book', '', day, 'bench', now(), '{}'
    FROM unnest(ARRAY[%(early_on)s, %(taken_over_on)s]::date[]) WITH ORDINALITY AS u(day, place)
), moved AS (
    SELECT setval(pg_get_serial_sequence('loans_importbatch', 'id'), greatest(2, last_value)) AS place
    FROM loans_importbatch_id_seq
)
SELECT (SELECT min(id) FROM branch), (SELECT min(id) FROM officer), (SELECT place FROM moved);

-- Every officer may make visits.
-- name: certificates
INSERT INTO people_certificate (staff_id, code, valid)
SELECT s.staff_id, 'VISITS', daterange(%(early_on)s::date, NULL)
FROM people_staff_roles s JOIN people_role r ON r.id = s.role_id WHERE r.code = 'LOAN_OFFICER' ORDER BY s.staff_id;

-- name: ledger months
SELECT open_ledger_month(day::date) FROM generate_series(%(early_on)s::date, %(open_on)s::date + 62, '1 month') day;

-- name: due
CREATE UNLOGGED TABLE book_installment AS
SELECT row_number() OVER (ORDER BY d.due_on, b.loan_id) AS n, b.loan_id, (t.first_number + k - 1)::smallint AS number,
       d.due_on, t.principal_fen[k] / 100.0 AS principal, t.interest_fen[k] / 100.0 AS interest,
       CASE WHEN k <= b.billed - b.unpaid THEN d.due_on + CASE
           WHEN dice %% 50 = 0 AND d.due_on + 3 < %(open_on)s THEN 1 + dice %% 3 ELSE 0 END END AS paid_on
FROM book_loan b JOIN loans_terms t ON t.loan_id = b.loan_id, generate_series(1, b.billed) k,
     LATERAL (SELECT (b.first_due_on + (k - 1) * interval '1 month')::date AS due_on,
                     book_dice(b.loan_id * 1000 + k, %(seed)s) AS dice) d
ORDER BY d.due_on, b.loan_id;

-- name: installments
INSERT INTO loans_installment (loan_id, number, due_on, principal, interest, principal_paid, interest_paid,
                               overdue_from, settled_on)
SELECT loan_id, number, due_on, principal, interest, CASE WHEN paid_on IS NULL THEN 0 ELSE principal END,
       CASE WHEN paid_on IS NULL THEN 0 ELSE interest END, due_on, paid_on FROM book_installment ORDER BY n;

-- name: receipts
INSERT INTO loans_receipt (id, channel, serial, loan_ref, loan_id, amount, value_on, state, received_at, posted_on,
                           resolution)
SELECT n, 'AUTO_DEBIT', 'H' || n, l.loan_note_no, i.loan_id, principal + interest, paid_on, 'POSTED',
       paid_on + interval '10 hours', paid_on, ''
FROM book_installment i JOIN loans_loan l ON l.id = i.loan_id WHERE paid_on IS NOT NULL ORDER BY n;

-- name: last posting
CREATE UNLOGGED TABLE book_last AS
SELECT (SELECT max(id) FROM loans_loan) AS loan,
       (SELECT max(id) FROM loans_loan) + (SELECT 2 * max(n) FROM book_installment) AS posting;

-- Posting ids: openings have those of their loans; then 2n - 1 bills installment n, 2n pays it; the rest come last.
-- What came over while the bank had closed dates stands on its open one.
-- name: postings
INSERT INTO loans_posting (id, loan_id, kind, value_on, business_date, booked_at, receipt_id, installment_number)
SELECT id, loan_id, kind, value_on, day, day + interval '6 hours', receipt_id, number FROM (
    SELECT m.loan + 2 * n - 1 AS id, loan_id, 'BILLING' AS kind, due_on AS value_on, due_on AS day,
           NULL::bigint AS receipt_id, number FROM book_installment, book_last m
    UNION ALL SELECT m.loan + 2 * n, loan_id, 'RECEIPT', paid_on, paid_on, n, NULL FROM book_installment, book_last m
    WHERE paid_on IS NOT NULL
    UNION ALL SELECT l.id, l.id, CASE WHEN l.baseline_on IS NULL THEN 'DISBURSEMENT' ELSE 'OPENING' END,
        coalesce(l.baseline_on, l.disbursed_on), CASE WHEN l.baseline_on IS NULL THEN l.disbursed_on
        WHEN l.baseline_on = %(early_on)s THEN l.baseline_on ELSE l.baseline_on + 1 END, NULL, NULL FROM loans_loan l
    UNION ALL SELECT m.posting + p.loan_id, p.loan_id, 'NON_ACCRUAL', %(closed_on)s::date, %(closed_on)s::date, NULL,
        NULL FROM loans_position p, book_last m WHERE p.off_balance_interest > 0
) x ORDER BY id;

-- name: ledger lines
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT CASE WHEN s.is_paid THEN i.paid_on ELSE i.due_on END,
       m.loan + 2 * i.n - CASE WHEN s.is_paid THEN 0 ELSE 1 END, s.line, i.loan_id, s.account, s.number, s.amount
FROM book_last m, book_installment i, LATERAL (VALUES
    (false, 1, 'INTEREST_RECEIVABLE', number, interest), (false, 2, 'INTEREST_INCOME', number, -interest),
    (true, 1, 'CASH', NULL, principal + interest), (true, 2, 'INTEREST_RECEIVABLE', number, -interest),
    (true, 3, 'PRINCIPAL', number, -principal)
) AS s(is_paid, line, account, number, amount)
WHERE (NOT s.is_paid OR i.paid_on IS NOT NULL) AND s.amount <> 0 ORDER BY 1, 2, 3;

-- name: opening lines
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT p.business_date, p.id, s.line, p.loan_id, s.account, NULL, s.amount
FROM loans_posting p JOIN loans_terms t ON t.loan_id = p.loan_id JOIN loans_position o ON o.loan_id = p.loan_id,
LATERAL (VALUES
    ('OPENING', 1, 'PRINCIPAL', t.principal), ('OPENING', 2, 'TAKEOVER', -t.principal),
    ('DISBURSEMENT', 1, 'PRINCIPAL', t.principal), ('DISBURSEMENT', 2, 'CASH', -t.principal),
    ('NON_ACCRUAL', 1, 'INTEREST_INCOME', o.off_balance_interest),
    ('NON_ACCRUAL', 2, 'INTEREST_OFF_BALANCE', -o.off_balance_interest)
) AS s(kind, line, account, amount) WHERE p.kind = s.kind;

-- name: homes
INSERT INTO collateral_property (id, address, district, property_type, is_owner_occupied, value, valued_on)
SELECT l.id, 'Road ' || l.branch_id || ' no. ' || l.id, 'District ' || l.branch_id %% 40, 'CONDO', d.dice %% 10 > 0,
       round(l.principal_original * (115 + d.dice %% 110) / 100, 2), %(taken_over_on)s::date + d.dice %% 300
FROM loans_loan l, LATERAL (SELECT book_dice(l.id, %(seed)s) AS dice) d ORDER BY l.id;

-- name: charges
INSERT INTO collateral_charge (loan_id, property_id, kind, registration_no, registered_on)
SELECT id, id, 'FORMAL', 'REG' || id, disbursed_on FROM loans_loan ORDER BY id;

-- name: valuations
INSERT INTO collateral_valuation (property_id, value, valued_on, source)
SELECT id, value, valued_on, 'book' FROM collateral_property ORDER BY id;

-- name: means
INSERT INTO people_financialprofile (party_id, known_on, source, monthly_income, employer)
SELECT p.loan_id, %(taken_over_on)s::date, 'book', round(p.installment_amount * 3, -2), 'Employer ' || p.loan_id %% 5000
FROM loans_position p ORDER BY p.loan_id;

-- Follow-ups that were made: the periodic one of the last twelve months, and the first ones of young loans.
-- name: follow-ups
INSERT INTO followups_visittask (loan_id, branch_id, kind, rule, cycle, is_light, method, level, opens_on, due_on,
    assigned_to_id, state, is_pinned, reason, policy_version, policy_line, created_on, closed_on, outcome, version)
SELECT l.id, l.branch_id, x.kind, x.rule, x.cycle, false, x.method, 9, x.day - 30, x.day, l.portfolio_officer_id,
       'CLOSED', false, '[]', 1, x.line, x.day - 30, x.day,
       CASE x.method WHEN 'OFF_SITE' THEN 'CLEAN' ELSE 'APPROVED' END, 2
FROM loans_loan l, LATERAL (
    SELECT 'PERIODIC' AS kind, 'PERIODIC' AS rule, '0001' AS cycle, 'OFF_SITE' AS method, 25 AS line,
           %(closed_on)s::date - book_dice(l.id * 3, %(seed)s) %% 364 AS day WHERE l.baseline_on IS NOT NULL
    UNION ALL SELECT 'FIRST', 'FIRST_' || node, '1', CASE node WHEN 90 THEN 'PHONE' ELSE 'OFF_SITE' END, 1,
           l.disbursed_on + node FROM unnest(ARRAY[30, 60, 90]) AS node
    WHERE l.disbursed_on + node > coalesce(l.baseline_on, l.disbursed_on) AND l.disbursed_on + node <= %(closed_on)s
) x ORDER BY x.day, l.id;

-- name: follow-up events
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT t.id, e.kind, e.day, e.day, 'system', '{}' FROM followups_visittask t, LATERAL (VALUES
    (1, 'PLANNED', t.created_on), (2, CASE t.outcome WHEN 'APPROVED' THEN 'APPROVED' ELSE 'CLOSED' END, t.closed_on)
) AS e(place, kind, day) ORDER BY t.id, e.place;

-- What the journal says of loans in arrears.
-- name: facts
INSERT INTO journal_entry (kind, subject_type, subject_id, loan_id, actor, at, business_date, data, request_id)
SELECT f.kind, 'loan', p.loan_id, p.loan_id, 'system', %(closed_on)s, %(closed_on)s, f.data, ''
FROM loans_position p, LATERAL (VALUES
    ('loans.overdue_began', jsonb_build_object('overdue_since', p.overdue_since, 'days_past_due', 1)),
    ('loans.class_changed', jsonb_build_object('from', 'PASS', 'to', p.five_class, 'days_past_due', 1))
) AS f(kind, data) WHERE p.overdue_since IS NOT NULL;

-- Every date since the first take-over, closed with the ledger's totals.
-- name: dates
WITH moved AS MATERIALIZED (
    SELECT g.business_date AS day, b.code, sum(g.amount) AS amount FROM loans_ledger_line g
    JOIN loans_loan l ON l.id = g.loan_id JOIN people_branch b ON b.id = l.branch_id
    WHERE g.account = 'PRINCIPAL' GROUP BY 1, 2
), opened AS MATERIALIZED (
    SELECT business_date AS day, count(*) AS loans FROM loans_posting WHERE kind IN ('OPENING', 'DISBURSEMENT') GROUP BY 1
), branch AS (
    SELECT d.day::date AS day, c.code, sum(m.amount) OVER (PARTITION BY c.code ORDER BY d.day) AS amount
    FROM generate_series(%(early_on)s::date, %(closed_on)s::date, '1 day') d(day)
    CROSS JOIN (SELECT DISTINCT code FROM moved) c LEFT JOIN moved m ON m.day = d.day AND m.code = c.code
)
INSERT INTO loans_businessdate (day, is_open, opened_at, closed_at, totals)
SELECT day, false, day, day + interval '15 hours', jsonb_build_object(
           'loans', (SELECT sum(loans) FROM opened WHERE opened.day <= branch.day),
           'principal', coalesce(sum(amount), 0)::text, 'branches', jsonb_object_agg(code, amount::text))
FROM branch WHERE amount IS NOT NULL AND day > %(early_on)s GROUP BY day
UNION ALL SELECT %(open_on)s::date, true, %(open_on)s, NULL, '{}' ORDER BY 1;

-- name: closings
INSERT INTO journal_entry (kind, subject_type, actor, at, business_date, data, request_id)
SELECT 'loans.date_closed', 'business_date', 'system', closed_at, day,
       jsonb_build_object('loans', totals -> 'loans', 'principal', totals -> 'principal'), ''
FROM loans_businessdate WHERE NOT is_open ORDER BY day;

-- name: sequences
SELECT setval(pg_get_serial_sequence('people_party', 'id'), (SELECT max(id) FROM people_party)),
       setval(pg_get_serial_sequence('loans_loan', 'id'), (SELECT max(id) FROM loans_loan)),
       setval(pg_get_serial_sequence('loans_receipt', 'id'), (SELECT max(id) FROM loans_receipt)),
       setval(pg_get_serial_sequence('loans_posting', 'id'), (SELECT max(id) FROM loans_posting)),
       setval(pg_get_serial_sequence('collateral_property', 'id'), (SELECT max(id) FROM collateral_property));

-- name: no more staging
DROP TABLE book_loan, book_installment, book_last;

-- After the first evening: follow-ups of shorter cycles lie as if the last one had been within one cycle, and none of
-- the coming week is still to be checked off site, as on any evening.
-- name: spread
WITH late AS (
    SELECT t.id, t.loan_id, d.first + book_dice(t.loan_id * 5, 0) %% (d.months * 30) AS due_on, d.months
    FROM followups_visittask t, LATERAL (
        SELECT (t.reason -> 0 -> 'params' ->> 'months')::int AS months, %(open_on)s::date + 12 AS first) d
    WHERE t.closed_on IS NULL AND t.rule = 'PERIODIC' AND t.due_on < d.first AND t.evidence IS NULL
), moved AS (
    UPDATE followups_visittask t SET due_on = late.due_on, opens_on = late.due_on - 30 FROM late WHERE t.id = late.id
)
UPDATE followups_visittask t SET closed_on = (late.due_on - late.months * interval '1 month')::date
FROM late WHERE t.loan_id = late.loan_id AND t.rule = 'PERIODIC' AND t.cycle = '0001' AND t.closed_on IS NOT NULL;
