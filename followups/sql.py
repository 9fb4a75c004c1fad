"""The statements of the planner: who may need a change, what is known of them, and the changes.

Candidates are found by what happened; only a part of the book is walked of an evening. Facts of a chunk come with
one statement. Changes are one statement each, which also writes the events of exactly the rows it
changed; the last word on "once a (loan, rule, cycle)" has the unique key.
"""

from collateral.sql import BESIDE
from followups.rules.assignment import WARNING_DAYS

_WALKED = "{0}.loan_id > %(walk_after)s AND {0}.loan_id <= %(walk_up_to)s"

# What may need a change because of what happened, and, in the walked range of loans, whatever may need one.
CANDIDATES = f"""
SELECT loan_id FROM (
    SELECT unnest(%(woken)s::bigint[]) AS loan_id
    UNION
    -- what waits for a reaction, where the search only plans; there may be as many as there are loans
    SELECT subject_id FROM journal_pending WHERE reaction = %(queue)s AND attempts = 0 AND subject_id IS NOT NULL
    UNION
    -- a follow-up has ended and nothing regular lies ahead
    SELECT t.loan_id FROM followups_visittask t
     WHERE t.closed_on >= %(as_of)s::date - 1 AND NOT EXISTS (
        SELECT 1 FROM followups_visittask o
         WHERE o.loan_id = t.loan_id AND o.closed_on IS NULL AND o.kind <> 'IRREGULAR')
       AND EXISTS (SELECT 1 FROM loans_position p WHERE p.loan_id = t.loan_id AND p.settled_on IS NULL)
    UNION
    -- arrears whose step has no open task and had none in this episode, where that can be new: the step is reached
    -- today, its task has ended, the policy is new, or the loan is walked; facts tell of arrears from another day. The
    -- steps of each are looked up in an index (OFFSET 0 keeps the planner from reading all tasks instead)
    SELECT p.loan_id
      FROM jsonb_to_recordset(%(steps)s) AS s(from_day int, until_day int, rules text[])
      JOIN loans_position p ON p.overdue_since BETWEEN %(as_of)s::date - s.until_day AND %(as_of)s::date - s.from_day
       AND (p.overdue_since = %(as_of)s::date - s.from_day OR %(is_new_policy)s OR {_WALKED.format("p")}
            OR p.loan_id IN (SELECT e.loan_id FROM followups_visittask e
                              WHERE e.closed_on >= %(as_of)s::date - 1 AND e.kind = 'IRREGULAR'))
     WHERE NOT EXISTS (
        SELECT 1 FROM followups_visittask t
         WHERE t.loan_id = p.loan_id AND t.kind = 'IRREGULAR' AND t.rule = ANY(s.rules)
           AND (t.closed_on IS NULL OR t.cycle = to_char(p.overdue_since, 'YYYY-MM-DD')) OFFSET 0)
    UNION
    -- arrears of so many days today that another line may hold
    SELECT p.loan_id FROM loans_position p WHERE p.overdue_since = ANY(%(limits)s::date[])
    UNION
    -- the first day of a policy: every untouched task that another version made
    SELECT t.loan_id FROM followups_visittask t
     WHERE %(is_new_policy)s AND t.closed_on IS NULL AND t.state = 'PLANNED' AND t.policy_version <> %(version)s
    UNION
    -- walked: nothing regular lies ahead; as a difference of sets, for without statistics an anti-join is
    -- planned as a loop in a loop (0.03 against 2 s)
    (SELECT p.loan_id FROM loans_position p WHERE p.settled_on IS NULL AND {_WALKED.format("p")}
     EXCEPT
     SELECT t.loan_id FROM followups_visittask t
      WHERE t.closed_on IS NULL AND t.kind <> 'IRREGULAR' AND {_WALKED.format("t")})
    UNION
    -- walked: light items of loans that have paid; untouched tasks of loans that are settled
    SELECT t.loan_id FROM followups_visittask t
     WHERE t.kind = 'IRREGULAR' AND t.closed_on IS NULL AND t.state = 'PLANNED' AND t.is_light AND {_WALKED.format("t")}
       AND EXISTS (SELECT 1 FROM loans_position p WHERE p.loan_id = t.loan_id AND p.overdue_since IS NULL OFFSET 0)
    UNION
    SELECT p.loan_id FROM loans_position p
     WHERE p.settled_on IS NOT NULL AND {_WALKED.format("p")} AND EXISTS (
        SELECT 1 FROM followups_visittask t
         WHERE t.loan_id = p.loan_id AND t.closed_on IS NULL AND t.state = 'PLANNED' OFFSET 0)
    UNION
    -- walked: grades of today
    SELECT g.loan_id FROM risk_grade g
     WHERE g.graded_on = %(as_of)s AND g.superseded_on IS NULL AND {_WALKED.format("g")}
) candidates
WHERE loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR loan_id <= %(up_to)s)
"""  # noqa: S608 - joined from constants of this file

