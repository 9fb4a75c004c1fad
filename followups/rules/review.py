"""Decides who looks at a report and in what order, which reports may be approved together, and what looks like a
visit that was only gone through (走过场).

A hint never decides anything: it is a code with the figures it rests on, so that the reviewer can look at the proof.
Thresholds are data of the bank (parameter `visit_hints`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

MANAGER, RISK = "MANAGER", "RISK"
RED, ORANGE = 1, 2
# 批量通过: clean phone reports only, each one opened before.
MOST_AT_ONCE: Final = 20

QUICK, LATE_HOUR, MONTH_END = "QUICK", "LATE_HOUR", "MONTH_END"
NO_RECORDING, LOOK_ALIKE = "NO_RECORDING", "LOOK_ALIKE"
PHOTO_REUSED, PHOTO_ALIKE, PHOTO_FAR = "PHOTO_REUSED", "PHOTO_ALIKE", "PHOTO_FAR"


def needs_risk_head(level: int) -> bool:
    """A red report is decided by the risk head, after the manager's opinion."""
    return level == RED


def is_clean(
    *, method: str, level: int, version: int, conclusion: str, differences: int, requests: int, keeps_class: bool
) -> bool:
    """May this report be approved together with others? By phone, nothing found, nothing asked for, nothing amended."""
    return (
        method == "PHONE"
        and level > ORANGE
        and version == 1
        and conclusion == "NO_CONCERN"
        and not differences
        and not requests
        and keeps_class
    )


@dataclass(frozen=True)
class Limits:
    """When a hint is given."""

    quick_seconds: int = 60
    late_from: int = 22
    late_until: int = 6
    month_end_workdays: int = 3
    month_end_reports: int = 8
    similar_percent: int = 80


def limits_from(value: object) -> Limits:
    """The bank's thresholds; what it does not name keeps its default."""
    given = value if isinstance(value, Mapping) else {}
    return Limits(**{each.name: int(given.get(each.name, each.default)) for each in fields(Limits)})


@dataclass(frozen=True)
class Made:
    """How a report was made. `reused`: {attachment, name, other, task, loan_note_no} of photos that lie with another
    loan too; `alike`: the same with `percent` of those that look like one there; `far`: {attachment, name, meters} of
    those taken away from the home."""

    version: int
    method: str
    seconds: int
    hour: int
    found_anything: bool
    recordings: int
    submitted_that_day: int
    workdays_left_in_month: int
    reused: Sequence[Mapping[str, Any]] = ()
    alike: Sequence[Mapping[str, Any]] = ()
    far: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Hint:
    code: str
    data: Mapping[str, Any]


def hints(made: Made, limits: Limits) -> list[Hint]:
    """What the reviewer should look at, in the order of the catalogue; look-alike texts are found beside this."""
    found = []
    if made.version == 1 and not made.found_anything and made.seconds < limits.quick_seconds:
        found.append(Hint(QUICK, {"seconds": made.seconds}))
    if is_late_hour(made.hour, limits):
        found.append(Hint(LATE_HOUR, {"hour": made.hour}))
    if is_bunched(made.submitted_that_day, made.workdays_left_in_month, limits):
        found.append(Hint(MONTH_END, {"reports": made.submitted_that_day}))
    if made.method == "PHONE" and not made.recordings:
        found.append(Hint(NO_RECORDING, {}))
    for code, photos in ((PHOTO_REUSED, made.reused), (PHOTO_ALIKE, made.alike), (PHOTO_FAR, made.far)):
        found += [Hint(code, dict(each)) for each in photos]
    return found


def is_late_hour(hour: int, limits: Limits) -> bool:
    """Typed when nobody visits: from 22:00 on, and before morning."""
    return hour >= limits.late_from or hour < limits.late_until


def is_bunched(reports: int, workdays_left: int, limits: Limits) -> bool:
    """A week's work handed in on one of the last days of a month."""
    return workdays_left < limits.month_end_workdays and reports >= limits.month_end_reports


def found_anything(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Does any answer of a report say more than that nothing has changed?"""
    return any(row["state"] in ("CHANGED", "FINDING", "BASELINE", "UNVERIFIED") for row in rows)
