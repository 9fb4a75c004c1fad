-- What each report needs at the least: one statement for the same rows, which may know that it asks for the whole bank at
-- its last close, with nothing posted since.

-- name: aging
SELECT p.branch_id::text, CASE WHEN p.overdue_since IS NULL OR p.overdue_since >= %(day)s THEN 0
           WHEN p.overdue_since >= %(day)s - 30 THEN 1 WHEN p.overdue_since >= %(day)s - 60 THEN 31
           WHEN p.overdue_since >= %(day)s - 90 THEN 61 WHEN p.overdue_since >= %(day)s - 180 THEN 91
           WHEN p.overdue_since >= %(day)s - 360 THEN 181 ELSE 361 END, count(*), sum(p.principal_balance)
FROM loans_position p WHERE p.principal_balance > 0 GROUP BY 1, 2 ORDER BY 1, 2

-- name: migration
SELECT CASE WHEN coalesce(l.baseline_on, l.disbursed_on) > %(before)s THEN 'NEW' ELSE coalesce(m.was, p.five_class) END,
       CASE WHEN p.settled_on IS NULL THEN p.five_class ELSE 'SETTLED' END, count(*), sum(p.principal_balance)
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id LEFT JOIN (
    SELECT DISTINCT ON (loan_id) loan_id, data ->> 'from' AS was FROM journal_entry
    WHERE kind = 'loans.class_changed' AND business_date > %(before)s ORDER BY loan_id, id) m ON m.loan_id = p.loan_id
WHERE p.settled_on IS NULL OR p.settled_on > %(before)s GROUP BY 1, 2 ORDER BY 1, 2

-- name: collections
WITH due AS (
    SELECT date_trunc('month', due_on)::date AS month, sum(principal + interest) AS due,
           sum(principal_paid + interest_paid) AS received
    FROM loans_installment WHERE due_on >= %(from_on)s AND due_on < %(until)s GROUP BY 1
), late AS (
    SELECT date_trunc('month', settled_on)::date AS month, sum(principal + interest) AS recovered
    FROM loans_installment
    WHERE settled_on >= %(from_on)s AND settled_on < %(until)s AND due_on < date_trunc('month', settled_on) GROUP BY 1
)
SELECT month::text, coalesce(due, 0), coalesce(received, 0), coalesce(recovered, 0)
FROM due FULL JOIN late USING (month) ORDER BY 1

-- name: book
COPY (
    SELECT l.loan_note_no, b.code, b.name, l.product, l.repayment_method, left(y.name, 1) || '**', s.staff_no,
           l.disbursed_on, l.matures_on, l.due_day, l.principal_original, p.principal_balance, p.annual_rate_percent,
           p.installment_amount, p.next_due_on, p.overdue_since,
           coalesce(greatest(0, %(open)s - p.overdue_since), 0), p.five_class, p.off_balance_interest, p.suspense, p.fees_due
    FROM loans_loan l JOIN loans_position p ON p.loan_id = l.id JOIN people_branch b ON b.id = l.branch_id
    JOIN people_party y ON y.id = l.borrower_id LEFT JOIN people_staff s ON s.id = l.portfolio_officer_id
    WHERE p.settled_on IS NULL ORDER BY l.id
) TO STDOUT WITH (FORMAT csv)
