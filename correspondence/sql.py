"""SQL of reminders: who is to be reminded stands in two partial indexes of the positions, what waits in vain or with an
amount of yesterday in one of the messages, in that of suspense and in the facts; the book is never walked."""

# ruff: noqa: S608 - statements are joined from constants of this package only; values always travel as parameters.
from loans.sql import IN_CHUNK

# Borrowers who are not written to are few; the message would go by SMS.
_WANTED = """NOT EXISTS (
    SELECT FROM correspondence_contactpreference c JOIN loans_loan b ON b.borrower_id = c.party_id
    WHERE b.id = p.loan_id AND c.channel = 'SMS' AND c.ended_at IS NULL)"""
# A reminder that an evening took back waits again when what it speaks of stands again; what a person took back, or a
# borrower wanted none of, stays cancelled.
_TOLD = "AND (m.state <> 'CANCELLED' OR m.reason IN ('BY_PERSON', 'UNWANTED'))"
# Loans with such facts since the close before the last one, for some may come in while an evening runs. As an array,
# so that few of them are looked up one by one.
_SINCE = """
SELECT e.loan_id FROM journal_entry e
WHERE e.kind = ANY({kinds}) AND e.loan_id IS NOT NULL AND e.id > coalesce((
    SELECT c.id FROM journal_entry c WHERE c.kind = 'loans.date_closed'
    AND c.business_date < %(as_of)s::date - 1 ORDER BY c.id DESC LIMIT 1), 0)"""
_MOVED = _SINCE.format(kinds="%(facts)s::text[]")
_LIVE = """p.settled_on IS NULL AND p.accelerated_on IS NULL AND p.written_off_on IS NULL AND """
_DUE_WHERE = (
    _LIVE
    + """NOT EXISTS (SELECT FROM correspondence_message m WHERE m.loan_id = p.loan_id AND m.kind = 'DUE'
                AND m.about = p.next_due_on AND m.step = 0 """
    + _TOLD
    + ") AND "
    + _WANTED
    + " AND "
    + IN_CHUNK
).format("p")
# The due day that is reached; and one that a fact brought nearer, or made worth telling, since.
_DUE = f"""
SELECT p.* FROM loans_position p
WHERE p.next_due_on > %(due_after)s AND p.next_due_on <= %(due_up_to)s AND p.next_due_on IS NOT NULL AND {_DUE_WHERE}
UNION ALL
SELECT p.* FROM loans_position p
WHERE p.loan_id = ANY(ARRAY({_MOVED})) AND p.next_due_on > %(as_of)s AND p.next_due_on <= %(due_up_to)s
AND p.next_due_on <= %(due_after)s AND {_DUE_WHERE}
"""
_OVERDUE_WHERE = (
    _LIVE
    + """NOT EXISTS (SELECT FROM correspondence_message m WHERE m.loan_id = p.loan_id AND m.kind = 'OVERDUE'
                AND m.about = r.since AND m.step = r.step """
    + _TOLD
    + ") AND "
    + _WANTED
    + " AND "
    + IN_CHUNK
).format("p")
_STEPS = (
    "unnest(%({0}since)s::date[], %({0}step)s::smallint[], %({0}expires_on)s::date[]) AS r(since, step, expires_on)"
)
# The step that is reached; and, where a fact made a loan overdue again (a receipt that is reversed), the step it is at.
_OVERDUE = f"""
SELECT p.loan_id, p.suspense, r.since, r.step, r.expires_on
FROM {_STEPS.format("")} JOIN loans_position p ON p.overdue_since = r.since WHERE {_OVERDUE_WHERE}
UNION ALL
SELECT p.loan_id, p.suspense, r.since, r.step, r.expires_on
FROM loans_position p JOIN {_STEPS.format("again_")} ON r.since = p.overdue_since
WHERE p.loan_id = ANY(ARRAY({_MOVED})) AND p.overdue_since <> ALL(%(since)s::date[]) AND {_OVERDUE_WHERE}
"""
# All that is due and unpaid of a position's loan.
_OWED = """(SELECT coalesce(sum(i.principal - i.principal_paid + i.interest - i.interest_paid), 0)
    FROM loans_installment i WHERE i.loan_id = p.loan_id AND i.settled_on IS NULL)"""
