"""Checks a policy of follow-ups while it is drafted: what no line answers, what can never be reached, what is too late.

A finding is a code with the numbers of its lines and plain parameters; `followups.policy_wording` says it. An ERROR
keeps a draft from being submitted, a WARNING is for the approver to read, a NOTE says what is so by order of lines.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from followups.rules.default_policy import (
    CYCLE_BOUNDS,
    FIRST_METHOD,
    FIRST_NODES,
    FIRST_TALK,
    KINDS,
    OVERDUE,
    PERIODIC,
)
from followups.rules.facts import TALKS, WEIGHT
from followups.rules.policy_facts import FACTS
from followups.rules.policy_results import LEAST_MONTHS, MOST_MONTHS, faults
from followups.rules.policy_space import Box, Space, less, meet
from people.rules.policy import Condition, Line

ERROR, WARNING, NOTE = "ERROR", "WARNING", "NOTE"
# From here on a first visit is late (S2.6).
LAST_FIRST_DAY = 90
_WORSE = (("HIGH", "MEDIUM"), ("MEDIUM", "LOW"))
# What holds for loans that no line of bounds names.
_UNBOUNDED = Line(0, CYCLE_BOUNDS, (), {"least_months": LEAST_MONTHS, "most_months": MOST_MONTHS})
_LATE = {OVERDUE: {"days_past_due": Condition("days_past_due", ">=", 1)}}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: `lines` are numbers of lines, the one to be mended first."""

    code: str
    weight: str
    lines: tuple[int, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


def check(lines: Sequence[Line], roles: Collection[str] | None = None) -> tuple[Finding, ...]:
    """All findings, by weight and then by line. `roles` are those that make visits, where the bank's are known."""
    found = [*_unreadable(lines)]
    if roles is not None:
        named = [(line.number, line.result.get("role")) for line in lines]
        found += [Finding("ROLE", ERROR, (n,), {"role": str(role)}) for n, role in named if role and role not in roles]
    spoilt = {number for finding in found for number in finding.lines}
    readable = [line for line in lines if line.number not in spoilt]
    for kind in KINDS:
        found += _of_kind(kind, [line for line in readable if line.kind == kind], is_whole=not spoilt)
    found += _first_visits(readable)
    order = (ERROR, WARNING, NOTE)
    return tuple(sorted(found, key=lambda each: (order.index(each.weight), each.lines, each.code)))


def is_fit(findings: Sequence[Finding]) -> bool:
    """May a draft with these findings be submitted?"""
    return all(finding.weight != ERROR for finding in findings)


def _unreadable(lines: Sequence[Line]) -> Iterator[Finding]:
    """Kinds, facts, operators, values and results that no planner understands."""
    numbers = [line.number for line in lines]
    if numbers != list(range(1, len(lines) + 1)):
        yield Finding("NUMBERS", ERROR)
    for line in lines:
        at = (line.number,)
        if line.kind not in KINDS:
            yield Finding("KIND", ERROR, at, {"kind": line.kind})
            continue
        if not line.note.strip():
            yield Finding("NOTE_MISSING", ERROR, at)
        for condition in line.conditions:
            fact = FACTS.get(condition.fact)
            if fact is None:
                yield Finding("FACT", ERROR, at, {"fact": condition.fact})
            elif fault := fact.fault(condition):
                yield Finding(fault, ERROR, at, {"fact": condition.fact})
        for name in faults(line.kind, line.result):
            yield Finding("RESULT", ERROR, at, {"name": name})


def _of_kind(kind: str, lines: Sequence[Line], *, is_whole: bool) -> Iterator[Finding]:
    """Gaps, lines that nothing reaches, overlaps, and what gets worse with the order of grades."""
    space = Space(lines, _LATE.get(kind))
    left: list[Box] = [space.whole]
    boxes: dict[int, Box] = {}
    own: dict[int, list[Box]] = {}
    for line in lines:
        box = space.box(line)
        if box is None:
            yield Finding("NEVER", ERROR, (line.number,))
            continue
        own[line.number] = [both for each in left if (both := meet(each, box)) is not None]
        before = tuple(number for number, other in boxes.items() if meet(box, other) is not None)
        if not own[line.number]:
            yield Finding("UNREACHABLE", ERROR, (line.number, *before))
        elif before and line.conditions:
            yield Finding("OVERLAP", NOTE, (line.number, *before))
        boxes[line.number] = box
        left = less(left, box)
    if kind == CYCLE_BOUNDS:
        lines, own[0] = [*lines, _UNBOUNDED], left
    elif left and is_whole:
        yield Finding("GAP", ERROR, (), {"kind": kind, "example": _plain(space.example(left[0]))})
    yield from _by_grade(kind, lines, space, own)


def _by_grade(kind: str, lines: Sequence[Line], space: Space, own: Mapping[int, list[Box]]) -> Iterator[Finding]:
    """A worse grade may never lead to a later visit, and should not lead to a lighter one."""
    if "grade" not in space.values:
        return
    by_number = {line.number: line for line in lines}
    values = space.values["grade"]
    said: set[tuple[int, int]] = set()
    for worse, better in _WORSE:
        for one, other in _met(own, values.index(worse), values.index(better)):
            if (one, other) in said:
                continue
            said.add((one, other))
            a, b = by_number[one].result, by_number[other].result
            later = _later(kind, a, b)
            if later and kind == CYCLE_BOUNDS:
                named = tuple(number for number in (one, other) if number)
                yield Finding("WORSE_IS_LOOSER", ERROR, named, {"worse": worse, "better": better, **later})
            elif later:
                yield Finding("WORSE_IS_LATER", ERROR, (one, other), {"worse": worse, "better": better, **later})
            elif kind == FIRST_METHOD and WEIGHT[a["method"]] < WEIGHT[b["method"]]:
                yield Finding("WORSE_IS_LIGHTER", WARNING, (one, other), {"worse": worse, "better": better})


def _met(own: Mapping[int, list[Box]], worse: int, better: int) -> Iterator[tuple[int, int]]:
    """Pairs of lines that answer two loans which differ in nothing but the grade."""
    for one, ones in own.items():
        for other, others in own.items():
            if one == other:
                continue
            if any(
                worse in a["grade"] and better in b["grade"] and meet({**a, "grade": b["grade"]}, b) is not None
                for a in ones
                for b in others
            ):
                yield one, other


def _later(kind: str, worse: Mapping[str, Any], better: Mapping[str, Any]) -> dict[str, int]:
    """The two figures where the worse grade has the later visit; empty otherwise."""
    name = {FIRST_TALK: "days", PERIODIC: "months"}.get(kind)
    if name is not None and worse[name] > better[name]:
        return {"later": worse[name], "sooner": better[name]}
    if kind == CYCLE_BOUNDS:
        # Bounds keep order: where neither is wider for the worse grade, no cycle of any tier comes out longer.
        for name in ("least_months", "most_months"):
            if worse[name] > better[name]:
                return {"later": worse[name], "sooner": better[name]}
    if kind == FIRST_NODES:
        pairs = list(zip(worse["days"], better["days"], strict=False))
        if len(worse["days"]) < len(better["days"]) or any(a > b for a, b in pairs):
            return {"later": max(worse["days"]), "sooner": max(better["days"])}
    return {}


def _first_visits(lines: Sequence[Line]) -> Iterator[Finding]:
    """First visits stand between the window's opening and day 90, and one of them is a talk (S2.6)."""
    nodes = [line for line in lines if line.kind == FIRST_NODES]
    for line in nodes:
        days = list(line.result["days"])
        if days[-1] > LAST_FIRST_DAY:
            yield Finding("FIRST_TOO_LATE", ERROR, (line.number,), {"day": days[-1], "most": LAST_FIRST_DAY})
        if any(a >= b for a, b in pairwise(days)):
            yield Finding("NODES_ORDER", ERROR, (line.number,))
        if int(line.result["opens_day"]) > min(days):
            yield Finding("OPENS_LATE", ERROR, (line.number,), {"day": line.result["opens_day"], "first": min(days)})
    last = min((max(line.result["days"]) for line in nodes), default=LAST_FIRST_DAY)
    for line in lines:
        if line.kind == FIRST_TALK and int(line.result["days"]) > LAST_FIRST_DAY:
            day = {"day": line.result["days"], "most": LAST_FIRST_DAY}
            yield Finding("FIRST_TOO_LATE", ERROR, (line.number,), day)
        elif line.kind == FIRST_TALK and int(line.result["days"]) > last:
            yield Finding("TALK_AFTER_NODES", WARNING, (line.number,), {"day": line.result["days"], "last": last})
        if line.kind == FIRST_METHOD and line.result["method"] not in TALKS:
            yield Finding("NO_TALK", ERROR, (line.number,))


def _plain(example: Mapping[str, object]) -> dict[str, object]:
    kept = (bool, int, str, type(None))
    return {name: value if isinstance(value, kept) else str(value) for name, value in example.items()}
