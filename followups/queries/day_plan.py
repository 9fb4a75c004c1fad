"""The field visits of an officer's day, with times: what the page and the API both show."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from followups.models import Method
from followups.queries.capacity import visits_to_make
from followups.queries.cover import held_by
from followups.queries.desk import desk
from followups.queries.facts import is_known_to
from followups.rules.day_plan import Stop, plan_day
from people.models import Staff
from people.queries import may
from people.rules.masking import mask_address

MOST = 60


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop with its time ("" where the day is full) and the address as the person may see it."""

    at: str
    stop: Stop
    task: Any
    address: str


def day_plan(staff: Staff, officer: Staff, day: date, today: date) -> list[Visit]:
    """Field visits that the officer holds and that are due by the day; days ahead leave out today's."""
    mine = visits_to_make(staff).filter(held_by(officer), method=Method.FIELD, due_on__lte=day)
    if day > today:
        mine = mine.filter(due_on__gt=today)
    tasks: dict[int, Any] = {
        task.pk: task for task in desk(staff).filter(pk__in=mine.order_by("level", "due_on", "id").values("pk")[:MOST])
    }
    stops = [Stop(pk, task.district or "", task.home_address or "", task.level) for pk, task in tasks.items()]
    found = []
    for one in plan_day(stops):
        task = tasks[one.stop.task_id]
        is_known = is_known_to(task, staff) or may(staff, "followups.assign")
        address = one.stop.address if is_known else mask_address(one.stop.address)
        found.append(Visit(one.clock, one.stop, task, address))
    return found
