"""Foresees by classes: loans about which both versions of a policy decide alike are asked about once.

The planner stays the one who decides. A class is found by the outcomes of the comparisons that lines make (`Decisive`),
and a quiet loan's outlook depends beyond its lines only on the day and the turn of its next periodic follow-up and on
its open tasks (`_essence`): two loans that agree in these get the same answer, so the second is not asked about. Loans
in arrears and loans whose first follow-ups lie ahead are planned one by one.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from followups.rules.default_policy import CYCLE_BOUNDS, FIRST_NODES, KINDS
from followups.rules.default_policy import PERIODIC as TIER
from followups.rules.facts import PERIODIC, Facts, OpenTask, known
from followups.rules.plan import cycle_months, is_first_over, periodic_on, turn
from followups.rules.policy_facts import FACTS, number_of
from followups.rules.policy_outlook import Next, Visit, change_of, outlook
from loans.rules.calendar import Calendar
from people.rules.policy import Line, first_match

# Answers kept at a time; about 1 KB each.
MOST_KEPT = 50_000
_PLACE = {"FIELD": 1, "OFF_SITE": 2}

# First day of a week within its month, and a place: phone, field, off-site, and the same three of the new version.
Load = tuple[date, int]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The lines of both versions that decide about the loans of a class; each class is one object."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]
    # Months and rotation of both; None where a version has no tier for the class.
    cycles: tuple[tuple[int, int], tuple[int, int]] | None
    nodes: tuple[Line, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Foreseen:
    """What both versions have in store for a loan: its visits by week, and how the next one changes.

    Loans of a class share one object.
    """

    decision: Decision
    loads: tuple[Load, ...]
    change: str
    before: Next | None
    after: Next | None


class Decisive:
    """Finds the lines of both versions that decide about a loan by the class of its facts."""

    def __init__(self, before: Sequence[Line], after: Sequence[Line]) -> None:
        self._versions = (tuple(before), tuple(after))
        self._known: dict[tuple[object, ...], Decision] = {}
        said: dict[str, list[Any]] = {}
        for line in (*before, *after):
            for condition in line.conditions:
                said.setdefault(condition.fact, []).append(condition.value)
        # A fact that no room gathers is unknown for every loan and tells none apart.
        said = {fact: values for fact, values in said.items() if hasattr(Facts, fact)}
        self._cuts = [_cut(fact, values) for fact, values in said.items()]
        self._read: Callable[[Facts], Any] = attrgetter("loan_id", *said)

    def of(self, facts: Facts) -> Decision:
        values = self._read(facts)
        key = tuple([cut(value) for cut, value in zip(self._cuts, values[1:], strict=True)]) if self._cuts else ()
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._decided(known(facts))
        return found

    def _decided(self, by_name: Mapping[str, object]) -> Decision:
        before, after = (
            tuple(line for kind in KINDS if (line := first_match(lines, kind, by_name)) is not None)
            for lines in self._versions
        )
        cycles = [_cycle(lines) for lines in (before, after)]
        both = (cycles[0], cycles[1]) if cycles[0] is not None and cycles[1] is not None else None
        return Decision(before, after, both, tuple(n for n in (*before, *after) if n.kind == FIRST_NODES))


class Foresight:
    """Both versions' answers about loans on a day, up to a day."""

    def __init__(
        self, before: Sequence[Line], after: Sequence[Line], calendar: Calendar, today: date, until: date
    ) -> None:
        self._decisive = Decisive(before, after)
        self._calendar, self._today, self._until = calendar, today, until
        self._kept: dict[tuple[object, ...], Foreseen] = {}
        self._weeks: dict[date, date] = {}

    @property
    def kept(self) -> int:
        """How many answers are kept."""
        return len(self._kept)

    def of(self, facts: Facts, open_tasks: tuple[OpenTask, ...]) -> Foreseen:
        decision = self._decisive.of(facts)
        key = self._essence(decision, facts, open_tasks)
        found = self._kept.get(key) if key is not None else None
        if found is None:
            found = self._asked(decision, facts, open_tasks)
            if key is not None:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[key] = found
        return found

    def _essence(self, decision: Decision, facts: Facts, open_tasks: tuple[OpenTask, ...]) -> tuple[object, ...] | None:
        """All that the planner makes use of when it asks about a quiet loan; None for a loan that is not."""
        if facts.overdue_since is not None or facts.is_settled or decision.cycles is None:
            return None
        for line in decision.nodes:
            if not is_first_over(facts, line):
                return None
        number = facts.periodic_ended + 1
        cycle = f"{number:04d}"
        (months, methods), (months_after, methods_after) = decision.cycles
        due_on = periodic_on(facts, months, self._calendar, self._today)
        due_after = due_on
        if months_after != months:
            due_after = periodic_on(facts, months_after, self._calendar, self._today)
        place = turn(facts.sample_key, number, methods * methods_after)
        return (
            decision, due_on, due_after, place % methods, place % methods_after,
            *[
                (
                    t.rule, t.rule == PERIODIC and t.cycle == cycle, t.kind, t.is_light, t.method, t.due_on, t.state,
                    t.is_pinned, t.line,
                )
                for t in open_tasks
            ],
        )  # fmt: skip

    def _asked(self, decision: Decision, facts: Facts, open_tasks: tuple[OpenTask, ...]) -> Foreseen:
        """The planner's answer for both versions; the new one finds tasks that another version made."""
        told = (self._calendar, self._today, self._until, known(facts))
        foreign = tuple(replace(task, line=None) for task in open_tasks)
        before = outlook(facts, open_tasks, decision.before, *told)
        after = outlook(facts, foreign, decision.after, *told)
        loads = (*self._loads(before.visits, 0), *self._loads(after.visits, 3))
        return Foreseen(decision, loads, change_of(before.next, after.next), before.next, after.next)

    def _loads(self, visits: Sequence[Visit], side: int) -> list[Load]:
        return [(self._week(on), side + _PLACE.get(method, 0)) for on, method in visits]

    def _week(self, on: date) -> date:
        """A week is cut where a month begins, so that both can be told from its first day."""
        start = self._weeks.get(on)
        if start is None:
            start = self._weeks[on] = max(on - timedelta(days=on.weekday()), on.replace(day=1))
        return start


def _cycle(lines: Sequence[Line]) -> tuple[int, int] | None:
    tier = next((line for line in lines if line.kind == TIER), None)
    if tier is None:
        return None
    bounds = next((line for line in lines if line.kind == CYCLE_BOUNDS), None)
    return cycle_months(tier, bounds), len(tier.result["methods"])


def _cut(fact: str, values: Sequence[Any]) -> Callable[[Any], object]:
    """What conditions on a fact can tell of a value: between which limits, or which word."""
    kind = FACTS.get(fact)
    if kind is None or not kind.is_number:
        return _itself
    cuts: list[Any] = sorted({n for v in values if (n := number_of(v, is_decimal=kind.is_decimal)) is not None})
    if not kind.is_decimal:
        cuts = [int(cut) for cut in cuts]
    count = len(cuts)

    def place(value: Any) -> object:
        if value is None:
            return None
        found = bisect_left(cuts, value)
        return 2 * found + (found < count and cuts[found] == value)

    return place


def _itself(value: Any) -> object:
    return value
