"""The claim about the figures that managers read: they are the sums over the loans of the date they name."""

from config.invariants.claims import Check

# Of a loan on which something was posted or recorded since the close, only the branch's totals can still be compared.
_MOVED = """EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id AND o.business_date > last.day)
            OR EXISTS (SELECT FROM journal_entry e WHERE e.loan_id = p.loan_id AND e.business_date > last.day)
            OR EXISTS (SELECT FROM loans_formerbranch b WHERE b.loan_id = p.loan_id AND b.left_on > last.day)"""

FIGURES = (
    Check(
        "figures_are_the_loans",
        "B13: the figures of each closed date add up to its control totals, and those of the last one are its loans",
        "SELECT count(*) FROM loans_figure",
        f"""WITH last AS (
               SELECT max(business_date) AS day FROM loans_figure HAVING count(*) > 0
           ), kept AS (
               SELECT l.branch_id, l.product, p.five_class, CASE WHEN last.day - p.overdue_since > 90 THEN 91
                          WHEN last.day - p.overdue_since > 30 THEN 31
                          WHEN last.day - p.overdue_since > 0 THEN 1 ELSE 0 END AS days_band,
                      count(*) AS loans, sum(p.principal_balance) AS principal
               FROM last, loans_position p JOIN loans_loan l ON l.id = p.loan_id
               WHERE p.settled_on IS NULL AND NOT ({_MOVED}) GROUP BY 1, 2, 3, 4
           ), closed AS (
               SELECT f.business_date, b.code, sum(f.loans) AS loans, sum(f.principal) AS principal
               FROM loans_figure f JOIN people_branch b ON b.id = f.branch_id GROUP BY 1, 2
           )
           SELECT d.day || ' ' || t.key, coalesce(c.principal::text, 'no figures') || ', control total ' || t.value
           FROM loans_businessdate d CROSS JOIN LATERAL jsonb_each_text(d.totals -> 'branches') t
           LEFT JOIN closed c ON c.business_date = d.day AND c.code = t.key
           WHERE d.day >= (SELECT min(business_date) FROM loans_figure)
             AND c.principal IS DISTINCT FROM t.value::numeric
           UNION ALL
           SELECT d.day || ' loans', sum(c.loans) || ', control total ' || (d.totals ->> 'loans')
           FROM loans_businessdate d JOIN closed c ON c.business_date = d.day GROUP BY d.day
           HAVING sum(c.loans) IS DISTINCT FROM (d.totals ->> 'loans')::numeric
           UNION ALL
           SELECT last.day || ' ' || k.branch_id || ' ' || k.product || ' ' || k.five_class || ' ' || k.days_band,
                  coalesce(f.loans::text, 'no') || ' loans, found ' || k.loans
           FROM kept k CROSS JOIN last LEFT JOIN loans_figure f ON f.business_date = last.day
                AND f.branch_id = k.branch_id AND f.product = k.product
                AND f.five_class = k.five_class AND f.days_band = k.days_band
           WHERE (f.loans >= k.loans AND f.principal >= k.principal) IS NOT TRUE""",  # noqa: S608 - ours
    ),
    Check(
        "general_lines_are_the_accrued_interest",
        "B11: general-ledger lines sum to zero each date; those of a branch and product up to a close are its totals",
        "SELECT count(*) FROM loans_general_line",
        """WITH moved AS (
               SELECT g.business_date AS day, b.code || ' ' || g.product AS key,
                      sum(g.amount) FILTER (WHERE g.account = 'ACCRUED_INTEREST') AS accrued, sum(g.amount) AS rest
               FROM loans_general_line g JOIN people_branch b ON b.id = g.branch_id GROUP BY 1, 2
           ), said AS (
               SELECT d.day, t.key, t.value::numeric AS accrued
               FROM loans_businessdate d, jsonb_each_text(d.totals -> 'accrued') t WHERE NOT d.is_open
           ), keys AS (SELECT key FROM moved UNION SELECT key FROM said
           ), stock AS (
               SELECT d.day, k.key, sum(coalesce(m.accrued, 0)) OVER (PARTITION BY k.key ORDER BY d.day) AS accrued
               FROM (SELECT day FROM loans_businessdate WHERE totals ? 'accrued' UNION SELECT day FROM moved) d
               CROSS JOIN keys k LEFT JOIN moved m ON m.day = d.day AND m.key = k.key
           )
           SELECT day || ' ' || key, format('lines sum to %%s', rest) FROM moved WHERE rest <> 0
           UNION ALL
           SELECT s.day || ' ' || s.key, format('%%s by the lines, closed with %%s', s.accrued, t.accrued)
           FROM stock s LEFT JOIN said t ON t.day = s.day AND t.key = s.key
           WHERE s.accrued <> coalesce(t.accrued, 0)
             -- What was taken over stands there before its first close.
             AND (EXISTS (SELECT FROM loans_businessdate d WHERE d.day = s.day AND NOT d.is_open)
                  OR EXISTS (SELECT FROM loans_general_line g WHERE g.business_date = s.day AND g.batch_id IS NULL))""",
    ),
)
