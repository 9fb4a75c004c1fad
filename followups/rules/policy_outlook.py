"""What a policy has in store for a loan: its open tasks after the evening that brings the policy in, and a year on.

The planner itself decides (`plan`, `diff`): what is done here is to read off its answer and to repeat the periodic
follow-up at its cycle. Arrears, grades and values stay as they are; nobody knows better.

Most loans meet the same lines. `Decisive` finds the few lines of a policy that can hold for a loan by the class of its
facts, so that the planner is asked about five lines instead of all; its answer is the same.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from followups.rules.changes import BringForward, Cancel, Close, Create, diff
from followups.rules.default_policy import KINDS
from followups.rules.default_policy import PERIODIC as TIER
from followups.rules.facts import IRREGULAR, OFF_SITE, PERIODIC, Facts, OpenTask, known
from followups.rules.plan import method_in_turn, plan
from followups.rules.policy_facts import FACTS, number_of
from loans.rules.calendar import Calendar
from loans.rules.dates import add_months
from people.rules.policy import Line, first_match

Visit = tuple[date, str]
# How a loan's next visit changes.
NEW, EARLIER, METHOD, GONE = "NEW", "EARLIER", "METHOD", "GONE"


@dataclass(frozen=True, slots=True)
class Next:
    """The visit that comes first, and the policy line behind it where the policy being looked at made it."""

    on: date
    method: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """A loan's next visit, and all its visits up to a day."""

    next: Next | None
    visits: tuple[Visit, ...]


NOTHING = Outlook(None, ())


def outlook(
    facts: Facts, open_tasks: Sequence[OpenTask], lines: Sequence[Line], calendar: Calendar, today: date, until: date
) -> Outlook:
    """What stands and what comes for the loan when these lines hold from the close of `today` on."""
    if facts.is_settled:
        return NOTHING
    planned = plan(facts, lines, calendar, today)
    changes = diff(planned, open_tasks, facts) if open_tasks else tuple(Create(p) for p in planned)
    standing = [(t.due_on, t.method, t.kind, t.line) for t in open_tasks if not t.is_light]
    if changes:
        standing = _after(open_tasks, changes)
    standing.sort(key=lambda task: task[0])
    visits = [(task[0], task[1]) for task in standing if task[0] <= until]
    visits += _cycles(facts, standing, lines, calendar, until)
    first = standing[0] if standing else None
    return Outlook(Next(first[0], first[1], first[3]) if first else None, tuple(visits))


_Task = tuple[date, str, str, int | None]


def _after(open_tasks: Sequence[OpenTask], changes: Sequence[Any]) -> list[_Task]:
    """The open tasks as the changes leave them; light items are no visits."""
    moved = {change.task_id: change for change in changes if not isinstance(change, Create)}
    standing: list[_Task] = []
    for task in open_tasks:
        change = moved.get(task.id)
        if task.is_light or isinstance(change, Cancel | Close):
            continue
        if isinstance(change, BringForward):
            standing.append((change.due_on, change.method, task.kind, change.line))
        else:
            standing.append((task.due_on, task.method, task.kind, task.line))
    for change in changes:
        if isinstance(change, Create) and not change.planned.is_light:
            planned = change.planned
            standing.append((planned.due_on, planned.method, planned.kind, planned.line))
    return standing


def _cycles(
    facts: Facts, standing: Sequence[_Task], lines: Sequence[Line], calendar: Calendar, until: date
) -> list[Visit]:
    """Periodic follow-ups after the last regular one that stands, one a cycle, methods in turn."""
    regular = [task for task in standing if task[2] != IRREGULAR]
    line = first_match(lines, TIER, known(facts)) if regular else None
    if line is None:
        return []
    months, methods = int(line.result["months"]), line.result["methods"]
    number = facts.periodic_ended + 1 + any(task[2] == PERIODIC for task in regular)
    visits: list[Visit] = []
    last = regular[-1][0]
    while (day := add_months(last, months)) <= until:
        last = calendar.next_workday(day)
        visits.append((last, method_in_turn(facts, methods, number)))
        number += 1
    return visits


def change_of(before: Next | None, after: Next | None) -> str:
    """How the next visit changes; empty when it stays as it is."""
    if before is None or after is None:
        return "" if before is after else NEW if before is None else GONE
    if after.on < before.on:
        return EARLIER
    return METHOD if after.method != before.method else ("" if after.on == before.on else NEW)


def is_field(method: str) -> bool:
    return method == "FIELD"


def is_off_site(method: str) -> bool:
    return method == OFF_SITE


class Decisive:
    """The lines of a policy that decide about a loan, found by the class of its facts."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._known: dict[tuple[object, ...], tuple[Line, ...]] = {}
        self._keys: list[tuple[str, Callable[[Any], object]]] = []
        said: dict[str, list[Any]] = {}
        for line in lines:
            for condition in line.conditions:
                said.setdefault(condition.fact, []).append(condition.value)
        for fact, values in said.items():
            self._keys.append((fact, _key(fact, values)))

    def lines(self, by_name: Mapping[str, object]) -> tuple[Line, ...]:
        """The first line of each kind that holds; of no other can the planner make use."""
        key = tuple([cut(by_name[fact]) for fact, cut in self._keys])
        found = self._known.get(key)
        if found is None:
            each = [first_match(self._lines, kind, by_name) for kind in KINDS]
            found = self._known[key] = tuple(line for line in each if line is not None)
        return found


def _key(fact: str, values: Sequence[Any]) -> Callable[[Any], object]:
    """What conditions on a fact can tell of a value: between which limits, or which word."""
    kind = FACTS.get(fact)
    if kind is None or not kind.is_number:
        return lambda value: value
    cuts = sorted({n for v in values if (n := number_of(v, is_decimal=kind.is_decimal)) is not None})
    if not kind.is_decimal:
        cuts = [int(cut) for cut in cuts]  # type: ignore[misc]
    return lambda value: None if value is None else bisect_left(cuts, value) + bisect_right(cuts, value)
