"""SQL of reminders: who is to be reminded stands in two partial indexes of the positions, what waits in vain in one of
the messages; the book is never walked."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql import IN_CHUNK

# Borrowers who are not written to are few; the message would go by SMS.
_WANTED = """NOT EXISTS (
    SELECT FROM correspondence_contactpreference c JOIN loans_loan b ON b.borrower_id = c.party_id
    WHERE b.id = p.loan_id AND c.channel = 'SMS' AND c.ended_at IS NULL)"""
_DUE = (
    """
FROM loans_position p
WHERE p.next_due_on > %(due_after)s AND p.next_due_on <= %(due_up_to)s AND p.next_due_on IS NOT NULL
AND p.settled_on IS NULL AND p.accelerated_on IS NULL AND p.written_off_on IS NULL
AND NOT EXISTS (SELECT FROM correspondence_message m WHERE m.loan_id = p.loan_id AND m.kind = 'DUE'
                AND m.about = p.next_due_on AND m.step = 0) AND """
    + _WANTED
    + " AND "
    + IN_CHUNK
).format("p")
_OVERDUE = (
    """
FROM unnest(%(since)s::date[], %(step)s::smallint[], %(expires_on)s::date[]) AS r(since, step, expires_on)
JOIN loans_position p ON p.overdue_since = r.since
WHERE p.settled_on IS NULL AND p.accelerated_on IS NULL AND p.written_off_on IS NULL
AND NOT EXISTS (SELECT FROM correspondence_message m WHERE m.loan_id = p.loan_id AND m.kind = 'OVERDUE'
                AND m.about = r.since AND m.step = r.step) AND """
    + _WANTED
    + " AND "
    + IN_CHUNK
).format("p")
# Why a waiting message's subject does not stand any more; null while it does (rules.reminders.why_ended).
_WHY = """CASE
    WHEN p.settled_on IS NOT NULL OR p.accelerated_on IS NOT NULL OR p.written_off_on IS NOT NULL THEN 'ENDED'
    WHEN m.kind = 'DUE' THEN CASE WHEN p.next_due_on IS DISTINCT FROM m.about THEN 'CHANGED' END
    WHEN p.overdue_since IS NULL THEN 'PAID'
    WHEN p.overdue_since <> m.about THEN 'PARTLY_PAID' END"""
# Reminders of arrears that may still go are few. Those of a due day are all over the book, but a due day is moved by
# facts only: those recorded since the close before the last one, for some may come in while an evening runs. Who is
# not written to any more had all that waited cancelled at once; what an evening made meanwhile goes here.
_ENDED = (
    """
SELECT m.id, m.loan_id, """
    + _WHY
    + """ AS why
FROM correspondence_message m JOIN loans_position p ON p.loan_id = m.loan_id
WHERE m.kind = 'OVERDUE' AND m.state = 'WAITING' AND m.expires_on > %(as_of)s AND """
    + IN_CHUNK.format("m")
    + """
UNION ALL
SELECT m.id, m.loan_id, """
    + _WHY
    + """
FROM (SELECT DISTINCT e.loan_id FROM journal_entry e
      WHERE e.kind = ANY(%(facts)s::text[]) AND e.loan_id IS NOT NULL AND e.id > coalesce((
          SELECT c.id FROM journal_entry c WHERE c.kind = 'loans.date_closed'
          AND c.business_date < %(as_of)s::date - 1 ORDER BY c.id DESC LIMIT 1), 0)) f
JOIN correspondence_message m ON m.loan_id = f.loan_id JOIN loans_position p ON p.loan_id = m.loan_id
WHERE m.kind = 'DUE' AND m.state = 'WAITING' AND m.expires_on > %(as_of)s AND """
    + IN_CHUNK.format("m")
    + """
