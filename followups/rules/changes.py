"""Decides what must change for a loan's open tasks to agree with its plan.

Only tasks in state PLANNED are ever changed: what a person has begun runs to its review. A pinned
date (a person fixed it) is kept, but a settled loan or a paid arrears ends a pinned task too, for
there is nothing left to visit for. A date moves forward only, a method becomes heavier only; one
exception serves the borrower: when the talk among the first follow-ups is brought forward, the later
follow-up that was to be the talk goes back to an off-site check, so that nobody is called twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from followups.rules.facts import FIRST, IRREGULAR, OFF_SITE, TALKS, WEIGHT, Facts, OpenTask, Planned, Reason
from followups.rules.states import PLANNED

_OVERDUE = "OVERDUE_"


@dataclass(frozen=True, slots=True)
class Create:
    """The task does not exist in any state: make it."""

    planned: Planned


@dataclass(frozen=True, slots=True)
class BringForward:
    """An untouched task is due earlier or by a heavier method, or gave its talk to an earlier one."""

    task_id: int
    opens_on: date
    due_on: date
    method: str
    reason: tuple[Reason, ...]
    line: int
    checklist: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """An untouched task is no longer wanted: MERGED into a worse step, or the loan is SETTLED."""

    task_id: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Close:
    """A task ends by itself: a light item is PAID, a talk was ANSWERED by the visit of another task."""

    task_id: int
    outcome: str
    by: int | None = None


Change = Create | BringForward | Cancel | Close


def diff(planned: Sequence[Planned], open_tasks: Sequence[OpenTask], facts: Facts) -> tuple[Change, ...]:
    """What to do so that the open tasks agree with the plan made from the same facts."""
    if facts.is_settled:
        return tuple(Cancel(task.id, "SETTLED") for task in open_tasks if task.state == PLANNED)
    by_key = {task.key: task for task in open_tasks}
    wanted_step = next((p for p in planned if p.kind == IRREGULAR), None)
    changes: list[Change] = [
        Create(p)
        for p in planned
        if p is not wanted_step and p.key not in by_key and p.key not in facts.ended
    ]  # fmt: skip
    first = [p for p in planned if p.kind == FIRST]
    changes += _first(first, by_key)
    for p in planned:
        task = by_key.get(p.key)
        if task is not None and p.kind not in (FIRST, IRREGULAR) and _is_movable(task):
            changes += _earlier_or_heavier(p, task)
    changes += _overdue(wanted_step, open_tasks, facts)
    return tuple(changes)


def _is_movable(task: OpenTask) -> bool:
    return task.state == PLANNED and not task.is_pinned


def _is_talk(method: str) -> bool:
    return method in TALKS


def _heavier(one: str, other: str) -> str:
    return one if WEIGHT[one] > WEIGHT[other] else other


def _earlier_or_heavier(planned: Planned, task: OpenTask) -> list[Change]:
    """A periodic task moves when its plan is earlier; a more severe tier may also raise its method.

    Lines stand most severe first, so a smaller number is a worse tier. A milder tier changes nothing.
    """
    is_earlier = planned.due_on < task.due_on
    is_worse_tier = task.line is not None and planned.line < task.line
    if not is_earlier and not (is_worse_tier and WEIGHT[planned.method] > WEIGHT[task.method]):
        return []
    return [
        BringForward(
            task_id=task.id,
            opens_on=min(planned.opens_on, task.opens_on),
            due_on=min(planned.due_on, task.due_on),
            method=_heavier(planned.method, task.method),
            reason=planned.reason,
            line=planned.line,
            checklist=planned.checklist,
            role=planned.role,
        )
    ]


def _first(planned: Sequence[Planned], by_key: dict[tuple[str, str], OpenTask]) -> list[Change]:
    """The talk may move to an earlier node and become heavier; nodes themselves never move."""
    talk = next((p for p in planned if _is_talk(p.method)), None)
    if talk is None:
        return []
    tasks = [by_key[p.key] for p in planned if p.key in by_key]
    talks = [task for task in tasks if _is_talk(task.method)]
    own = by_key.get(talk.key)
    if own is None or not _is_movable(own) or any(task.due_on < own.due_on for task in talks):
        return []
    changes: list[Change] = []
    if WEIGHT[talk.method] > WEIGHT[own.method]:
        changes.append(
            BringForward(
                own.id, own.opens_on, own.due_on, talk.method, talk.reason, talk.line, talk.checklist, talk.role
            )
        )
    for p in planned:
        task = by_key.get(p.key)
        if task is not None and task.due_on > own.due_on and _is_talk(task.method) and _is_movable(task):
            changes.append(BringForward(task.id, task.opens_on, task.due_on, OFF_SITE, p.reason, p.line))
    return changes


def _step(rule: str) -> int:
    """The day past due that a step of arrears is named after."""
    return int(rule.removeprefix(_OVERDUE))


def _overdue(wanted: Planned | None, open_tasks: Iterable[OpenTask], facts: Facts) -> list[Change]:
    """One open step a loan: the worst. A visit stays open after payment, a light item does not."""
    steps = [task for task in open_tasks if task.rule.startswith(_OVERDUE)]
    if facts.overdue_since is None:
        return [Close(task.id, "PAID") for task in steps if task.is_light and task.state == PLANNED]
    if wanted is None:
        return []
    level = _step(wanted.rule)
    is_open = any(_step(task.rule) >= level for task in steps)
    if not is_open and wanted.key in facts.ended:
        return []
    merged: list[Change] = [
        Cancel(task.id, "MERGED") for task in steps if _step(task.rule) < level and _is_movable(task)
    ]
    return merged if is_open else [Create(wanted), *merged]
