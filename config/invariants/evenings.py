"""Claims about business dates, day end and what an evening decides of each loan (reliability B 9, 12, 13, 14)."""

# ruff: noqa: S608 - statements are joined from constants of this module only; values always travel as parameters.
from config.invariants.claims import Check

_DATES = "SELECT count(*) FROM loans_businessdate"
_POSITIONS = "SELECT count(*) FROM loans_position"

# Floors that moved since the classes were given: the next evening sees to them.
_FLOOR_MOVED = """EXISTS (SELECT FROM journal_entry e WHERE e.loan_id = p.loan_id AND (
    e.kind = 'loans.restructured' AND e.business_date > %(classified_on)s
    OR e.kind IN ('loans.class_floor_raised', 'loans.observation_ended') AND e.business_date >= %(classified_on)s))"""
_CLASS = """CASE
    WHEN p.overdue_since <= %(LOSS)s OR p.class_floor = 'LOSS' THEN 'LOSS'
    WHEN p.overdue_since <= %(DOUBTFUL)s OR p.class_floor = 'DOUBTFUL' THEN 'DOUBTFUL'
    WHEN p.overdue_since <= %(SUBSTANDARD)s OR p.class_floor = 'SUBSTANDARD' THEN 'SUBSTANDARD'
    WHEN p.overdue_since <= %(SPECIAL_MENTION)s OR p.class_floor = 'SPECIAL_MENTION' THEN 'SPECIAL_MENTION'
    ELSE 'PASS' END"""
_NOT_REBUILT = "NOT EXISTS (SELECT FROM journal_entry e WHERE e.loan_id = p.loan_id AND e.kind = 'loans.rebuilt')"

