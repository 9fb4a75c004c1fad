"""What must be true of the stored book after whatever happened (docs/house.md 3): one query a claim.

A check's statement returns what breaks the claim as (subject, detail), so an empty result is proof.
Statements read the tables directly, not through the code that wrote them. Constraints and triggers
hold most claims already; this is the second, independent look.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection

from followups.models import VisitReport
from followups.rules.report import content_sha256
from journal.models import Exhibit, Run
from journal.queries import exhibit_bytes
from loans.models import BusinessDate
from loans.queries import calendar, overdue_grace_days
from loans.rules.aging import crossing_dates, recognised_due_until

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """A claim, how many subjects it speaks of, and the statement that finds what breaks it."""

    code: str
    claim: str
    subjects: str
    offenders: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check: how many were looked at, how many break the claim, the first of them."""

    code: str
    claim: str
    looked_at: int
    broken: int
    first: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        return not self.broken


LEDGER = (
    Check(
        "posting_sums_to_zero",
        "The ledger lines of each posting sum to zero",
        "SELECT count(*) FROM loans_posting",
        """SELECT posting_id, sum(amount) FROM loans_ledger_line GROUP BY posting_id HAVING sum(amount) <> 0""",
    ),
    Check(
        "ledger_sums_to_zero",
        "The ledger sums to zero",
        "SELECT count(*) FROM loans_ledger_line",
        "SELECT 'ledger', sum(amount) FROM loans_ledger_line HAVING sum(amount) <> 0",
    ),
    Check(
        "posting_has_its_lines",
        "Each posting has lines of its own loan and date, and each line a posting",
        "SELECT count(*) FROM loans_posting",
        """SELECT coalesce(p.id, g.posting_id), 'posting or lines missing, or of another loan or date'
           FROM loans_posting p FULL JOIN loans_ledger_line g ON g.posting_id = p.id
           WHERE p.id IS NULL OR g.posting_id IS NULL OR p.loan_id <> g.loan_id
              OR p.business_date <> g.business_date""",
    ),
    Check(
        "balance_is_the_ledgers",
        "Principal, suspense and interest receivable of each loan equal its ledger",
        "SELECT count(*) FROM loans_position",
        """SELECT p.loan_id, format('principal %%s/%%s, suspense %%s/%%s, interest %%s/%%s', p.principal_balance,
                  g.principal, p.suspense, g.suspense, coalesce(i.interest, 0), g.interest)
           FROM loans_position p
           LEFT JOIN (SELECT loan_id,
                  coalesce(sum(amount) FILTER (WHERE account = 'PRINCIPAL'), 0) AS principal,
                  -coalesce(sum(amount) FILTER (WHERE account = 'SUSPENSE'), 0) AS suspense,
                  coalesce(sum(amount) FILTER (WHERE account = 'INTEREST_RECEIVABLE'), 0) AS interest
                  FROM loans_ledger_line GROUP BY loan_id) g ON g.loan_id = p.loan_id
           LEFT JOIN (SELECT loan_id, sum(interest - interest_paid) AS interest FROM loans_installment
                  GROUP BY loan_id) i ON i.loan_id = p.loan_id
           WHERE p.principal_balance IS DISTINCT FROM g.principal OR p.suspense IS DISTINCT FROM g.suspense
              OR coalesce(i.interest, 0) IS DISTINCT FROM g.interest""",
    ),
    Check(
        "paid_is_the_ledgers",
        "What is paid of each installment equals its ledger lines",
        "SELECT count(*) FROM loans_installment",
        """SELECT i.loan_id || '/' || i.number, format('principal paid %%s, interest unpaid %%s', i.principal_paid,
                  i.interest - i.interest_paid)
           FROM loans_installment i
           LEFT JOIN (SELECT loan_id, installment_number,
                  -coalesce(sum(amount) FILTER (WHERE account = 'PRINCIPAL'), 0) AS principal,
                  coalesce(sum(amount) FILTER (WHERE account = 'INTEREST_RECEIVABLE'), 0) AS interest
                  FROM loans_ledger_line WHERE installment_number IS NOT NULL GROUP BY loan_id, installment_number) g
           ON g.loan_id = i.loan_id AND g.installment_number = i.number
           WHERE i.principal_paid <> coalesce(g.principal, 0)
              OR i.interest - i.interest_paid <> coalesce(g.interest, 0)""",
    ),
    Check(
        "reversal_undoes_its_original",
        "Each reversal carries the lines of its original with the signs turned, its loan, receipt and value date",
        "SELECT count(*) FROM loans_posting WHERE reverses_id IS NOT NULL",
        """SELECT r.id, 'reverses ' || o.id FROM loans_posting r JOIN loans_posting o ON o.id = r.reverses_id
           WHERE (r.loan_id, r.value_on, r.receipt_id) IS DISTINCT FROM (o.loan_id, o.value_on, o.receipt_id)
              OR r.business_date < o.business_date OR o.kind NOT IN ('RECEIPT', 'REPOSTING', 'SUSPENSE_USED')
              OR EXISTS (
                  SELECT FROM (SELECT line, account, installment_number, amount FROM loans_ledger_line
                               WHERE posting_id = o.id AND business_date = o.business_date) a
                  FULL JOIN (SELECT line, account, installment_number, amount FROM loans_ledger_line
                             WHERE posting_id = r.id AND business_date = r.business_date) b USING (line)
                  WHERE a.account IS DISTINCT FROM b.account OR a.amount IS DISTINCT FROM -b.amount
                     OR a.installment_number IS DISTINCT FROM b.installment_number)""",
    ),
    Check(
        "reposting_takes_a_reversals_place",
        "A receipt is posted again only where a posting of the same receipt was reversed",
        "SELECT count(*) FROM loans_posting WHERE kind = 'REPOSTING'",
        """SELECT p.id, 'after ' || p.after_reversal_id FROM loans_posting p
           JOIN loans_posting r ON r.id = p.after_reversal_id
           WHERE p.after_reversal_id IS NOT NULL
             AND (r.kind <> 'REVERSAL' OR r.receipt_id IS DISTINCT FROM p.receipt_id OR r.loan_id <> p.loan_id)""",
    ),
    Check(
        "closed_totals_are_the_ledgers",
        "Each closed date's principal is the ledger's up to that date",
        "SELECT count(*) FROM loans_businessdate WHERE NOT is_open",
        """SELECT day, format('%%s closed, %%s in the ledger', closed, posted) FROM (
               SELECT b.day, (b.totals ->> 'principal')::numeric AS closed,
                      coalesce((SELECT sum(amount) FROM loans_ledger_line
                                WHERE account = 'PRINCIPAL' AND business_date <= b.day), 0) AS posted
               FROM loans_businessdate b WHERE NOT b.is_open
           ) x WHERE closed <> posted""",
    ),
)