# The coming installment by the engine's step in SQL, or from the signed terms where its row is no plain month.
_NEXT_FEN = """coalesce(t.agreed, k.interest + CASE
        WHEN p.next_number = p.last_number THEN k.balance
        WHEN l.repayment_method = 'INTEREST_ONLY' THEN 0
        WHEN l.repayment_method = 'EQUAL_PRINCIPAL' THEN least(k.balance, k.installment)
        ELSE greatest(0, least(k.balance, k.installment - k.interest)) END)"""
_NEXT_FROM = """
    CROSS JOIN LATERAL (
        SELECT (p.unbilled_principal * 100)::bigint AS balance, (p.installment_amount * 100)::bigint AS installment,
               (2 * (p.unbilled_principal * 100)::bigint * (p.annual_rate_percent * 10000)::bigint + 12000000)
                   / 24000000 AS interest) k
    LEFT JOIN LATERAL (
        SELECT CASE WHEN p.next_number < s.plain_from THEN s.principal_fen[p.next_number - s.first_number + 1]
                    + s.interest_fen[p.next_number - s.first_number + 1] END AS agreed
        FROM loans_terms s WHERE s.loan_id = p.loan_id ORDER BY s.version DESC LIMIT 1) t ON true"""
_NEXT = f"(SELECT {_NEXT_FEN} / 100.0 FROM loans_loan l {_NEXT_FROM} WHERE l.id = p.loan_id)"
_MESSAGE = """
SELECT m.id, m.loan_id, m.kind, m.about, m.amount, p.next_due_on, p.overdue_since, p.suspense,
       p.settled_on IS NOT NULL OR p.accelerated_on IS NOT NULL OR p.written_off_on IS NOT NULL AS is_ended,
       {now} AS now, {is_unwanted} AS is_unwanted"""
_WAITS = " AND m.state = 'WAITING' AND m.expires_on > %(as_of)s AND " + IN_CHUNK.format("m")
# Whose due day is near, and whose message of it therefore waits.
_NEAR = """
FROM loans_position p JOIN correspondence_message m
    ON m.loan_id = p.loan_id AND m.kind = 'DUE' AND m.about = p.next_due_on AND m.step = 0
WHERE p.next_due_on > %(as_of)s AND p.next_due_on <= %(due_up_to)s """
# What waits and may be about something else by now. Reminders of arrears that may still go are few. Those of a due day
# are all over the book, but such a day, or what falls due on it, is moved by facts only; or money for it has come in,
# and then stands in suspense. Who is not written to any more had all that waited cancelled at once; what an evening
# made meanwhile goes here.
_LOOKED_AT = (
    _MESSAGE.format(now=_OWED, is_unwanted="false")
    + " FROM correspondence_message m JOIN loans_position p ON p.loan_id = m.loan_id WHERE m.kind = 'OVERDUE'"
    + _WAITS
    + " UNION ALL "
    + _MESSAGE.format(now=_NEXT, is_unwanted="false")
    + f""" FROM (SELECT DISTINCT f.loan_id FROM ({_MOVED}) f) f
    JOIN correspondence_message m ON m.loan_id = f.loan_id JOIN loans_position p ON p.loan_id = m.loan_id
    WHERE m.kind = 'DUE'"""
    + _WAITS
    + " UNION ALL "
    + _MESSAGE.format(now=_NEXT, is_unwanted="false")
    + _NEAR
    + "AND p.suspense > 0"
    + _WAITS
    + " UNION ALL "
    + _MESSAGE.format(now=_NEXT, is_unwanted="false")
    + _NEAR
    + f"AND p.loan_id IN ({_SINCE.format(kinds='ARRAY[%(repriced)s]')})"
    + _WAITS
    + " UNION ALL "
    + _MESSAGE.format(now=f"CASE m.kind WHEN 'DUE' THEN {_NEXT} ELSE {_OWED} END", is_unwanted="true")
    + """ FROM correspondence_contactpreference c JOIN loans_loan b ON b.borrower_id = c.party_id
    JOIN correspondence_message m ON m.loan_id = b.id AND m.channel = c.channel
    JOIN loans_position p ON p.loan_id = m.loan_id
    WHERE c.ended_at IS NULL AND c.business_date >= %(as_of)s::date - 1"""
    + _WAITS
)
# Why its subject does not stand any more; null while it does (rules.reminders.why_ended). One that stands with another
# amount is brought up to date.
_STALE = f"""
SELECT id, loan_id, why, now FROM (
    SELECT s.id, s.loan_id, s.amount, s.now, CASE
        WHEN is_ended THEN 'ENDED'
        WHEN kind = 'DUE' AND next_due_on IS DISTINCT FROM about THEN 'CHANGED'
        WHEN kind = 'OVERDUE' AND overdue_since IS NULL THEN 'PAID'
        WHEN kind = 'OVERDUE' AND overdue_since <> about THEN 'PARTLY_PAID'
        WHEN is_unwanted THEN 'UNWANTED'
        WHEN now <= suspense THEN 'COVERED' END AS why
    FROM (SELECT DISTINCT ON (id) * FROM ({_LOOKED_AT}) each ORDER BY id, is_unwanted DESC) s
) stands WHERE why IS NOT NULL OR now <> amount
"""