# Installments of 24 months not paid by their due day; whether they are late is decided in Python.
_SLOW = """
slow AS (
    SELECT i.loan_id, array_agg(i.due_on ORDER BY i.number) AS due_on,
           array_agg(i.settled_on ORDER BY i.number) AS settled_on
      FROM loans_installment i
     WHERE i.loan_id = ANY(%(ids)s) AND i.due_on BETWEEN %(as_of)s::date - interval '24 months' AND %(as_of)s
       AND (i.settled_on IS NULL OR i.settled_on > i.due_on)
     GROUP BY i.loan_id
)
"""

# A loan whose homes are not all valued has no known value.
_HOME = """
home AS (
    SELECT c.loan_id, CASE WHEN count(*) = count(h.value) THEN sum(h.value) END AS value,
           CASE WHEN count(*) = count(h.valued_on) THEN min(h.valued_on) END AS valued_on,
           bool_and(h.is_owner_occupied) AS is_owner_occupied, min(h.district) AS district,
           -- what was found on the spot; else a formal mortgage needs a house that stands, an advance notice does not
           bool_and(coalesce(h.is_delivered, CASE c.kind WHEN 'FORMAL' THEN true WHEN 'ADVANCE_NOTICE' THEN false END))
               AS is_delivered,
           min(c.kind) AS registration, min(h.insured_until) AS insured_until
      FROM collateral_charge c JOIN collateral_property h ON h.id = c.property_id
     WHERE c.loan_id = ANY(%(ids)s)
     GROUP BY c.loan_id
)
"""

# Was the talk refused, its own or that of the visit that made it along? What a person took apart has a reason.
_REFUSED = """EXISTS (
               SELECT 1 FROM followups_visit v
                WHERE v.draft ->> 'contact_outcome' = 'REFUSED' AND v.task_id = ANY(t.id || ARRAY(
                      SELECT k.lead_id FROM followups_mergedtask k
                       WHERE k.task_id = t.id AND k.mode = 'JOINT' AND k.reason = '')))"""

FACTS = f"""
WITH {_SLOW}, {_HOME}, {BESIDE}, history AS (
    SELECT t.loan_id,
           -- words of ours, none with a blank in it: half the work of JSON, for the server and for us
           array_agg(concat_ws(' ', t.id, t.rule, t.cycle, t.kind, t.is_light, t.method, t.level, t.opens_on, t.due_on,
                     t.state, t.is_pinned, t.policy_version, t.policy_line) ORDER BY t.id)
               FILTER (WHERE t.closed_on IS NULL) AS still_open,
           array_agg(t.rule || ' ' || t.cycle) FILTER (WHERE t.closed_on IS NOT NULL AND t.rule <> 'PERIODIC') AS ended,
           count(*) FILTER (WHERE t.closed_on IS NOT NULL AND t.rule = 'PERIODIC') AS periodic_ended,
           max(t.closed_on) FILTER (WHERE t.outcome IN ('APPROVED', 'CLEAN')) AS last_followup_on,
           -- a borrower who refused to talk has not been talked to
           bool_or(t.kind = 'FIRST' AND t.method NOT IN ('OFF_SITE', 'SELF_SERVICE')
               AND (t.outcome = 'ANSWERED' OR t.outcome = 'APPROVED' AND NOT {_REFUSED})) AS is_talk_held,
           -- the last visit: when, how thorough, which
           max(concat_ws(' ', t.closed_on, CASE t.method WHEN 'FIELD' THEN 4 WHEN 'PHONE' THEN 2 ELSE 3 END, t.id))
               FILTER (WHERE t.outcome = 'APPROVED' AND t.method NOT IN ('OFF_SITE', 'SELF_SERVICE')
                         AND t.subject = 'LOAN' AND t.rule <> 'PROJECT' AND NOT {_REFUSED}) AS held
      FROM followups_visittask t WHERE t.loan_id = ANY(%(ids)s) GROUP BY t.loan_id
)
SELECT l.id, l.loan_note_no, l.branch_id, officer.id, l.disbursed_on, l.matures_on, l.baseline_on,
       l.principal_original, l.payment_record, l.last_visit_on, p.principal_balance, p.overdue_since,
       p.settled_on IS NOT NULL, grade.level, home.value, home.is_owner_occupied, home.is_delivered,
       home.district,
       slow.due_on, slow.settled_on, history.still_open, history.ended, history.periodic_ended,
       history.last_followup_on, history.is_talk_held, history.loan_id IS NOT NULL, coalesce(beside.balance, 0),
       l.product, l.credit_score, l.approver_id, history.held
  FROM loans_loan l
  JOIN loans_position p ON p.loan_id = l.id
  LEFT JOIN people_staff officer ON officer.id = l.portfolio_officer_id AND officer.is_active
  LEFT JOIN risk_grade grade ON grade.loan_id = l.id AND grade.superseded_on IS NULL
  LEFT JOIN home ON home.loan_id = l.id
  LEFT JOIN beside ON beside.loan_id = l.id
  LEFT JOIN slow ON slow.loan_id = l.id
  LEFT JOIN history ON history.loan_id = l.id
 WHERE l.id = ANY(%(ids)s)
 ORDER BY l.id
"""  # noqa: S608 - joined from constants of this file

