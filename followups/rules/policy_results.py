"""What the result of a policy line must hold, by kind of line, and within which bounds.

A cycle is clamped to 1 to 12 months: a long loan is looked at every half year or every year at least (S2.7).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from followups.rules.checklist_items import CHECKLIST_CODES
from followups.rules.default_policy import CYCLE_BOUNDS, FIRST_METHOD, FIRST_NODES, FIRST_TALK, OVERDUE, PERIODIC
from followups.rules.facts import LEVELS, TALKS, WEIGHT

LEAST_MONTHS, MOST_MONTHS = 1, 12
MOST_METHODS = 24
MOST_DAYS_BEFORE = 60
_RULE = re.compile(r"OVERDUE_[1-9][0-9]{0,3}")
_TIER = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_ROLE = re.compile(r"[A-Z][A-Z0-9_]{0,29}")
_Fits = Callable[[Any], bool]


def _whole(least: int, most: int) -> _Fits:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _days(value: Any) -> bool:
    return isinstance(value, list | tuple) and 1 <= len(value) <= 6 and all(map(_whole(1, 3650), value))


def _method(value: Any) -> bool:
    return isinstance(value, str) and value in WEIGHT


def _talk(value: Any) -> bool:
    return isinstance(value, str) and value in TALKS


def _methods(value: Any) -> bool:
    return isinstance(value, list | tuple) and 1 <= len(value) <= MOST_METHODS and all(map(_method, value))


def _level(value: Any) -> bool:
    return isinstance(value, str) and value in LEVELS


def _like(pattern: re.Pattern[str]) -> _Fits:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


NEEDED: Mapping[str, Mapping[str, _Fits]] = {
    FIRST_NODES: {"days": _days, "opens_day": _whole(0, 90)},
    FIRST_TALK: {"days": _whole(1, 3650)},
    FIRST_METHOD: {"method": _method},
    OVERDUE: {
        "rule": _like(_RULE), "method": _talk, "level": _level,
        "limit_workdays": _whole(0, 20), "from_day": _whole(1, 3650),
    },
    PERIODIC: {"tier": _like(_TIER), "months": _whole(LEAST_MONTHS, MOST_MONTHS), "methods": _methods},
    CYCLE_BOUNDS: {
        "least_months": _whole(LEAST_MONTHS, MOST_MONTHS), "most_months": _whole(LEAST_MONTHS, MOST_MONTHS),
    },
}  # fmt: skip
# What the visit asks beside the usual, and the role of who may be given it.
_ASKS: Mapping[str, _Fits] = {
    "checklist": lambda value: isinstance(value, str) and value in CHECKLIST_CODES,
    "role": _like(_ROLE),
}
ALLOWED: Mapping[str, Mapping[str, _Fits]] = {
    # The priority of the talk.
    FIRST_METHOD: {**_ASKS, "level": _level},
    OVERDUE: {**_ASKS, "is_light": lambda value: isinstance(value, bool), "call_list_from": _whole(1, 365)},
    # A tier's own priority, and how many days before its day a follow-up may be made.
    PERIODIC: {**_ASKS, "level": _level, "opens_days_before": _whole(1, MOST_DAYS_BEFORE)},
}


def faults(kind: str, result: Mapping[str, Any]) -> list[str]:
    """Names of what is missing, unknown or out of bounds in the result."""
    needed, allowed = NEEDED[kind], ALLOWED.get(kind, {})
    wrong = [name for name, fits in needed.items() if name not in result or not fits(result[name])]
    for name, value in result.items():
        if name not in needed and (name not in allowed or not allowed[name](value)):
            wrong.append(name)
    if kind == CYCLE_BOUNDS and not wrong and result["least_months"] > result["most_months"]:
        wrong.append("most_months")
    return wrong
