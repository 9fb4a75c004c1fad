"""The general ledger of a date: what was posted loan by loan, added up, and what the close posted itself."""

# A loan that moved since counts where it stood then.
GENERAL_DAY = """
SELECT b.id, b.code, b.name, x.product, x.account, coalesce(sum(x.amount) FILTER (WHERE x.amount > 0), 0.00),
       coalesce(-sum(x.amount) FILTER (WHERE x.amount < 0), 0.00)
FROM (
    SELECT coalesce(f.branch_id, p.branch_id) AS branch_id, coalesce(f.product, p.product) AS product, l.account,
           sum(l.amount) AS amount
    FROM loans_ledger_line l JOIN loans_position p ON p.loan_id = l.loan_id
    LEFT JOIN (SELECT DISTINCT ON (loan_id) loan_id, branch_id, product FROM loans_formerbranch
               WHERE left_on > %(on)s ORDER BY loan_id, id) f ON f.loan_id = l.loan_id
    WHERE l.business_date = %(on)s GROUP BY 1, 2, l.account, l.amount > 0
    UNION ALL
    SELECT branch_id, product, account, amount FROM loans_general_line WHERE business_date = %(on)s
) x JOIN people_branch b ON b.id = x.branch_id
WHERE (%(branches)s::bigint[] IS NULL OR x.branch_id = ANY(%(branches)s::bigint[]))
      AND (%(product)s::text IS NULL OR x.product = %(product)s)
GROUP BY b.id, b.code, b.name, x.product, x.account
"""
ACCRUED_BY_PRODUCT = """
SELECT g.product, sum(g.amount) FROM loans_general_line g
WHERE g.account = 'ACCRUED_INTEREST' AND g.business_date <= %(on)s
      AND (%(branches)s::bigint[] IS NULL OR g.branch_id = ANY(%(branches)s::bigint[])) GROUP BY g.product
"""
