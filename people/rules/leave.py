"""Decides who holds an officer's work on a day: the officer, or while away the deputy, or the deputy's deputy.

Nothing is moved when somebody goes on leave: who holds what follows from the dates, so that it comes back by itself,
and who held it on any day of the past can still be said. A chain that ends nowhere, or comes back to where it began,
covers nobody: the work stays with the officer and the manager sees it as uncovered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Absence:
    """A leave from the first to the last day, both away; `deputy_id` None or unfit covers nothing."""

    staff_id: int
    first: date
    last: date
    deputy_id: int | None

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds the work, through whom, until when at least (None where nobody is away)."""

    by: int
    via: tuple[int, ...] = ()
    is_uncovered: bool = False


Absences = Mapping[int, Sequence[Absence]]


def by_staff(absences: Iterable[Absence]) -> dict[int, list[Absence]]:
    """Absences by who is away, as the other functions read them."""
    found: dict[int, list[Absence]] = {}
    for absence in absences:
        found.setdefault(absence.staff_id, []).append(absence)
    return found


def away_on(staff_id: int, day: date, absences: Absences) -> Absence | None:
    """The leave that the person is on that day."""
    return next((absence for absence in absences.get(staff_id, ()) if absence.covers(day)), None)


def holder_on(officer_id: int, day: date, absences: Absences) -> Held:
    """Who holds the officer's work on the day."""
    via: list[int] = []
    at = officer_id
    while (absence := away_on(at, day, absences)) is not None:
        if absence.deputy_id is None or absence.deputy_id in (officer_id, *via):
            return Held(officer_id, (), is_uncovered=True)
        at = absence.deputy_id
        via.append(at)
    return Held(at, tuple(via[:-1]))


def covered_by(staff_id: int, day: date, absences: Absences) -> tuple[int, ...]:
    """Whose work this person holds for others on the day, in order of their ids."""
    return tuple(
        officer
        for officer in sorted(absences)
        if officer != staff_id and holder_on(officer, day, absences).by == staff_id
    )


def uncovered_on(day: date, absences: Absences) -> tuple[int, ...]:
    """Who is away on the day with nobody in their place."""
    return tuple(officer for officer in sorted(absences) if holder_on(officer, day, absences).is_uncovered)


def circle_day(new: Absence, absences: Absences) -> date | None:
    """The first day on which the new leave's chain comes back to its beginning; None when it never does."""
    if new.deputy_id is None:
        return None
    turns = {new.first, *(a.first for rows in absences.values() for a in rows if new.covers(a.first))}
    for day in sorted(turns):
        at, seen = new.deputy_id, {new.staff_id}
        while at is not None and at not in seen:
            seen.add(at)
            absence = away_on(at, day, absences)
            if absence is None or absence.deputy_id is None:
                break
            at = absence.deputy_id
        else:
            return day
    return None
