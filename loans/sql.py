"""SQL of the loan batches: one statement gathers, one applies (docs/house.md 3).

Values travel as array literals and are unnested on the server, so a statement's text does not grow
with the rows. Amounts travel as integer fen. A posting and its lines are one statement, which is
what lets a statement-level trigger prove that every posting sums to zero.
"""

# ruff: noqa: S608 - statements are joined from constants of this file only; values always travel as parameters.
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

from django.db import connection

PLAIN_WEEK_DIFFERS = """
SELECT day, is_workday FROM loans_workday
WHERE day BETWEEN %(from_)s AND %(to)s AND is_workday <> (extract(isodow FROM day) < 6)
"""

# A chunk: loans above `after`, up to and including `up_to`, of `loan_ids` when given.
IN_CHUNK = """
    {0}.loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR {0}.loan_id <= %(up_to)s)
    AND (%(loan_ids)s::bigint[] IS NULL OR {0}.loan_id = ANY(%(loan_ids)s::bigint[]))
"""

DUE = "FROM loans_position p WHERE p.next_due_on <= %(as_of)s AND " + IN_CHUNK.format("p")
WAITING = (
    "FROM loans_receipt r WHERE r.state = 'WAITING' AND r.value_on <= %(as_of)s AND "
    "(%(receipt_ids)s::bigint[] IS NULL OR r.id = ANY(%(receipt_ids)s::bigint[])) AND " + IN_CHUNK.format("r")
)

# Due positions with what the step needs and what the signed terms say of the installment, locked in id order.
GATHER_DUE = (
    """
SELECT p.loan_id, p.next_number, p.next_due_on, p.last_number, (p.unbilled_principal * 100)::bigint,
       (p.installment_amount * 100)::bigint, p.annual_rate_percent, p.suspense > 0,
       l.due_day, l.matures_on, l.repayment_method, t.principal_fen, t.interest_fen
FROM loans_position p
JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN LATERAL (
    SELECT s.principal_fen[p.next_number - s.first_number + 1] AS principal_fen,
           s.interest_fen[p.next_number - s.first_number + 1] AS interest_fen
    FROM loans_terms s WHERE s.loan_id = p.loan_id ORDER BY s.version DESC LIMIT 1
) t ON true
WHERE p.next_due_on <= %(as_of)s AND """
    + IN_CHUNK.format("p")
    + " ORDER BY p.loan_id FOR UPDATE OF p"
)

APPLY_BILLING = """
WITH due AS (
    SELECT * FROM unnest(%(loan_id)s::bigint[], %(number)s::smallint[], %(due_on)s::date[], %(principal)s::bigint[],
        %(interest)s::bigint[], %(next_number)s::smallint[], %(next_due_on)s::date[])
    AS u(loan_id, number, due_on, principal, interest, next_number, next_due_on)
), billed AS (
    INSERT INTO loans_installment (loan_id, number, due_on, principal, interest, principal_paid, interest_paid,
                                   overdue_from, settled_on)
    SELECT loan_id, number, due_on, principal / 100.0, interest / 100.0, 0, 0, due_on,
           CASE WHEN principal = 0 AND interest = 0 THEN %(as_of)s::date END
    FROM due
), moved AS (
    UPDATE loans_position p SET unbilled_principal = p.unbilled_principal - due.principal / 100.0,
           next_number = due.next_number, next_due_on = due.next_due_on
    FROM due WHERE p.loan_id = due.loan_id
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, installment_number)
    SELECT loan_id, 'BILLING', due_on, %(as_of)s::date, %(at)s::timestamptz, number FROM due WHERE interest > 0
    RETURNING id, loan_id, installment_number
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, posted.id, side.line, due.loan_id, side.account, due.number, side.sign * due.interest / 100.0
FROM posted JOIN due ON due.loan_id = posted.loan_id
CROSS JOIN (VALUES (1, 'INTEREST_RECEIVABLE', 1), (2, 'INTEREST_INCOME', -1)) AS side(line, account, sign)
"""

