"""Claims about reminders: each is about a loan that is there, told once, and stands for something while it waits."""

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
        "B19: what a waiting message speaks of stood at the last close (loans touched since then apart)",
        "SELECT count(*) FROM correspondence_message WHERE state = 'WAITING'",
        f"""SELECT m.id, format('%%s %%s, due %%s, overdue since %%s', m.kind, m.about, p.next_due_on, p.overdue_since)
            FROM correspondence_message m JOIN loans_position p ON p.loan_id = m.loan_id
            WHERE m.state = 'WAITING' AND m.expires_on > %(reminded_on)s
            AND (p.settled_on IS NOT NULL OR p.accelerated_on IS NOT NULL OR p.written_off_on IS NOT NULL
                 OR CASE m.kind WHEN 'DUE' THEN p.next_due_on ELSE p.overdue_since END IS DISTINCT FROM m.about)
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
)
