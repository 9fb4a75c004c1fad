"""Claims about signed terms, schedules and what was billed by them (reliability B 3, 18)."""

from config.invariants.claims import Check

_TERMS = "SELECT count(*) FROM loans_terms"
_POSITIONS = "SELECT count(*) FROM loans_position"

TERMS = (
    Check(
        "schedule_repays_the_principal",
        "B3: the schedule of each terms version repays its principal exactly, without a negative part",
        _TERMS,
        """SELECT t.loan_id, 'version ' || t.version FROM loans_terms t, LATERAL (
               SELECT coalesce(sum(a.principal), 0) AS principal,
                      coalesce(min(least(a.principal, a.interest)), 0) AS least,
                      count(*) AS rows, count(a.principal) AS principals, count(a.interest) AS interests
               FROM unnest(t.principal_fen, t.interest_fen) AS a(principal, interest)) s
           WHERE s.principal <> t.principal * 100 OR s.least < 0 OR s.rows <> t.installments
              OR s.principals <> s.rows OR s.interests <> s.rows""",
    ),
    Check(
        "terms_follow_one_another",
        "B3: versions of terms are numbered without gaps, and each begins where nothing was billed yet",
        _TERMS,
        """SELECT loan_id, format('version %%s from installment %%s on %%s', version, first_number, effective_on) FROM (
               SELECT t.*, row_number() OVER w AS place, lag(first_number) OVER w AS before FROM loans_terms t
               WINDOW w AS (PARTITION BY loan_id ORDER BY version)) x
           WHERE place <> version OR first_number < before OR (version = 1) IS DISTINCT FROM
                 (source IN ('OPENING', 'DISBURSEMENT'))""",
    ),
    Check(
        "terms_have_their_source",
        "B3: each later version was signed by an applied change or a repricing item of its loan",
        "SELECT count(*) FROM loans_terms WHERE version > 1",
        """SELECT t.loan_id, format('version %%s by %%s %%s', t.version, t.source, t.source_id) FROM loans_terms t
           LEFT JOIN loans_contractchange c ON t.source = 'CHANGE' AND c.id = t.source_id AND c.loan_id = t.loan_id
                AND c.applied_on IS NOT NULL
           LEFT JOIN loans_repricingitem r ON t.source = 'REPRICING' AND r.id = t.source_id
                AND r.loan_id = t.loan_id AND r.state = 'APPLIED'
           WHERE t.source IN ('CHANGE', 'REPRICING') AND c.id IS NULL AND r.id IS NULL""",
    ),
    Check(
        "installment_is_as_signed",
        "B3: each billed installment is the one of the schedule that was signed for it",
        "SELECT count(*) FROM loans_installment",
        """SELECT i.loan_id || '/' || i.number, format('billed %%s + %%s', i.principal, i.interest)
           FROM loans_installment i LEFT JOIN LATERAL (
               SELECT t.principal_fen[i.number - t.first_number + 1] AS principal,
                      t.interest_fen[i.number - t.first_number + 1] AS interest
               FROM loans_terms t WHERE t.loan_id = i.loan_id AND t.first_number <= i.number
               ORDER BY t.version DESC LIMIT 1) t ON true
           WHERE i.principal * 100 IS DISTINCT FROM t.principal OR i.interest * 100 IS DISTINCT FROM t.interest""",
    ),
    Check(
        "unbilled_is_the_rest_of_the_schedule",
        "B2: unbilled principal, the next number and the last one agree with the signed schedule",
        _POSITIONS,
        """SELECT p.loan_id, format('next %%s of %%s, unbilled %%s', p.next_number, p.last_number, p.unbilled_principal)
           FROM loans_position p JOIN LATERAL (SELECT * FROM loans_terms t WHERE t.loan_id = p.loan_id
               ORDER BY t.version DESC LIMIT 1) t ON true
           WHERE p.last_number <> t.first_number + t.installments - 1
              OR (p.next_number IS NULL) <> (p.next_due_on IS NULL)
              OR p.next_number NOT BETWEEN t.first_number AND p.last_number
              OR p.unbilled_principal * 100 IS DISTINCT FROM CASE WHEN p.next_number IS NULL THEN 0 ELSE (
                     SELECT sum(x) FROM unnest(t.principal_fen[p.next_number - t.first_number + 1:]) AS u(x)) END""",
    ),
    Check(
        "principal_goes_on",
        "B3: each later version repays what the one before left unbilled, less what was paid ahead",
        "SELECT count(*) FROM loans_terms WHERE version > 1",
        """SELECT t.loan_id, format('version %%s repays %%s of %%s', t.version, t.principal,
                  s.left - coalesce(c.paid, 0))
           FROM loans_terms t
           JOIN loans_terms b ON b.loan_id = t.loan_id AND b.version = t.version - 1
           CROSS JOIN LATERAL (SELECT coalesce(sum(x), 0) / 100.0 AS left
               FROM unnest(b.principal_fen[t.first_number - b.first_number + 1:]) AS u(x)) s
           LEFT JOIN LATERAL (SELECT CASE WHEN (c.result ->> 'terms_version')::int = t.version THEN 1 ELSE -1 END
                  * (c.result ->> 'taken_principal')::numeric AS paid
               FROM loans_contractchange c WHERE t.source = 'CHANGE' AND c.id = t.source_id) c ON true
           WHERE t.principal IS DISTINCT FROM s.left - coalesce(c.paid, 0)""",
    ),
    Check(
        "rate_is_within_its_limits",
        "B4: rates are numbers from 0 to 36 per cent (books taken over: 100), and contracts disbursed here keep the "
        "limits of their signing day",
        _TERMS,
        """SELECT t.loan_id, format('version %%s: %%s %%%%', t.version, t.annual_rate_percent) FROM loans_terms t
           JOIN loans_loan l ON l.id = t.loan_id
           LEFT JOIN loans_parameter m ON m.code = 'max_rate_percent' AND t.source = 'DISBURSEMENT'
                AND m.in_force @> coalesce(l.signed_on, l.disbursed_on)
           LEFT JOIN loans_parameter n ON n.code = 'max_term_months' AND t.source = 'DISBURSEMENT'
                AND n.in_force @> coalesce(l.signed_on, l.disbursed_on)
           WHERE (t.annual_rate_percent BETWEEN 0 AND CASE WHEN l.baseline_on IS NULL OR t.source = 'REPRICING' THEN 36
                  ELSE 100 END) IS NOT TRUE
              OR t.annual_rate_percent > (m.value #>> '{}')::numeric
              OR t.installments > CASE WHEN l.baseline_on IS NULL THEN least((n.value #>> '{}')::numeric, 480) END
           UNION ALL SELECT p.loan_id, format('position: %%s %%%%', p.annual_rate_percent) FROM loans_position p
           JOIN LATERAL (SELECT t.annual_rate_percent, t.installment_amount FROM loans_terms t
               LEFT JOIN loans_contractchange c ON t.source = 'CHANGE' AND c.id = t.source_id
               WHERE t.loan_id = p.loan_id AND cardinality(t.principal_fen) > 0
                 AND (c.kind = 'ACCELERATION') IS NOT TRUE
               ORDER BY t.version DESC LIMIT 1) t ON true
           WHERE (p.annual_rate_percent, p.installment_amount)
                 IS DISTINCT FROM (t.annual_rate_percent, t.installment_amount)""",
    ),
    Check(
        "loan_has_position_and_terms",
        "B12: each loan has a position and terms",
        "SELECT count(*) FROM loans_loan",
        """SELECT l.id, 'position or terms missing' FROM loans_loan l
           WHERE NOT EXISTS (SELECT FROM loans_position p WHERE p.loan_id = l.id)
              OR NOT EXISTS (SELECT FROM loans_terms t WHERE t.loan_id = l.id)""",
    ),
    Check(
        "pricing_has_no_gap",
        "B4: the pricing of a loan is without gap or overlap from its first day on, and its spread is within limits",
        "SELECT count(*) FROM loans_pricing",
        """SELECT loan_id, format('%%s after %%s', in_force, before) FROM (
               SELECT loan_id, in_force, spread_bp, lag(in_force) OVER w AS before, lead(in_force) OVER w AS following
               FROM loans_pricing WINDOW w AS (PARTITION BY loan_id ORDER BY lower(in_force) NULLS FIRST)) x
           WHERE before IS NOT NULL AND upper(before) IS DISTINCT FROM lower(in_force) OR isempty(in_force)
              OR following IS NULL AND NOT upper_inf(in_force)
              OR (spread_bp BETWEEN -500 AND 2000) IS NOT TRUE""",
    ),
    Check(
        "agreed_values_do_not_overlap",
        "B7: a contract has one value of a parameter, one subsidy, and the bank one value of a parameter at a time",
        "SELECT count(*) FROM loans_contractparameter",
        """SELECT a.loan_id, a.code FROM loans_contractparameter a JOIN loans_contractparameter b
           ON b.loan_id = a.loan_id AND b.code = a.code AND b.id > a.id AND b.in_force && a.in_force
           UNION ALL SELECT a.loan_id, 'subsidy' FROM loans_subsidy a JOIN loans_subsidy b
           ON b.loan_id = a.loan_id AND b.id > a.id AND b.in_force && a.in_force
           UNION ALL SELECT 0, a.code FROM loans_parameter a JOIN loans_parameter b
           ON b.code = a.code AND b.id > a.id AND b.in_force && a.in_force""",
    ),
)
