"""The calendar, and control totals by branch."""

PLAIN_WEEK_DIFFERS = """
SELECT day, is_workday FROM loans_workday
WHERE day BETWEEN %(from_)s AND %(to)s AND is_workday <> (extract(isodow FROM day) < 6)
"""

# The open day with what counting to it needs, for pages: grace before recognition, and the calendar's exceptions.
OPEN_DAY = """
SELECT b.day, (SELECT value FROM loans_parameter WHERE code = 'overdue_grace_days' AND in_force @> b.day),
       array(SELECT day FROM loans_workday WHERE is_workday <> (extract(isodow FROM day) < 6) ORDER BY day),
       array(SELECT is_workday FROM loans_workday WHERE is_workday <> (extract(isodow FROM day) < 6) ORDER BY day)
FROM loans_businessdate b WHERE b.is_open
"""

# Control totals by branch: what the positions say (one pass over them), and what the ledger's principal
# lines say (each loan of them looked up by its key).
BALANCES_BY_BRANCH = """
SELECT b.code, p.loans, p.amount FROM (
    SELECT branch_id, count(*) FILTER (WHERE settled_on IS NULL) AS loans, sum(principal_balance) AS amount
    FROM loans_position GROUP BY branch_id) p
JOIN people_branch b ON b.id = p.branch_id ORDER BY b.code
"""
LEDGER_BY_BRANCH = """
SELECT b.code, sum(g.amount) FROM (
    SELECT coalesce((SELECT branch_id FROM loans_position p WHERE p.loan_id = l.loan_id),
                    (SELECT branch_id FROM loans_loan n WHERE n.id = l.loan_id)) AS branch_id, sum(l.amount) AS amount
    FROM loans_ledger_line l WHERE l.account = 'PRINCIPAL' AND l.business_date <= %(until)s
         AND (%(since)s::date IS NULL OR l.business_date >= %(since)s) GROUP BY l.loan_id) g
JOIN people_branch b ON b.id = g.branch_id GROUP BY b.code
"""
LOANS_OUT_OF_BALANCE = """
SELECT l.loan_note_no, p.principal_balance, coalesce(g.amount, 0) FROM loans_position p
JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN (SELECT loan_id, sum(amount) AS amount FROM loans_ledger_line WHERE account = 'PRINCIPAL' GROUP BY loan_id) g
ON g.loan_id = p.loan_id
WHERE p.principal_balance <> coalesce(g.amount, 0) ORDER BY p.loan_id LIMIT 20
"""
