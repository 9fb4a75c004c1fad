"""What a policy has in store for a loan: its open tasks after the evening that brings the policy in, and a year on.

The planner itself decides (`plan`, `diff`): what is done here is to read off its answer and to repeat the periodic
follow-up at its cycle. Arrears, grades and values stay as they are; nobody knows better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from followups.rules.changes import BringForward, Cancel, Close, Create, diff
from followups.rules.default_policy import CYCLE_BOUNDS
from followups.rules.default_policy import PERIODIC as TIER
from followups.rules.facts import IRREGULAR, PERIODIC, Facts, OpenTask, known
from followups.rules.plan import cycle_months, plan, turn
from loans.rules.calendar import Calendar
from loans.rules.dates import add_months
from people.rules.policy import Line, first_match

Visit = tuple[date, str]
# How a loan's next visit changes.
NEW, EARLIER, METHOD, GONE, ASKS = "NEW", "EARLIER", "METHOD", "GONE", "ASKS"


@dataclass(frozen=True, slots=True)
class Next:
    """The visit that comes first, and the policy line behind it where the policy being looked at made it."""

    on: date
    method: str
    line: int | None
    # Checklist and role that the version chooses; None where the task stands already and keeps its own.
    asks: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """A loan's next visit, and all its visits up to a day."""

    next: Next | None
    visits: tuple[Visit, ...]


NOTHING = Outlook(None, ())


def outlook(
    facts: Facts,
    open_tasks: Sequence[OpenTask],
    lines: Sequence[Line],
    calendar: Calendar,
    today: date,
    until: date,
    by_name: dict[str, object] | None = None,
) -> Outlook:
    """What stands and what comes for the loan when these lines hold from the close of `today` on.

    `by_name` is `known(facts)`, where who asks has it already.
    """
    if facts.is_settled:
        return NOTHING
    by_name = known(facts) if by_name is None else by_name
    planned = plan(facts, lines, calendar, today, by_name)
    changes = diff(planned, open_tasks, facts) if open_tasks else tuple(Create(p) for p in planned)
    standing: list[_Task] = [(t.due_on, t.method, t.kind, t.line, None) for t in open_tasks if not t.is_light]
    if changes:
        standing = _after(open_tasks, changes)
    standing.sort(key=lambda task: task[0])
    visits = [(task[0], task[1]) for task in standing if task[0] <= until]
    visits += _cycles(facts, standing, lines, calendar, until, by_name)
    first = standing[0] if standing else None
    return Outlook(Next(first[0], first[1], first[3], first[4]) if first else None, tuple(visits))


_Task = tuple[date, str, str, int | None, tuple[str, str] | None]


def _after(open_tasks: Sequence[OpenTask], changes: Sequence[Any]) -> list[_Task]:
    """The open tasks as the changes leave them; light items are no visits."""
    moved = {change.task_id: change for change in changes if not isinstance(change, Create)}
    standing: list[_Task] = []
    for task in open_tasks:
        change = moved.get(task.id)
        if task.is_light or isinstance(change, Cancel | Close):
            continue
        if isinstance(change, BringForward):
            standing.append((change.due_on, change.method, task.kind, change.line, (change.checklist, change.role)))
        else:
            standing.append((task.due_on, task.method, task.kind, task.line, None))
    for change in changes:
        if isinstance(change, Create) and not change.planned.is_light:
            planned = change.planned
            asks = (planned.checklist, planned.role)
            standing.append((planned.due_on, planned.method, planned.kind, planned.line, asks))
    return standing


def _cycles(
    facts: Facts,
    standing: Sequence[_Task],
    lines: Sequence[Line],
    calendar: Calendar,
    until: date,
    by_name: dict[str, object],
) -> list[Visit]:
    """Periodic follow-ups after the last regular one that stands, one a cycle, methods in turn."""
    regular = [task for task in standing if task[2] != IRREGULAR]
    line = first_match(lines, TIER, by_name) if regular else None
    if line is None:
        return []
    months, methods = cycle_months(line, first_match(lines, CYCLE_BOUNDS, by_name)), line.result["methods"]
    number = facts.periodic_ended + 1 + any(task[2] == PERIODIC for task in regular)
    visits: list[Visit] = []
    last = regular[-1][0]
    while (day := add_months(last, months)) <= until:
        last = calendar.next_workday(day)
        visits.append((last, str(methods[turn(facts.sample_key, number, len(methods))])))
        number += 1
    return visits


def change_of(before: Next | None, after: Next | None) -> str:
    """How the next visit changes; empty when it stays as it is."""
    if before is None or after is None:
        return "" if before is after else NEW if before is None else GONE
    if after.on < before.on:
        return EARLIER
    if after.method != before.method:
        return METHOD
    if after.on != before.on:
        return NEW
    return ASKS if after.asks != before.asks and after.asks is not None else ""
