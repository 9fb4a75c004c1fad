"""Claims about what people decided: changes of contract, repricing, published rates (reliability B 3, 4, 5, 24)."""

from config.invariants.claims import Check

_CHANGES = "SELECT count(*) FROM loans_contractchange"

CHANGES = (
    Check(
        "applied_change_has_its_terms",
        "B3: each applied change that means other rows has its version of the terms, as it was approved",
        _CHANGES,
        """SELECT c.id, format('%%s %%s, terms %%s', c.kind, c.state, t.version) FROM loans_contractchange c
           LEFT JOIN loans_terms t ON t.loan_id = c.loan_id AND t.source = 'CHANGE' AND t.source_id = c.id
                AND t.version = (c.result ->> 'terms_version')::int
           WHERE c.applied_on IS NOT NULL AND jsonb_typeof(c.result -> 'after_terms') = 'object'
             AND (t.schedule_sha256 = c.result #>> '{after_terms,sha256}'
                  AND to_jsonb(t.principal_fen) = c.result #> '{after_terms,principal_fen}'
                  AND to_jsonb(t.interest_fen) = c.result #> '{after_terms,interest_fen}'
                  AND t.effective_on = c.effective_on) IS NOT TRUE
           UNION ALL SELECT c.id, 'reversed without the terms before it' FROM loans_contractchange c
           WHERE c.state = 'REVERSED' AND NOT EXISTS (
               SELECT FROM loans_terms t WHERE t.loan_id = c.loan_id AND t.source_id = c.id AND t.source = 'CHANGE'
               AND t.version = (c.result ->> 'terms_version')::int + 1)""",
    ),
    Check(
        "contract_is_as_changed",
        "B18: the due day and the method of a contract are those of the change that was applied last",
        "SELECT count(*) FROM loans_contractchange WHERE applied_on IS NOT NULL",
        """SELECT l.id, format('on the %%s., %%s, change %%s', l.due_day, l.repayment_method, c.id)
           FROM loans_loan l JOIN LATERAL (SELECT * FROM loans_terms t WHERE t.loan_id = l.id AND t.source = 'CHANGE'
                ORDER BY t.version DESC LIMIT 1) t ON cardinality(t.principal_fen) > 0
           JOIN loans_contractchange c ON c.id = t.source_id AND c.kind <> 'ACCELERATION'
           WHERE (format('%%s %%s', l.due_day, l.repayment_method) = CASE c.state
                  WHEN 'REVERSED' THEN format('%%s %%s', c.result #>> '{before_contract,due_day}',
                                              c.result #>> '{before_contract,repayment_method}')
                  ELSE format('%%s %%s', c.result ->> 'due_day', c.result #>> '{after_terms,method}')
                  END) IS NOT TRUE""",
    ),
    Check(
        "change_took_its_money",
        "B2: each applied prepayment, settlement or write-off has its posting with the parts that were approved; a "
        "reversed one stands no more, others have none",
        _CHANGES,
        """WITH posted AS (
               SELECT p.source_id, p.loan_id, p.kind, count(DISTINCT p.id) AS postings,
                      count(DISTINCT p.id) FILTER (WHERE r.id IS NULL) AS standing, min(p.value_on) AS value_on,
                      -sum(g.amount) FILTER (WHERE g.account = 'PRINCIPAL') AS principal,
                      coalesce(sum(g.amount) FILTER (WHERE g.account = 'SUSPENSE'), 0) AS taken
               FROM loans_posting p
               JOIN loans_ledger_line g ON g.posting_id = p.id AND g.business_date = p.business_date
               LEFT JOIN loans_posting r ON r.reverses_id = p.id
               WHERE p.kind IN ('PREPAYMENT', 'WRITE_OFF') GROUP BY p.source_id, p.loan_id, p.kind
           )
           SELECT coalesce(c.id, p.source_id), format('%%s %%s, %%s posted', c.kind, c.state, p.taken)
           FROM (SELECT * FROM loans_contractchange WHERE applied_on IS NOT NULL
                 AND kind IN ('PREPAYMENT', 'SETTLEMENT', 'WRITE_OFF')) c
           FULL JOIN posted p ON p.source_id = c.id
           WHERE (p.loan_id = c.loan_id AND p.postings = 1 AND p.value_on = c.effective_on
                  AND p.standing = CASE c.state WHEN 'REVERSED' THEN 0 ELSE 1 END
                  AND CASE WHEN c.kind = 'WRITE_OFF' THEN p.kind = 'WRITE_OFF' ELSE p.kind = 'PREPAYMENT'
                      AND p.taken = (c.result ->> 'taken')::numeric
                      AND p.principal IS NOT DISTINCT FROM nullif((c.result ->> 'taken_principal')::numeric, 0) END)
                 IS NOT TRUE""",
    ),
    Check(
        "change_maker_is_not_checker",
        "B22: nobody decided an own change, refund, return, repricing or published rate, and what counts was decided",
        _CHANGES,
        """SELECT 'change ' || id, state FROM loans_contractchange
           WHERE state IN ('APPROVED', 'SIGNED', 'APPLIED', 'OBSERVED', 'REVERSED', 'REJECTED')
             AND (decided_by_id <> proposed_by_id AND decided_at >= proposed_at) IS NOT TRUE
           UNION ALL SELECT 'repricing ' || id, state FROM loans_repricingrun
           WHERE state IN ('APPROVED', 'REJECTED') AND (decided_by_id IS NOT NULL
                 AND (state = 'REJECTED' OR decided_by_id <> proposed_by_id)) IS NOT TRUE
           UNION ALL SELECT 'return ' || id, state FROM loans_moneyreturn
           WHERE state <> 'PROPOSED' AND (decided_by_id <> proposed_by_id) IS NOT TRUE
           UNION ALL SELECT 'LPR ' || id, published_on::text FROM loans_lprrate
           WHERE is_approved AND proposed_by_id IS NOT NULL AND (approved_by_id <> proposed_by_id) IS NOT TRUE""",
    ),
    Check(
        "change_goes_its_way",
        "B21: a change has the days and the reason that its state asks for, and a loan at most one open change",
        _CHANGES,
        """SELECT c.id::text, c.kind || ' ' || c.state FROM loans_contractchange c
           WHERE (c.state IN ('APPLIED', 'OBSERVED', 'REVERSED')) <> (c.applied_on IS NOT NULL)
              OR c.applied_on IS NOT NULL AND (c.signed_on IS NULL OR c.applied_on < c.effective_on)
              OR c.applied_on > %(open_day)s OR c.effective_on > c.applied_on
              OR c.state = 'OBSERVED' AND (c.observed_from <= c.observed_until) IS NOT TRUE
              OR c.state IN ('REJECTED', 'REVERSED', 'EXPIRED') AND c.end_reason = '' AND c.decision_note = ''
           UNION ALL SELECT 'loan ' || loan_id, count(*) || ' open' FROM loans_contractchange
           WHERE state IN ('PROPOSED', 'APPROVED', 'SIGNED') GROUP BY loan_id HAVING count(*) > 1""",
    ),
    Check(
        "applied_change_has_its_entry",
        "B13: each applied change has its entry in the journal, with the hash that was approved",
        "SELECT count(*) FROM loans_contractchange WHERE applied_on IS NOT NULL",
        """SELECT c.id, c.state FROM loans_contractchange c LEFT JOIN journal_entry e ON e.loan_id = c.loan_id
               AND e.kind = 'loans.change_applied' AND (e.data ->> 'change')::bigint = c.id
           WHERE c.applied_on IS NOT NULL AND (e.data ->> 'sha256' = c.result_sha256) IS NOT TRUE""",
    ),
    Check(
        "repriced_item_has_its_terms",
        "B4: each applied repricing item has its version of the terms, with its rate, hash and (of equal installments) "
        "its payment, or the last one's where no whole month is left; others have none",
        "SELECT count(*) FROM loans_repricingitem",
        """SELECT r.id, format('%%s, terms %%s', r.state, t.version) FROM loans_repricingitem r
           LEFT JOIN loans_terms t ON t.loan_id = r.loan_id AND t.source = 'REPRICING' AND t.source_id = r.id
           WHERE (CASE WHEN r.state = 'APPLIED' THEN t.schedule_sha256 = r.schedule_sha256
                       AND t.annual_rate_percent = r.new_rate_percent AND t.version = r.terms_version + 1
                       AND t.effective_on = r.effective_on AND (t.installment_amount = r.new_installment
                           OR t.request ->> 'method' <> 'EQUAL_INSTALLMENT'
                           OR r.new_installment * 100 = t.principal_fen[cardinality(t.principal_fen)]
                              + t.interest_fen[cardinality(t.interest_fen)])
                  ELSE t.id IS NULL END) IS NOT TRUE""",
    ),
    Check(
        "repricing_was_approved",
        "B4: no item was applied of a run that nobody approved, or before its day, and its rate is LPR plus spread",
        "SELECT count(*) FROM loans_repricingitem",
        """SELECT i.id, format('%%s of %%s, %%s', i.state, r.state, i.new_rate_percent) FROM loans_repricingitem i
           JOIN loans_repricingrun r ON r.id = i.run_id
           WHERE i.state IN ('APPLIED', 'UNCHANGED') AND (r.decided_by_id IS NOT NULL
                 AND r.state IN ('APPROVED', 'CANCELLED') AND i.applied_on >= i.effective_on
                 AND i.new_rate_percent = i.lpr_percent + i.spread_bp / 100) IS NOT TRUE""",
    ),
)
