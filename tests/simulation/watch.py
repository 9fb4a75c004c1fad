"""What must hold on every day of the year, asked of the tables themselves and not of the functions that wrote them.

A claim that fails is kept with its day and its first rows; a run says how often each claim was looked at.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from followups.batch import replan, replan_evening
from followups.batch.answering import answer_evening
from followups.batch.sharing import share_out
from followups.models import TaskEvent, VisitTask
from followups.queries.capacity import capacity
from followups.queries.cover import held_by
from followups.queries.levelling import WEEKS, ceiling_on, levelled, slots_of
from followups.rules.escalation import step_reached
from followups.rules.levelling import week_of
from loans.models import Loan
from loans.queries import calendar
from people.models import Leave, Staff
from people.queries.leave import absences_between
from people.rules.leave import away_on
from people.rules.policy import Line
from risk.batch import regrade
from risk.models import Grade
from risk.queries import policy_in_force
from risk.rules.grading import GradeFacts, grade
from tests.simulation.bank import clock, people

# Each names rows that must not be. The parameters are the day that was closed, and the next one.
CLAIMS: dict[str, str] = {
    "every loan has a next follow-up, or is settled": """
        SELECT p.loan_id FROM loans_position p
         WHERE p.settled_on IS NULL AND NOT EXISTS (
               SELECT FROM followups_visittask t
                WHERE t.loan_id = p.loan_id AND t.closed_on IS NULL AND t.kind <> 'IRREGULAR')""",
    "nothing untouched stays open on a settled loan, and each end says why": """
        SELECT t.id FROM followups_visittask t JOIN loans_position p ON p.loan_id = t.loan_id
         WHERE p.settled_on <= %(day)s AND t.state = 'PLANNED'
            OR t.closed_on IS NOT NULL AND t.outcome = ''""",
    "no first follow-up is planned after day 90": """
        SELECT t.id FROM followups_visittask t JOIN loans_loan l ON l.id = t.loan_id
         WHERE t.kind = 'FIRST' AND t.due_on > l.disbursed_on + 90""",
    "a young loan has its three first follow-ups, those before the cut-over excepted": """
        SELECT l.id FROM loans_loan l JOIN loans_position p ON p.loan_id = l.id, unnest(ARRAY[30, 60, 90]) AS node
         WHERE p.settled_on IS NULL AND (l.baseline_on IS NULL OR l.disbursed_on + node > l.baseline_on)
           AND NOT EXISTS (SELECT FROM followups_visittask t WHERE t.loan_id = l.id AND t.rule = 'FIRST_' || node)""",
    "a step of arrears is answered on the evening that reaches it": """
        SELECT p.loan_id FROM loans_position p,
               LATERAL (SELECT max(s) AS step FROM unnest(ARRAY[1, 8, 31, 91]) AS s
                         WHERE s <= %(day)s::date - p.overdue_since) AS reached
         WHERE p.settled_on IS NULL AND reached.step IS NOT NULL AND NOT EXISTS (
               SELECT FROM followups_visittask t
                WHERE t.loan_id = p.loan_id AND t.rule LIKE 'OVERDUE%%' AND substr(t.rule, 9)::int >= reached.step
                  AND (t.closed_on IS NULL OR t.cycle = to_char(p.overdue_since, 'YYYY-MM-DD')))""",
    "an event is answered on its business day": """
        SELECT e.id FROM followups_event e
         WHERE e.known_on = %(day)s AND NOT e.is_baseline
           AND NOT EXISTS (SELECT FROM followups_eventvisit v WHERE v.event_id = e.id AND v.business_date = e.known_on)
           AND NOT EXISTS (SELECT FROM followups_eventfinding f WHERE f.event_id = e.id)""",
    "a fall past 80, 90 or 100 percent is an event on its day": """
        SELECT v.id FROM collateral_valuation v JOIN collateral_charge c ON c.property_id = v.property_id
          JOIN loans_position p ON p.loan_id = c.loan_id AND p.settled_on IS NULL
          JOIN LATERAL (SELECT b.value FROM collateral_valuation b
                         WHERE b.property_id = v.property_id AND b.id < v.id ORDER BY b.id DESC LIMIT 1) AS b ON true,
               unnest(ARRAY[80, 90, 100]) AS line
         WHERE v.valued_on = %(day)s
           AND p.principal_balance * 100 / b.value < line AND p.principal_balance * 100 / v.value >= line
           AND NOT EXISTS (SELECT FROM followups_event e
                            WHERE e.source = 'COLLATERAL' AND e.external_id = 'valuation:' || v.id)""",
    "a red visit that came up is told to officer, manager and head the next morning at the latest": """
        SELECT t.id FROM followups_visittask t
         WHERE t.level = 1 AND t.created_on = %(day)s AND t.closed_on IS NULL AND t.state <> 'SUBMITTED'
           AND (SELECT count(*) FROM followups_notice n
                 WHERE n.task_id = t.id AND n.code = 'RED' AND n.tell_on <= %(day)s::date + 1) < 3""",
}
_BEST_FIRST = ("LOW", "MEDIUM", "HIGH")
# What the morning brought is answered before noon. A fall is looked at with the balance of that hour, nothing later.
AT_NOON = ("an event is answered on its business day", "a fall past 80, 90 or 100 percent is an event on its day")
_TASKS = """
SELECT (SELECT count(*) || md5(coalesce(string_agg(t::text, '|' ORDER BY t.id), '')) FROM followups_visittask t),
       (SELECT count(*) FROM followups_taskevent), (SELECT count(*) FROM followups_notice),
       (SELECT count(*) FROM followups_event), (SELECT count(*) FROM followups_eventvisit)
