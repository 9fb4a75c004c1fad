"""Decides what a visit to a development means for its loans: which findings it gives, and to whom.

What was not verified is shared with nobody. A loan whose own visit was begun meanwhile keeps that one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from followups.rules.checklist_items import PROJECT_KEYS
from followups.rules.events import CONFIRMED, NOT_CONFIRMED, PROJECT_RULE
from followups.rules.states import PLANNED

RULE: Final = PROJECT_RULE
# Events of a development: the visit to it answers them, and no other.
EVENT_CODES: Final = ("DEVELOPER_NEWS", "DEVELOPER_STOPPED", "DEVELOPER_BANKRUPT")
LOANS_LEAST, LOANS_MOST = 2, 2000
_BAD: Final = ("SLOW", "STALLED", "ABANDONED")
# Facts of a development that later visits to its loans start from.
SHARED_FACTS: Final = tuple(key for key in PROJECT_KEYS if key != "trigger_facts")


@dataclass(frozen=True, slots=True)
class Member:
    """A loan of the development; `task_id` is the untouched task that the visit was to answer, if there is one."""

    loan_id: int
    task_id: int | None
    task_state: str
    is_settled: bool


def state_found(answers: Mapping[str, Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> str:
    """The state of the development as the visit verified it; empty when it did not."""
    answer = answers.get("project_state") or {}
    if answer.get("choice") == "CHANGED":
        return str(answer.get("now") or "")
    if answer.get("choice") == "SAME":
        return str((known.get("project_state") or {}).get("value") or "")
    return ""


def finding_of(code: str, state: str, is_bankrupt: bool) -> str:
    """What became of an event of the development."""
    told = {"DEVELOPER_BANKRUPT": is_bankrupt, "DEVELOPER_STOPPED": state in ("STALLED", "ABANDONED")}
    return CONFIRMED if told.get(code, state in _BAD or is_bankrupt) else NOT_CONFIRMED


def shares(member: Member) -> bool:
    """Does the loan take the finding: still owed, and nobody has begun a visit of its own for it?"""
    return not member.is_settled and (member.task_id is None or member.task_state == PLANNED)


def is_of_the_project(codes: Sequence[str]) -> bool:
    """May the visit to the development answer a task with these open events?"""
    return bool(codes) and all(code in EVENT_CODES for code in codes)