LOANS = (
    Check(
        "balance_is_unbilled_and_unpaid",
        "The balance is the unbilled principal plus the unpaid principal of billed installments",
        "SELECT count(*) FROM loans_position",
        """SELECT p.loan_id, format('%%s, unbilled %%s, unpaid %%s', p.principal_balance, p.unbilled_principal,
                  i.unpaid)
           FROM loans_position p
           LEFT JOIN (SELECT loan_id, sum(principal - principal_paid) AS unpaid FROM loans_installment
                      GROUP BY loan_id) i ON i.loan_id = p.loan_id
           WHERE p.principal_balance <> p.unbilled_principal + coalesce(i.unpaid, 0)""",
    ),
    Check(
        "schedule_repays_the_principal",
        "The schedule of each terms version repays its principal exactly, without a negative part",
        "SELECT count(*) FROM loans_terms",
        """SELECT t.loan_id, 'version ' || t.version FROM loans_terms t, LATERAL (
               SELECT sum(a.principal) AS principal, min(least(a.principal, a.interest)) AS least, count(*) AS rows
               FROM unnest(t.principal_fen, t.interest_fen) AS a(principal, interest)) s
           WHERE s.principal <> t.principal * 100 OR s.least < 0 OR s.rows <> t.installments""",
    ),
    Check(
        "installment_is_as_signed",
        "Each billed installment is the one of the signed schedule",
        "SELECT count(*) FROM loans_installment",
        """SELECT i.loan_id || '/' || i.number, format('billed %%s + %%s', i.principal, i.interest)
           FROM loans_installment i LEFT JOIN LATERAL (
               SELECT t.principal_fen[i.number - t.first_number + 1] AS principal,
                      t.interest_fen[i.number - t.first_number + 1] AS interest
               FROM loans_terms t WHERE t.loan_id = i.loan_id ORDER BY t.version DESC LIMIT 1) t ON true
           WHERE i.principal * 100 IS DISTINCT FROM t.principal OR i.interest * 100 IS DISTINCT FROM t.interest""",
    ),
    Check(
        "unbilled_is_the_rest_of_the_schedule",
        "Unbilled principal and the next number agree with the signed schedule",
        "SELECT count(*) FROM loans_position",
        """SELECT p.loan_id, format('next %%s of %%s, unbilled %%s', p.next_number, p.last_number, p.unbilled_principal)
           FROM loans_position p JOIN LATERAL (SELECT * FROM loans_terms t WHERE t.loan_id = p.loan_id
               ORDER BY t.version DESC LIMIT 1) t ON true
           WHERE p.last_number <> t.first_number + t.installments - 1
              OR (p.next_number IS NULL) <> (p.next_due_on IS NULL)
              OR p.unbilled_principal * 100 <> CASE WHEN p.next_number IS NULL THEN 0 ELSE (
                     SELECT sum(x) FROM unnest(t.principal_fen[p.next_number - t.first_number + 1:]) AS u(x)) END""",
    ),
    Check(
        "settled_installment_is_paid",
        "An installment is settled exactly when it is paid in full",
        "SELECT count(*) FROM loans_installment",
        """SELECT loan_id || '/' || number, format('settled on %%s', settled_on) FROM loans_installment
           WHERE (settled_on IS NOT NULL) <> (principal_paid = principal AND interest_paid = interest)""",
    ),
    Check(
        "settled_loan_owes_nothing",
        "A settled loan owes nothing, and a loan that owes nothing is settled",
        "SELECT count(*) FROM loans_position",
        """SELECT p.loan_id, format('settled on %%s, balance %%s', p.settled_on, p.principal_balance)
           FROM loans_position p WHERE (p.settled_on IS NOT NULL) <> (
               p.next_number IS NULL AND p.principal_balance = 0 AND NOT EXISTS (
                   SELECT FROM loans_installment i WHERE i.loan_id = p.loan_id AND i.settled_on IS NULL))""",
    ),
    Check(
        "loan_has_position_and_terms",
        "Each loan has a position, terms and one opening or disbursement",
        "SELECT count(*) FROM loans_loan",
        """SELECT l.id, 'position, terms or opening missing' FROM loans_loan l
           WHERE NOT EXISTS (SELECT FROM loans_position p WHERE p.loan_id = l.id)
              OR NOT EXISTS (SELECT FROM loans_terms t WHERE t.loan_id = l.id)
              OR NOT EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = l.id AND o.kind = 'OPENING')""",
    ),
    Check(
        "no_orphans",
        "No position, terms, installment, receipt, posting, task or grade is without its loan",
        "SELECT count(*) FROM loans_loan",
        """SELECT x.name || ' ' || x.loan_id, 'no such loan' FROM (
               SELECT 'position' AS name, loan_id FROM loans_position
               UNION ALL SELECT 'terms', loan_id FROM loans_terms
               UNION ALL SELECT 'installment', loan_id FROM loans_installment
               UNION ALL SELECT 'receipt', loan_id FROM loans_receipt WHERE loan_id IS NOT NULL
               UNION ALL SELECT 'posting', loan_id FROM loans_posting
               UNION ALL SELECT 'task', loan_id FROM followups_visittask
               UNION ALL SELECT 'grade', loan_id FROM risk_grade
           ) x LEFT JOIN loans_loan l ON l.id = x.loan_id WHERE l.id IS NULL""",
    ),
    Check(
        "receipt_posts_once",
        "Each posted receipt stands in the ledger exactly once, with its amount in cash and its value date",
        "SELECT count(*) FROM loans_receipt",
        """SELECT r.channel || ' ' || r.serial, format('%%s, %%s postings, %%s standing, cash %%s of %%s', r.state,
                  x.postings, x.standing, x.cash, r.amount)
           FROM loans_receipt r, LATERAL (
               SELECT count(DISTINCT p.id) FILTER (WHERE p.kind = 'RECEIPT') AS postings,
                      count(DISTINCT p.id) FILTER (WHERE p.kind <> 'REVERSAL' AND NOT EXISTS (
                          SELECT FROM loans_posting u WHERE u.reverses_id = p.id)) AS standing,
                      coalesce(sum(g.amount) FILTER (WHERE g.account = 'CASH'), 0) AS cash,
                      bool_and(p.loan_id = r.loan_id AND p.value_on = r.value_on
                               AND (p.kind <> 'RECEIPT' OR p.business_date = r.posted_on)) AS agrees
               FROM loans_posting p JOIN loans_ledger_line g
               ON g.posting_id = p.id AND g.business_date = p.business_date WHERE p.receipt_id = r.id) x
           WHERE CASE r.state
               WHEN 'POSTED' THEN x.postings <> 1 OR x.standing <> 1 OR x.cash <> r.amount OR NOT x.agrees
                                  OR r.value_on > r.posted_on
               WHEN 'REVERSED' THEN x.postings <> 1 OR x.standing <> 0 OR x.cash <> 0 OR NOT x.agrees
                                    OR r.reversed_on < r.posted_on
               ELSE x.postings + x.standing <> 0 OR r.posted_on IS NOT NULL
                    OR (r.loan_id IS NULL) <> (r.state = 'UNMATCHED') END""",
    ),
    Check(
        "oldest_is_paid_first",
        "No installment is paid while an older one of the loan is not",
        "SELECT count(*) FROM loans_installment",
        """SELECT i.loan_id || '/' || i.number, 'an older one is unpaid' FROM loans_installment i
           WHERE i.principal_paid + i.interest_paid > 0 AND EXISTS (
               SELECT FROM loans_installment o WHERE o.loan_id = i.loan_id AND o.number < i.number
               AND o.settled_on IS NULL)""",
    ),
    Check(
        "suspense_pays_what_is_billed",
        "No loan holds suspense while an installment is unpaid",
        "SELECT count(*) FROM loans_position WHERE suspense > 0",
        """SELECT p.loan_id, p.suspense FROM loans_position p WHERE p.suspense > 0 AND EXISTS (
               SELECT FROM loans_installment i WHERE i.loan_id = p.loan_id AND i.settled_on IS NULL)""",
    ),
    Check(
        "overdue_since_is_the_oldest_recognised",
        "Overdue since is the day of the oldest recognised unpaid installment",
        "SELECT count(*) FROM loans_position WHERE overdue_since IS NOT NULL",
        """SELECT p.loan_id, format('%%s, by the installments %%s', p.overdue_since, i.since) FROM loans_position p
           LEFT JOIN (SELECT i.loan_id, min(i.overdue_from) AS since FROM loans_installment i
                      JOIN loans_loan l ON l.id = i.loan_id
                      WHERE i.settled_on IS NULL
                        AND (i.due_on <= %(recognised_until)s OR i.overdue_from < l.baseline_on)
                      GROUP BY i.loan_id) i ON i.loan_id = p.loan_id
           WHERE p.overdue_since IS DISTINCT FROM i.since""",
    ),
    Check(
        "class_is_that_of_days_past_due",
        "The five-class is that of the days past due at the last close (loans paid since then apart)",
        "SELECT count(*) FROM loans_position",
        """SELECT p.loan_id, format('%%s, overdue since %%s', p.five_class, p.overdue_since) FROM loans_position p
           WHERE p.five_class <> CASE
               WHEN p.overdue_since <= %(LOSS)s THEN 'LOSS' WHEN p.overdue_since <= %(DOUBTFUL)s THEN 'DOUBTFUL'
               WHEN p.overdue_since <= %(SUBSTANDARD)s THEN 'SUBSTANDARD'
               WHEN p.overdue_since <= %(SPECIAL_MENTION)s THEN 'SPECIAL_MENTION' ELSE 'PASS' END
           AND NOT EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id
                           AND o.business_date = %(open_day)s AND o.kind IN ('RECEIPT', 'REVERSAL'))""",
    ),
    Check(
        "nothing_due_is_unbilled",
        "Every installment due by the last closed date is billed, unless its loan is held back",
        "SELECT count(*) FROM loans_position WHERE next_due_on IS NOT NULL",
        """SELECT p.loan_id, p.next_due_on FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
           WHERE p.next_due_on < %(open_day)s AND coalesce(l.baseline_on, l.disbursed_on) < %(open_day)s - 1
           AND EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id AND o.kind = 'OPENING'
                       AND o.business_date < %(open_day)s)
           AND NOT EXISTS (SELECT FROM journal_heldback h WHERE h.stage = 'bill' AND h.subject_id = p.loan_id)""",
    ),
)