# Positions of loans with receipts to post, or of given loans (suspense); locked in id order.
_LOCKED = """
SELECT p.loan_id, (p.suspense * 100)::bigint, (p.principal_balance * 100)::bigint, p.next_number, p.overdue_since,
       p.settled_on, l.baseline_on
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id WHERE p.loan_id
"""
LOCK_WITH_RECEIPTS = _LOCKED + "IN (SELECT r.loan_id " + WAITING + ") ORDER BY p.loan_id FOR UPDATE OF p"
LOCK_LOANS = _LOCKED + "= ANY(%(loan_ids)s::bigint[]) ORDER BY p.loan_id FOR UPDATE OF p"
GATHER_RECEIPTS = (
    "SELECT r.loan_id, r.id, (r.amount * 100)::bigint, r.value_on " + WAITING + " ORDER BY r.loan_id, r.value_on, r.id"
)
GATHER_UNPAID = """
SELECT loan_id, number, due_on, overdue_from, ((interest - interest_paid) * 100)::bigint,
       ((principal - principal_paid) * 100)::bigint
FROM loans_installment WHERE settled_on IS NULL AND loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY loan_id, number
"""

APPLY_PAYMENTS = """
WITH paid AS (
    SELECT * FROM unnest(%(i_loan)s::bigint[], %(i_number)s::smallint[], %(i_interest)s::bigint[],
        %(i_principal)s::bigint[], %(i_settled)s::date[]) AS u(loan_id, number, interest, principal, settled_on)
), state AS (
    SELECT * FROM unnest(%(p_loan)s::bigint[], %(p_principal)s::bigint[], %(p_suspense)s::bigint[],
        %(p_overdue)s::date[], %(p_settled)s::date[]) AS u(loan_id, principal, suspense, overdue_since, settled_on)
), headers AS (
    SELECT * FROM unnest(%(h_loan)s::bigint[], %(h_receipt)s::bigint[], %(h_value)s::date[])
    AS u(loan_id, receipt_id, value_on)
), lines AS (
    SELECT * FROM unnest(%(l_loan)s::bigint[], %(l_receipt)s::bigint[], %(l_line)s::smallint[], %(l_account)s::text[],
        %(l_number)s::smallint[], %(l_amount)s::bigint[]) AS u(loan_id, receipt_id, line, account, number, amount)
), installments AS (
    UPDATE loans_installment i SET interest_paid = i.interest_paid + paid.interest / 100.0,
           principal_paid = i.principal_paid + paid.principal / 100.0, settled_on = paid.settled_on
    FROM paid WHERE i.loan_id = paid.loan_id AND i.number = paid.number
), positions AS (
    UPDATE loans_position p SET principal_balance = p.principal_balance - state.principal / 100.0,
           suspense = p.suspense + state.suspense / 100.0, overdue_since = state.overdue_since,
           settled_on = state.settled_on
    FROM state WHERE p.loan_id = state.loan_id
), receipts AS (
    UPDATE loans_receipt r SET state = 'POSTED', posted_on = %(as_of)s::date
    FROM headers WHERE r.id = headers.receipt_id AND headers.receipt_id > 0
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, receipt_id)
    SELECT loan_id, %(kind)s, value_on, %(as_of)s::date, %(at)s::timestamptz, nullif(receipt_id, 0) FROM headers
    RETURNING id, loan_id, coalesce(receipt_id, 0) AS receipt_id
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, posted.id, lines.line, lines.loan_id, lines.account, lines.number, lines.amount / 100.0
FROM posted JOIN lines ON lines.loan_id = posted.loan_id AND lines.receipt_id = posted.receipt_id
"""

# ── Replay: receipts that come late, or are taken out again ──────────────────────────────────────

