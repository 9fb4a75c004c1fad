"""Decides to whom each workday past a limit is charged: who held the task on that day, deputies included."""

from collections.abc import Sequence
from datetime import date, timedelta

from loans.rules.calendar import Calendar
from people.rules.leave import Absences, holder_on


def lateness(
    due_on: date, until: date, assigned: Sequence[tuple[date, int | None]], absences: Absences, calendar: Calendar
) -> dict[int | None, int]:
    """Workdays after the limit up to and including `until`, by who held the task; None is nobody.

    `assigned` says from which day on whom it was assigned to, the oldest first; of one day the last counts.
    """
    found: dict[int | None, int] = {}
    day = due_on + timedelta(days=1)
    while day <= until:
        if calendar.is_workday(day):
            officer = next((whom for since, whom in reversed(assigned) if since <= day), None)
            holder = None if officer is None else holder_on(officer, day, absences).by
            found[holder] = found.get(holder, 0) + 1
        day += timedelta(days=1)
    return found
