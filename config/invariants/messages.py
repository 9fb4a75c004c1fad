"""Claims about reminders: each is about a loan that is there, told once, to somebody who wants it, in words that a
second person approved, and stands for something while it waits."""

from config.invariants.claims import Check

_MESSAGES = "SELECT count(*) FROM correspondence_message"
# Loans touched since the last reminders: the next evening sees to them.
_TOUCHED = """EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = m.loan_id AND o.business_date > %(reminded_on)s)
    OR EXISTS (SELECT FROM journal_entry e WHERE e.loan_id = m.loan_id AND e.business_date >= %(reminded_on)s
               AND e.kind LIKE 'loans.%%')"""

MESSAGES = (
    Check(
        "message_has_its_loan",
        "B12: no message is about a loan that does not exist",
        _MESSAGES,
        """SELECT m.id, m.loan_id FROM correspondence_message m LEFT JOIN loans_position p ON p.loan_id = m.loan_id
           WHERE p.loan_id IS NULL""",
    ),
    Check(
        "message_is_once",
        "B19: a reminder exists once per loan, kind, day it speaks of and step",
        _MESSAGES,
        """SELECT loan_id || ' ' || kind || ' ' || about || ' ' || step, count(*) FROM correspondence_message
           GROUP BY loan_id, kind, about, step HAVING count(*) > 1""",
    ),
    Check(
        "waiting_message_stands",
        "B19: what a waiting message speaks of, and its amount, stood at the last close (loans touched since apart)",
        "SELECT count(*) FROM correspondence_message WHERE state = 'WAITING'",
        f"""SELECT m.id, format('%%s %%s, due %%s, overdue since %%s', m.kind, m.about, p.next_due_on, p.overdue_since)
            FROM correspondence_message m JOIN loans_position p ON p.loan_id = m.loan_id
            WHERE m.state = 'WAITING' AND m.expires_on > %(reminded_on)s AND m.kind <> 'APPOINTMENT'
            AND (p.settled_on IS NOT NULL OR p.accelerated_on IS NOT NULL OR p.written_off_on IS NOT NULL
                 OR CASE m.kind WHEN 'DUE' THEN p.next_due_on ELSE p.overdue_since END IS DISTINCT FROM m.about
                 OR m.amount <= p.suspense OR m.kind = 'OVERDUE' AND m.amount IS DISTINCT FROM (
                     SELECT sum(i.principal - i.principal_paid + i.interest - i.interest_paid)
                     FROM loans_installment i WHERE i.loan_id = m.loan_id AND i.settled_on IS NULL))
            AND NOT ({_TOUCHED})""",  # noqa: S608 - joined from constants
    ),
    Check(
        "message_has_its_wording",
        "B22: each message was made with a wording that a second person approved",
        _MESSAGES,
        """SELECT m.id, m.kind || ' v' || m.template_version FROM correspondence_message m
           LEFT JOIN correspondence_template t ON t.kind = m.kind AND t.channel = m.channel
                AND t.version = m.template_version AND t.checker <> ''
           WHERE t.id IS NULL""",
    ),
    Check(
        "unwanted_borrower_is_not_told",
        "B19: nothing waits for a borrower who was known before the last close to want no reminders",
        "SELECT count(*) FROM correspondence_message WHERE state = 'WAITING'",
        """SELECT m.id, 'party ' || c.party_id FROM correspondence_contactpreference c
           JOIN loans_loan l ON l.borrower_id = c.party_id
           JOIN correspondence_message m ON m.loan_id = l.id AND m.channel = c.channel
           WHERE c.ended_at IS NULL AND c.business_date < %(reminded_on)s
           AND m.state = 'WAITING' AND m.expires_on > %(reminded_on)s""",
    ),
    Check(
        "wording_is_its_hash",
        "B22: the words of each version, their kind and first day are those of the hash that is approved",
        "SELECT count(*) FROM correspondence_template",
        """SELECT id, kind || ' v' || version FROM correspondence_template
           WHERE content_sha256 <> encode(sha256(convert_to(concat_ws(chr(10), kind, channel,
                 to_char(lower(in_force), 'YYYY-MM-DD'), text), 'UTF8')), 'hex')""",
    ),
    Check(
        "each_reminder_has_its_wording",
        "B22: on the open date each kind of reminder has one wording in force, and its checker is not its maker",
        "SELECT count(DISTINCT kind) FROM correspondence_template",
        """SELECT k.kind, count(t.id) || ' in force' FROM (VALUES ('DUE'), ('OVERDUE')) AS k(kind)
           LEFT JOIN correspondence_template t ON t.kind = k.kind AND t.checker <> '' AND t.checker <> t.maker
                AND t.in_force @> %(open_day)s::date
           GROUP BY k.kind HAVING count(t.id) <> 1""",
    ),
)
