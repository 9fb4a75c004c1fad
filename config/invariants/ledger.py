"""Claims about the ledger itself (docs/reliability B 1, 5, 11, 17): balanced, append-only, dated, closed."""

# ruff: noqa: S608 - statements are joined from constants of this module only; values always travel as parameters.
from config.invariants.claims import Check

_POSTINGS = "SELECT count(*) FROM loans_posting"

# Which accounts each kind of posting moves, and which way: D debits, C credits, B both ways.
_SHAPES = """(VALUES
    ('OPENING', 'PRINCIPAL', 'D'), ('OPENING', 'INTEREST_RECEIVABLE', 'D'), ('OPENING', 'TAKEOVER', 'C'),
    ('OPENING', 'INTEREST_OFF_BALANCE', 'C'),
    ('DISBURSEMENT', 'PRINCIPAL', 'D'), ('DISBURSEMENT', 'CASH', 'C'),
    ('BILLING', 'INTEREST_RECEIVABLE', 'D'), ('BILLING', 'INTEREST_INCOME', 'C'),
    ('RECEIPT', 'CASH', 'D'), ('REPOSTING', 'CASH', 'D'), ('SUSPENSE_USED', 'SUSPENSE', 'D'),
    ('RECEIPT', 'SUSPENSE', 'C'), ('REPOSTING', 'SUSPENSE', 'C'),
    ('FEE', 'FEE_RECEIVABLE', 'D'), ('FEE', 'FEE_INCOME', 'C'),
    ('WAIVER', 'WAIVER', 'D'), ('WAIVER', 'FEE_RECEIVABLE', 'C'),
    ('PREPAYMENT', 'SUSPENSE', 'D'), ('PREPAYMENT', 'PRINCIPAL', 'C'), ('PREPAYMENT', 'INTEREST_INCOME', 'C'),
    ('PREPAYMENT', 'FEE_INCOME', 'C'), ('REFUND', 'SUSPENSE', 'D'), ('REFUND', 'CASH', 'C'),
    ('SUBSIDY', 'SUBSIDY_RECEIVABLE', 'D'), ('SUBSIDY', 'INTEREST_RECEIVABLE', 'C'),
    ('NON_ACCRUAL', 'INTEREST_INCOME', 'B'), ('NON_ACCRUAL', 'INTEREST_OFF_BALANCE', 'B'),
    ('WRITE_OFF', 'WRITE_OFF', 'D'), ('WRITE_OFF', 'PRINCIPAL', 'C')
) AS s(kind, account, side)"""
_PAYMENTS = "('RECEIPT', 'REPOSTING', 'SUSPENSE_USED')"
_PAID_ACCOUNTS = (
    "('FEE_RECEIVABLE', 'PENALTY_INCOME', 'COMPOUND_INCOME', 'INTEREST_RECEIVABLE', 'PRINCIPAL', 'WRITE_OFF')"
)

