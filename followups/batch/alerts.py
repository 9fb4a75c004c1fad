"""Tells people of warning signals: new ones in the day, what nobody did in time with the evening, each once.

Only what was raised or fell due within the last week is looked for, by an index of open signals: an evening on which
nothing happened costs one statement, and what a crash lost is told the evening after.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups.rules.alerts import audiences
from journal.batch import claim
from loans.queries import calendar
from loans.queries.evening import Cuts, cut

WEEK = timedelta(days=7)

# Steps of open signals that somebody has to be told of.
_REACHED = """
WITH open AS (
    SELECT s.id, s.loan_id, s.level, s.state, s.raised_on, s.answer_by FROM risk_signal s
     WHERE s.closed_on IS NULL AND s.loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR s.loan_id <= %(up_to)s)
       AND (%(loans)s::bigint[] IS NULL OR s.loan_id = ANY(%(loans)s))
), reached AS (
    SELECT id, loan_id, level, 'SIGNAL' AS code, answer_by AS due_on FROM open WHERE raised_on > %(since)s
    UNION ALL
    SELECT id, loan_id, level, 'SIGNAL_LATE', answer_by FROM open
     WHERE %(is_evening)s AND state IN ('NEW', 'CONFIRMED') AND answer_by <= %(as_of)s AND answer_by > %(since)s
    UNION ALL
    SELECT o.id, o.loan_id, o.level, 'ACTION_LATE', a.due_on
      FROM open o JOIN risk_signalaction a ON a.signal_id = o.id
     WHERE %(is_evening)s AND a.done_on IS NULL AND a.due_on <= %(as_of)s AND a.due_on > %(since)s
    UNION ALL
    SELECT o.id, o.loan_id, o.level, 'SIGNAL_READY', max(a.done_on)
      FROM open o JOIN risk_signalaction a ON a.signal_id = o.id
     WHERE %(is_evening)s AND o.state = 'ACTING'
     GROUP BY o.id, o.loan_id, o.level HAVING count(*) = count(a.done_on) AND max(a.done_on) > %(since)s
)
"""
_UNTOLD = """
SELECT loan_id FROM reached r
 WHERE NOT EXISTS (SELECT FROM followups_alert n
                    WHERE n.signal_id = r.id AND n.code = r.code AND n.due_on = r.due_on)
"""
_TELL = f"""
{_REACHED}, made AS (
    INSERT INTO followups_alert (signal_id, branch_id, code, audience, due_on, raised_on, tell_on, at)
    SELECT DISTINCT r.id, l.branch_id, r.code, a.audience, r.due_on, %(as_of)s::date,
           CASE WHEN a.wait = 'DAY' OR r.level = 1 THEN %(told_on)s::date ELSE %(digest_on)s::date END,
           %(at)s::timestamptz
      FROM reached r JOIN loans_loan l ON l.id = r.loan_id
      JOIN unnest(%(codes)s::text[], %(audiences)s::text[], %(waits)s::text[], %(levels)s::int[])
           AS a(code, audience, wait, level) ON a.code = r.code AND r.level <= a.level
     WHERE NOT EXISTS (SELECT FROM followups_alert n WHERE n.signal_id = r.id AND n.code = r.code
                          AND n.audience = a.audience AND n.due_on = r.due_on)
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM made
"""  # noqa: S608 - joined from constants


@transaction.atomic
def tell_evening(*, as_of: date, at: datetime, after: int = 0, up_to: int | None = None) -> dict[str, int]:
    """Alerts of what stands at the close of `as_of`, told from the next day on."""
    claim("tell_signals", after=after, up_to=up_to)
    return {"told": _tell(as_of, at, as_of + timedelta(days=1), is_evening=True, after=after, up_to=up_to)}


def tell_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans with something to tell of their signals."""
    asked = {"as_of": as_of, "since": as_of - WEEK, "is_evening": True, "after": 0, "up_to": None, "loans": None}
    found = cut(f"{_REACHED} {_UNTOLD}", asked, size)
    return Cuts(found.ends, found.due)


@transaction.atomic
def tell_signals(*, as_of: date, at: datetime, loan_ids: Sequence[int]) -> int:
    """New signals of these loans are told in the day."""
    return _tell(as_of, at, as_of, is_evening=False, loan_ids=loan_ids)


def _tell(
    as_of: date, at: datetime, told_on: date, *, is_evening: bool, after: int = 0, up_to: int | None = None,
    loan_ids: Sequence[int] | None = None,
) -> int:  # fmt: skip
    rows = list(audiences())
    asked: dict[str, Any] = {
        "as_of": as_of, "at": at, "told_on": told_on, "since": as_of - WEEK, "is_evening": is_evening, "after": after,
        "up_to": up_to, "loans": list(loan_ids) if loan_ids is not None else None,
        "digest_on": calendar(told_on, told_on + timedelta(days=20)).next_workday(told_on),
        "codes": [row[0] for row in rows], "audiences": [row[1] for row in rows], "waits": [row[2] for row in rows],
        "levels": [row[3] for row in rows],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TELL, asked)
        return int(cursor.fetchone()[0])
