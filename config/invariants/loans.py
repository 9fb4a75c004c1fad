"""Claims about loans: terms, installments, positions."""

from config.invariants.claims import Check

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
