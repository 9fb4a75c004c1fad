"""Claims about positions and installments against ledger and schedule (reliability B 2, 8, 12)."""

from config.invariants.claims import Check

_POSITIONS = "SELECT count(*) FROM loans_position"
_INSTALLMENTS = "SELECT count(*) FROM loans_installment"

BALANCES = (
    Check(
        "balance_is_the_ledgers",
        "B2: principal, suspense, interest receivable, fees due and interest off the balance sheet equal the ledger's",
        _POSITIONS,
        """SELECT coalesce(p.loan_id, g.loan_id), format('principal %%s/%%s, suspense %%s/%%s, interest %%s/%%s, '
                  || 'fees %%s/%%s, off balance %%s/%%s', p.principal_balance, g.principal, p.suspense, g.suspense,
                  coalesce(i.interest, 0), g.interest, p.fees_due, g.fees, p.off_balance_interest, g.off_balance)
           FROM loans_position p FULL JOIN (SELECT loan_id,
                  coalesce(sum(amount) FILTER (WHERE account = 'PRINCIPAL'), 0) AS principal,
                  -coalesce(sum(amount) FILTER (WHERE account = 'SUSPENSE'), 0) AS suspense,
                  coalesce(sum(amount) FILTER (WHERE account = 'INTEREST_RECEIVABLE'), 0) AS interest,
                  coalesce(sum(amount) FILTER (WHERE account = 'FEE_RECEIVABLE'), 0) AS fees,
                  -coalesce(sum(amount) FILTER (WHERE account = 'INTEREST_OFF_BALANCE'), 0) AS off_balance
                  FROM loans_ledger_line GROUP BY loan_id) g ON g.loan_id = p.loan_id
           LEFT JOIN (SELECT loan_id, sum(interest - interest_paid) AS interest FROM loans_installment
                      GROUP BY loan_id) i ON i.loan_id = p.loan_id
           WHERE (p.principal_balance, p.suspense, coalesce(i.interest, 0), p.fees_due, p.off_balance_interest)
                 IS DISTINCT FROM (g.principal, g.suspense, g.interest, g.fees, g.off_balance)""",
    ),
    Check(
        "balance_is_unbilled_and_unpaid",
        "B2: the balance is the unbilled principal plus the unpaid principal of billed installments, or written off",
        _POSITIONS,
        """SELECT p.loan_id, format('%%s, unbilled %%s, unpaid %%s', p.principal_balance, p.unbilled_principal,
                  i.unpaid)
           FROM loans_position p
           LEFT JOIN (SELECT loan_id, sum(principal - principal_paid) AS unpaid FROM loans_installment
                      GROUP BY loan_id) i ON i.loan_id = p.loan_id
           WHERE p.principal_balance IS DISTINCT FROM CASE WHEN p.written_off_on IS NULL
                 THEN p.unbilled_principal + coalesce(i.unpaid, 0) ELSE 0 END""",
    ),
    Check(
        "paid_is_the_ledgers",
        "B2: what is paid of each installment, charges included, equals its ledger lines",
        _INSTALLMENTS,
        """SELECT coalesce(i.loan_id, g.loan_id) || '/' || coalesce(i.number, g.number),
                  format('principal %%s/%%s, interest unpaid %%s/%%s, penalty %%s/%%s, compound %%s/%%s',
                  i.principal_paid, g.principal, i.interest - i.interest_paid, g.interest, i.penalty_paid, g.penalty,
                  i.compound_paid, g.compound)
           FROM loans_installment i FULL JOIN (SELECT loan_id, installment_number AS number,
                  -coalesce(sum(amount) FILTER (WHERE account IN ('PRINCIPAL', 'WRITE_OFF')), 0) AS principal,
                  coalesce(sum(amount) FILTER (WHERE account = 'INTEREST_RECEIVABLE'), 0) AS interest,
                  -coalesce(sum(amount) FILTER (WHERE account = 'PENALTY_INCOME'), 0) AS penalty,
                  -coalesce(sum(amount) FILTER (WHERE account = 'COMPOUND_INCOME'), 0) AS compound
                  FROM loans_ledger_line WHERE installment_number IS NOT NULL GROUP BY loan_id, installment_number) g
           ON g.loan_id = i.loan_id AND g.number = i.number
           WHERE i.number IS NULL OR (i.principal_paid, i.interest - i.interest_paid, i.penalty_paid, i.compound_paid)
                 IS DISTINCT FROM (coalesce(g.principal, 0), coalesce(g.interest, 0), coalesce(g.penalty, 0),
                                   coalesce(g.compound, 0))""",
    ),
    Check(
        "charges_are_of_installments",
        "B2: money that pays an installment names it",
        "SELECT count(*) FROM loans_ledger_line",
        """SELECT g.posting_id, g.account FROM loans_ledger_line g JOIN loans_posting p ON p.id = g.posting_id
           WHERE g.installment_number IS NULL AND (
               g.account IN ('INTEREST_RECEIVABLE', 'PENALTY_INCOME', 'COMPOUND_INCOME')
               OR g.account = 'PRINCIPAL' AND p.kind IN ('RECEIPT', 'REPOSTING', 'SUSPENSE_USED'))""",
    ),
    Check(
        "installments_are_complete",
        "B12: installments are billed one after the other from the first of the contract to the one before the next",
        _POSITIONS,
        """SELECT p.loan_id, format('%%s rows, %%s to %%s, next %%s', i.rows, i.first, i.last, p.next_number)
           FROM loans_position p
           JOIN (SELECT loan_id, min(first_number) AS first FROM loans_terms GROUP BY loan_id) t
                ON t.loan_id = p.loan_id
           LEFT JOIN (SELECT loan_id, count(*) AS rows, min(number) AS first, max(number) AS last,
                      bool_or(due_on < before) AS has_step_back
                      FROM (SELECT *, lag(due_on) OVER (PARTITION BY loan_id ORDER BY number) AS before
                            FROM loans_installment) x GROUP BY loan_id) i ON i.loan_id = p.loan_id
           WHERE coalesce(i.rows, 0) <> coalesce(p.next_number, p.last_number + 1) - t.first
              OR i.first <> t.first OR i.last - i.first + 1 <> i.rows OR i.has_step_back""",
    ),
    Check(
        "billing_is_posted",
        "B12: each installment's interest was posted when it was billed or taken over, exactly once",
        _INSTALLMENTS,
        """SELECT i.loan_id || '/' || i.number, format('interest %%s, posted %%s', i.interest, g.posted)
           FROM loans_installment i LEFT JOIN (
               SELECT g.loan_id, g.installment_number AS number, sum(g.amount) AS posted, count(*) AS lines
               FROM loans_ledger_line g JOIN loans_posting p ON p.id = g.posting_id
               WHERE g.account = 'INTEREST_RECEIVABLE' AND p.kind IN ('OPENING', 'BILLING')
               GROUP BY g.loan_id, g.installment_number) g ON g.loan_id = i.loan_id AND g.number = i.number
           WHERE i.interest IS DISTINCT FROM coalesce(g.posted, 0) OR g.lines > 1""",
    ),
    Check(
        "settled_installment_is_paid",
        "B8: an installment is settled exactly when it is paid in full, and then owes no more than frozen charges",
        _INSTALLMENTS,
        """SELECT loan_id || '/' || number, format('settled on %%s', settled_on) FROM loans_installment
           WHERE (settled_on IS NOT NULL) <> (principal_paid = principal AND interest_paid = interest)
              OR settled_on IS NULL AND (penalty_left > 0 OR compound_left > 0)
              OR penalty_left + penalty_paid > 0 AND late_principal_units = 0 AND settled_on IS NOT NULL
              OR compound_left + compound_paid > 0 AND late_interest_units = 0 AND settled_on IS NOT NULL""",
    ),
    Check(
        "settled_loan_owes_nothing",
        "B2: a settled loan owes nothing, charges and fees included, and a loan that owes nothing is settled",
        _POSITIONS,
        """SELECT p.loan_id, format('settled on %%s, balance %%s, fees %%s', p.settled_on, p.principal_balance,
                  p.fees_due)
           FROM loans_position p WHERE (p.settled_on IS NOT NULL) IS DISTINCT FROM (
               p.next_number IS NULL AND p.principal_balance = 0 AND p.fees_due = 0 AND NOT EXISTS (
                   SELECT FROM loans_installment i WHERE i.loan_id = p.loan_id
                   AND (i.settled_on IS NULL OR i.penalty_left > 0 OR i.compound_left > 0)))""",
    ),
    Check(
        "oldest_is_paid_first",
        "B7: no installment is paid while an older one of the loan is not (what a subsidy bears apart)",
        _INSTALLMENTS,
        """SELECT i.loan_id || '/' || i.number, 'an older one is unpaid' FROM loans_installment i
           JOIN (SELECT loan_id, min(number) AS unpaid FROM loans_installment WHERE settled_on IS NULL
                 GROUP BY loan_id) o ON o.loan_id = i.loan_id AND o.unpaid < i.number
           WHERE i.principal_paid + i.interest_paid > coalesce((
               SELECT sum(g.amount) FROM loans_ledger_line g JOIN loans_posting s ON s.id = g.posting_id
               WHERE g.loan_id = i.loan_id AND g.account = 'SUBSIDY_RECEIVABLE'
                 AND s.installment_number = i.number), 0)""",
    ),
    Check(
        "suspense_pays_what_is_billed",
        "B8: no loan holds suspense while an installment, a charge or a fee is unpaid; no balance is negative",
        _POSITIONS,
        """SELECT p.loan_id, format('suspense %%s, balance %%s', p.suspense, p.principal_balance) FROM loans_position p
           WHERE p.suspense < 0 OR p.principal_balance < 0 OR p.unbilled_principal < 0 OR p.fees_due < 0
              OR p.suspense > 0 AND (p.fees_due > 0 OR EXISTS (
                  SELECT FROM loans_installment i WHERE i.loan_id = p.loan_id
                  AND (i.settled_on IS NULL OR i.penalty_left > 0 OR i.compound_left > 0)))""",
    ),
    Check(
        "off_balance_is_the_unpaid_interest",
        "B2: non-accrual loans hold their unpaid billed interest off the balance sheet, others nothing (as of the last "
        "evening; loans moved since apart)",
        _POSITIONS,
        """SELECT p.loan_id, format('%%s held, %%s unpaid, %%s', p.off_balance_interest, u.interest, p.five_class)
           FROM loans_position p LEFT JOIN (
               SELECT loan_id, sum(interest - interest_paid) AS interest FROM loans_installment
               WHERE settled_on IS NULL GROUP BY loan_id) u ON u.loan_id = p.loan_id
           WHERE p.off_balance_interest <> CASE WHEN p.overdue_since < %(overdue_before)s
                 OR p.five_class IN ('SUBSTANDARD', 'DOUBTFUL', 'LOSS') THEN coalesce(u.interest, 0) ELSE 0 END
             AND %(has_accrual_run)s
             AND NOT EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id
                             AND o.business_date > %(accrued_on)s)""",
    ),
    Check(
        "written_off_is_posted",
        "B2: a loan is written off, or accelerated, exactly when its posting or its change says so",
        _POSITIONS,
        """SELECT p.loan_id, format('written off %%s/%%s, accelerated %%s/%%s', p.written_off_on, w.value_on,
                  p.accelerated_on, c.effective_on)
           FROM loans_position p
           LEFT JOIN loans_posting w ON w.loan_id = p.loan_id AND w.kind = 'WRITE_OFF'
           LEFT JOIN loans_contractchange c ON c.loan_id = p.loan_id AND c.kind = 'ACCELERATION'
                AND c.applied_on IS NOT NULL
           WHERE p.written_off_on IS DISTINCT FROM w.value_on OR p.accelerated_on IS DISTINCT FROM c.effective_on
              OR p.written_off_on IS NOT NULL AND p.next_number IS NOT NULL
              OR p.accelerated_on IS NOT NULL AND p.next_number IS NOT NULL""",
    ),
)
