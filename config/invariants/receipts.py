"""Claims about money that came in: receipts, their allocation, fees, refunds (reliability B 6, 7, 8)."""

# ruff: noqa: S608 - statements are joined from constants of this module only; values always travel as parameters.
from config.invariants.claims import Check

_RECEIPTS = "SELECT count(*) FROM loans_receipt"
_LIVE = """(SELECT p.* FROM loans_posting p LEFT JOIN loans_posting r ON r.reverses_id = p.id
            WHERE p.kind <> 'REVERSAL' AND r.id IS NULL)"""

RECEIPTS = (
    Check(
        "serial_is_once",
        "B6: a channel's serial is there once",
        _RECEIPTS,
        """SELECT channel || ' ' || serial, count(*) FROM loans_receipt GROUP BY channel, serial HAVING count(*) > 1""",
    ),
    Check(
        "receipt_posts_once",
        "B6: each posted receipt stands in the ledger exactly once, with its amount in cash and its value date; others "
        "not at all",
        _RECEIPTS,
        f"""WITH came AS (
               SELECT p.receipt_id, count(*) AS postings, bool_and(p.loan_id = r.loan_id AND p.value_on = r.value_on
                      AND p.business_date = r.posted_on) AS agrees
               FROM loans_posting p JOIN loans_receipt r ON r.id = p.receipt_id WHERE p.kind = 'RECEIPT'
               GROUP BY p.receipt_id
           ), live AS (
               SELECT p.receipt_id, count(DISTINCT p.id) AS standing, sum(g.amount) AS cash FROM {_LIVE} p
               JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
                    AND g.account = 'CASH'
               WHERE p.receipt_id IS NOT NULL GROUP BY p.receipt_id
           )
           SELECT r.channel || ' ' || r.serial, format('%%s, %%s postings, %%s standing, cash %%s of %%s', r.state,
                  came.postings, live.standing, live.cash, r.amount)
           FROM loans_receipt r LEFT JOIN came ON came.receipt_id = r.id LEFT JOIN live ON live.receipt_id = r.id
           WHERE (CASE r.state
               WHEN 'POSTED' THEN came.postings = 1 AND live.standing = 1 AND live.cash = r.amount AND came.agrees
                                  AND r.loan_id IS NOT NULL AND r.value_on <= r.posted_on AND r.reversed_on IS NULL
               WHEN 'REVERSED' THEN came.postings = 1 AND live.standing IS NULL AND came.agrees
                                    AND r.loan_id IS NOT NULL AND r.reversed_on >= r.posted_on
               WHEN 'WAITING' THEN came.postings IS NULL AND live.standing IS NULL AND r.posted_on IS NULL
                                   AND r.loan_id IS NOT NULL
               WHEN 'RETURNED' THEN came.postings IS NULL AND live.standing IS NULL AND r.posted_on IS NULL
               ELSE came.postings IS NULL AND live.standing IS NULL AND r.posted_on IS NULL AND r.loan_id IS NULL
               END) IS NOT TRUE""",
    ),
    Check(
        "posting_has_its_receipt",
        "B6: each posting of a receipt names one that is there, posted or reversed, of the same loan",
        "SELECT count(*) FROM loans_posting WHERE kind IN ('RECEIPT', 'REPOSTING')",
        """SELECT p.id, format('receipt %%s %%s', p.receipt_id, coalesce(r.state, 'is missing')) FROM loans_posting p
           LEFT JOIN loans_receipt r ON r.id = p.receipt_id
           WHERE (p.kind IN ('RECEIPT', 'REPOSTING') OR p.receipt_id IS NOT NULL)
             AND (r.state IN ('POSTED', 'REVERSED') AND r.loan_id = p.loan_id) IS NOT TRUE""",
    ),
    Check(
        "nothing_waits_past_its_day",
        "B6: no receipt still waits whose value date is closed, unless its loan is held back",
        "SELECT count(*) FROM loans_receipt WHERE state = 'WAITING'",
        """SELECT r.id, r.value_on FROM loans_receipt r WHERE r.state = 'WAITING' AND r.value_on < %(open_day)s
           AND NOT EXISTS (SELECT FROM journal_heldback h WHERE h.subject_id = r.loan_id)""",
    ),
    Check(
        "allocation_sums_to_the_receipt",
        "B7: what a receipt pays, and what of it goes to suspense, sums to the receipt",
        "SELECT count(*) FROM loans_receipt WHERE state = 'POSTED'",
        f"""SELECT p.receipt_id, format('%%s of %%s', -sum(g.amount) FILTER (WHERE g.amount < 0), r.amount)
            FROM {_LIVE} p JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
            JOIN loans_receipt r ON r.id = p.receipt_id GROUP BY p.id, p.receipt_id, r.amount
            HAVING (-sum(g.amount) FILTER (WHERE g.amount < 0) = r.amount
                    AND count(*) FILTER (WHERE g.amount > 0) = 1) IS NOT TRUE""",
    ),
    Check(
        "suspense_used_stands_by_itself",
        "B8: money used from suspense was there: what is in suspense on a day is never below zero",
        "SELECT count(*) FROM loans_ledger_line WHERE account = 'SUSPENSE'",
        """SELECT loan_id, format('%%s on %%s', held, business_date) FROM (
               SELECT loan_id, business_date,
                      -sum(sum(amount)) OVER (PARTITION BY loan_id ORDER BY business_date) AS held
               FROM loans_ledger_line WHERE account = 'SUSPENSE' GROUP BY loan_id, business_date) x WHERE held < 0""",
    ),
    Check(
        "fee_is_the_ledgers",
        "B2: each fee is posted with its amount, waived by what its waivers say, and what is due of fees is the loan's",
        "SELECT count(*) FROM loans_fee",
        f"""WITH posted AS (
                SELECT p.source_id AS id, p.loan_id, count(DISTINCT p.id) FILTER (WHERE p.kind = 'FEE') AS postings,
                       sum(g.amount) FILTER (WHERE p.kind = 'FEE') AS amount,
                       -coalesce(sum(g.amount) FILTER (WHERE p.kind = 'WAIVER'), 0) AS waived
                FROM {_LIVE} p JOIN loans_ledger_line g ON g.posting_id = p.id AND g.account = 'FEE_RECEIVABLE'
                WHERE p.kind IN ('FEE', 'WAIVER') GROUP BY p.source_id, p.loan_id
            )
            SELECT 'fee ' || coalesce(f.id, p.id), format('%%s/%%s, waived %%s/%%s', f.amount, p.amount, f.waived,
                   p.waived)
            FROM loans_fee f FULL JOIN posted p ON p.id = f.id
            WHERE (f.loan_id = p.loan_id AND p.postings = 1 AND f.amount = p.amount AND f.waived = p.waived
                   AND f.paid BETWEEN 0 AND f.amount - f.waived
                   AND (f.settled_on IS NOT NULL) = (f.paid + f.waived = f.amount)) IS NOT TRUE
            UNION ALL
            SELECT 'loan ' || p.loan_id, format('%%s due, by the fees %%s', p.fees_due, f.due) FROM loans_position p
            LEFT JOIN (SELECT loan_id, sum(amount - paid - waived) AS due FROM loans_fee GROUP BY loan_id) f
            ON f.loan_id = p.loan_id WHERE p.fees_due IS DISTINCT FROM coalesce(f.due, 0)""",
    ),
    Check(
        "fee_is_on_its_disclosure",
        "B7: no fee is charged that the cost disclosure of its contract does not name, nor more than it names",
        "SELECT count(*) FROM loans_fee",
        """SELECT f.loan_id, format('%%s: %%s of %%s', f.code, sum(f.amount - f.waived), i.most)
           FROM loans_fee f JOIN loans_loan l ON l.id = f.loan_id AND l.baseline_on IS NULL
           JOIN loans_parameter r ON r.code = 'cost_disclosure_required' AND r.value = 'true'
                AND r.in_force @> coalesce(l.signed_on, l.disbursed_on)
           LEFT JOIN (SELECT d.loan_id, i.code, sum(i.amount) AS most FROM loans_costitem i
                      JOIN loans_costdisclosure d ON d.id = i.disclosure_id
                      WHERE i.kind IN ('FEE', 'CONTINGENT') GROUP BY d.loan_id, i.code) i
           ON i.loan_id = f.loan_id AND i.code = f.code
           GROUP BY f.loan_id, f.code, i.most, i.code
           HAVING i.code IS NULL OR sum(f.amount - f.waived) > i.most
           UNION ALL
           SELECT g.loan_id, format('paying ahead: %%s of %%s', -g.amount, i.most) FROM loans_ledger_line g
           JOIN loans_posting p ON p.id = g.posting_id AND p.kind = 'PREPAYMENT'
           JOIN loans_loan l ON l.id = g.loan_id AND l.baseline_on IS NULL
           JOIN loans_parameter r ON r.code = 'cost_disclosure_required' AND r.value = 'true'
                AND r.in_force @> coalesce(l.signed_on, l.disbursed_on)
           LEFT JOIN (SELECT d.loan_id, sum(i.amount) AS most FROM loans_costitem i
                      JOIN loans_costdisclosure d ON d.id = i.disclosure_id
                      WHERE i.kind IN ('FEE', 'CONTINGENT') AND i.code = 'PREPAYMENT_FEE' GROUP BY d.loan_id) i
           ON i.loan_id = g.loan_id
           WHERE g.account = 'FEE_INCOME' AND (-g.amount <= i.most) IS NOT TRUE""",
    ),
    Check(
        "refund_is_posted",
        "B8: each approved refund took its amount out of suspense, by another's decision; others took nothing",
        "SELECT count(*) FROM loans_refund",
        f"""WITH posted AS (
                SELECT p.source_id AS id, p.loan_id, count(DISTINCT p.id) AS postings, sum(g.amount) AS amount,
                       min(p.business_date) AS day
                FROM {_LIVE} p JOIN loans_ledger_line g ON g.posting_id = p.id AND g.account = 'SUSPENSE'
                WHERE p.kind = 'REFUND' GROUP BY p.source_id, p.loan_id
            )
            SELECT 'refund ' || coalesce(r.id, p.id), format('%%s, %%s posted of %%s', r.state, p.amount, r.amount)
            FROM loans_refund r FULL JOIN posted p ON p.id = r.id
            WHERE (CASE WHEN r.state = 'APPROVED' THEN p.postings = 1 AND p.amount = r.amount AND p.loan_id = r.loan_id
                        AND r.refunded_on = p.day AND r.decided_by_id <> r.proposed_by_id
                        ELSE p.id IS NULL AND r.id IS NOT NULL END) IS NOT TRUE""",
    ),
    Check(
        "subsidy_bears_its_interest",
        "B7: a subsidy pays interest of an installment, once, on the day it fell due, of a subsidised loan",
        "SELECT count(*) FROM loans_posting WHERE kind = 'SUBSIDY'",
        """SELECT p.id, format('installment %%s on %%s', p.installment_number, p.value_on) FROM loans_posting p
           LEFT JOIN loans_subsidy s ON s.id = p.source_id AND s.loan_id = p.loan_id
           LEFT JOIN loans_installment i ON i.loan_id = p.loan_id AND i.number = p.installment_number
           WHERE p.kind = 'SUBSIDY' AND (s.id IS NULL OR i.number IS NULL)
           UNION ALL SELECT min(id), 'twice' FROM loans_posting WHERE kind = 'SUBSIDY'
           GROUP BY loan_id, installment_number HAVING count(*) > 1""",
    ),
)
