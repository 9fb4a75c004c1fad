"""Claims about the ledger."""

from config.invariants.claims import Check

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
