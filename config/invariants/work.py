"""Claims about business dates, tasks, visits and reports."""

from config.invariants.claims import Check

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
