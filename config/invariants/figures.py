"""The claim about the figures that managers read: they are the sums over the loans of the date they name."""

from config.invariants.claims import Check

# Of a loan on which something was posted or recorded since the close, only the branch's totals can still be compared.
_MOVED = """EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id AND o.business_date > last.day)
            OR EXISTS (SELECT FROM journal_entry e WHERE e.loan_id = p.loan_id AND e.business_date > last.day)"""

FIGURES = (
    Check(
        "figures_are_the_loans",
        "B13: the figures of each closed date add up to its control totals, and those of the last one are its loans",
        "SELECT count(*) FROM loans_figure",
        f"""WITH last AS (
               SELECT max(business_date) AS day FROM loans_figure HAVING count(*) > 0
           ), kept AS (
               SELECT l.branch_id, p.five_class, CASE WHEN last.day - p.overdue_since > 90 THEN 91
                          WHEN last.day - p.overdue_since > 30 THEN 31
                          WHEN last.day - p.overdue_since > 0 THEN 1 ELSE 0 END AS days_band,
                      count(*) AS loans, sum(p.principal_balance) AS principal
               FROM last, loans_position p JOIN loans_loan l ON l.id = p.loan_id
               WHERE p.settled_on IS NULL AND NOT ({_MOVED}) GROUP BY 1, 2, 3
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
           SELECT last.day || ' ' || k.branch_id || ' ' || k.five_class || ' ' || k.days_band,
                  coalesce(f.loans::text, 'no') || ' loans, found ' || k.loans
           FROM kept k CROSS JOIN last LEFT JOIN loans_figure f ON f.business_date = last.day
                AND f.branch_id = k.branch_id AND f.five_class = k.five_class AND f.days_band = k.days_band
           WHERE (f.loans >= k.loans AND f.principal >= k.principal) IS NOT TRUE""",  # noqa: S608 - ours
    ),
)