CANDIDATES = f"""
SELECT loan_id FROM ({_DUE}) due
UNION ALL SELECT loan_id FROM ({_OVERDUE}) overdue
UNION ALL SELECT loan_id FROM ({_STALE}) stale
"""

_INSERT = """
INSERT INTO correspondence_message (loan_id, kind, about, step, amount, channel, template_version, business_date,
                                    not_before, expires_on)
"""
_WAITS_AGAIN = """
ON CONFLICT (loan_id, kind, about, step) DO UPDATE SET state = 'WAITING', reason = '', ended_on = NULL,
    amount = excluded.amount, channel = excluded.channel, template_version = excluded.template_version,
    business_date = excluded.business_date, not_before = excluded.not_before, expires_on = excluded.expires_on
WHERE correspondence_message.state = 'CANCELLED' AND correspondence_message.reason NOT IN ('BY_PERSON', 'UNWANTED')
"""
REMIND_DUE = f"""
{_INSERT}
SELECT x.loan_id, 'DUE', x.next_due_on, 0, x.fen / 100.0, 'SMS', %(due_version)s, %(as_of)s, %(not_before)s,
       x.next_due_on
FROM (
    SELECT p.loan_id, p.next_due_on, p.suspense, {_NEXT_FEN} AS fen
    FROM ({_DUE}) p JOIN loans_loan l ON l.id = p.loan_id {_NEXT_FROM}
) x WHERE x.fen > 0 AND x.fen > x.suspense * 100
{_WAITS_AGAIN}
"""
REMIND_OVERDUE = f"""
{_INSERT}
SELECT x.loan_id, 'OVERDUE', x.since, x.step, x.owed, 'SMS', %(overdue_version)s, %(as_of)s, %(not_before)s,
       x.expires_on
FROM (SELECT p.*, {_OWED} AS owed FROM ({_OVERDUE}) p) x WHERE x.owed > x.suspense
{_WAITS_AGAIN}
"""
# Takes back what ended and says why; what stands gets the amount of this close, and its day. How many of each.
BRING_UP_TO_DATE = f"""
WITH changed AS (
    UPDATE correspondence_message m
       SET state = CASE WHEN x.why IS NULL THEN m.state ELSE 'CANCELLED' END, reason = coalesce(x.why, ''),
           ended_on = CASE WHEN x.why IS NOT NULL THEN %(as_of)s::date END,
           amount = CASE WHEN x.why IS NULL THEN x.now ELSE m.amount END,
           business_date = CASE WHEN x.why IS NULL THEN %(as_of)s::date ELSE m.business_date END
      FROM ({_STALE}) x WHERE m.id = x.id AND m.state = 'WAITING'
    RETURNING m.state
)
SELECT count(*) FILTER (WHERE state = 'CANCELLED'), count(*) FILTER (WHERE state = 'WAITING') FROM changed
"""
# What waits for any loan of a borrower, and may still go.
CANCEL_UNWANTED = """
UPDATE correspondence_message m SET state = 'CANCELLED', reason = 'UNWANTED', ended_on = %(day)s
FROM loans_loan b WHERE b.borrower_id = %(party)s AND m.loan_id = b.id AND m.channel = %(channel)s
AND m.state = 'WAITING' AND m.expires_on >= %(day)s
"""