"""
# What is done along with another visit is no work of its own; an off-site check takes nobody along.
_LED = """EXISTS (SELECT FROM followups_mergedtask m JOIN followups_visittask v ON v.id = m.lead_id
 WHERE m.task_id = t.id AND m.ended_at IS NULL AND v.closed_on IS NULL AND v.method <> 'OFF_SITE'{})"""
# Officers' weeks beyond the ceiling, what is late in the first of them.
_BEYOND = f"""
SELECT t.assigned_to_id, greatest(date_trunc('week', t.due_on)::date, %(monday)s), count(*)
  FROM followups_visittask t
 WHERE t.closed_on IS NULL AND t.state <> 'SUBMITTED' AND NOT t.is_light AND t.due_on < %(until)s
   AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL) AND t.assigned_to_id IS NOT NULL
   AND NOT {_LED.format("")}
 GROUP BY 1, 2
"""  # noqa: S608 - joined from constants
# Visits that run, with the steps of their present limit that were told.
_RUNNING = f"""
SELECT t.id, greatest(t.opens_on, t.created_on), t.due_on,
       ARRAY(SELECT n.code FROM followups_notice n WHERE n.task_id = t.id AND n.due_on = t.due_on)
  FROM followups_visittask t
 WHERE t.closed_on IS NULL AND NOT t.is_light AND (t.method <> 'OFF_SITE' OR t.evidence IS NOT NULL)
   AND t.state <> 'SUBMITTED' AND t.paused_until IS NULL AND t.opens_on <= %(day)s
   AND NOT {_LED.format(" AND v.due_on <= t.due_on")}