# Do certificates keep people from new visits by now, and who has one? The rule is `rules.assignment.gates`.
IS_GATED = f"""coalesce(%(as_of)s::date >= (SELECT min(day) FROM loans_businessdate) + coalesce(
    (SELECT (value #>> '{{}}')::int FROM loans_parameter
      WHERE code = 'certificate_warning_days' AND in_force @> %(as_of)s::date), {WARNING_DAYS}), false)"""  # noqa: S608 - a constant
CERTIFIED = "(SELECT staff_id FROM people_certificate WHERE code = 'VISITS' AND valid @> %(as_of)s::date)"

CREATE = f"""
WITH gate AS (SELECT {IS_GATED} AS is_on), made AS (
    INSERT INTO followups_visittask (
        loan_id, branch_id, kind, rule, cycle, is_light, method, level, opens_on, due_on, assigned_to_id, state,
        is_pinned, reason, policy_version, policy_line, created_on, outcome, version, checklist, role)
    SELECT loan_id, branch_id, kind, rule, cycle, is_light, method, level, opens_on, due_on,
           -- who may not be given visits any more is not: somebody else is looked for (`batch.assigning`)
           CASE WHEN is_light OR NOT (SELECT is_on FROM gate) OR assigned_to_id IN {CERTIFIED} THEN assigned_to_id END,
           'PLANNED', false, reason, %(version)s, line, %(as_of)s, '', 1, coalesce(checklist, ''), coalesce(role, '')
      FROM jsonb_to_recordset(%(rows)s) AS x(
        loan_id bigint, branch_id bigint, kind text, rule text, cycle text, is_light boolean, method text, level int,
        opens_on date, due_on date, assigned_to_id bigint, reason jsonb, line int, checklist text, role text)
     ORDER BY loan_id
    ON CONFLICT (loan_id, rule, cycle) DO NOTHING
    RETURNING id, method, due_on, assigned_to_id
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT id, 'PLANNED', %(at)s, %(as_of)s, 'system',
       jsonb_build_object('method', method, 'due_on', due_on, 'assigned_to', assigned_to_id)
  FROM made ORDER BY id
"""  # noqa: S608 - joined from constants of this file

BRING_FORWARD = """
WITH wanted AS (
    SELECT x.*, t.due_on AS due_before, t.method AS method_before
      FROM jsonb_to_recordset(%(rows)s) AS x(
        id bigint, opens_on date, due_on date, method text, reason jsonb, line int, checklist text, role text,
        holders bigint[])
      JOIN followups_visittask t ON t.id = x.id
     WHERE t.state = 'PLANNED' AND NOT t.is_pinned
       FOR UPDATE OF t
), moved AS (
    UPDATE followups_visittask t
       SET opens_on = x.opens_on, due_on = x.due_on, method = x.method, reason = x.reason, policy_line = x.line,
           policy_version = %(version)s, version = t.version + 1, checklist = x.checklist, role = x.role,
           -- who has not the role that the task now asks for gives it up; somebody else is looked for
           assigned_to_id = CASE WHEN x.role = '' OR t.assigned_to_id = ANY(x.holders) THEN t.assigned_to_id END
      FROM wanted x WHERE t.id = x.id
    RETURNING t.id, x.due_before, x.method_before, t.due_on, t.method
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT id, 'BROUGHT_FORWARD', %(at)s, %(as_of)s, 'system',
       jsonb_build_object('due_before', due_before, 'method_before', method_before, 'due_on', due_on, 'method', method)
  FROM moved ORDER BY id
"""

