"""Decides within how many workdays a step of a visit is to be done: writing it up, reviewing it, mending it.

Domain 5: the report within 2 workdays of the visit, the approval within 2 of the report, a red one by the next workday.
They are parameters of the bank, one number for every level or one each by level ("1" red … "9" all others). Waiting has
no limit of its own: the day by which the visit is due is that of the whole.
"""

from collections.abc import Mapping
from typing import Any, Final

from followups.rules.clock import CORRECTING, REVIEWING, VISITING

REPORT, APPROVAL = "report_workdays", "approval_workdays"
PARAMETERS: Final[Mapping[str, str]] = {VISITING: REPORT, CORRECTING: REPORT, REVIEWING: APPROVAL}
_DEFAULTS: Final[Mapping[str, Mapping[str, int]]] = {REPORT: {"9": 2}, APPROVAL: {"1": 1, "9": 2}}


def workdays(parameter: str, value: Any, level: int) -> int:
    """The limit of a parameter for a level; what the bank does not name keeps its default, and none is negative."""
    named = value if isinstance(value, Mapping) else {} if value is None else {"1": value, "2": value, "9": value}
    by_level = {**_DEFAULTS[parameter], **named}
    return max(0, int(by_level.get(str(level), by_level["9"])))


def limits(values: Mapping[str, Any], level: int) -> dict[str, int]:
    """Step → its limit, from the bank's parameters by code; a step without one is absent."""
    return {step: workdays(code, values.get(code), level) for step, code in PARAMETERS.items()}