"""  # noqa: S608 - joined from constants


@dataclass
class Watch:
    """Faults found, and how often was looked; `every` days the dear claims."""

    every: int = 7
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    tell: Callable[[str], None] = lambda _text: None
    away: list[Leave] = field(default_factory=list)
    # Planned visits of an officer's coming week, as it begins.
    weeks: Counter[int] = field(default_factory=Counter)

    def say(self, day: date, what: str) -> None:
        if len(self.faults) < 40:
            self.faults.append(f"{day} {what}")
        self.seen["faults"] += 1
        self.tell(f"{day} {what}")

    def noon(self, day: date) -> None:
        """After the morning's news was answered."""
        self._claims(day, is_noon=True)
        self._deputies(day)

    def evening(self, day: date) -> None:
        """After the close."""
        self._claims(day, is_noon=False)
        tomorrow = day + timedelta(days=1)
        if tomorrow.weekday() == 0:
            planned = _planned(tomorrow)
            self.weeks.update(planned.get((officer.pk, tomorrow), 0) for officer in people().officers)
        if day.toordinal() % self.every == 0:
            self._again(day)
            self._shown(tomorrow)
            self._told(day)

    def _claims(self, day: date, *, is_noon: bool) -> None:
        asked = {"day": day}
        for name, statement in CLAIMS.items():
            if is_noon != (name in AT_NOON) and name != AT_NOON[0]:
                continue
            if found := _rows(statement, asked):
                self.say(day, f"{name}: {len(found)}, first {found[:3]}")
            self.seen[name] += 1

    def _again(self, day: date) -> None:
        """Planned, answered and shared out once more, nothing is another; it is taken back all the same.

        The evening looks at what happened and at a slice of the book; a look at every loan finds nothing that is
        missing, nothing that should have ended, and no date that should be earlier.
        """
        at = clock(day, 22)
        with transaction.atomic():
            before = _rows(_TASKS, {})
            for name, again in (
                ("replan", lambda: replan_evening(as_of=day, at=at)),
                ("answer_events", lambda: answer_evening(as_of=day, at=at)),
                ("share_out", lambda: share_out(as_of=day, at=at)),
            ):
                again()
                self._same(day, name, before)
            self._levelled(day)
            everything = list(Loan.objects.order_by("id").values_list("pk", flat=True))
            last_event = TaskEvent.objects.order_by("-id").values_list("pk", flat=True).first() or 0
            found = replan(as_of=day, at=at, loan_ids=everything)
            if any(count for name, count in found.items() if name != "looked_at"):
                lives = _lives_of_changed(last_event)
                self.say(day, f"the evening overlooked what a look at every loan finds: {found} {lives}")
            before = _rows(_TASKS, {})
            replan(as_of=day, at=at, loan_ids=everything)
            self._same(day, "a look at every loan", before)
            self._graded(day, everything)
            transaction.set_rollback(True)

    def _levelled(self, day: date) -> None:
        """The evening levels for who seems to have something to move; asked of every officer, nothing comes forward."""
        today = day + timedelta(days=1)
        everyone, until = [officer.pk for officer in people().officers], week_of(today) + timedelta(days=7 * WEEKS - 1)
        if moves := levelled(slots_of(everyone, until, today), today).moves:
            self.say(day, f"the evening overlooked what levelling would move: {moves[:3]}")
        self.seen["levelled for everybody"] += 1

    def _graded(self, day: date, everything: list[int]) -> None:
        """Graded once more, no loan has another grade, but for what only time betters.

        A late installment leaves the 24 months, principal is repaid: no fact tells of it, and nothing becomes later
        for it. The next look does.
        """
        before = {each.pk: each for each in Grade.objects.filter(superseded_on=None)}
        regrade(as_of=day, at=clock(day, 22), loan_ids=everything)
        _version, lines = policy_in_force(day)
        after = Grade.objects.filter(superseded_on=None).exclude(pk__in=list(before))
        was = {each.loan_id: each for each in before.values()}
        for new in after:
            old = was.get(new.loan_id)
            if old is None or not _only_time(old, new, lines):
                self.say(
                    day, f"the evening overlooked a grade: {old and (old.level, old.inputs)} {new.level} {new.inputs}"
                )
            self.seen["grades that only time betters"] += 1
        self.seen["graded twice is graded once"] += 1

    def _same(self, day: date, name: str, before: list[tuple[Any, ...]]) -> None:
        if _rows(_TASKS, {}) != before:
            last = TaskEvent.objects.order_by("-id").values_list("task_id", "kind", "data").first()
            self.say(day, f"{name} twice is not once: {before} {_rows(_TASKS, {})}, last {last}")
        self.seen[f"{name} twice is once"] += 1

    def _shown(self, today: date) -> None:
        """Each officer's week beyond the ceiling stands on the page of the own manager, with how many."""
        ceiling = ceiling_on(today)
        beyond = {key: count for key, count in _planned(today).items() if count > ceiling}
        for manager in people().managers.values():
            shown = {
                (each.row.officer.pk, each.cell.monday): each.cell.planned
                for each in capacity(manager, today).overflow
                if each.row.officer is not None
            }
            own = set(Staff.objects.filter(branch_id=manager.branch_id).values_list("pk", flat=True))
            wanted = {key: count for key, count in beyond.items() if key[0] in own}
            if shown != wanted:
                self.say(today, f"beyond the ceiling but not shown to {manager.staff_no}: {wanted} {shown}")
            self.seen["weeks beyond the ceiling, shown"] += len(wanted)

    def _told(self, day: date) -> None:
        """What has reached 80, 100 or 120 percent of its limit is told, as the rule says it in Python."""
        rows = _rows(_RUNNING, {"day": day})
        days = calendar(day - timedelta(days=400), day + timedelta(days=120))
        for task_id, begins_on, due_on, codes in rows:
            step = step_reached(begins_on, due_on, day, days)
            if step is not None:
                self.seen["steps of limits, told"] += 1
                if step not in codes:
                    self.say(day, f"task {task_id} of {begins_on} to {due_on} reached {step}, told {codes}")

    # Leave

    def goes_away(self, leave: Leave) -> None:
        self.away.append(leave)

    def _deputies(self, day: date) -> None:
        """The deputy holds all that the officer has while away, and nothing of it on the day after."""
        absences = absences_between(day, day)
        for leave in list(self.away):
            if leave.deputy_id is None or day < leave.period.lower:
                continue
            is_over = day >= leave.period.upper
            if away_on(leave.deputy_id, day, absences) or is_over and away_on(leave.staff_id, day, absences):
                continue
            deputy, officer = (Staff.objects.get(pk=pk) for pk in (leave.deputy_id, leave.staff_id))
            own = VisitTask.objects.still_open().filter(assigned_to=officer)
            held = own.filter(held_by(deputy)).count()
            if held != (0 if is_over else own.count()):
                self.say(day, f"{deputy} holds {held} of {own.count()} of {officer}, leave over: {is_over}")
            if own.filter(held_by(officer)).count() != own.count():
                self.say(day, f"{officer} lost sight of own tasks")
            self.seen["tasks at a deputy" if not is_over else "leaves that gave everything back"] += (
                1 if is_over else held
            )
            if is_over:
                self.away.remove(leave)