DATES_AND_WORK = (
    Check(
        "business_dates_are_consecutive",
        "Business dates follow one another; only the last is open",
        "SELECT count(*) FROM loans_businessdate",
        """SELECT day, 'gap before it, or open in the middle' FROM (
               SELECT day, is_open, lag(day) OVER (ORDER BY day) AS before, lead(day) OVER (ORDER BY day) AS following
               FROM loans_businessdate) d
           WHERE before <> day - 1 OR is_open <> (following IS NULL)""",
    ),
    Check(
        "nothing_is_posted_ahead",
        "Nothing is posted or billed later than the open business date",
        "SELECT count(*) FROM loans_posting",
        """SELECT id, business_date FROM loans_posting WHERE business_date > %(open_day)s
           UNION ALL SELECT loan_id, due_on FROM loans_installment WHERE due_on > %(open_day)s""",
    ),
    Check(
        "closed_date_ran_every_stage",
        "Each closed date finished every stage that ran on it, chunk after chunk",
        "SELECT count(*) FROM journal_run",
        """SELECT r.business_date || ' ' || r.stage, 'chunks missing or not finished' FROM journal_run r
           JOIN loans_businessdate b ON b.day = r.business_date AND NOT b.is_open
           GROUP BY r.business_date, r.stage
           HAVING count(*) <> max(r.chunk) + 1 OR count(*) FILTER (WHERE (r.counts ->> 'last')::boolean) <> 1""",
    ),
    Check(
        "task_is_once",
        "A task exists once per loan, rule and cycle",
        "SELECT count(*) FROM followups_visittask",
        """SELECT loan_id || ' ' || rule || ' ' || cycle, count(*) FROM followups_visittask
           GROUP BY loan_id, rule, cycle HAVING count(*) > 1""",
    ),
    Check(
        "ended_task_has_outcome",
        "A task has an outcome and a day exactly when it has ended",
        "SELECT count(*) FROM followups_visittask",
        """SELECT id, state || ' ' || outcome FROM followups_visittask
           WHERE (state IN ('CLOSED', 'CANCELLED')) <> (closed_on IS NOT NULL)
              OR (closed_on IS NOT NULL) <> (outcome <> '')""",
    ),
    Check(
        "approved_visit_is_closed",
        "A task is submitted, returned or closed exactly as its latest report says",
        "SELECT count(*) FROM followups_visitreport",
        """SELECT t.id, t.state || ', report ' || r.state FROM followups_visittask t
           JOIN followups_visit v ON v.task_id = t.id
           JOIN LATERAL (SELECT state FROM followups_visitreport r WHERE r.visit_id = v.id
                         ORDER BY version DESC LIMIT 1) r ON true
           WHERE CASE r.state WHEN 'APPROVED' THEN t.state <> 'CLOSED' WHEN 'SUBMITTED' THEN t.state <> 'SUBMITTED'
                 ELSE false END""",
    ),
    Check(
        "nobody_reviews_own_report",
        "No report was decided by one of its visitors",
        "SELECT count(*) FROM followups_visitreport",
        """SELECT r.id, 'decided by a visitor' FROM followups_visitreport r JOIN followups_visit v ON v.id = r.visit_id
           WHERE r.decided_by_id IN (r.submitted_by_id, v.lead_visitor_id, v.second_visitor_id)""",
    ),
    Check(
        "one_grade_in_force",
        "A loan has at most one grade in force",
        "SELECT count(*) FROM risk_grade",
        """SELECT loan_id, count(*) FROM risk_grade WHERE superseded_on IS NULL GROUP BY loan_id HAVING count(*) > 1""",
    ),
)

