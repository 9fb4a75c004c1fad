"""What decides late charges: the rates of each contract, its parameters, and fees that are not paid."""

# Per loan (0: the bank): code, from, until, value as JSON text; versions of a rate in their order, the bank's
# parameters as on the day of signing (the earliest known where none was in force yet).
GATHER_TERMS = """
WITH loan AS (
    SELECT id, coalesce(signed_on, disbursed_on) AS signed_on FROM loans_loan WHERE id = ANY(%(loan_ids)s::bigint[])
), code AS (SELECT unnest(%(codes)s::text[]) AS code)
SELECT loan_id, 'rate', effective_on, NULL::date, annual_rate_percent::text, version FROM loans_terms
WHERE loan_id = ANY(%(loan_ids)s::bigint[])
UNION ALL
SELECT loan.id, code.code, NULL, NULL, p.value::text, 0 FROM loan CROSS JOIN code CROSS JOIN LATERAL (
    SELECT b.value FROM loans_parameter b WHERE b.code = code.code
    ORDER BY b.in_force @> loan.signed_on DESC, lower(b.in_force) LIMIT 1) p
UNION ALL
SELECT loan_id, code, lower(in_force), upper(in_force), value::text, 1 FROM loans_contractparameter
WHERE loan_id = ANY(%(loan_ids)s::bigint[]) AND code = ANY(%(codes)s::text[])
UNION ALL
SELECT 0, code, lower(in_force), upper(in_force), value::text, 1 FROM loans_parameter WHERE code = 'overdue_grace_days'
ORDER BY 1, 2, 6, 3
"""
# The value of each parameter for each loan on a day: the contract's own, else the bank's of the day of signing.
PARAMETERS_ON = """
SELECT l.id, c.code, coalesce(own.value, p.value)::text FROM loans_loan l
CROSS JOIN (SELECT DISTINCT code FROM loans_parameter
            UNION SELECT code FROM loans_contractparameter WHERE loan_id = ANY(%(loan_ids)s::bigint[])) c
LEFT JOIN loans_contractparameter own ON own.loan_id = l.id AND own.code = c.code AND own.in_force @> %(on)s::date
LEFT JOIN LATERAL (SELECT b.value FROM loans_parameter b WHERE b.code = c.code
    ORDER BY b.in_force @> coalesce(l.signed_on, l.disbursed_on) DESC, lower(b.in_force) LIMIT 1) p ON true
WHERE l.id = ANY(%(loan_ids)s::bigint[]) AND coalesce(own.value, p.value) IS NOT NULL
"""
GATHER_FEES = """
SELECT loan_id, id, ((amount - paid - waived) * 100)::bigint, (paid * 100)::bigint FROM loans_fee
WHERE settled_on IS NULL AND loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id, charged_on, id
"""
