"""Reports about the book, one statement each: aging, class migration, collections, and the whole book as CSV.

A date means its close. What the book was then is what it is now less what was posted or recorded since, so the last
close costs no more than a look at the positions. Money that was told late counts by its value date, as known today.
"""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
# `branches` and `product` narrow; null leaves the whole bank.
_SCOPE = """(%(branches)s::bigint[] IS NULL OR l.branch_id = ANY(%(branches)s::bigint[]))
      AND (%(product)s::text IS NULL OR l.product = %(product)s)"""
_LATER = """
    SELECT loan_id, sum(amount) FILTER (WHERE account = 'PRINCIPAL') AS principal
    FROM loans_ledger_line WHERE business_date > {day} GROUP BY loan_id
"""
# Balances by first day past due of the band; by branch or by product. What is late is looked for by itself, and the
# rest of a row is what the whole leaves over: so the positions are added up in one pass, and changed only where
# something was posted since.
AGING = (
    """
WITH later AS ("""
    + _LATER.format(day="%(day)s")
    + """), unpaid AS (
    SELECT i.loan_id, min(i.overdue_from) AS since FROM (
        SELECT loan_id, due_on, overdue_from FROM loans_installment WHERE settled_on IS NULL
        UNION ALL
        SELECT n.loan_id, n.due_on, n.overdue_from FROM later JOIN loans_installment n ON n.loan_id = later.loan_id
        WHERE n.settled_on > %(day)s
    ) i WHERE i.due_on <= %(recognised)s OR EXISTS (
        SELECT FROM loans_loan b WHERE b.id = i.loan_id AND i.overdue_from < b.baseline_on)
    GROUP BY i.loan_id
), whole AS (
    SELECT {key} AS key, count(*) FILTER (WHERE p.principal_balance > 0) AS loans, sum(p.principal_balance) AS balance
    FROM loans_position p {loans} WHERE {scope} GROUP BY 1
), moved AS (
    SELECT {key} AS key, sum((p.principal_balance > later.principal)::int - (p.principal_balance > 0)::int) AS loans,
           -sum(later.principal) AS balance
    FROM later JOIN loans_position p ON p.loan_id = later.loan_id {loans}
    WHERE later.principal <> 0 AND {scope} GROUP BY 1
), late AS (
    SELECT {key} AS key, CASE WHEN days <= 30 THEN 1 WHEN days <= 60 THEN 31 WHEN days <= 90 THEN 61
           WHEN days <= 180 THEN 91 WHEN days <= 360 THEN 181 ELSE 361 END AS band, count(*) AS loans,
           sum(p.principal_balance - coalesce(later.principal, 0)) AS balance
    FROM unpaid JOIN loans_position p ON p.loan_id = unpaid.loan_id {loans}
    LEFT JOIN later ON later.loan_id = p.loan_id, LATERAL (SELECT %(day)s::date - unpaid.since AS days) d
    WHERE days > 0 AND p.principal_balance > coalesce(later.principal, 0) AND {scope} GROUP BY 1, 2
), banded AS (
    SELECT whole.key, 0 AS band, whole.loans + coalesce(moved.loans, 0) - coalesce(l.loans, 0) AS loans,
           whole.balance + coalesce(moved.balance, 0) - coalesce(l.balance, 0) AS balance
    FROM whole LEFT JOIN moved ON moved.key = whole.key
    LEFT JOIN (SELECT key, sum(loans) AS loans, sum(balance) AS balance FROM late GROUP BY 1) l ON l.key = whole.key
    UNION ALL SELECT * FROM late
)
SELECT key::text, band, loans::bigint, balance FROM banded WHERE loans > 0 ORDER BY 1, 2
"""
)
AGING_SCOPE = "(%(branches)s::bigint[] IS NULL OR p.branch_id = ANY(%(branches)s::bigint[]))"
AGING_KEYS = {"branch": "p.branch_id", "product": "l.product"}
# Where no product is asked for, positions need no look at their loans.
AGING_LOANS = "JOIN loans_loan l ON l.id = p.loan_id AND (%(product)s::text IS NULL OR l.product = %(product)s)"
# Classes at the close of two dates; a loan that came or went between them stands in a row or column of its own.
MIGRATION = (
    """
WITH moved AS (
    SELECT loan_id, (array_agg(data ->> 'from' ORDER BY id))[1] AS first,
           (array_agg(data ->> 'from' ORDER BY id) FILTER (WHERE business_date > %(to_on)s))[1] AS last
    FROM journal_entry WHERE kind = 'loans.class_changed' AND business_date > %(from_on)s GROUP BY loan_id
), later AS ("""
    + _LATER.format(day="%(to_on)s")
    + """)
SELECT CASE WHEN coalesce(l.baseline_on, l.disbursed_on) > %(from_on)s THEN 'NEW'
            ELSE coalesce(moved.first, p.five_class) END,
       CASE WHEN p.written_off_on <= %(to_on)s THEN 'WRITTEN_OFF' WHEN p.settled_on <= %(to_on)s THEN 'SETTLED'
            ELSE coalesce(moved.last, p.five_class) END,
       count(*), sum(p.principal_balance - coalesce(later.principal, 0))
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN moved ON moved.loan_id = p.loan_id LEFT JOIN later ON later.loan_id = p.loan_id
WHERE coalesce(l.baseline_on, l.disbursed_on) <= %(to_on)s AND (p.settled_on IS NULL OR p.settled_on > %(from_on)s)
      AND (p.written_off_on IS NULL OR p.written_off_on > %(from_on)s) AND """
    + _SCOPE
    + """
GROUP BY 1, 2 ORDER BY 1, 2
"""
)
# What fell due in the months and what of it has come in; and installments of earlier months settled in a month. First
# by days, of which there are few, then by the key.
COLLECTIONS = """
WITH cell AS (
    SELECT {inner} AS branch_id, i.due_on, i.settled_on, sum(i.principal + i.interest) AS due,
           sum(i.principal_paid + i.interest_paid) AS paid
    FROM loans_installment i {loans}
    WHERE i.due_on < %(until)s AND (i.due_on >= %(from_on)s OR i.settled_on >= %(from_on)s) GROUP BY 1, 2, 3
), told AS (
    SELECT {due_key} AS key, due, paid, 0 AS recovered FROM cell WHERE due_on >= %(from_on)s
    UNION ALL
    SELECT {settled_key}, 0, 0, due FROM cell
    WHERE settled_on >= %(from_on)s AND settled_on < %(until)s AND due_on < date_trunc('month', settled_on)
)
SELECT key::text, sum(due), sum(paid), sum(recovered) FROM told GROUP BY key ORDER BY 1
"""
# Where neither a branch nor a product is asked for, installments need no look at their loans.
COLLECTION_LOANS = "JOIN loans_loan l ON l.id = i.loan_id AND " + _SCOPE
COLLECTION_KEYS = {
    "month": {
        "inner": "NULL::bigint",
        "due_key": "date_trunc('month', due_on)::date",
        "settled_key": "date_trunc('month', settled_on)::date",
    },
    "branch": {"inner": "l.branch_id", "due_key": "branch_id", "settled_key": "branch_id"},
}
# A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a return) stands behind an
# apostrophe.
_PLAIN = "CASE WHEN left({0}, 1) IN ('=', '+', '-', '@', chr(9), chr(13)) THEN '''' || {0} ELSE {0} END"
# The book as it stands; the borrower's name is masked for everyone.
BOOK = (
    "SELECT "
    + _PLAIN.format("l.loan_note_no")
    + ", "
    + _PLAIN.format("b.code")
    + ", "
    + _PLAIN.format("b.name")
    + ", l.product, l.repayment_method, "
    + _PLAIN.format("(CASE WHEN y.name = '' THEN '' ELSE left(y.name, 1) || '**' END)")
    + ", "
    + _PLAIN.format("s.staff_no")
    + """, l.disbursed_on, l.matures_on, l.due_day, l.principal_original, p.principal_balance, p.annual_rate_percent,
       p.installment_amount, p.next_due_on, p.overdue_since, coalesce(greatest(0, %(day)s::date - p.overdue_since), 0),
       p.five_class, p.off_balance_interest, p.suspense, p.fees_due
FROM loans_loan l JOIN loans_position p ON p.loan_id = l.id JOIN people_branch b ON b.id = l.branch_id
JOIN people_party y ON y.id = l.borrower_id LEFT JOIN people_staff s ON s.id = l.portfolio_officer_id
WHERE p.settled_on IS NULL AND """
    + _SCOPE
    + " ORDER BY l.id"
)
