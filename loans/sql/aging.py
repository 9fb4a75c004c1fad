"""Aging and classes: partial indexes are walked, never the book."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql.chunks import IN_CHUNK

# Loans whose overdue day disagrees with their unpaid installments: newly recognised, moved or cured; and those of which
# one more installment is late since the last close. Two partial indexes are read side by side, of unpaid installments
# and of overdue loans, and nothing but the indexes.
AGE_CANDIDATES = (
    """
SELECT coalesce(r.loan_id, o.loan_id) AS loan_id FROM (
    SELECT i.loan_id, min(i.overdue_from) AS since, max(i.due_on) AS last_due_on FROM loans_installment i
    WHERE i.settled_on IS NULL AND (i.due_on <= %(recognised_until)s OR i.overdue_from < (
        SELECT l.baseline_on FROM loans_loan l WHERE l.id = i.loan_id)) AND """
    + IN_CHUNK.format("i")
    + """
    GROUP BY i.loan_id
) r FULL JOIN (
    SELECT p.loan_id, p.overdue_since FROM loans_position p WHERE p.overdue_since IS NOT NULL AND """
    + IN_CHUNK.format("p")
    + """
) o ON o.loan_id = r.loan_id
WHERE r.since IS DISTINCT FROM o.overdue_since
   OR r.last_due_on > %(recognised_before)s AND r.last_due_on > o.overdue_since
"""
)

APPLY_OVERDUE = """
UPDATE loans_position p SET overdue_since = u.overdue_since
FROM unnest(%(loan_id)s::bigint[], %(overdue_since)s::date[]) AS u(loan_id, overdue_since) WHERE p.loan_id = u.loan_id
"""

# The worse of the class by days past due and the floor of an observation.
_CLASS = """CASE
    WHEN p.overdue_since <= %(LOSS)s OR p.class_floor = 'LOSS' THEN 'LOSS'
    WHEN p.overdue_since <= %(DOUBTFUL)s OR p.class_floor = 'DOUBTFUL' THEN 'DOUBTFUL'
    WHEN p.overdue_since <= %(SUBSTANDARD)s OR p.class_floor = 'SUBSTANDARD' THEN 'SUBSTANDARD'
    WHEN p.overdue_since <= %(SPECIAL_MENTION)s OR p.class_floor = 'SPECIAL_MENTION' THEN 'SPECIAL_MENTION'
    ELSE 'PASS' END"""
# Loans whose class is not that. For each class those that are overdue since too early or too late a day for it, which
# are ranges of one partial index (class, overdue since), each asked by itself; and those under a floor.
_OUT_OF_CLASS = (
    ("LOSS", "p.overdue_since > %(LOSS)s"),
    ("DOUBTFUL", "p.overdue_since <= %(LOSS)s"),
    ("DOUBTFUL", "p.overdue_since > %(DOUBTFUL)s"),
    ("SUBSTANDARD", "p.overdue_since <= %(DOUBTFUL)s"),
    ("SUBSTANDARD", "p.overdue_since > %(SUBSTANDARD)s"),
    ("SPECIAL_MENTION", "p.overdue_since <= %(SUBSTANDARD)s"),
    ("SPECIAL_MENTION", "p.overdue_since > %(SPECIAL_MENTION)s"),
    ("PASS", "p.overdue_since <= %(SPECIAL_MENTION)s"),
    *((name, "p.overdue_since IS NULL") for name in ("LOSS", "DOUBTFUL", "SUBSTANDARD", "SPECIAL_MENTION")),
)
CLASS_CANDIDATES = " UNION ALL ".join(
    f"SELECT p.loan_id FROM loans_position p WHERE p.five_class = '{name}' AND {differs} "
    f"AND (p.overdue_since IS NOT NULL OR p.five_class <> 'PASS') AND p.five_class <> {_CLASS} AND "
    + IN_CHUNK.format("p")
    for name, differs in _OUT_OF_CLASS
) + (
    " UNION SELECT p.loan_id FROM loans_position p WHERE p.class_floor <> '' AND p.five_class <> "
    + _CLASS
    + " AND "
    + IN_CHUNK.format("p")
)

APPLY_CLASS = """
UPDATE loans_position p SET five_class = u.five_class
FROM unnest(%(loan_id)s::bigint[], %(five_class)s::text[]) AS u(loan_id, five_class) WHERE p.loan_id = u.loan_id
"""
