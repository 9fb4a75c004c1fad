"""A draft's lines as they are edited: put, added, moved, taken out; numbers follow from order, kinds stay together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from followups.rules.default_policy import KINDS
from people.rules.policy import Line, PolicyError, conditions_as_json, line_from

MOST_LINES, MOST_CONDITIONS, MOST_NOTE = 200, 10, 200


def content_sha256(lines: Sequence[Line]) -> str:
    """The hash by which lines are known: what was tried and read is what comes into force."""
    told = [[n.number, n.kind, conditions_as_json(n), dict(n.result), n.note] for n in lines]
    return sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def read_lines(told: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Lines from what was sent, numbered in the order of their kinds; PolicyError when one cannot be read."""
    if len(told) > MOST_LINES:
        raise PolicyError(f"more than {MOST_LINES} lines")
    lines = []
    for number, each in enumerate(told, 1):
        try:
            kind, conditions, result, note = each["kind"], each["conditions"], each["result"], each["note"]
        except KeyError as error:
            raise PolicyError(f"line {number}: {error} is missing") from error
        fits = isinstance(kind, str) and isinstance(note, str) and len(note) <= MOST_NOTE
        if not fits or not isinstance(result, dict) or not isinstance(conditions, list):
            raise PolicyError(f"line {number} cannot be read")
        if len(conditions) > MOST_CONDITIONS or not all(isinstance(each, dict) for each in conditions):
            raise PolicyError(f"line {number}: conditions cannot be read")
        lines.append(line_from(number, kind, conditions, result, note))
    return numbered(lines)


def numbered(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines in the order of their kinds, numbered from 1; an unknown kind stands last."""
    order = {kind: place for place, kind in enumerate(KINDS)}
    kept = sorted(lines, key=lambda line: order.get(line.kind, len(order)))
    return tuple(replace(line, number=number) for number, line in enumerate(kept, 1))


def put(lines: Sequence[Line], line: Line) -> tuple[Line, ...]:
    """The line in the place of the one with its number."""
    return numbered([line if each.number == line.number else each for each in lines])


def add(lines: Sequence[Line], line: Line) -> tuple[Line, ...]:
    """The line before the last of its kind: the last one answers for all the rest."""
    own = [each.number for each in lines if each.kind == line.kind]
    place = max(own) - 1 if own else len(lines)
    return numbered([*lines[:place], line, *lines[place:]])


def drop(lines: Sequence[Line], number: int) -> tuple[Line, ...]:
    return numbered([each for each in lines if each.number != number])


def move(lines: Sequence[Line], number: int, by: int) -> tuple[Line, ...]:
    """The line one place up or down, within its kind; where it stands at the edge nothing changes."""
    place, other = number - 1, number - 1 + by
    if not 0 <= other < len(lines) or lines[place].kind != lines[other].kind:
        return tuple(lines)
    moved = list(lines)
    moved[place], moved[other] = moved[other], moved[place]
    return numbered(moved)
