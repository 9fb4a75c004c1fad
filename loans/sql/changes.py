"""Changes of contract: those of an evening, and a posting taken back."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.chunks import IN_CHUNK

# Open changes to apply or to end this evening, in order of their loans.
OPEN_CHANGES = (
    """
SELECT c.id, c.loan_id FROM loans_contractchange c
WHERE c.state IN ('PROPOSED', 'APPROVED', 'SIGNED')
      AND ((c.state = 'SIGNED' AND c.effective_on <= %(as_of)s) OR c.expires_on <= %(as_of)s) AND """
    + IN_CHUNK.format("c")
    + " ORDER BY c.loan_id"
)
OBSERVED_CHANGES = (
    "SELECT c.id, c.loan_id FROM loans_contractchange c WHERE c.state = 'OBSERVED' AND "
    + IN_CHUNK.format("c")
    + " ORDER BY c.loan_id"
)
# The reversal of a posting with its lines turned round, on the open date and with the value date kept.
REVERSE_POSTING = """
WITH posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, installment_number, source_id,
                               reverses_id)
    SELECT loan_id, 'REVERSAL', value_on, %(as_of)s::date, %(at)s::timestamptz, installment_number, source_id, id
    FROM loans_posting WHERE id = %(posting_id)s RETURNING id, reverses_id
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, posted.id, g.line, g.loan_id, g.account, g.installment_number, -g.amount
FROM posted JOIN loans_ledger_line g ON g.posting_id = posted.reverses_id
"""
