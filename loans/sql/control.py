"""The calendar, and control totals by branch."""

PLAIN_WEEK_DIFFERS = """
SELECT day, is_workday FROM loans_workday
WHERE day BETWEEN %(from_)s AND %(to)s AND is_workday <> (extract(isodow FROM day) < 6)
"""

# The open day with what counting to it needs, for pages: grace before recognition, the calendar's exceptions, and the
# last close.
OPEN_DAY = """
SELECT b.day, (SELECT value FROM loans_parameter WHERE code = 'overdue_grace_days' AND in_force @> b.day),
       coalesce(w.days, '{}'), coalesce(w.are_workdays, '{}'),
       (SELECT max(c.day) FROM loans_businessdate c WHERE NOT c.is_open)
FROM loans_businessdate b, (
    SELECT array_agg(day ORDER BY day) AS days, array_agg(is_workday ORDER BY day) AS are_workdays FROM loans_workday
     WHERE is_workday <> (extract(isodow FROM day) < 6)) w
WHERE b.is_open
"""

# Control totals by branch and product: open loans, principal and accrued interest, in one pass over the positions; and
# what the ledger's principal lines say (each loan of them looked up by its key). Accrued interest is that of
# `loans.rules.accrual`, in integers (`day_product` is what a day adds) unless they could be too large; `ahead` counts
# loans whose period begins later, and `early` names those whose period begins more than a month before it ends
# (`begins`: a month before each day around).
BALANCES_BY_BRANCH = """
SELECT b.code, p.product, p.loans, p.amount, p.accrued::bigint, p.ahead, p.early FROM (
    SELECT branch_id, product, count(*) FILTER (WHERE settled_on IS NULL) AS loans, sum(principal_balance) AS amount,
           sum(CASE WHEN accrues_from IS NOT NULL
                         AND (five_class = 'PASS' OR five_class <> ALL(%(non_performing)s::text[]))
                         AND (overdue_since IS NULL OR overdue_since >= %(overdue_before)s) THEN
               CASE WHEN day_product IS NOT NULL AND accrues_from >= %(day)s::date - 400
                    THEN (day_product * greatest(0, %(day)s::date - accrues_from) + 360000000) / 720000000
                    ELSE div(2 * (unbilled_principal * 100)
                             * (coalesce(accrual_rate_percent, annual_rate_percent) * 10000)
                             * greatest(0, %(day)s::date - accrues_from) + 360000000, 720000000)::bigint END
               + CASE WHEN accrued_before = 0 THEN 0 ELSE (accrued_before * 100)::bigint END
               ELSE 0 END) AS accrued,
           count(*) FILTER (WHERE accrues_from > %(day)s::date) AS ahead,
           array_agg(loan_id) FILTER (
               WHERE accrues_from < (%(begins)s::date[])[next_due_on - %(day)s::date]) AS early
    FROM loans_position GROUP BY branch_id, product) p
JOIN people_branch b ON b.id = p.branch_id ORDER BY b.code, p.product
"""
# Loans of which only the signed terms can tell what has accrued.
ACCRUES_BY_TERMS = """
SELECT p.loan_id, b.code, p.product FROM loans_position p JOIN people_branch b ON b.id = p.branch_id
WHERE p.accrues_from IS NULL AND p.next_number IS NOT NULL AND p.five_class <> ALL(%(non_performing)s::text[])
      AND (p.overdue_since IS NULL OR p.overdue_since >= %(overdue_before)s) ORDER BY p.loan_id
"""
LOANS_AHEAD = """
SELECT l.loan_note_no, p.accrues_from FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
WHERE p.accrues_from > %(day)s ORDER BY p.loan_id LIMIT 20
"""
# Of loans whose period may begin too early those that a first period does not explain.
MAYBE_EARLY = """
SELECT l.id, l.loan_note_no, p.accrues_from FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
WHERE p.loan_id = ANY(%(loan_ids)s::bigint[])
      AND (p.next_number > 1 OR l.baseline_on IS NOT NULL OR p.accrues_from < l.disbursed_on) ORDER BY p.loan_id
"""
# What has accrued by the general ledger: the last close's checked stock is added by the caller.
GENERAL_SINCE = """
SELECT b.code, g.product, sum((g.amount * 100)::bigint)::bigint FROM loans_general_line g
JOIN people_branch b ON b.id = g.branch_id
WHERE g.account = 'ACCRUED_INTEREST' AND (%(since)s::date IS NULL OR g.business_date > %(since)s)
GROUP BY b.code, g.product
"""
# What was taken over with its accrued interest since the last close.
TAKEN_OVER_SINCE = """
SELECT b.code, g.product, -sum((g.amount * 100)::bigint)::bigint FROM loans_general_line g
JOIN people_branch b ON b.id = g.branch_id
WHERE g.account = 'TAKEOVER' AND (%(since)s::date IS NULL OR g.business_date > %(since)s)
GROUP BY b.code, g.product
"""
INSERT_GENERAL = """
INSERT INTO loans_general_line (business_date, branch_id, product, account, amount)
SELECT %(day)s, b.id, t.product, side.account, side.sign * t.fen / 100.0
FROM unnest(%(codes)s::text[], %(products)s::text[], %(fen)s::bigint[]) AS t(code, product, fen)
JOIN people_branch b ON b.code = t.code
CROSS JOIN (VALUES ('ACCRUED_INTEREST', 1), ('INTEREST_INCOME', -1)) AS side(account, sign) WHERE t.fen <> 0
"""
# Principal posted since the last close, by the branch of now; of a loan that moved since, its balance at that close
# leaves the branch of then.
LEDGER_BY_BRANCH = """
SELECT b.code, sum(g.amount) FROM (
    SELECT coalesce((SELECT branch_id FROM loans_position p WHERE p.loan_id = l.loan_id),
                    (SELECT branch_id FROM loans_loan n WHERE n.id = l.loan_id)) AS branch_id, sum(l.amount) AS amount
    FROM loans_ledger_line l WHERE l.account = 'PRINCIPAL' AND l.business_date <= %(until)s
         AND (%(since)s::date IS NULL OR l.business_date >= %(since)s) GROUP BY l.loan_id
    UNION ALL
    SELECT side.branch_id, side.sign * m.amount FROM (
        SELECT f.branch_id AS former, p.branch_id AS present, (
            SELECT sum(l.amount) FROM loans_ledger_line l
            WHERE l.loan_id = f.loan_id AND l.account = 'PRINCIPAL' AND l.business_date < %(since)s::date) AS amount
        FROM (SELECT DISTINCT ON (loan_id) loan_id, branch_id FROM loans_formerbranch
              WHERE left_on >= %(since)s::date ORDER BY loan_id, id) f
        JOIN loans_position p ON p.loan_id = f.loan_id) m
    CROSS JOIN LATERAL (VALUES (m.former, -1), (m.present, 1)) AS side(branch_id, sign)
    WHERE m.amount IS NOT NULL) g
JOIN people_branch b ON b.id = g.branch_id GROUP BY b.code
"""
LOANS_OUT_OF_BALANCE = """
SELECT l.loan_note_no, p.principal_balance, coalesce(g.amount, 0) FROM loans_position p
JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN (SELECT loan_id, sum(amount) AS amount FROM loans_ledger_line WHERE account = 'PRINCIPAL' GROUP BY loan_id) g
ON g.loan_id = p.loan_id
WHERE p.principal_balance <> coalesce(g.amount, 0) ORDER BY p.loan_id LIMIT 20
"""