# The last day on which anything happened to a loan's money: a receipt before it changes what followed.
LAST_EVENTS = """
SELECT loan_id, max(day) FROM (
    SELECT loan_id, CASE kind WHEN 'BILLING' THEN business_date ELSE value_on END AS day FROM loans_posting
    WHERE loan_id = ANY(%(loan_ids)s::bigint[]) AND kind IN ('BILLING', 'RECEIPT', 'REPOSTING', 'SUSPENSE_USED')
    UNION ALL SELECT loan_id, due_on FROM loans_installment WHERE loan_id = ANY(%(loan_ids)s::bigint[])
) e GROUP BY loan_id
"""
# Every billed installment with the day it was billed (null: taken over with the book) and that posting.
GATHER_BILLED = """
SELECT i.loan_id, i.number, i.due_on, i.overdue_from, (i.interest * 100)::bigint, (i.principal * 100)::bigint,
       (i.interest_paid * 100)::bigint, (i.principal_paid * 100)::bigint, i.settled_on,
       CASE WHEN i.due_on <= l.baseline_on THEN NULL ELSE coalesce(p.business_date, i.due_on) END, coalesce(p.id, 0)
FROM loans_installment i JOIN loans_loan l ON l.id = i.loan_id
LEFT JOIN loans_posting p ON p.loan_id = i.loan_id AND p.installment_number = i.number AND p.kind = 'BILLING'
WHERE i.loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY i.loan_id, i.number
"""
# Posted receipts with the posting that they came in by.
GATHER_POSTED = """
SELECT r.loan_id, r.id, r.value_on, p.id, (r.amount * 100)::bigint FROM loans_receipt r
JOIN loans_posting p ON p.receipt_id = r.id AND p.loan_id = r.loan_id AND p.kind = 'RECEIPT'
WHERE r.state = 'POSTED' AND r.loan_id = ANY(%(loan_ids)s::bigint[]) ORDER BY r.loan_id, r.value_on, p.id
"""
# Postings of money that stand (nothing reverses them), with their lines.
GATHER_STANDING = """
SELECT p.loan_id, p.id, coalesce(p.receipt_id, 0), p.value_on, array_agg(g.account ORDER BY g.line),
       array_agg(g.installment_number ORDER BY g.line), array_agg((g.amount * 100)::bigint ORDER BY g.line)
FROM loans_posting p JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
WHERE p.loan_id = ANY(%(loan_ids)s::bigint[]) AND p.kind IN ('RECEIPT', 'REPOSTING', 'SUSPENSE_USED')
      AND NOT EXISTS (SELECT FROM loans_posting r WHERE r.reverses_id = p.id)
GROUP BY p.id ORDER BY p.loan_id, p.id
"""
NEXT_POSTINGS = (
    "SELECT nextval(pg_get_serial_sequence('loans_posting', 'id')) FROM generate_series(1, %(count)s) ORDER BY 1"
)
APPLY_REPLAY = """
WITH paid AS (
    SELECT * FROM unnest(%(i_loan)s::bigint[], %(i_number)s::smallint[], %(i_interest)s::bigint[],
        %(i_principal)s::bigint[], %(i_settled)s::date[]) AS u(loan_id, number, interest, principal, settled_on)
), state AS (
    SELECT * FROM unnest(%(p_loan)s::bigint[], %(p_balance)s::bigint[], %(p_suspense)s::bigint[],
        %(p_overdue)s::date[], %(p_settled)s::date[]) AS u(loan_id, balance, suspense, overdue_since, settled_on)
), installments AS (
    UPDATE loans_installment i SET interest_paid = paid.interest / 100.0, principal_paid = paid.principal / 100.0,
           settled_on = paid.settled_on
    FROM paid WHERE i.loan_id = paid.loan_id AND i.number = paid.number
), positions AS (
    UPDATE loans_position p SET principal_balance = state.balance / 100.0, suspense = state.suspense / 100.0,
           overdue_since = state.overdue_since, settled_on = state.settled_on
    FROM state WHERE p.loan_id = state.loan_id
), receipts AS (
    UPDATE loans_receipt r SET state = CASE WHEN r.id = ANY(%(taken_out)s::bigint[]) THEN 'REVERSED' ELSE 'POSTED' END,
           posted_on = coalesce(r.posted_on, %(as_of)s::date),
           reversed_on = CASE WHEN r.id = ANY(%(taken_out)s::bigint[]) THEN %(as_of)s::date END
    WHERE r.id = ANY(%(taken_out)s::bigint[]) OR r.id = ANY(%(taken_in)s::bigint[])
), posted AS (
    INSERT INTO loans_posting (id, loan_id, kind, value_on, business_date, booked_at, receipt_id, reverses_id,
                               after_reversal_id)
    SELECT u.id, u.loan_id, u.kind, u.value_on, %(as_of)s::date, %(at)s::timestamptz, nullif(u.receipt_id, 0),
           u.reverses_id, u.after_reversal_id
    FROM unnest(%(h_id)s::bigint[], %(h_loan)s::bigint[], %(h_kind)s::text[], %(h_value)s::date[],
        %(h_receipt)s::bigint[], %(h_reverses)s::bigint[], %(h_after)s::bigint[])
    AS u(id, loan_id, kind, value_on, receipt_id, reverses_id, after_reversal_id)
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(as_of)s::date, u.posting_id, u.line, u.loan_id, u.account, u.number, u.amount / 100.0
FROM unnest(%(l_posting)s::bigint[], %(l_loan)s::bigint[], %(l_line)s::smallint[], %(l_account)s::text[],
    %(l_number)s::smallint[], %(l_amount)s::bigint[]) AS u(posting_id, loan_id, line, account, number, amount)
"""

