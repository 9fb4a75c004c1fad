"""Compares two versions line by line: which line stands for which, what is new, what is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from followups.rules.default_policy import KINDS
from people.rules.policy import Line, conditions_as_json

SAME, CHANGED, ADDED, GONE = "SAME", "CHANGED", "ADDED", "GONE"


@dataclass(frozen=True, slots=True)
class Compared:
    """A line beside what it was; one of the two may be missing."""

    kind: str
    change: str
    before: Line | None
    after: Line | None


def compare(before: Sequence[Line], after: Sequence[Line]) -> list[Compared]:
    """Every line of both versions once, in the order of the newer one; numbers alone make no difference."""
    kinds = [*KINDS, *sorted({line.kind for line in (*before, *after)} - set(KINDS))]
    found: list[Compared] = []
    for kind in kinds:
        old = [line for line in before if line.kind == kind]
        new = [line for line in after if line.kind == kind]
        matched = SequenceMatcher(None, [_told(line) for line in old], [_told(line) for line in new], autojunk=False)
        for tag, a, b, c, d in matched.get_opcodes():
            same = SAME if tag == "equal" else CHANGED
            pairs = min(b - a, d - c)
            found += [Compared(kind, same, old[a + n], new[c + n]) for n in range(pairs)]
            found += [Compared(kind, GONE, line, None) for line in old[a + pairs : b]]
            found += [Compared(kind, ADDED, None, line) for line in new[c + pairs : d]]
    return found


def _told(line: Line) -> str:
    return repr((conditions_as_json(line), sorted(line.result.items()), line.note))