CHECKS = LEDGER + LOANS + DATES_AND_WORK


def findings() -> Iterator[Finding]:
    """Runs every check; all see one state when the caller's transaction is repeatable read."""
    values = _values()
    with connection.cursor() as cursor:
        for check in CHECKS:
            cursor.execute(check.subjects)
            looked_at = cursor.fetchone()[0]
            statement = f"SELECT count(*) OVER (), q.* FROM ({check.offenders}) q LIMIT {SHOWN}"  # noqa: S608 - ours
            cursor.execute(statement, values)
            rows = cursor.fetchall()
            first = tuple(f"{subject}: {detail}" for _count, subject, detail in rows)
            yield Finding(check.code, check.claim, looked_at, rows[0][0] if rows else 0, first)
    yield _exhibits_are_their_hash()
    yield _reports_are_their_hash()


def _values() -> dict[str, Any]:
    """Days that the statements compare with: the open day, and what the last aging recognised."""
    open_day = BusinessDate.objects.filter(is_open=True).values_list("day", flat=True).first() or date.max
    aged = _as_of(open_day, "age")
    days = calendar(aged - timedelta(days=40), aged)
    until = recognised_due_until(aged, overdue_grace_days(aged), days)
    return {"open_day": open_day, "recognised_until": until, **crossing_dates(_as_of(open_day, "classify"))}


