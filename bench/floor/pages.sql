-- The least that brings the rows of a page: what a minimal view would send to the database.

-- name: web_list
SELECT l.id, l.loan_note_no, b.name, r.name, p.principal_balance, p.five_class, p.overdue_since FROM loans_loan l
JOIN people_party b ON b.id = l.borrower_id JOIN people_branch r ON r.id = l.branch_id
JOIN loans_position p ON p.loan_id = l.id
WHERE l.loan_note_no > (SELECT loan_note_no FROM loans_loan WHERE id = %(loan)s) ORDER BY l.loan_note_no LIMIT 26

-- name: web_detail
SELECT * FROM loans_loan l JOIN loans_position p ON p.loan_id = l.id JOIN people_party b ON b.id = l.borrower_id
WHERE l.id = %(loan)s;
SELECT * FROM loans_installment WHERE loan_id = %(loan)s ORDER BY number DESC LIMIT 24;
SELECT * FROM loans_terms WHERE loan_id = %(loan)s ORDER BY version DESC LIMIT 1;
SELECT * FROM followups_visittask WHERE loan_id = %(loan)s ORDER BY id DESC LIMIT 20;
SELECT * FROM collateral_charge c JOIN collateral_property h ON h.id = c.property_id WHERE c.loan_id = %(loan)s

-- name: web_search
SELECT l.id, l.loan_note_no FROM loans_loan l JOIN people_party b ON b.id = l.borrower_id
WHERE b.name LIKE '%%' || %(word)s || '%%' ORDER BY l.loan_note_no LIMIT 26

-- name: web_dashboard
SELECT branch_id, sum(loans), sum(principal), sum(principal) FILTER (WHERE days_band > 0),
       sum(principal) FILTER (WHERE five_class <> 'PASS') FROM loans_figure
WHERE business_date = (SELECT max(business_date) FROM loans_figure) GROUP BY branch_id

-- name: web_desk
SELECT t.* FROM followups_visittask t WHERE t.closed_on IS NULL ORDER BY t.level, t.due_on, t.id LIMIT 26
