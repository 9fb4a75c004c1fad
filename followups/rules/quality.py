"""Scores how a visit report was made (质量分), line by line, out of 100: the same facts give the same points for ever.

Nothing new is looked for: the lines rest on what the report, its clock and its quality hints hold already. A line that
a visit of this method cannot have is full. The score decides nothing; it is read beside what it rests on, and summed by
branch and officer. Another weighing is another VERSION; what was scored before keeps its own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from loans.rules.calendar import Calendar

VERSION: Final = 1
COMPLETE, PROOF, VERIFIED, CONTACT, ON_TIME, RETURNED, ORIGINAL, CARE = (
    "COMPLETE", "PROOF", "VERIFIED", "CONTACT", "ON_TIME", "RETURNED", "ORIGINAL", "CARE",
)  # fmt: skip
MOST: Final[Mapping[str, int]] = {
    COMPLETE: 15, PROOF: 20, VERIFIED: 10, CONTACT: 10, ON_TIME: 15, RETURNED: 10, ORIGINAL: 15, CARE: 5,
}  # fmt: skip
_SEEN_ON_SITE: Final = ("FIELD", "VIDEO")
_A_DAY_LATE, _A_RETURN = 5, 5
# What a hint costs, and in which line.
_ORIGINAL: Final[Mapping[str, int]] = {"LOOK_ALIKE": 10, "PHOTO_REUSED": 15, "PHOTO_ALIKE": 5, "PHOTO_FAR": 5}
_CARE: Final[Mapping[str, int]] = {"QUICK": 5, "LATE_HOUR": 2, "MONTH_END": 2}


@dataclass(frozen=True)
class Made:
    """How a report was made. `hints` are the codes beside it; `reached`: a contact with the borrower is logged;
    `submitted_on` is the day of the first version."""

    method: str
    asked: int
    unverified: int
    changes: int
    oral_changes: int
    files: int
    has_photo_exit: bool
    reached: bool
    version: int
    due_on: date
    submitted_on: date
    hints: Collection[str]


@dataclass(frozen=True)
class Line:
    """One line: points of how many, and the figures it rests on."""

    code: str
    most: int
    got: int
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "most": self.most, "got": self.got, "facts": dict(self.facts)}


def lines(made: Made, calendar: Calendar) -> list[Line]:
    """Every line in the order of the catalogue."""
    late = max(0, calendar.workdays_between(made.due_on, made.submitted_on)) if made.submitted_on > made.due_on else 0
    late = max(late, int(made.submitted_on > made.due_on))
    original = [code for code in _ORIGINAL if code in made.hints]
    care = [code for code in _CARE if code in made.hints]
    found: list[tuple[str, int, Mapping[str, Any]]] = [
        (COMPLETE, _share(MOST[COMPLETE], made.asked - made.unverified, made.asked),
         {"asked": made.asked, "unverified": made.unverified}),
        (PROOF, _proof(made), {"needed": made.method == "PHONE" or made.method in _SEEN_ON_SITE, "files": made.files,
          "exit": made.has_photo_exit, "recorded": _is_recorded(made)}),
        (VERIFIED, _share(MOST[VERIFIED], made.changes - made.oral_changes, made.changes),
         {"changes": made.changes, "oral": made.oral_changes}),
        (CONTACT, MOST[CONTACT] if made.reached or made.method != "PHONE" else 0,
         {"needed": made.method == "PHONE", "reached": made.reached}),
        (ON_TIME, MOST[ON_TIME] - late * _A_DAY_LATE, {"late": late}),
        (RETURNED, MOST[RETURNED] - (made.version - 1) * _A_RETURN, {"returns": made.version - 1}),
        (ORIGINAL, MOST[ORIGINAL] - sum(_ORIGINAL[code] for code in original), {"hints": original}),
        (CARE, MOST[CARE] - sum(_CARE[code] for code in care), {"hints": care}),
    ]  # fmt: skip
    return [Line(code, MOST[code], max(0, got), facts) for code, got, facts in found]


def score(found: Sequence[Line]) -> int:
    """Of 100."""
    return sum(line.got for line in found)


def _share(most: int, good: int, of: int) -> int:
    """Points by share, rounded down; nothing to ask for is full."""
    return most if of <= 0 else most * good // of


def _is_recorded(made: Made) -> bool:
    return made.method == "PHONE" and "NO_RECORDING" not in made.hints


def _proof(made: Made) -> int:
    """A call by its recording, a home by its photos; a coded reason for having none is half."""
    most = MOST[PROOF]
    if made.method == "PHONE":
        return most if _is_recorded(made) else 0
    if made.method not in _SEEN_ON_SITE or made.files:
        return most
    return most // 2 if made.has_photo_exit else 0