def _as_of(open_day: date, stage: str) -> date:
    """The date whose close the rows of a stage stand at: the open one when its evening got that far."""
    has_run = Run.objects.filter(business_date=open_day, stage=stage, counts__last=True).exists()
    return open_day if has_run else open_day - timedelta(days=1)


def _exhibits_are_their_hash(read: Callable[[Exhibit], bytes] = exhibit_bytes) -> Finding:
    broken, looked_at = [], 0
    for exhibit in Exhibit.objects.order_by("id").iterator():
        looked_at += 1
        try:
            is_same = sha256(read(exhibit)).hexdigest() == exhibit.sha256
        except OSError:
            is_same = False
        if not is_same:
            broken.append(f"exhibit {exhibit.pk}: {exhibit.sha256[:12]}")
    claim = "Each stored file has the hash under which it is kept"
    return Finding("file_is_its_hash", claim, looked_at, len(broken), tuple(broken[:SHOWN]))


def _reports_are_their_hash() -> Finding:
    broken, looked_at = [], 0
    for pk, content, digest in (
        VisitReport.objects.order_by("id").values_list("pk", "content", "content_sha256").iterator()
    ):
        looked_at += 1
        if content_sha256(content) != digest:
            broken.append(f"report {pk}: {digest[:12]}")
    claim = "Each submitted report has the content that its hash names"
    return Finding("report_is_its_hash", claim, looked_at, len(broken), tuple(broken[:SHOWN]))