LEDGER = (
    Check(
        "posting_sums_to_zero",
        "B1: the ledger lines of each posting sum to zero",
        _POSTINGS,
        """SELECT posting_id, sum(amount) FROM loans_ledger_line GROUP BY posting_id
           HAVING (sum(amount) = 0) IS NOT TRUE""",
    ),
    Check(
        "ledger_sums_to_zero",
        "B1: the ledger sums to zero",
        "SELECT count(*) FROM loans_ledger_line",
        "SELECT 'ledger', sum(amount) FROM loans_ledger_line HAVING sum(amount) <> 0",
    ),
    Check(
        "posting_has_its_lines",
        "B1: each posting has lines of its own loan and date, numbered from 1, and each line a posting; the billing of "
        "an installment without interest has none",
        _POSTINGS,
        """SELECT coalesce(p.id, g.posting_id), 'posting or lines missing, or of another loan or date'
           FROM loans_posting p FULL JOIN (
               SELECT posting_id, min(loan_id) AS loan_id, max(loan_id) AS other_loan, min(business_date) AS day,
                      max(business_date) AS other_day, count(*) AS lines, max(line) AS last, min(line) AS first
               FROM loans_ledger_line GROUP BY posting_id) g ON g.posting_id = p.id
           WHERE p.id IS NULL OR (g.loan_id = p.loan_id AND g.other_loan = p.loan_id AND g.day = p.business_date
                 AND g.other_day = p.business_date AND g.first = 1 AND g.last = g.lines AND g.lines > 1) IS NOT TRUE
           AND NOT (p.id IS NOT NULL AND p.kind = 'BILLING' AND g.posting_id IS NULL AND EXISTS (
               SELECT FROM loans_installment i WHERE i.loan_id = p.loan_id AND i.number = p.installment_number
               AND i.interest = 0))""",
    ),
    Check(
        "posting_moves_its_accounts",
        "B1: each kind of posting moves its own accounts in its own direction, and never by nothing",
        "SELECT count(*) FROM loans_ledger_line",
        f"""SELECT p.id, format('%%s %%s %%s', p.kind, g.account, g.amount) FROM loans_ledger_line g
            JOIN loans_posting p ON p.id = g.posting_id LEFT JOIN {_SHAPES} ON s.kind = p.kind AND s.account = g.account
            WHERE p.kind <> 'REVERSAL' AND ((g.amount <> 0) IS NOT TRUE OR NOT coalesce(
                s.side = 'B' OR (s.side = 'D') = (g.amount > 0),
                p.kind IN {_PAYMENTS} AND g.account IN {_PAID_ACCOUNTS} AND g.amount < 0))""",
    ),
    Check(
        "reversal_undoes_its_original",
        "B5: each reversal carries the lines of its original with the signs turned, its loan, receipt and value date",
        "SELECT count(*) FROM loans_posting WHERE reverses_id IS NOT NULL",
        """SELECT r.id, 'reverses ' || r.reverses_id FROM loans_posting r
           LEFT JOIN loans_posting o ON o.id = r.reverses_id
           WHERE (r.kind = 'REVERSAL') IS DISTINCT FROM (r.reverses_id IS NOT NULL) OR r.reverses_id IS NOT NULL AND (
              (r.loan_id, r.value_on, r.receipt_id) IS DISTINCT FROM (o.loan_id, o.value_on, o.receipt_id)
              OR r.business_date < o.business_date
              OR o.kind NOT IN ('RECEIPT', 'REPOSTING', 'SUSPENSE_USED', 'PREPAYMENT')
              OR EXISTS (
                  SELECT FROM (SELECT line, account, installment_number, amount FROM loans_ledger_line
                               WHERE posting_id = o.id AND business_date = o.business_date) a
                  FULL JOIN (SELECT line, account, installment_number, amount FROM loans_ledger_line
                             WHERE posting_id = r.id AND business_date = r.business_date) b USING (line)
                  WHERE a.account IS DISTINCT FROM b.account OR a.amount IS DISTINCT FROM -b.amount
                     OR a.installment_number IS DISTINCT FROM b.installment_number))""",
    ),
    Check(
        "posting_is_reversed_once",
        "B5: no posting is reversed twice, and no reversal is reversed",
        "SELECT count(*) FROM loans_posting WHERE reverses_id IS NOT NULL",
        """SELECT r.reverses_id, count(*) FROM loans_posting r JOIN loans_posting o ON o.id = r.reverses_id
           GROUP BY r.reverses_id, o.kind HAVING count(*) > 1 OR o.kind = 'REVERSAL'""",
    ),
    Check(
        "reposting_takes_a_reversals_place",
        "B5: a receipt is posted again only where a posting of the same receipt was reversed",
        "SELECT count(*) FROM loans_posting WHERE kind = 'REPOSTING'",
        """SELECT p.id, 'after ' || coalesce(p.after_reversal_id::text, 'nothing') FROM loans_posting p
           LEFT JOIN loans_posting r ON r.id = p.after_reversal_id
           WHERE p.kind = 'REPOSTING' AND (r.kind = 'REVERSAL' AND r.receipt_id = p.receipt_id
                 AND r.loan_id = p.loan_id) IS NOT TRUE""",
    ),
    Check(
        "history_is_guarded",
        "B5: triggers keep history from being changed, and the application has no right to",
        "SELECT count(*) FROM pg_trigger WHERE tgname = 'history_is_kept'",
        """SELECT t.name, 'trigger off or missing, or the application may change it' FROM (VALUES
               ('loans_posting'), ('loans_ledger_line'), ('loans_terms'), ('loans_costitem'), ('journal_entry'),
               ('loans_general_line'), ('loans_formerbranch'), ('followups_taskevent'),
               ('followups_resulttelling'), ('followups_letter'), ('followups_letterdelivery')) AS t(name)
           WHERE (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = t.name::regclass AND g.tgenabled IN ('O', 'A')
                  AND g.tgname IN ('history_is_kept', 'history_is_not_emptied')) <> 2
              OR %(application)s <> pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = t.name::regclass))
                 AND (has_table_privilege(%(application)s, t.name, 'UPDATE')
                      OR has_table_privilege(%(application)s, t.name, 'DELETE')
                      OR has_table_privilege(%(application)s, t.name, 'TRUNCATE'))""",
    ),
    Check(
        "closed_totals_are_the_ledgers",
        "B11: each closed date's principal, of the bank and of each branch, is the ledger's up to that date",
        "SELECT count(*) FROM loans_businessdate WHERE NOT is_open",
        # A loan that changed branch: its lines count where it stood then, its balance goes over with it.
        """WITH stay AS (
               SELECT f.loan_id, f.branch_id, f.left_on,
                      lag(f.left_on, 1, '-infinity') OVER (PARTITION BY f.loan_id ORDER BY f.id) AS since
               FROM loans_formerbranch f
               UNION ALL SELECT l.id, l.branch_id, 'infinity', coalesce(max(f.left_on), '-infinity')
               FROM loans_loan l LEFT JOIN loans_formerbranch f ON f.loan_id = l.id GROUP BY l.id
           ), line AS (
               SELECT loan_id, business_date AS day, sum(amount) AS amount FROM loans_ledger_line
               WHERE account = 'PRINCIPAL' GROUP BY loan_id, business_date
           ), moved AS (
               SELECT b.code, x.day, sum(x.amount) AS amount FROM (
                   SELECT s.branch_id, i.day, i.amount FROM line i
                   JOIN stay s ON s.loan_id = i.loan_id AND i.day >= s.since AND i.day < s.left_on
                   UNION ALL SELECT s.branch_id, s.left_on, -i.amount FROM stay s
                   JOIN line i ON i.loan_id = s.loan_id AND i.day < s.left_on WHERE s.left_on < 'infinity'
                   UNION ALL SELECT s.branch_id, s.since, i.amount FROM stay s
                   JOIN line i ON i.loan_id = s.loan_id AND i.day < s.since WHERE s.since > '-infinity'
               ) x JOIN people_branch b ON b.id = x.branch_id GROUP BY b.code, x.day
           ), said AS (
               SELECT d.day, t.key AS code, t.value::numeric AS amount FROM loans_businessdate d,
                      jsonb_each_text(d.totals -> 'branches') t WHERE NOT d.is_open
           ), codes AS (SELECT code FROM moved UNION SELECT code FROM said
           ), posted AS (
               SELECT code, day, sum(coalesce(m.amount, 0)) OVER (PARTITION BY code ORDER BY day) AS amount
               FROM (SELECT code, day FROM codes CROSS JOIN (
                         SELECT day FROM loans_businessdate UNION SELECT day FROM moved) x) d
               LEFT JOIN moved m USING (code, day)
           )
           SELECT d.day || ' ' || p.code, format('%%s closed, %%s in the ledger', s.amount, p.amount)
           FROM loans_businessdate d JOIN posted p ON p.day = d.day
           LEFT JOIN said s ON s.day = d.day AND s.code = p.code
           WHERE NOT d.is_open AND coalesce(s.amount, 0) IS DISTINCT FROM p.amount
           UNION ALL
           SELECT d.day::text, format('%%s closed, branches %%s', d.totals ->> 'principal', sum(s.amount))
           FROM loans_businessdate d LEFT JOIN said s ON s.day = d.day WHERE NOT d.is_open
           GROUP BY d.day, d.totals
           HAVING (d.totals ->> 'principal')::numeric IS DISTINCT FROM coalesce(sum(s.amount), 0)""",
    ),
    Check(
        "nothing_is_posted_ahead",
        "B17: nothing is posted or billed later than the open business date, and value dates are not later than that",
        _POSTINGS,
        """SELECT 'posting ' || id, format('%%s, value %%s', business_date, value_on) FROM loans_posting
           WHERE business_date > %(open_day)s OR value_on > business_date
           UNION ALL SELECT 'installment of ' || loan_id, due_on::text FROM loans_installment
           WHERE due_on > %(open_day)s""",
    ),
    Check(
        "nothing_is_posted_into_a_closed_date",
        "B17: nothing is booked on a date after that date was closed, nor on a date that the bank never had",
        _POSTINGS,
        """SELECT p.id, format('%%s booked at %%s, closed at %%s', p.business_date, p.booked_at, d.closed_at)
           FROM loans_posting p LEFT JOIN loans_businessdate d ON d.day = p.business_date
           WHERE p.booked_at > d.closed_at OR d.day IS NULL AND p.kind <> 'OPENING'
              OR d.day IS NULL AND p.business_date > (SELECT min(day) FROM loans_businessdate)""",
    ),
    Check(
        "nothing_is_posted_before_the_loan",
        "B17: no money moves before the loan was taken over or disbursed",
        _POSTINGS,
        """SELECT p.id, format('%%s, loan since %%s', p.value_on, coalesce(l.baseline_on, l.disbursed_on))
           FROM loans_posting p JOIN loans_loan l ON l.id = p.loan_id
           WHERE p.value_on < coalesce(l.baseline_on, l.disbursed_on)
              OR p.business_date < coalesce(l.baseline_on, l.disbursed_on)""",
    ),
    Check(
        "loan_begins_once",
        "B2: each loan has one opening or disbursement: the first of its postings, of the principal that was signed",
        "SELECT count(*) FROM loans_loan",
        """SELECT l.id, format('%%s openings, principal %%s', count(p.id), sum(g.amount)) FROM loans_loan l
           LEFT JOIN loans_posting p ON p.loan_id = l.id AND p.kind IN ('OPENING', 'DISBURSEMENT')
           LEFT JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
                AND g.account = 'PRINCIPAL'
           LEFT JOIN loans_terms t ON t.loan_id = l.id AND t.version = 1
           GROUP BY l.id, t.principal HAVING count(p.id) <> 1 OR sum(g.amount) IS DISTINCT FROM t.principal
              OR (max(p.kind) = 'OPENING') IS DISTINCT FROM (l.baseline_on IS NOT NULL)
              OR max(p.kind) = 'DISBURSEMENT' AND sum(g.amount) IS DISTINCT FROM l.principal_original
              OR EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = l.id AND o.id < max(p.id))""",
    ),
)