UNION ALL
SELECT m.id, m.loan_id, 'UNWANTED'
FROM correspondence_contactpreference c JOIN loans_loan b ON b.borrower_id = c.party_id
JOIN correspondence_message m ON m.loan_id = b.id AND m.channel = c.channel
JOIN loans_position p ON p.loan_id = m.loan_id
WHERE c.ended_at IS NULL AND c.business_date >= %(as_of)s::date - 1
AND m.state = 'WAITING' AND m.expires_on > %(as_of)s AND ("""
    + _WHY
    + ") IS NULL AND "
    + IN_CHUNK.format("m")
)

CANDIDATES = f"""
SELECT p.loan_id {_DUE}
UNION ALL SELECT p.loan_id {_OVERDUE}
UNION ALL SELECT x.loan_id FROM ({_ENDED}) x WHERE x.why IS NOT NULL
"""

_INSERT = """
INSERT INTO correspondence_message (loan_id, kind, about, step, amount, channel, template_version, business_date,
                                    not_before, expires_on)
"""
# The coming installment by the engine's step in SQL, or from the signed terms where its row is no plain month.
REMIND_DUE = f"""
{_INSERT}
SELECT x.loan_id, 'DUE', x.next_due_on, 0, x.fen / 100.0, 'SMS', %(due_version)s, %(as_of)s, %(not_before)s,
       x.next_due_on
FROM (
    SELECT p.loan_id, p.next_due_on, p.suspense, coalesce(t.agreed, k.interest + CASE
        WHEN p.next_number = p.last_number THEN k.balance
        WHEN l.repayment_method = 'INTEREST_ONLY' THEN 0
        WHEN l.repayment_method = 'EQUAL_PRINCIPAL' THEN least(k.balance, k.installment)
        ELSE greatest(0, least(k.balance, k.installment - k.interest)) END) AS fen
    FROM (SELECT p.* {_DUE}) p JOIN loans_loan l ON l.id = p.loan_id
    CROSS JOIN LATERAL (
        SELECT (p.unbilled_principal * 100)::bigint AS balance, (p.installment_amount * 100)::bigint AS installment,
               (2 * (p.unbilled_principal * 100)::bigint * (p.annual_rate_percent * 10000)::bigint + 12000000)
                   / 24000000 AS interest) k
    LEFT JOIN LATERAL (
        SELECT CASE WHEN p.next_number < s.plain_from THEN s.principal_fen[p.next_number - s.first_number + 1]
                    + s.interest_fen[p.next_number - s.first_number + 1] END AS agreed
        FROM loans_terms s WHERE s.loan_id = p.loan_id ORDER BY s.version DESC LIMIT 1) t ON true
) x WHERE x.fen > 0 AND x.fen > x.suspense * 100
"""
REMIND_OVERDUE = f"""
{_INSERT}
SELECT x.loan_id, 'OVERDUE', x.since, x.step, i.owed, 'SMS', %(overdue_version)s, %(as_of)s, %(not_before)s,
       x.expires_on
FROM (SELECT p.loan_id, r.since, r.step, r.expires_on {_OVERDUE}) x
CROSS JOIN LATERAL (
    SELECT sum(i.principal - i.principal_paid + i.interest - i.interest_paid) AS owed FROM loans_installment i
    WHERE i.loan_id = x.loan_id AND i.settled_on IS NULL) i
WHERE i.owed > 0
"""
CANCEL_ENDED = f"""
UPDATE correspondence_message m SET state = 'CANCELLED', reason = x.why, ended_on = %(as_of)s
FROM ({_ENDED}) x WHERE m.id = x.id AND x.why IS NOT NULL AND m.state = 'WAITING'
"""
# What waits for any loan of a borrower, and may still go.
CANCEL_UNWANTED = """
UPDATE correspondence_message m SET state = 'CANCELLED', reason = 'UNWANTED', ended_on = %(day)s
FROM loans_loan b WHERE b.borrower_id = %(party)s AND m.loan_id = b.id AND m.channel = %(channel)s
AND m.state = 'WAITING' AND m.expires_on >= %(day)s
"""