END = """
WITH ended AS (
    UPDATE followups_visittask t
       SET state = x.state, outcome = x.outcome, closed_on = %(as_of)s, version = t.version + 1,
           evidence = coalesce(x.evidence, t.evidence)
      FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, state text, outcome text, evidence jsonb, by bigint)
     WHERE t.id = x.id AND t.state = 'PLANNED'
    RETURNING t.id, t.state, t.outcome, x.by
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT id, state, %(at)s, %(as_of)s, 'system',
       jsonb_strip_nulls(jsonb_build_object('outcome', outcome, 'answered_by', by)) FROM ended ORDER BY id
"""

# Off-site checks that fall due soon and were not made yet; a check is made once, evidence says so.
OFF_SITE_DUE = """
SELECT t.id, t.loan_id FROM followups_visittask t
 WHERE t.closed_on IS NULL AND t.state = 'PLANNED' AND t.method = 'OFF_SITE' AND t.evidence IS NULL
   AND t.due_on <= %(until)s AND t.loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR t.loan_id <= %(up_to)s)
"""

# What the bureau said last of the borrower; what a visit found untrue or over is not held against him.
_BUREAU = """
bureau AS (
    SELECT DISTINCT ON (l.id) l.id AS loan_id, told.code, told.happened_on, told.is_bad
      FROM loans_loan l CROSS JOIN LATERAL (
        SELECT o.code, o.happened_on, false AS is_bad FROM followups_outsiderecord o
         WHERE o.customer_id = l.borrower_id AND o.feed = 'BUREAU'
        UNION ALL
        SELECT e.code, e.happened_on, true FROM followups_event e
         WHERE e.customer_id = l.borrower_id AND e.feed = 'BUREAU' AND NOT e.is_baseline AND NOT EXISTS (
               SELECT FROM followups_eventfinding f
                WHERE f.event_id = e.id AND f.finding IN ('NOT_CONFIRMED', 'OVER', 'WITHDRAWN'))) told
     WHERE l.id = ANY(%(ids)s) ORDER BY l.id, told.happened_on DESC, told.is_bad DESC
)
"""

OFF_SITE_FACTS = f"""
WITH {_SLOW}, {_HOME}, {BESIDE}, looked_at AS (
    SELECT DISTINCT ON (t.loan_id) t.loan_id, (t.evidence ->> 'value')::numeric AS value
      FROM followups_visittask t
     WHERE t.loan_id = ANY(%(ids)s) AND t.evidence ->> 'value' IS NOT NULL ORDER BY t.loan_id, t.id DESC
), at_first AS (
    SELECT loan_id, sum(value) AS value FROM (
        SELECT DISTINCT ON (c.loan_id, v.property_id) c.loan_id, v.value
          FROM collateral_charge c JOIN collateral_valuation v ON v.property_id = c.property_id
         WHERE c.loan_id = ANY(%(ids)s) ORDER BY c.loan_id, v.property_id, v.valued_on, v.id) earliest
     GROUP BY loan_id
), {_BUREAU}, funds AS (
    SELECT DISTINCT ON (o.loan_id) o.loan_id, o.code, o.happened_on FROM followups_outsiderecord o
     WHERE o.loan_id = ANY(%(ids)s) AND o.feed = 'FUNDS' ORDER BY o.loan_id, o.happened_on DESC, o.id DESC
), asked AS (
    -- whether the money arrived, as the last approved first visit that asked was answered
    SELECT DISTINCT ON (x.loan_id) x.loan_id, v.draft #>> '{{answers,fund_arrived,now}}' AS arrived, x.closed_on
      FROM followups_visittask x JOIN followups_visit v ON v.task_id = x.id
     WHERE x.loan_id = ANY(%(ids)s) AND x.kind = 'FIRST' AND x.outcome = 'APPROVED'
       AND v.draft #>> '{{answers,fund_arrived,now}}' IN ('YES', 'NO')
     ORDER BY x.loan_id, x.id DESC
)
SELECT t.id, l.loan_note_no, t.rule, t.cycle, l.payment_record, l.baseline_on,
       p.principal_balance + coalesce(beside.balance, 0), p.overdue_since, p.five_class, home.registration,
       home.value, home.valued_on, coalesce(looked_at.value, at_first.value),
       slow.due_on, slow.settled_on, home.insured_until, warned.signals, warned.worst,
       t.kind = 'FIRST', bureau.code, bureau.happened_on, bureau.is_bad,
       coalesce(funds.code, CASE asked.arrived WHEN 'YES' THEN 'FUNDS_ARRIVED' WHEN 'NO' THEN 'FUNDS_RETURNED' END),
       coalesce(funds.happened_on, asked.closed_on), fallen.due, fallen.paid
  FROM followups_visittask t
  JOIN loans_loan l ON l.id = t.loan_id
  JOIN loans_position p ON p.loan_id = t.loan_id
  LEFT JOIN home ON home.loan_id = t.loan_id
  LEFT JOIN beside ON beside.loan_id = t.loan_id
  LEFT JOIN slow ON slow.loan_id = t.loan_id
  LEFT JOIN looked_at ON looked_at.loan_id = t.loan_id
  LEFT JOIN at_first ON at_first.loan_id = t.loan_id
  LEFT JOIN bureau ON bureau.loan_id = t.loan_id
  LEFT JOIN funds ON funds.loan_id = t.loan_id
  LEFT JOIN asked ON asked.loan_id = t.loan_id
  -- how much of the plan has fallen due; only the first checks ask
  CROSS JOIN LATERAL (SELECT count(*) AS due, count(i.settled_on) AS paid FROM loans_installment i
                       WHERE t.kind = 'FIRST' AND i.loan_id = t.loan_id AND i.due_on <= %(as_of)s) fallen
  CROSS JOIN LATERAL (SELECT count(*) AS signals, min(s.level) AS worst FROM risk_signal s
                       WHERE s.loan_id = t.loan_id AND s.closed_on IS NULL) warned
 WHERE t.id = ANY(%(tasks)s) AND t.state = 'PLANNED' AND t.evidence IS NULL AND p.settled_on IS NULL
 ORDER BY t.id
"""  # noqa: S608 - joined from constants of this file