# Loans whose overdue day disagrees with their unpaid installments: newly recognised, moved or cured.
# Two partial indexes are walked, of unpaid installments and of overdue loans; never the book.
AGE_CANDIDATES = (
    """
WITH recognised AS (
    SELECT i.loan_id, min(i.overdue_from) AS since FROM loans_installment i
    WHERE i.settled_on IS NULL AND (i.due_on <= %(recognised_until)s OR i.overdue_from < (
        SELECT l.baseline_on FROM loans_loan l WHERE l.id = i.loan_id)) AND """
    + IN_CHUNK.format("i")
    + """
    GROUP BY i.loan_id
)
SELECT p.loan_id FROM recognised r JOIN loans_position p ON p.loan_id = r.loan_id
WHERE p.overdue_since IS DISTINCT FROM r.since
UNION ALL
SELECT p.loan_id FROM loans_position p
WHERE p.overdue_since IS NOT NULL AND NOT EXISTS (SELECT FROM recognised r WHERE r.loan_id = p.loan_id) AND """
    + IN_CHUNK.format("p")
)

APPLY_OVERDUE = """
UPDATE loans_position p SET overdue_since = u.overdue_since
FROM unnest(%(loan_id)s::bigint[], %(overdue_since)s::date[]) AS u(loan_id, overdue_since) WHERE p.loan_id = u.loan_id
"""

# Loans whose class is not the one of their days past due: overdue loans, and cured ones not yet PASS.
CLASS_CANDIDATES = (
    """
SELECT p.loan_id FROM loans_position p
WHERE p.overdue_since IS NOT NULL AND p.five_class <> CASE
    WHEN p.overdue_since <= %(LOSS)s THEN 'LOSS' WHEN p.overdue_since <= %(DOUBTFUL)s THEN 'DOUBTFUL'
    WHEN p.overdue_since <= %(SUBSTANDARD)s THEN 'SUBSTANDARD'
    WHEN p.overdue_since <= %(SPECIAL_MENTION)s THEN 'SPECIAL_MENTION' ELSE 'PASS' END AND """
    + IN_CHUNK.format("p")
    + """
UNION ALL
SELECT p.loan_id FROM loans_position p WHERE p.overdue_since IS NULL AND p.five_class <> 'PASS' AND """
    + IN_CHUNK.format("p")
)

APPLY_CLASS = """
UPDATE loans_position p SET five_class = u.five_class
FROM unnest(%(loan_id)s::bigint[], %(five_class)s::text[]) AS u(loan_id, five_class) WHERE p.loan_id = u.loan_id
"""

INSERT_OPENING_LOANS = """
INSERT INTO loans_loan (loan_note_no, external_id, borrower_id, branch_id, portfolio_officer_id, principal_original,
    disbursed_on, matures_on, due_day, repayment_method, credit_score, baseline_on, baseline_days_past_due,
    payment_record, last_visit_on, import_batch_id, tape_line, tape_sha256)
SELECT u.loan_note_no, u.external_id, u.borrower_id, u.branch_id, u.portfolio_officer_id, u.principal_original,
    u.disbursed_on, u.matures_on, u.due_day, %(method)s, u.credit_score, %(as_of)s::date, u.days_past_due,
    u.payment_record, u.last_visit_on, %(batch)s, u.tape_line, u.tape_sha256
FROM unnest(%(loan_note_no)s::text[], %(external_id)s::text[], %(borrower_id)s::bigint[], %(branch_id)s::bigint[],
    %(portfolio_officer_id)s::bigint[], %(principal_original)s::numeric[], %(disbursed_on)s::date[],
    %(matures_on)s::date[], %(due_day)s::smallint[], %(days_past_due)s::int[], %(credit_score)s::smallint[],
    %(payment_record)s::text[], %(last_visit_on)s::date[], %(tape_line)s::int[], %(tape_sha256)s::text[])
    AS u(loan_note_no, external_id, borrower_id, branch_id, portfolio_officer_id, principal_original, disbursed_on,
         matures_on, due_day, days_past_due, credit_score, payment_record, last_visit_on, tape_line, tape_sha256)
RETURNING external_id, id
"""

