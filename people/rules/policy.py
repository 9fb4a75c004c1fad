"""Policy lines as data: conditions over facts, and the first line of a kind that matches.

Every policy of the house takes this shape (house.md 5): follow-up planning, risk grading, and
what comes later. A fact that is not known (None) satisfies no comparison, only `is_missing`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in", "is_missing")


class PolicyError(ValueError):
    """A policy line cannot be read."""


@dataclass(frozen=True)
class Condition:
    """One comparison of a fact with a value; decimals are written as strings."""

    fact: str
    op: str
    value: Any = None

    def __post_init__(self) -> None:
        if self.op not in OPERATORS:
            raise PolicyError(f"unknown operator {self.op!r} on {self.fact}")

    def holds(self, facts: Mapping[str, object]) -> bool:
        actual = facts.get(self.fact)
        if self.op == "is_missing":
            return actual is None
        if actual is None:
            return False
        if self.op == "in":
            return actual in self.value
        wanted = _like(actual, self.value)
        if self.op == "=":
            return actual == wanted
        if self.op == "!=":
            return actual != wanted
        return _compare(self.op, actual, wanted)


@dataclass(frozen=True)
class Line:
    """An ordered line of a policy: when all conditions hold, the result applies."""

    number: int
    kind: str
    conditions: tuple[Condition, ...]
    result: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def matches(self, facts: Mapping[str, object]) -> bool:
        return all(condition.holds(facts) for condition in self.conditions)


def first_match(lines: Iterable[Line], kind: str, facts: Mapping[str, object]) -> Line | None:
    """The first line of the kind whose conditions all hold; None when none does."""
    for line in lines:
        if line.kind == kind and line.matches(facts):
            return line
    return None


def line_from(number: int, kind: str, conditions: list[dict[str, Any]], result: Mapping[str, Any], note: str) -> Line:
    """A line from stored JSON; PolicyError names what cannot be read."""
    try:
        parsed = tuple(Condition(c["fact"], c["op"], c.get("value")) for c in conditions)
    except (KeyError, TypeError) as error:
        raise PolicyError(f"line {number}: condition needs fact, op and value ({error})") from error
    return Line(number, kind, parsed, dict(result), note)


def conditions_as_json(line: Line) -> list[dict[str, Any]]:
    """The line's conditions as they are stored."""
    return [{"fact": c.fact, "op": c.op, "value": c.value} for c in line.conditions]


def _like(actual: object, value: object) -> object:
    """The policy's value in the type of the fact."""
    if isinstance(actual, Decimal) and not isinstance(value, Decimal):
        try:
            return Decimal(str(value))
        except InvalidOperation as error:
            raise PolicyError(f"{value!r} is not a number") from error
    return value


def _compare(op: str, actual: Any, wanted: Any) -> bool:
    if op == "<":
        return bool(actual < wanted)
    if op == "<=":
        return bool(actual <= wanted)
    if op == ">":
        return bool(actual > wanted)
    return bool(actual >= wanted)
