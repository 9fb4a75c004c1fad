"""What the book amounts to at a close, by branch, product, class and days past due.

The loans apart from the ordinary (overdue, or not PASS) stand in an index of their own; the ordinary ones are what the
control totals of branch and product leave over. So a close does not read the book a second time.
"""

# Both sets and the totals are of one instant: the close holds the business date, nothing is posted beside it.
INSERT_FIGURES = """
WITH apart AS (
    SELECT p.branch_id, p.product, p.five_class, CASE WHEN p.overdue_since IS NULL OR p.overdue_since >= %(day)s THEN 0
               WHEN p.overdue_since >= %(day)s - 30 THEN 1 WHEN p.overdue_since >= %(day)s - 90 THEN 31
               ELSE 91 END AS days_band,
           count(*) AS loans, sum(p.principal_balance) AS principal
    FROM loans_position p
    WHERE (p.overdue_since IS NOT NULL OR p.five_class <> 'PASS')
          AND p.settled_on IS NULL AND (p.five_class <> 'PASS' OR p.overdue_since < %(day)s) GROUP BY 1, 2, 3, 4
), whole AS (
    SELECT b.id, t.product, t.loans, t.principal
    FROM unnest(%(codes)s::text[], %(products)s::text[], %(loans)s::bigint[], %(principal)s::numeric[])
         AS t(code, product, loans, principal)
    JOIN people_branch b ON b.code = t.code
)
INSERT INTO loans_figure (business_date, branch_id, product, five_class, days_band, loans, principal)
SELECT %(day)s, branch_id, product, five_class, days_band, loans, principal FROM apart
UNION ALL
SELECT %(day)s, w.id, w.product, 'PASS', 0, w.loans - coalesce(a.loans, 0), w.principal - coalesce(a.principal, 0)
FROM whole w LEFT JOIN (
    SELECT branch_id, product, sum(loans) AS loans, sum(principal) AS principal FROM apart GROUP BY 1, 2) a
ON a.branch_id = w.id AND a.product = w.product
"""
# The last close by class and days past due, its branches and its products with their accrued interest; of
# the last close of the month before, neither.
READ_FIGURES = """
WITH last AS (
    SELECT max(business_date) AS day FROM loans_figure
), seen AS (
    SELECT f.* FROM loans_figure f
    WHERE f.business_date = ANY(ARRAY[(SELECT day FROM last), (
              SELECT max(business_date) FROM loans_figure
              WHERE business_date < date_trunc('month', (SELECT day FROM last)))])
          AND (%(everywhere)s OR f.branch_id = ANY(%(branch_ids)s))
)
SELECT business_date, NULL, five_class, days_band, sum(loans)::bigint, sum(principal), 0, 0, 0, NULL, 0 FROM seen
GROUP BY 1, 3, 4
UNION ALL
SELECT business_date, branch_id, NULL, NULL, sum(loans)::bigint, sum(principal),
       coalesce(sum(principal) FILTER (WHERE days_band > 0), 0),
       coalesce(sum(principal) FILTER (WHERE five_class = 'SPECIAL_MENTION'), 0),
       coalesce(sum(principal) FILTER (WHERE five_class IN ('SUBSTANDARD', 'DOUBTFUL', 'LOSS')), 0), NULL, 0
FROM seen WHERE business_date = (SELECT day FROM last) GROUP BY 1, 2
UNION ALL
SELECT business_date, NULL, NULL, NULL, sum(loans)::bigint, sum(principal),
       coalesce(sum(principal) FILTER (WHERE days_band > 0), 0), 0, 0, product, coalesce((
           SELECT sum(t.value::numeric) FROM loans_businessdate d
           CROSS JOIN LATERAL jsonb_each_text(d.totals -> 'accrued') t
           JOIN people_branch b ON t.key = b.code || ' ' || seen.product
           WHERE d.day = seen.business_date AND (%(everywhere)s OR b.id = ANY(%(branch_ids)s))), 0)
FROM seen WHERE business_date = (SELECT day FROM last) GROUP BY business_date, product
"""