HAND_TO_PERSON = """
WITH handed AS (
    UPDATE followups_visittask t
       SET evidence = x.evidence, reason = t.reason || x.reason, version = t.version + 1
      FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, evidence jsonb, reason jsonb)
     WHERE t.id = x.id AND t.state = 'PLANNED' AND t.evidence IS NULL
    RETURNING t.id, x.evidence
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT id, 'HANDED_TO_PERSON', %(at)s, %(as_of)s, 'system',
       jsonb_build_object('exceptions', evidence -> 'exceptions', 'is_sample', evidence -> 'is_sample')
  FROM handed ORDER BY id
"""

# What the score of one loan rests on beside what its visits know: one row.
SCORE_FACTS = f"""
WITH {_SLOW}, {_HOME}, {_BUREAU}
SELECT l.payment_record, l.baseline_on, l.credit_score, slow.due_on, slow.settled_on,
       bureau.is_bad, home.registration, home.is_delivered, home.insured_until,
       (SELECT array_agg(r.change_percent ORDER BY r.valued_on, r.id)
               FILTER (WHERE r.valued_on > %(as_of)s::date - interval '6 months')
          FROM collateral_arearevaluation r
         WHERE r.is_applied AND r.district = home.district AND r.valued_on <= %(as_of)s),
       EXISTS (SELECT FROM collateral_arearevaluation r
                WHERE r.is_applied AND r.district = home.district AND r.valued_on <= %(as_of)s),
       (SELECT f.monthly_income FROM people_financialprofile f
         WHERE f.party_id = l.borrower_id AND f.monthly_income IS NOT NULL ORDER BY f.known_on, f.id LIMIT 1),
       ARRAY(SELECT e.code FROM followups_event e
              WHERE (e.customer_id = l.borrower_id AND e.subject = 'CUSTOMER'
                     OR e.property_id IN (SELECT c.property_id FROM collateral_charge c WHERE c.loan_id = l.id))
                AND EXISTS (SELECT FROM followups_eventfinding f WHERE f.event_id = e.id AND f.finding = 'CONFIRMED'
                               AND f.business_date > %(as_of)s::date - interval '12 months')
              ORDER BY e.code),
       (SELECT count(*) FROM risk_signal s WHERE s.loan_id = l.id AND s.closed_on IS NULL AND s.level = 1)
  FROM loans_loan l
  LEFT JOIN slow ON slow.loan_id = l.id
  LEFT JOIN home ON home.loan_id = l.id
  LEFT JOIN bureau ON bureau.loan_id = l.id
 WHERE l.id = ANY(%(ids)s)
"""  # noqa: S608 - joined from constants of this file