# Opening postings: the whole balance and the interest in arrears, taken over against TAKEOVER.
INSERT_OPENING_POSTINGS = """
WITH taken AS (
    SELECT * FROM unnest(%(loan_id)s::bigint[], %(principal)s::bigint[], %(interest)s::bigint[])
    AS u(loan_id, principal, interest)
), arrears AS (
    SELECT * FROM unnest(%(a_loan)s::bigint[], %(a_number)s::smallint[], %(a_interest)s::bigint[],
        %(a_line)s::smallint[]) AS u(loan_id, number, interest, line) WHERE u.interest > 0
), posted AS (
    INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at)
    SELECT loan_id, 'OPENING', %(as_of)s::date, %(business_date)s::date, %(at)s::timestamptz FROM taken
    RETURNING id, loan_id
)
INSERT INTO loans_ledger_line (business_date, posting_id, line, loan_id, account, installment_number, amount)
SELECT %(business_date)s::date, posted.id, side.line, side.loan_id, side.account, side.number, side.amount / 100.0
FROM posted JOIN (
    SELECT loan_id, 1 AS line, 'PRINCIPAL' AS account, NULL::smallint AS number, principal AS amount FROM taken
    UNION ALL SELECT loan_id, 2, 'TAKEOVER', NULL, -(principal + interest) FROM taken
    UNION ALL SELECT loan_id, line, 'INTEREST_RECEIVABLE', number, interest FROM arrears
) side ON side.loan_id = posted.loan_id
"""

MATCH_LOANS = """
SELECT id, loan_note_no, external_id, coalesce(baseline_on, disbursed_on) FROM loans_loan
WHERE loan_note_no = ANY(%(refs)s::text[]) OR external_id = ANY(%(refs)s::text[])
"""
INSERT_RECEIPTS = """
INSERT INTO loans_receipt (channel, serial, loan_ref, loan_id, amount, value_on, state, received_at)
SELECT u.channel, u.serial, u.loan_ref, u.loan_id, u.amount, u.value_on, u.state, %(at)s::timestamptz
FROM unnest(%(channel)s::text[], %(serial)s::text[], %(loan_ref)s::text[], %(loan_id)s::bigint[], %(amount)s::numeric[],
    %(value_on)s::date[], %(state)s::text[]) AS u(channel, serial, loan_ref, loan_id, amount, value_on, state)
ON CONFLICT (channel, serial) DO NOTHING RETURNING channel, serial, id
"""
SAME_SERIALS = """
SELECT r.channel, r.serial, r.loan_ref, r.loan_id, r.amount, r.value_on, r.state FROM loans_receipt r
JOIN unnest(%(channel)s::text[], %(serial)s::text[]) AS u(channel, serial)
ON r.channel = u.channel AND r.serial = u.serial
"""

# Control totals by branch: what the positions say, and what the ledger's principal lines say.
BALANCES_BY_BRANCH = """
SELECT b.code, count(*) FILTER (WHERE p.settled_on IS NULL), sum(p.principal_balance) FROM loans_position p
JOIN loans_loan l ON l.id = p.loan_id JOIN people_branch b ON b.id = l.branch_id GROUP BY b.code ORDER BY b.code
"""
LEDGER_BY_BRANCH = """
SELECT b.code, sum(g.amount) FROM loans_ledger_line g
JOIN loans_loan l ON l.id = g.loan_id JOIN people_branch b ON b.id = l.branch_id
WHERE g.account = 'PRINCIPAL' AND g.business_date <= %(until)s
      AND (%(since)s::date IS NULL OR g.business_date >= %(since)s) GROUP BY b.code
"""
LOANS_OUT_OF_BALANCE = """
SELECT l.loan_note_no, p.principal_balance, coalesce(g.amount, 0) FROM loans_position p
JOIN loans_loan l ON l.id = p.loan_id
LEFT JOIN (SELECT loan_id, sum(amount) AS amount FROM loans_ledger_line WHERE account = 'PRINCIPAL' GROUP BY loan_id) g
ON g.loan_id = p.loan_id
WHERE p.principal_balance <> coalesce(g.amount, 0) ORDER BY p.loan_id LIMIT 20
"""


def array(values: Iterable[int | Decimal | date | str | None]) -> str:
    """An array literal of numbers, dates or our own code words (nothing that would need quoting)."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def int_array(values: list[int]) -> str:
    """An array literal of many whole numbers, which Python writes out by itself."""
    return "{" + str(values)[1:-1] + "}"


def run(statement: str, values: dict[str, Any]) -> int:
    """Executes; returns the number of rows that the last part of the statement touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def rows(statement: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Executes and fetches all rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def copy_rows(table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """COPYs rows of numbers, dates, array literals and plain words into a table of ours."""
    text = StringIO()
    for row in values:
        text.write("\t".join(["\\N" if value is None else str(value) for value in row]))
        text.write("\n")
    text.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text)