def _only_time(old: Grade, new: Grade, lines: Sequence[Line]) -> bool:
    """Is it better, and would it be the old one with the old ratio and count of late installments?"""
    inputs = {**new.inputs, **{name: old.inputs[name] for name in ("loan_to_value", "late_in_24_months")}}
    ratio, score = inputs["loan_to_value"], inputs["credit_score"]
    facts = GradeFacts(
        credit_score=None if score is None else int(score),
        loan_to_value=None if ratio is None else Decimal(ratio),
        days_past_due=int(inputs["days_past_due"]),
        late_in_24_months=int(inputs["late_in_24_months"]),
    )
    return _BEST_FIRST.index(new.level) < _BEST_FIRST.index(old.level) and grade(facts, lines).level == old.level


def _planned(today: date) -> dict[tuple[int, date], int]:
    monday = week_of(today)
    rows = _rows(_BEYOND, {"monday": monday, "until": monday + timedelta(days=7 * WEEKS)})
    return {(officer, week): count for officer, week, count in rows}


def _lives_of_changed(last_event: int) -> list[str]:
    """The whole life of the first tasks that have an event after this one: what the evening should have looked at."""
    changed = TaskEvent.objects.filter(pk__gt=last_event).order_by("id").values_list("task_id", flat=True)
    found = []
    for task in VisitTask.objects.filter(pk__in=list(changed[:4])).order_by("id"):
        life = [f"{on} {kind} {data}" for on, kind, data in task.events.order_by("id").values_list(
            "business_date", "kind", "data")]  # fmt: skip
        found.append(f"{task.loan_id} {task.kind} {task.rule} {task.method} due {task.due_on}: {'; '.join(life)}")
    return found


def _rows(statement: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
