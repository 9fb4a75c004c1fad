"""Gives events their visits: finds what day end and valuations tell, and makes the tasks agree with what is open.

`answer_events` is a reconciler. A fact about a loan wakes it, the evening runs it for what was lost; it locks the
positions of all loans of the same people and homes, in id order, and lets `rules.events` decide. Run twice it changes
nothing the second time: an event is once a source, a task once a (loan, rule, cycle), a link once an event and task.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups import sql
from followups.batch.in_force import policy_in_force
from followups.batch.intake import keep_events
from followups.batch.noticing import LOOKS_BACK, NOTICE_DAYS, noticed
from followups.batch.talks import WAKES, loans_beside, merge_talks
from followups.models import OPEN_STATES, Event, EventFinding, EventVisit, Finding, Outcome, VisitTask
from followups.queries.events import open_on, together
from followups.queries.merging import OPEN_TALK, WITHIN_DAYS
from followups.queries.sight import may_visit
from followups.rules import events as rules
from journal.batch import claim
from loans.queries import calendar, lock_positions
from loans.queries.evening import Cuts, Walk, cut, walk_of, within
from loans.rules.calendar import Calendar

REACTION = WAKES

# Of an event e: nothing was found yet, or it could not be verified; and no open visit answers it.
_OPEN_EVENT = """NOT e.is_baseline
       AND NOT EXISTS (SELECT FROM followups_eventfinding f WHERE f.event_id = e.id AND f.finding <> 'UNVERIFIED')"""
_NO_OPEN_VISIT = """NOT EXISTS (SELECT FROM followups_eventvisit v WHERE v.event_id = e.id
                          AND (SELECT t.closed_on IS NULL FROM followups_visittask t WHERE t.id = v.task_id))"""
# The walked slice of the book, and of its borrowers: the same part of their ids, whatever chunk of loans is asked.
_IN_SLICE = "{0}.loan_id > %(walk_after)s AND {0}.loan_id <= %(walk_up_to)s"
_OF_SLICE = """(SELECT min(borrower_id) - 1 + div(
        ({0} - min(id) + 1)::numeric * (max(borrower_id) - min(borrower_id) + 1), max(id) - min(id) + 1)::bigint
   FROM loans_loan)"""
# Loans that may have two talks: two follow-ups of their own, one beside the plan, or a borrower with other loans.
_SEVERAL = f"""
    SELECT r.loan_id FROM followups_visittask r
     WHERE {_IN_SLICE.format("r")} AND r.closed_on IS NULL AND NOT (r.kind = 'IRREGULAR')
     GROUP BY r.loan_id HAVING count(*) > 1
    UNION SELECT r.loan_id FROM followups_visittask r
     WHERE {_IN_SLICE.format("r")} AND r.closed_on IS NULL AND r.kind = 'IRREGULAR'
    UNION SELECT b.id FROM loans_loan b WHERE b.borrower_id IN (
        SELECT borrower_id FROM loans_loan
         WHERE borrower_id > {_OF_SLICE.format("%(slice_after)s")}
           AND borrower_id <= {_OF_SLICE.format("%(slice_up_to)s")}
         GROUP BY borrower_id HAVING count(*) > 1)
