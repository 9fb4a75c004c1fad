"""Claims about tasks, visits, reports and grades, and that nothing is without its loan (reliability B 19 to 22)."""

from config.invariants.claims import Check

WORK = (
    Check(
        "no_orphans",
        "B12: nothing that names a loan is without it",
        "SELECT count(*) FROM loans_loan",
        """SELECT x.name || ' ' || x.loan_id, 'no such loan' FROM (
               SELECT 'position' AS name, loan_id FROM loans_position
               UNION ALL SELECT 'terms', loan_id FROM loans_terms
               UNION ALL SELECT 'installment', loan_id FROM loans_installment
               UNION ALL SELECT 'receipt', loan_id FROM loans_receipt
               UNION ALL SELECT 'posting', loan_id FROM loans_posting
               UNION ALL SELECT 'fee', loan_id FROM loans_fee
               UNION ALL SELECT 'refund', loan_id FROM loans_refund
               UNION ALL SELECT 'change', loan_id FROM loans_contractchange
               UNION ALL SELECT 'pricing', loan_id FROM loans_pricing
               UNION ALL SELECT 'repricing', loan_id FROM loans_repricingitem
               UNION ALL SELECT 'parameter', loan_id FROM loans_contractparameter
               UNION ALL SELECT 'subsidy', loan_id FROM loans_subsidy
               UNION ALL SELECT 'debit', loan_id FROM loans_debitinstruction
               UNION ALL SELECT 'disclosure', loan_id FROM loans_costdisclosure
               UNION ALL SELECT 'charge', loan_id FROM collateral_charge
               UNION ALL SELECT 'task', loan_id FROM followups_visittask
               UNION ALL SELECT 'grade', loan_id FROM risk_grade
               UNION ALL SELECT 'entry', loan_id FROM journal_entry
           ) x LEFT JOIN loans_loan l ON l.id = x.loan_id WHERE x.loan_id IS NOT NULL AND l.id IS NULL""",
    ),
    Check(
        "task_has_its_events",
        "B21: each task was planned by an event, and stands where its last event left it",
        "SELECT count(*) FROM followups_visittask",
        """SELECT t.id, t.state || ', events ' || coalesce(e.kinds, 'none') FROM followups_visittask t
           LEFT JOIN (SELECT task_id, string_agg(kind, ' ' ORDER BY id) AS kinds,
                      count(*) FILTER (WHERE kind = 'PLANNED') AS planned,
                      (array_agg(kind ORDER BY id DESC))[1] AS last,
                      bool_or(kind = 'STARTED') AS is_started, bool_or(kind = 'SUBMITTED') AS is_submitted
                      FROM followups_taskevent GROUP BY task_id) e ON e.task_id = t.id
           WHERE (e.planned >= 1 AND CASE t.state
               WHEN 'CLOSED' THEN e.kinds ~ 'CLOSED|APPROVED' WHEN 'CANCELLED' THEN e.kinds ~ 'CANCELLED'
               WHEN 'SUBMITTED' THEN e.is_submitted WHEN 'RETURNED' THEN e.kinds ~ 'RETURNED'
               WHEN 'IN_PROGRESS' THEN e.is_started ELSE NOT e.kinds ~ 'CLOSED|CANCELLED' END) IS NOT TRUE""",
    ),
    Check(
        "open_loan_has_a_next_task",
        "B19: each loan that is open since the last planning has a visit to come (loans touched since then apart)",
        "SELECT count(*) FROM loans_position WHERE settled_on IS NULL",
        """SELECT p.loan_id, 'no open task' FROM loans_position p WHERE p.settled_on IS NULL
           AND EXISTS (SELECT FROM journal_run r WHERE r.stage = 'replan' AND r.business_date = %(planned_on)s)
           AND EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id AND o.business_date <= %(planned_on)s
                       AND o.kind IN ('OPENING', 'DISBURSEMENT'))
           AND NOT EXISTS (SELECT FROM followups_visittask t WHERE t.loan_id = p.loan_id
                           AND (t.closed_on IS NULL AND NOT t.is_light OR t.closed_on > %(planned_on)s))
           AND NOT EXISTS (SELECT FROM journal_pending w WHERE w.subject_id = p.loan_id)""",
    ),
    Check(
        "settled_loan_has_no_task",
        "B19: no visit is to come for a loan that is settled since the last planning",
        "SELECT count(*) FROM followups_visittask WHERE closed_on IS NULL",
        """SELECT t.id, t.state FROM followups_visittask t JOIN loans_position p ON p.loan_id = t.loan_id
           WHERE t.closed_on IS NULL AND t.state = 'PLANNED' AND p.settled_on IS NOT NULL
             AND EXISTS (SELECT FROM journal_run r WHERE r.stage = 'replan' AND r.business_date = %(planned_on)s)
             AND NOT EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id
                             AND o.business_date > %(planned_on)s)
             AND NOT EXISTS (SELECT FROM journal_pending w WHERE w.subject_id = p.loan_id)""",
    ),
    Check(
        "task_is_once",
        "B19: a task exists once per loan, rule and cycle",
        "SELECT count(*) FROM followups_visittask",
        """SELECT loan_id || ' ' || rule || ' ' || cycle, count(*) FROM followups_visittask
           GROUP BY loan_id, rule, cycle HAVING count(*) > 1""",
    ),
    Check(
        "ended_task_has_outcome",
        "B21: a task has an outcome and a day exactly when it has ended",
        "SELECT count(*) FROM followups_visittask",
        """SELECT id, state || ' ' || outcome FROM followups_visittask
           WHERE (state IN ('CLOSED', 'CANCELLED')) <> (closed_on IS NOT NULL)
              OR (closed_on IS NOT NULL) <> (outcome <> '')""",
    ),
    Check(
        "approved_visit_is_closed",
        "B21: a task is submitted, returned or closed exactly as its latest report says",
        "SELECT count(*) FROM followups_visitreport",
        """SELECT t.id, t.state || ', report ' || r.state FROM followups_visittask t
           JOIN followups_visit v ON v.task_id = t.id
           JOIN LATERAL (SELECT state FROM followups_visitreport r WHERE r.visit_id = v.id AND r.corrects_id IS NULL
                         ORDER BY version DESC LIMIT 1) r ON true
           WHERE CASE r.state WHEN 'APPROVED' THEN t.state <> 'CLOSED' WHEN 'SUBMITTED' THEN t.state <> 'SUBMITTED'
                 WHEN 'CORRECTED' THEN t.state <> 'CLOSED' ELSE false END""",
    ),
    Check(
        "corrected_report_has_successor",
        "B22: a corrected report gave way to a version that names it, and the visit has one in force",
        "SELECT count(*) FROM followups_visitreport WHERE state = 'CORRECTED'",
        """SELECT r.id, 'corrected by ' || coalesce(s.id::text, 'nothing') FROM followups_visitreport r
           LEFT JOIN followups_visitreport s ON s.id = r.corrected_by_id AND s.corrects_id = r.id
                AND s.visit_id = r.visit_id AND s.state IN ('APPROVED', 'CORRECTED')
           WHERE r.state = 'CORRECTED' AND (s.id IS NULL OR NOT EXISTS (
                 SELECT FROM followups_visitreport f WHERE f.visit_id = r.visit_id AND f.state = 'APPROVED'))""",
    ),
    Check(
        "correction_is_where_its_versions_are",
        "B22: a correction waits for review exactly while a version of it does",
        "SELECT count(*) FROM followups_reportcorrection",
        """SELECT c.id, c.state FROM followups_reportcorrection c
           WHERE (c.state = 'SUBMITTED') <> EXISTS (
                 SELECT FROM followups_visitreport r WHERE r.visit_id = c.visit_id AND r.state = 'SUBMITTED'
                    AND r.corrects_id = c.corrects_id AND r.version > c.after_version)
              AND c.state IN ('OPEN', 'SUBMITTED')""",
    ),
    Check(
        "nobody_reviews_own_report",
        "B22: no report was decided by one of its visitors",
        "SELECT count(*) FROM followups_visitreport",
        """SELECT r.id, 'decided by a visitor' FROM followups_visitreport r JOIN followups_visit v ON v.id = r.visit_id
           WHERE r.decided_by_id IN (r.submitted_by_id, v.lead_visitor_id, v.second_visitor_id)""",
    ),
    Check(
        "told_result_stands",
        "B22: a result is told exactly when a telling stands that nothing has undone",
        "SELECT count(*) FROM followups_customerresult",
        """SELECT r.id, 'told by ' || coalesce(r.told_id::text, 'none') || ', stands ' || coalesce(s.id::text, 'none')
           FROM followups_customerresult r LEFT JOIN (
               SELECT t.result_id, max(t.id) AS id, count(*) AS many FROM followups_resulttelling t
               WHERE t.undoes_id IS NULL AND NOT EXISTS (SELECT FROM followups_resulttelling u WHERE u.undoes_id = t.id)
               GROUP BY t.result_id) s ON s.result_id = r.id
           WHERE r.told_id IS DISTINCT FROM s.id OR s.many > 1""",
    ),
    Check(
        "quality_is_its_lines",
        "B22: a report's quality score is the sum of its lines",
        "SELECT count(*) FROM followups_reportquality",
        """SELECT q.report_id, q.score FROM followups_reportquality q WHERE q.score <>
           (SELECT sum((line ->> 'got')::int) FROM jsonb_array_elements(q.lines) AS line)""",
    ),
    Check(
        "one_grade_in_force",
        "B9: a loan has at most one grade in force",
        "SELECT count(*) FROM risk_grade",
        """SELECT loan_id, count(*) FROM risk_grade WHERE superseded_on IS NULL GROUP BY loan_id HAVING count(*) > 1""",
    ),
)
