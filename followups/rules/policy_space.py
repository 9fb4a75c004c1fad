"""The space of all loans that the lines of a policy can tell apart, and what part of it a line takes.

Each fact that lines name is cut into values that stand for all others between two limits; a condition is asked about
each of them with the planner's own comparison. A line then is a box, and what no line answers, or what an earlier one
takes away, is boxes less boxes: exact, and with an example of a loan in every answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from followups.rules.policy_facts import FACTS, FactType, number_of
from people.rules.policy import Condition, Line

# By fact, which of its values; a fact that is absent may have any.
Box = Mapping[str, frozenset[int]]
_ELSEWHERE = "…"


class Space:
    """The values of each fact that the lines name, most telling last."""

    def __init__(self, lines: Sequence[Line], bounds: Mapping[str, Condition] | None = None) -> None:
        said: dict[str, list[Condition]] = {}
        for line in lines:
            for condition in line.conditions:
                said.setdefault(condition.fact, []).append(condition)
        for fact, condition in (bounds or {}).items():
            said.setdefault(fact, []).append(condition)
        self.values = {fact: _values(FACTS[fact], conditions) for fact, conditions in said.items()}
        self.whole: dict[str, frozenset[int]] = {
            fact: frozenset(range(len(values))) for fact, values in self.values.items()
        }
        for fact, condition in (bounds or {}).items():
            self.whole[fact] = self._where(condition)

    def box(self, line: Line) -> Box | None:
        """The loans that meet the line's conditions; None when no loan can."""
        box = dict(self.whole)
        for condition in line.conditions:
            box[condition.fact] &= self._where(condition)
        return box if all(box.values()) else None

    def example(self, box: Box) -> dict[str, object]:
        """One loan of the box, by its facts; facts that may have any value are left out."""
        return {
            fact: self.values[fact][min(places)] for fact, places in sorted(box.items()) if places != self.whole[fact]
        }

    def _where(self, condition: Condition) -> frozenset[int]:
        found = enumerate(self.values[condition.fact])
        return frozenset(place for place, value in found if condition.holds({condition.fact: value}))


def meet(one: Box, other: Box) -> Box | None:
    """The loans in both boxes; None when there are none."""
    both = {fact: places & other[fact] for fact, places in one.items()}
    return both if all(both.values()) else None


def less(boxes: Iterable[Box], taken: Box) -> list[Box]:
    """The boxes without the taken one, as boxes that do not touch each other."""
    left: list[Box] = []
    for box in boxes:
        if meet(box, taken) is None:
            left.append(box)
            continue
        rest = dict(box)
        for fact in box:
            outside = rest[fact] - taken[fact]
            if outside:
                left.append({**rest, fact: outside})
            rest[fact] = rest[fact] & taken[fact]
    return left


def _values(fact: FactType, conditions: Sequence[Condition]) -> list[object]:
    """Values of the fact of which each stands for all that the conditions cannot tell from it."""
    values: list[object] = []
    if fact.is_number:
        values = list(_numbers(fact, conditions))
    elif fact.kind == "YES_NO":
        values = [True, False]
    elif fact.kind == "CHOICE":
        values = list(fact.choices)
    else:
        named: list[Any] = [each for c in conditions for each in (c.value if c.op == "in" else [c.value])]
        values = [*dict.fromkeys(named), _ELSEWHERE]
    return [*values, None] if fact.may_be_unknown else values


def _numbers(fact: FactType, conditions: Sequence[Condition]) -> list[object]:
    limits = {fact.least, fact.most}
    for condition in conditions:
        limit = number_of(condition.value, is_decimal=fact.is_decimal)
        if limit is not None:
            limits.add(limit)
    step = Decimal("0.0001") if fact.is_decimal else Decimal(1)
    around = {near for limit in limits for near in (limit - step, limit, limit + step)}
    inside = sorted(value for value in around if fact.least <= value <= fact.most)
    return list(inside) if fact.is_decimal else [int(value) for value in inside]
