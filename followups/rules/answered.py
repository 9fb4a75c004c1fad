"""Decides which planned talks of a loan the last visit has answered: one loan, one talk in so many days.

A visit that was made and approved (a collection or counter talk as well, for its checklist was answered) stands for a
regular talk that falls due within the least distance of two visits and asks for no more thorough method. A red task is
answered by its own visit alone, and what a person began or fixed stays. So does what was brought near the visit after
it, for another loan's talk: the visit knew nothing of that. A refused talk is none, the facts do not name it.
"""

from collections.abc import Sequence
from dataclasses import replace

from followups.rules.changes import Close
from followups.rules.facts import FIRST, IRREGULAR, LEVELS, OFF_SITE, PERIODIC, WEIGHT, Facts, Held, OpenTask
from followups.rules.states import PLANNED

OUTCOME = "ANSWERED"


def held_from(words: str | None, gap_days: int) -> Held | None:
    """The last visit as it is gathered: day, how thorough, which task."""
    if words is None:
        return None
    day, weight, task_id = words.split(" ")
    return Held.on_day(day, int(weight), int(task_id), gap_days)


def answered(facts: Facts, open_tasks: Sequence[OpenTask]) -> tuple[tuple[Close, ...], Facts, tuple[OpenTask, ...]]:
    """Talks that end because the visit answered them; the facts and the open tasks as they are then."""
    if facts.held is None or facts.is_settled:
        return (), facts, tuple(open_tasks)
    done = [task for task in open_tasks if _is_answered(task, facts, facts.held)]
    if not done:
        return (), facts, tuple(open_tasks)
    ended = frozenset(task.key for task in done if task.kind == FIRST)
    after = replace(
        facts, ended=facts.ended | ended, is_talk_held=facts.is_talk_held or bool(ended),
        periodic_ended=facts.periodic_ended + sum(task.kind == PERIODIC for task in done),
    )  # fmt: skip
    closed = tuple(Close(task.id, OUTCOME, facts.held.task_id) for task in done)
    return closed, after, tuple(task for task in open_tasks if task not in done)


def in_doubt(facts: Facts, open_tasks: Sequence[OpenTask]) -> list[int]:
    """Tasks that the visit may answer; what is asked of them is when others set their dates (`OpenTask.set_on`)."""
    held = facts.held
    if held is None:
        return []
    return [task.id for task in open_tasks if task.kind == FIRST or task.kind == PERIODIC and task.due_on < held.until]


def _is_answered(task: OpenTask, facts: Facts, held: Held) -> bool:
    return (
        task.state == PLANNED and not task.is_pinned and task.kind != IRREGULAR and task.method != OFF_SITE
        and task.level != LEVELS["RED"] and WEIGHT[task.method] <= held.weight and task.due_on < held.until
        and (task.set_on is None or task.set_on < held.on)
        and (task.kind != FIRST or task.opens_on <= held.on and not facts.is_talk_held)
    )  # fmt: skip
