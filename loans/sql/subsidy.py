"""Subsidised installments: what was billed today and is borne in part by the treasury."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.chunks import IN_CHUNK

# Installments billed on the date whose subsidy is not posted, with the balance at their start and the rates since; the
# positions locked in id order. What falls due by acceleration was never agreed, so no subsidy bears it.
GATHER_BORNE = (
    """
SELECT s.id, i.loan_id, i.number, i.due_on, coalesce(earlier.due_on, l.disbursed_on), (i.interest * 100)::bigint,
       (i.interest_paid * 100)::bigint, (p.unbilled_principal * 100)::bigint + billed.fen, s.annual_rate_percent,
       (s.principal_cap * 100)::bigint, rates.since, rates.percent
FROM loans_ledger_line g
JOIN loans_subsidy s ON s.loan_id = g.loan_id
JOIN loans_installment i ON i.loan_id = g.loan_id AND i.number = g.installment_number
JOIN loans_loan l ON l.id = i.loan_id
JOIN loans_position p ON p.loan_id = i.loan_id
LEFT JOIN loans_installment earlier ON earlier.loan_id = i.loan_id AND earlier.number = i.number - 1
CROSS JOIN LATERAL (SELECT (sum(b.principal) * 100)::bigint AS fen FROM loans_installment b
                    WHERE b.loan_id = i.loan_id AND b.number >= i.number) billed
CROSS JOIN LATERAL (SELECT array_agg(t.effective_on ORDER BY t.effective_on, t.version) AS since,
                           array_agg(t.annual_rate_percent ORDER BY t.effective_on, t.version) AS percent
                    FROM loans_terms t WHERE t.loan_id = i.loan_id) rates
WHERE g.business_date = %(as_of)s::date AND g.account = 'INTEREST_RECEIVABLE' AND g.amount > 0
  AND lower(s.in_force) < i.due_on AND i.due_on <= upper(s.in_force) AND p.accelerated_on IS DISTINCT FROM i.due_on
  AND EXISTS (SELECT FROM loans_posting b WHERE b.id = g.posting_id AND b.kind = 'BILLING')
  AND NOT EXISTS (SELECT FROM loans_posting b WHERE b.loan_id = i.loan_id AND b.installment_number = i.number
                  AND b.kind = 'SUBSIDY')
  AND """
    + IN_CHUNK.format("p")
    + " ORDER BY p.loan_id, i.number FOR UPDATE OF p"
)
APPLY_BORNE = """
UPDATE loans_installment i SET interest_paid = i.interest_paid + u.fen / 100.0,
       settled_on = CASE WHEN i.principal = i.principal_paid AND i.interest = i.interest_paid + u.fen / 100.0
                         THEN %(as_of)s::date END
FROM unnest(%(loan_id)s::bigint[], %(number)s::smallint[], %(fen)s::bigint[]) AS u(loan_id, number, fen)
WHERE i.loan_id = u.loan_id AND i.number = u.number
"""
SUBSIDISED = """
SELECT DISTINCT loan_id FROM loans_subsidy
WHERE loan_id = ANY(%(loan_ids)s::bigint[]) AND upper(in_force) >= %(as_of)s::date
"""
# Subsidised loans whose suspense has waited for the subsidy, and such that may be settled by it.
WAITING_FOR_SUBSIDY = (
    """
SELECT DISTINCT p.loan_id FROM loans_position p JOIN loans_subsidy s ON s.loan_id = p.loan_id
WHERE upper(s.in_force) >= %(as_of)s::date AND p.settled_on IS NULL AND (p.suspense > 0 OR p.next_number IS NULL)
  AND """
    + IN_CHUNK.format("p")
    + " ORDER BY p.loan_id"
)
# Loans that the evening's work on subsidies may concern. Without any subsidy nothing is read.
SUBSIDY_DUE = (
    WAITING_FOR_SUBSIDY.removesuffix(" ORDER BY p.loan_id")
    + """
UNION SELECT g.loan_id FROM loans_ledger_line g JOIN loans_subsidy s ON s.loan_id = g.loan_id
WHERE EXISTS (SELECT FROM loans_subsidy) AND g.business_date = %(as_of)s::date
  AND g.account = 'INTEREST_RECEIVABLE' AND g.amount > 0 AND """
    + IN_CHUNK.format("g")
)
