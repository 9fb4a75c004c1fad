"""Repricing: whose day has come, what of them is previewed, and how approved items are applied."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.chunks import IN_CHUNK

# Loans whose repricing day lies in the window with nothing in its way; those that wait in another run are left to it.
_CANDIDATES = """
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
WHERE p.next_repricing_on BETWEEN %(from_on)s AND %(to_on)s AND p.next_number IS NOT NULL AND p.settled_on IS NULL
  AND p.accelerated_on IS NULL AND p.written_off_on IS NULL AND l.matures_on > p.next_repricing_on
  AND NOT EXISTS (SELECT FROM loans_repricingitem i WHERE i.loan_id = p.loan_id AND i.state = 'PENDING')
"""
CANDIDATES = (
    "SELECT p.loan_id, p.next_repricing_on "
    + _CANDIDATES
    + "AND p.loan_id > %(after)s ORDER BY p.loan_id LIMIT %(size)s"
)
COUNT_CANDIDATES = "SELECT count(*) " + _CANDIDATES
IN_OTHER_RUNS = """
SELECT count(*) FROM loans_position p
WHERE p.next_repricing_on BETWEEN %(from_on)s AND %(to_on)s
  AND EXISTS (SELECT FROM loans_repricingitem i WHERE i.loan_id = p.loan_id AND i.state = 'PENDING')
"""
# Months with repricing days of running loans: first and last of the days, loans, and how many wait in a run already.
MONTHS_TO_COME = """
SELECT min(p.next_repricing_on), max(p.next_repricing_on), count(*), count(i.id)
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN loans_repricingitem i ON i.loan_id = p.loan_id AND i.state = 'PENDING'
WHERE p.next_repricing_on BETWEEN %(from_on)s AND %(to_on)s AND p.next_number IS NOT NULL AND p.settled_on IS NULL
  AND p.accelerated_on IS NULL AND p.written_off_on IS NULL AND l.matures_on > p.next_repricing_on
  AND l.branch_id = ANY(%(branches)s::bigint[])
GROUP BY date_trunc('month', p.next_repricing_on) ORDER BY 1
"""
# How each loan's rate is made on a day.
AGREED = """
SELECT u.loan_id, r.kind, r.tenor, r.spread_bp, r.cycle_months, r.anchor, l.disbursed_on
FROM unnest(%(loan_id)s::bigint[], %(day)s::date[]) AS u(loan_id, day)
JOIN loans_loan l ON l.id = u.loan_id
JOIN loans_pricing r ON r.loan_id = u.loan_id AND r.in_force @> u.day
"""
# Items of a run in their order, as they are hashed; the last column only where it says something.
CONTENT = """
SELECT id, loan_id, effective_on, tenor, lpr_percent, lpr_published_on, spread_bp, old_rate_percent, new_rate_percent,
       old_installment, new_installment, first_number, first_due_on, first_amount, regular_on, terms_version,
       schedule_sha256, next_repricing_on, concat_ws('|', period_from, until_regular)
FROM loans_repricingitem WHERE run_id = %(run_id)s AND id > %(after)s ORDER BY id LIMIT %(size)s
"""
TOTALS = """
SELECT b.code, b.name, count(*), count(*) FILTER (WHERE i.state = 'HELD'),
       count(*) FILTER (WHERE i.state <> 'HELD' AND i.new_rate_percent > i.old_rate_percent),
       count(*) FILTER (WHERE i.state <> 'HELD' AND i.new_rate_percent < i.old_rate_percent),
       count(*) FILTER (WHERE i.state <> 'HELD' AND i.new_rate_percent = i.old_rate_percent),
       coalesce(sum(i.new_installment - i.old_installment) FILTER (WHERE i.state <> 'HELD'), 0)
FROM loans_repricingitem i JOIN loans_loan l ON l.id = i.loan_id JOIN people_branch b ON b.id = l.branch_id
WHERE i.run_id = %(run_id)s GROUP BY b.code, b.name ORDER BY b.code
"""
# The rates that a run used: one row a tenor, publication and rate, with the days they count for.
RATES_USED = """
SELECT tenor, lpr_published_on, lpr_percent, min(effective_on), max(effective_on), count(*)
FROM loans_repricingitem WHERE run_id = %(run_id)s AND lpr_published_on IS NOT NULL
GROUP BY tenor, lpr_published_on, lpr_percent ORDER BY tenor, lpr_published_on
"""
DAYS_PENDING = """
SELECT DISTINCT tenor, effective_on, lpr_percent FROM loans_repricingitem
WHERE run_id = %(run_id)s AND state = 'PENDING'
"""
# Loans whose day has passed get another one; those that wait in a run are left to it. Locked in id order.
MISSED = """
SELECT p.loan_id, p.next_repricing_on FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
WHERE p.next_repricing_on < %(today)s AND p.next_number IS NOT NULL AND p.settled_on IS NULL
  AND p.accelerated_on IS NULL AND p.written_off_on IS NULL AND l.matures_on > %(to_on)s
  AND l.branch_id = ANY(%(branches)s::bigint[])
  AND NOT EXISTS (SELECT FROM loans_repricingitem i WHERE i.loan_id = p.loan_id AND i.state = 'PENDING')
