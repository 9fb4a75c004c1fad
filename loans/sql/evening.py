"""Whether an evening walks the whole book, and where a stage is cut into chunks; few loans are named one by one."""

# First and last loan; is the whole book walked: it came in since the last close, or an operator asks for it. Facts of
# the open date were written after that of the last close, in the order of ids.
WALKS_WHOLE = """
SELECT (SELECT min(loan_id) FROM loans_position), (SELECT max(loan_id) FROM loans_position),
       EXISTS (SELECT FROM journal_entry e WHERE e.kind IN ('loans.booked', %(asked)s) AND e.id > coalesce((
           SELECT c.id FROM journal_entry c
           WHERE c.kind = 'loans.date_closed' AND c.business_date < %(as_of)s ORDER BY c.id DESC LIMIT 1), 0))
"""
BOUNDS = "SELECT max(loan_id) FROM loans_position"
CUT = """
SELECT loan_id, n FROM (
    SELECT loan_id, row_number() OVER (ORDER BY loan_id) AS n, count(*) OVER () AS due
    FROM (SELECT DISTINCT loan_id FROM ({source}) AS found) AS loans) AS numbered
WHERE n %% %(size)s = 0 OR n = due OR due < %(size)s ORDER BY n
"""