"""  # noqa: S608 - joined from constants
# Open events that no open task answers: those that no visit ever answered or whose visit ended since the last evening,
# and the walked ones. What waits for the reaction; and, walked, what day end or a valuation told without an event
# having been kept.
CANDIDATES = f"""
SELECT loan_id FROM (
    SELECT unnest(%(woken)s::bigint[]) AS loan_id
    UNION
    SELECT subject_id FROM journal_pending WHERE reaction = %(queue)s AND attempts = 0 AND subject_id IS NOT NULL
    UNION
    SELECT e.loan_id FROM followups_event e
     WHERE {_OPEN_EVENT} AND NOT EXISTS (SELECT FROM followups_eventvisit v WHERE v.event_id = e.id)
    UNION
    SELECT e.loan_id FROM followups_visittask c JOIN followups_eventvisit w ON w.task_id = c.id
      JOIN followups_event e ON e.id = w.event_id
     WHERE c.closed_on >= %(as_of)s::date - 1 AND {_OPEN_EVENT} AND {_NO_OPEN_VISIT}
    UNION
    SELECT e.loan_id FROM followups_event e WHERE {_IN_SLICE.format("e")} AND {_OPEN_EVENT} AND {_NO_OPEN_VISIT}
    UNION
    -- promises whose day is over, by an index of open ones; grades of the last week that rose to high, by their day
    SELECT p.loan_id FROM followups_promisetopay p WHERE p.state = 'OPEN' AND p.promised_on <= %(as_of)s
    UNION
    SELECT s.loan_id FROM risk_signal s
     WHERE s.closed_on IS NULL AND s.code = 'GRADE_HIGH' AND s.raised_on > %(as_of)s::date - 7
       AND NOT EXISTS (SELECT FROM followups_event e WHERE e.source = 'RISK' AND e.feed = ''
                          AND e.external_id = 'signal:' || s.id)
    UNION
    -- insurance and advance notices that ran out within the last week, by indexes of those days
    SELECT c.loan_id FROM collateral_property h JOIN collateral_charge c ON c.property_id = h.id
     WHERE h.insured_until BETWEEN %(as_of)s::date - 7 AND %(as_of)s::date - 1
       AND NOT EXISTS (SELECT FROM followups_event e WHERE e.source = 'COLLATERAL' AND e.feed = ''
                          AND e.external_id = 'insurance:' || h.id || ':' || h.insured_until)
    UNION
    SELECT c.loan_id FROM {NOTICE_DAYS} n JOIN collateral_charge c
        ON c.registrable_on BETWEEN %(as_of)s::date - n.days - 7 AND %(as_of)s::date - n.days - 1
     WHERE c.kind = 'ADVANCE_NOTICE'
       AND NOT EXISTS (SELECT FROM followups_event e WHERE e.source = 'COLLATERAL' AND e.feed = ''
                          AND e.external_id = 'notice:' || c.id || ':' || c.registrable_on)
    UNION
    SELECT c.loan_id FROM collateral_charge c JOIN collateral_valuation v ON v.property_id = c.property_id
     WHERE {_IN_SLICE.format("c")}
       AND v.valued_on > %(since)s AND v.source NOT IN ('tape', 'contract')
       AND NOT EXISTS (SELECT FROM followups_event e
                        WHERE e.source = 'COLLATERAL' AND e.feed = '' AND e.external_id = 'valuation:' || v.id)
    UNION
    SELECT p.loan_id FROM loans_position p
     WHERE p.five_class <> 'PASS' AND {_IN_SLICE.format("p")}
       AND EXISTS (SELECT FROM journal_entry j WHERE j.loan_id = p.loan_id AND j.kind = 'loans.class_changed'
                      AND j.business_date > %(since)s AND p.five_class = j.data ->> 'to'
                      AND (p.five_class <> 'SPECIAL_MENTION' OR j.data ->> 'days_past_due' = '0') AND NOT EXISTS (
                       SELECT FROM followups_event e
                        WHERE e.source = 'DAY_END' AND e.feed = '' AND e.external_id = 'class:' || j.id))
    UNION
    -- walked: talks of a borrower that are near each other and that no visit makes together
    SELECT t.loan_id FROM followups_visittask t
      JOIN loans_loan l ON l.id = t.loan_id JOIN loans_loan m ON m.borrower_id = l.borrower_id
      JOIN followups_visittask o ON o.loan_id = m.id AND o.id <> t.id
       AND o.due_on BETWEEN t.due_on AND t.due_on + {WITHIN_DAYS}
     WHERE t.loan_id = ANY(ARRAY({_SEVERAL}))
       AND {OPEN_TALK.format("t")} AND {OPEN_TALK.format("o")}
       AND NOT EXISTS (SELECT FROM followups_mergedtask k WHERE k.ended_at IS NULL
                          AND (k.task_id = t.id OR k.task_id = o.id))
    UNION
    -- pairs across branches of which one was given to somebody who sees both: the machine may join them now
    SELECT t.loan_id FROM followups_acrosspair p
      JOIN followups_visittask t ON t.id = p.one_id JOIN followups_visittask o ON o.id = p.other_id
     WHERE p.closed_on IS NULL AND p.left_on IS NULL AND {OPEN_TALK.format("t")} AND {OPEN_TALK.format("o")}
       AND ({may_visit("t.assigned_to_id", "t.branch_id")} AND {may_visit("t.assigned_to_id", "o.branch_id")}
            OR {may_visit("o.assigned_to_id", "t.branch_id")} AND {may_visit("o.assigned_to_id", "o.branch_id")})
) candidates
WHERE loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR loan_id <= %(up_to)s)
"""  # noqa: S608 - joined from constants
_MOVE = """
WITH wanted AS (
    SELECT x.*, t.due_on AS due_before, t.method AS method_before
      FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, opens_on date, due_on date, method text, level int)
      JOIN followups_visittask t ON t.id = x.id WHERE t.state = 'PLANNED' FOR UPDATE OF t
), moved AS (
    UPDATE followups_visittask t
       SET opens_on = x.opens_on, due_on = x.due_on, method = x.method, level = x.level, version = t.version + 1
      FROM wanted x WHERE t.id = x.id
    RETURNING t.id, x.due_before, x.method_before, t.due_on, t.method
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT id, 'BROUGHT_FORWARD', %(at)s, %(as_of)s, 'system',
       jsonb_build_object('due_before', due_before, 'method_before', method_before, 'due_on', due_on, 'method', method)
  FROM moved WHERE (due_before, method_before) <> (due_on, method) ORDER BY id
"""
_REASONS = """
UPDATE followups_visittask t SET reason = t.reason || x.reason
  FROM jsonb_to_recordset(%(rows)s) AS x(id bigint, reason jsonb) WHERE t.id = x.id AND t.state = 'PLANNED'
"""
_LOANS = """
SELECT l.id, l.branch_id, officer.id, p.settled_on IS NOT NULL FROM loans_loan l
  JOIN loans_position p ON p.loan_id = l.id
  -- not who approved the loan: `assigning` decides who visits it then
  LEFT JOIN people_staff officer
         ON officer.id = l.portfolio_officer_id AND officer.is_active AND officer.id IS DISTINCT FROM l.approver_id
 WHERE l.id = ANY(%(ids)s)
"""


@dataclass(frozen=True)
class _Run:
    """What is the same for every group of a run."""

    as_of: date
    at: datetime
    calendar: Calendar


@transaction.atomic
def answer_events(*, as_of: date, at: datetime, loan_ids: Sequence[int], is_evening: bool = False) -> dict[str, int]:
    """Notices what happened to these loans and makes the tasks of their people and homes answer what is open."""
    counts = {"looked_at": 0, "noticed": 0, "created": 0, "joined": 0, "noted": 0, "closed": 0}
    groups = together(loan_ids)
    everything = sorted({loan_id for group in groups for loan_id in group})
    if not everything:
        return counts
    lock_positions(sorted({*everything, *loans_beside(everything)}))
    until = as_of if is_evening else as_of - timedelta(days=1)
    run = _Run(as_of, at, calendar(as_of, as_of + timedelta(days=60)))
    counts["noticed"] = keep_events(noticed(everything, as_of=as_of, until=until), by="system", at=at, as_of=as_of)
    waiting: dict[int, list[Event]] = defaultdict(list)
    group_of = {loan_id: number for number, group in enumerate(groups) for loan_id in group}
    for event in open_on(everything):
        waiting[group_of[event.loan_id]].append(event)
    for number, events in waiting.items():
        counts["looked_at"] += len(events)
        for name, count in _answer(groups[number], events, run).items():
            counts[name] += count
    return {**counts, **merge_talks(as_of=as_of, at=at, loan_ids=everything)}


@transaction.atomic
def answer_evening(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Sequence[int] | None = None,
    found: Sequence[int] | None = None,
) -> dict[str, int]:
    """`answer_events` at the close of a date, for what happened and for a slice of the book."""
    if loan_ids is None:
        woken = claim(REACTION, after=after, up_to=up_to)
        loan_ids = (
            _candidates(_scope(as_of, after, up_to, walk_of(as_of, 0, None), woken))
            if found is None
            else [*found, *woken]
        )
    return answer_events(as_of=as_of, at=at, loan_ids=sorted(set(loan_ids)), is_evening=True)


def answer_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose events may want an answer this evening."""
    return cut(CANDIDATES, {**_scope(as_of, 0, None, walk_of(as_of, 0, None), []), "queue": REACTION}, size)


def _scope(as_of: date, after: int, up_to: int | None, whole: Walk, woken: Sequence[int]) -> dict[str, Any]:
    walk = within(whole, after, up_to)
    return {
        "after": after, "up_to": up_to, "walk_after": walk.after, "walk_up_to": walk.up_to, "woken": list(woken),
        "slice_after": whole.after, "slice_up_to": whole.up_to, "queue": None, "since": as_of - LOOKS_BACK,
        "as_of": as_of,
    }  # fmt: skip


def _candidates(scope: dict[str, Any]) -> list[int]:
    return [row[0] for row in _rows(CANDIDATES + " ORDER BY loan_id", scope)]


# Which visit answers


def _answer(loans: Sequence[int], events: Sequence[Event], run: _Run) -> dict[str, int]:
    """Closes what has nothing to visit any more, and answers the rest of one group of loans."""
    counts: dict[str, int] = {}
    known = {row[0]: row[1:] for row in _rows(_LOANS, {"ids": list(loans)})}
    live = [loan_id for loan_id in loans if loan_id in known and not known[loan_id][2]]
    links: dict[int, list[EventVisit]] = defaultdict(list)
    for link in EventVisit.objects.filter(event__in=[event.pk for event in events]).select_related("task"):
        links[link.event_id].append(link)
    waiting, ended = [], []
    for event in events:
        word = _end_of(event, links[event.pk], live)
        if word is not None:
            ended.append((event, word))
        elif not any(link.task.state in OPEN_STATES for link in links[event.pk]):
            key = f"{event.happened_on:%Y%m%d}-{event.content_sha256[:12]}"
            waiting.append(rules.Waiting(event.pk, event.loan_id, event.code, key))
    counts["closed"] = len(_close(ended, run))
    tasks = [_task(task) for task in VisitTask.objects.filter(loan__in=loans).still_open().order_by("id")]
    taken = set(VisitTask.objects.filter(loan__in=loans, rule=rules.RULE).values_list("cycle", flat=True))
    answers = rules.answer(waiting, tasks, live, run.calendar, run.as_of, taken)
    made = _create(answers, known, run)
    _move(answers, run)
    _link(answers, made, {event.pk: event for event in events}, run)
    noted = sum(link.is_note for link in answers.links)
    return {**counts, "created": len(made), "noted": noted, "joined": len(answers.links) - noted}


def _link(answers: rules.Answers, made: dict[tuple[int, str], int], by_id: dict[int, Event], run: _Run) -> None:
    """Which task answers which event; a task that was there already gets the event among its reasons."""
    links, reasons = [], defaultdict(list)
    for link in answers.links:
        task_id = link.task.id or made[(link.task.loan_id, link.task.cycle)]
        links.append(
            EventVisit(
                event_id=link.event_id, task_id=task_id, is_note=link.is_note, at=run.at, business_date=run.as_of
            )
        )
        if not link.is_note and link.task.id is not None:
            reasons[task_id].append(reason_of(by_id[link.event_id]))
    EventVisit.objects.bulk_create(links)
    rows = [{"id": task_id, "reason": why} for task_id, why in reasons.items()]
    if rows:
        _rows_written(_REASONS, {"rows": json.dumps(rows)})


def _end_of(event: Event, links: Sequence[EventVisit], live: Sequence[int]) -> Finding | None:
    """What ends an event without a report: nothing is owed any more, or the borrower cannot be found."""
    if not live or (event.subject == rules.LOAN and event.loan_id not in live):
        return None if any(link.task.state in OPEN_STATES for link in links) else Finding.SETTLED
    if any(link.task.outcome == Outcome.SUSPECTED_LOST for link in links):
        return Finding.LOST
    return None


def _close(ended: Sequence[tuple[Event, Finding]], run: _Run) -> list[EventFinding]:
    return EventFinding.objects.bulk_create(
        EventFinding(event=event, finding=word, recorded_by="system", at=run.at, business_date=run.as_of)
        for event, word in ended
    )


def _task(task: VisitTask) -> rules.Task:
    return rules.Task(
        task.pk, task.loan_id, task.rule, task.cycle, task.kind, task.is_light, task.method, task.level, task.opens_on,
        task.due_on, task.state, task.is_pinned,
    )  # fmt: skip


def reason_of(event: Event) -> dict[str, Any]:
    """Why, as a task stores it: code and day, the area that moved a value, no words of people."""
    params = {"event": event.code, "on": event.happened_on.isoformat()}
    if event.source == rules.COLLATERAL and event.words:
        params["area"] = event.words
    return {"code": "EVENT", "params": params}


def _create(answers: rules.Answers, known: dict[int, Any], run: _Run) -> dict[tuple[int, str], int]:
    """Makes the tasks that are wanted; (loan, cycle) → id."""
    rows = []
    for task in answers.created:
        branch_id, officer_id, _is_settled = known[task.loan_id]
        answered = [link.event_id for link in answers.links if link.task == task and not link.is_note]
        events = Event.objects.in_bulk(answered)
        rows.append(
            {
                "loan_id": task.loan_id, "branch_id": branch_id, "assigned_to_id": officer_id, "kind": task.kind,
                "rule": task.rule, "cycle": task.cycle, "is_light": False, "method": task.method, "level": task.level,
                "opens_on": task.opens_on.isoformat(), "due_on": task.due_on.isoformat(),
                "reason": [reason_of(events[pk]) for pk in answered], "line": 0,
            }
        )  # fmt: skip
    if not rows:
        return {}
    version = policy_in_force(run.as_of).version
    _rows_written(sql.CREATE, {"rows": json.dumps(rows), "as_of": run.as_of, "at": run.at, "version": version})
    found = VisitTask.objects.filter(
        rule=rules.RULE, loan_id__in=[row["loan_id"] for row in rows], cycle__in=[row["cycle"] for row in rows]
    )
    return {(loan_id, cycle): pk for pk, loan_id, cycle in found.values_list("pk", "loan_id", "cycle")}


def _move(answers: rules.Answers, run: _Run) -> None:
    rows = [
        {
            "id": task.id, "opens_on": task.opens_on.isoformat(), "due_on": task.due_on.isoformat(),
            "method": task.method, "level": task.level,
        }
        for task in answers.moved
    ]  # fmt: skip
    if rows:
        _rows_written(_MOVE, {"rows": json.dumps(rows), "as_of": run.as_of, "at": run.at})


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _rows_written(statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