ORDER BY p.loan_id FOR UPDATE OF p
"""
# What stands between a run that is over and its items.
END_ITEMS = """
UPDATE loans_repricingitem SET state = 'HELD', reason = %(reason)s WHERE run_id = %(run_id)s AND state = 'PENDING'
"""

DUE_REPRICINGS = """FROM loans_repricingitem i JOIN loans_repricingrun r ON r.id = i.run_id
WHERE i.state = 'PENDING' AND r.state = 'APPROVED' AND i.effective_on <= %(as_of)s AND """ + IN_CHUNK.format("i")
DUE_LOANS = "SELECT i.loan_id " + DUE_REPRICINGS + " ORDER BY i.loan_id"
# Positions in the order of all locks, each with what stands in the way of a repricing.
LOCK_DUE = """
SELECT loan_id, next_repricing_on, num_nonnulls(settled_on, accelerated_on, written_off_on) > 0
FROM loans_position WHERE loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id FOR UPDATE
"""
# Whoever takes a run back waits for this lock or holds it.
HOLD_RUNS = "SELECT id FROM loans_repricingrun WHERE state = 'APPROVED' AND from_on <= %(as_of)s ORDER BY id FOR SHARE"
# The items of locked positions and held runs, each with what its loan says now.
GATHER_DUE_ITEMS = (
    """
SELECT i.id, i.loan_id, i.effective_on, i.tenor, i.lpr_percent, i.spread_bp, i.new_rate_percent, i.terms_version,
       i.schedule_sha256, i.next_repricing_on, EXISTS (
           SELECT FROM loans_posting g JOIN loans_ledger_line e ON e.posting_id = g.id
               AND e.business_date = g.business_date AND e.loan_id = g.loan_id
           WHERE i.effective_on < %(as_of)s AND g.loan_id = i.loan_id AND g.value_on > i.effective_on
             AND (e.account IN ('PENALTY_INCOME', 'COMPOUND_INCOME') OR EXISTS (
               SELECT FROM loans_installment n WHERE n.loan_id = e.loan_id AND n.number = e.installment_number
                 AND n.late_principal_units + n.late_interest_units > 0)))
"""
    + DUE_REPRICINGS
    + " ORDER BY i.loan_id"
)
# Interest up to the day is reckoned at the old rate; where the new one waits, the old one runs on to the period's end;
# where the terms alone can tell (no `from_on`), they do.
APPLY_REPRICED = """
UPDATE loans_position p SET annual_rate_percent = u.rate_ppm / 10000.0, installment_amount = u.installment / 100.0,
       last_number = u.last_number, next_repricing_on = u.day,
       accrues_from = CASE WHEN p.accrues_from <= u.from_on
           THEN CASE WHEN u.waits THEN p.accrues_from ELSE u.from_on END END,
       accrued_before = CASE WHEN p.accrues_from <= u.from_on THEN CASE WHEN u.waits THEN p.accrued_before
           ELSE p.accrued_before + div(2 * (p.unbilled_principal * 100)
               * (coalesce(p.accrual_rate_percent, p.annual_rate_percent) * 10000)::int * (u.from_on - p.accrues_from)
               + 360000000, 720000000) / 100 END ELSE 0 END,
       accrual_rate_percent = CASE WHEN u.waits AND p.accrues_from <= u.from_on
           THEN coalesce(p.accrual_rate_percent, p.annual_rate_percent) END
FROM unnest(%(loan_id)s::bigint[], %(rate_ppm)s::int[], %(installment)s::bigint[], %(last_number)s::smallint[],
            %(day)s::date[], %(from_on)s::date[], %(waits)s::boolean[])
     AS u(loan_id, rate_ppm, installment, last_number, day, from_on, waits)
WHERE p.loan_id = u.loan_id
"""
# A contract that ends with another row than before; the wide row is hardly ever touched.
APPLY_MATURITY = """
UPDATE loans_loan l SET matures_on = u.matures_on
FROM unnest(%(loan_id)s::bigint[], %(matures_on)s::date[]) AS u(loan_id, matures_on)
WHERE l.id = u.loan_id AND l.matures_on <> u.matures_on
"""
APPLY_NEXT_REPRICING = """
UPDATE loans_position p SET next_repricing_on = u.day
FROM unnest(%(loan_id)s::bigint[], %(day)s::date[]) AS u(loan_id, day) WHERE p.loan_id = u.loan_id
"""
END_APPLIED = """
UPDATE loans_repricingitem i SET state = u.state, reason = coalesce(u.reason, ''),
       applied_on = CASE WHEN u.state = 'HELD' THEN NULL ELSE %(as_of)s::date END
FROM unnest(%(id)s::bigint[], %(state)s::text[], %(reason)s::text[]) AS u(id, state, reason)
WHERE i.id = u.id AND i.state = 'PENDING'
"""