EVENINGS = (
    Check(
        "business_dates_are_consecutive",
        "B14: business dates follow one another, each closed after the one before; exactly the last is open",
        _DATES,
        """SELECT day, 'gap before it, closed out of order, or open in the middle' FROM (
               SELECT day, is_open, closed_at, lag(day) OVER w AS before, lag(closed_at) OVER w AS closed_before,
                      lead(day) OVER w AS following
               FROM loans_businessdate WINDOW w AS (ORDER BY day)) d
           WHERE before <> day - 1 OR is_open <> (following IS NULL) OR is_open <> (closed_at IS NULL)
              OR closed_at < closed_before""",
    ),
    Check(
        "closed_date_ran_every_stage",
        "B12: each closed date finished every stage that ran on it, chunk after chunk, and no fewer stages than the "
        "date before",
        "SELECT count(*) FROM journal_run",
        """SELECT r.business_date || ' ' || r.stage, 'chunks missing or not finished' FROM journal_run r
           JOIN loans_businessdate b ON b.day = r.business_date AND NOT b.is_open
           GROUP BY r.business_date, r.stage
           HAVING count(*) <> max(r.chunk) + 1 OR count(*) FILTER (WHERE (r.counts ->> 'last')::boolean) <> 1
           UNION ALL
           SELECT b.day || ' ' || r.stage, 'did not run' FROM loans_businessdate b
           JOIN (SELECT DISTINCT business_date, stage FROM journal_run) r ON r.business_date = b.day - 1
           WHERE NOT b.is_open AND NOT EXISTS (SELECT FROM journal_run t WHERE t.business_date = b.day
                 AND t.stage = r.stage)""",
    ),
    Check(
        "chunk_has_its_entry",
        "B13: each chunk of day end that did anything has its entry in the journal, and no entry is without its chunk",
        "SELECT count(*) FROM journal_run",
        """WITH did AS (
               SELECT r.business_date AS day, r.stage, r.chunk FROM journal_run r WHERE EXISTS (
                   SELECT FROM jsonb_each(r.counts) c WHERE c.key NOT IN ('up_to', 'last')
                   AND c.value NOT IN ('0', 'false', 'null', '""', '{}', '[]'))
           ), said AS (
               SELECT business_date AS day, data ->> 'stage' AS stage, (data ->> 'chunk')::int AS chunk,
                      count(*) AS times
               FROM journal_entry WHERE kind = 'day_end.chunk_done' GROUP BY 1, 2, 3
           )
           SELECT coalesce(d.day, s.day) || ' ' || coalesce(d.stage, s.stage), 'chunk ' || coalesce(d.chunk, s.chunk)
           FROM did d FULL JOIN said s ON s.day = d.day AND s.stage = d.stage AND s.chunk = d.chunk
           WHERE (d.day IS NOT NULL AND s.times = 1) IS NOT TRUE""",
    ),
    Check(
        "close_has_its_entry",
        "B14: each closed date has its entry in the journal, with the totals it was closed with",
        "SELECT count(*) FROM loans_businessdate WHERE NOT is_open",
        """SELECT coalesce(b.day, e.business_date), format('%%s, journal %%s', b.totals ->> 'principal', e.principal)
           FROM (SELECT * FROM loans_businessdate WHERE NOT is_open) b FULL JOIN (
               SELECT business_date, min(data ->> 'principal') AS principal, count(*) AS times FROM journal_entry
               WHERE kind = 'loans.date_closed' GROUP BY business_date) e ON e.business_date = b.day
           WHERE (b.totals ->> 'principal' = e.principal AND e.times = 1) IS NOT TRUE""",
    ),
    Check(
        "overdue_since_is_the_oldest_recognised",
        "B9: days past due count from the day of the oldest recognised unpaid installment",
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
        "B9: the five-class is that of the days past due at the last close, or the floor of an observation (loans paid "
        "since then apart)",
        _POSITIONS,
        f"""SELECT p.loan_id, format('%%s, overdue since %%s, floor %%s', p.five_class, p.overdue_since, p.class_floor)
            FROM loans_position p WHERE p.five_class <> {_CLASS}
            AND NOT EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id
                            AND o.business_date > %(classified_on)s
                            AND o.kind IN ('RECEIPT', 'REVERSAL', 'SUSPENSE_USED', 'OPENING'))
            AND NOT {_FLOOR_MOVED}""",
    ),
    Check(
        "floor_is_an_observations",
        "B9: a loan has a class floor exactly while a restructuring of it is observed",
        "SELECT count(*) FROM loans_contractchange WHERE state = 'OBSERVED'",
        """SELECT p.loan_id, format('floor %%s, %%s observed', p.class_floor, c.observed) FROM loans_position p
           LEFT JOIN (SELECT loan_id, count(*) AS observed FROM loans_contractchange WHERE state = 'OBSERVED'
                      GROUP BY loan_id) c ON c.loan_id = p.loan_id
           WHERE (p.class_floor <> '') IS DISTINCT FROM (c.observed IS NOT NULL) OR c.observed > 1""",
    ),
    Check(
        "settled_loan_has_its_entry",
        "B13: each settled loan has its entry in the journal",
        "SELECT count(*) FROM loans_position WHERE settled_on IS NOT NULL",
        f"""SELECT p.loan_id, p.settled_on FROM loans_position p WHERE p.settled_on IS NOT NULL
            AND NOT EXISTS (SELECT FROM journal_entry e WHERE e.loan_id = p.loan_id AND e.kind = 'loans.settled')
            AND {_NOT_REBUILT}""",
    ),
    Check(
        "overdue_has_its_entry",
        "B13: whether a loan is overdue is what the journal said last, or the tape",
        _POSITIONS,
        f"""SELECT p.loan_id, format('%%s, journal %%s', p.overdue_since, e.kind) FROM loans_position p
            JOIN loans_loan l ON l.id = p.loan_id LEFT JOIN LATERAL (
                SELECT e.kind FROM journal_entry e WHERE e.loan_id = p.loan_id
                AND e.kind IN ('loans.overdue_began', 'loans.overdue_cured') ORDER BY e.id DESC LIMIT 1) e ON true
            WHERE (p.overdue_since IS NOT NULL) <> CASE e.kind WHEN 'loans.overdue_began' THEN true
                  WHEN 'loans.overdue_cured' THEN false ELSE l.baseline_days_past_due > 0 END AND {_NOT_REBUILT}""",
    ),
    Check(
        "class_has_its_entry",
        "B13: the five-class is what the journal said last (or the tape)",
        _POSITIONS,
        f"""SELECT p.loan_id, format('%%s, journal %%s', p.five_class, s.said) FROM loans_position p
            JOIN loans_loan l ON l.id = p.loan_id
            LEFT JOIN LATERAL (SELECT e.data ->> 'to' AS said FROM journal_entry e WHERE e.loan_id = p.loan_id
                AND e.kind = 'loans.class_changed' ORDER BY e.id DESC LIMIT 1) e ON true
            CROSS JOIN LATERAL (SELECT coalesce(e.said, CASE
                WHEN l.baseline_days_past_due > 360 THEN 'LOSS' WHEN l.baseline_days_past_due > 270 THEN 'DOUBTFUL'
                WHEN l.baseline_days_past_due > 90 THEN 'SUBSTANDARD'
                WHEN l.baseline_days_past_due > 0 THEN 'SPECIAL_MENTION' ELSE 'PASS' END) AS said) s
            WHERE p.five_class <> s.said AND {_NOT_REBUILT}""",
    ),
    Check(
        "nothing_due_is_unbilled",
        "B12: every installment due by the last closed date is billed, unless its loan is held back",
        "SELECT count(*) FROM loans_position WHERE next_due_on IS NOT NULL",
        """SELECT p.loan_id, p.next_due_on FROM loans_position p
           WHERE p.next_due_on < %(open_day)s
           AND EXISTS (SELECT FROM loans_posting o WHERE o.loan_id = p.loan_id
                       AND o.kind IN ('OPENING', 'DISBURSEMENT') AND o.business_date < %(open_day)s)
           AND EXISTS (SELECT FROM loans_businessdate WHERE NOT is_open)
           AND NOT EXISTS (SELECT FROM journal_heldback h WHERE h.stage = 'bill' AND h.subject_id = p.loan_id)""",
    ),
    Check(
        "held_back_loans_are_named",
        "B14: what is held back is a loan that is there, with its reason",
        "SELECT count(*) FROM journal_heldback",
        """SELECT h.stage || ' ' || h.subject_id, h.since FROM journal_heldback h
           WHERE h.reason = '' OR h.since > %(open_day)s
              OR h.stage = 'bill' AND NOT EXISTS (SELECT FROM loans_loan l WHERE l.id = h.subject_id)""",
    ),
)
