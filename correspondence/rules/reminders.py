"""Decides which reminders a loan gets at the close of a business date: before an installment falls due, and while one
is overdue.

A reminder made at a close may go out the next morning, so "three days before" counts back from the due day to that
morning. Days past due count as aging counts them: an installment that is not recognised yet (its last day is a
holiday) has none. When it is recognised some days late, the reminder of the latest step already reached is told, so
that none falls into a weekend. Whoever is settled, called due as a whole or written off is spoken to by people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

DUE, OVERDUE = "DUE", "OVERDUE"
# After the last step nobody is reminded by itself; what still waits then may go for so many days more.
LAST_STEP_STANDS = 30


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Days before the due day, and days past due, on which a borrower is reminded."""

    days_before: int
    overdue_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What reminders depend on, at the close of a date. Amounts in fen: the next installment, all that is unpaid."""

    next_due_on: date | None = None
    next_fen: int = 0
    suspense_fen: int = 0
    overdue_since: date | None = None
    unpaid_fen: int = 0
    # Settled, called due as a whole, or written off.
    is_ended: bool = False
    # The borrower is not written to: asked for it, is dead, or the number is somebody else's.
    is_unwanted: bool = False


class Reminder(NamedTuple):
    """A reminder to be made: the day it speaks of, its step (days past due; 0 before), how long it may go."""

    kind: str
    about: date
    step: int
    fen: int
    expires_on: date


class Step(NamedTuple):
    """Loans overdue since this day reach this step; the reminder may go until that day."""

    since: date
    step: int
    expires_on: date


class Days(NamedTuple):
    """The days that are looked for at a close: due days after one up to another, and days since which overdue."""

    due_after: date
    due_up_to: date
    overdue: tuple[Step, ...]


def days_of(as_of: date, rhythm: Rhythm, recognised: tuple[date, date] | None) -> Days:
    """The days that bring a reminder at the close of `as_of`.

    `recognised` are the due days newly recognised as overdue: after the first, up to the second. Without it what an
    earlier close should have told counts as well (a loan that was held back).
    """
    last = as_of + timedelta(days=1 + rhythm.days_before)
    steps = tuple(sorted(set(rhythm.overdue_days)))
    first = as_of if recognised is None else last - timedelta(days=1)
    if not steps:
        return Days(first, last, ())
    if recognised is None:
        since = {as_of - timedelta(days=days) for days in range(steps[0], steps[-1] + LAST_STEP_STANDS)}
    else:
        late = range(1, (recognised[1] - recognised[0]).days + 1)
        newly = {recognised[0] + timedelta(days=days) for days in late}
        since = {as_of - timedelta(days=days) for days in steps}
        since |= {day for day in newly if (as_of - day).days >= steps[0]}
    found = [_step(day, as_of, steps) for day in sorted(since)]
    return Days(first, last, tuple(each for each in found if each.expires_on > as_of))


def _step(since: date, as_of: date, steps: Sequence[int]) -> Step:
    """The latest step reached; it may go until the next one takes over."""
    reached = max(step for step in steps if step <= (as_of - since).days)
    following = min((step for step in steps if step > reached), default=reached + LAST_STEP_STANDS)
    return Step(since, reached, since + timedelta(days=following))


def reminders(standing: Standing, days: Days) -> tuple[Reminder, ...]:
    """The reminders of a loan; those told before are not known here."""
    if standing.is_ended or standing.is_unwanted:
        return ()
    found = []
    due = standing.next_due_on
    if due is not None and days.due_after < due <= days.due_up_to and standing.next_fen > standing.suspense_fen:
        found.append(Reminder(DUE, due, 0, standing.next_fen, due))
    for since, step, expires_on in days.overdue:
        if since == standing.overdue_since and standing.unpaid_fen > standing.suspense_fen:
            found.append(Reminder(OVERDUE, since, step, standing.unpaid_fen, expires_on))
    return tuple(found)


def why_ended(standing: Standing, kind: str, about: date) -> str:
    """Why what a waiting reminder speaks of does not stand any more (a code); empty while it does."""
    if standing.is_ended:
        return "ENDED"
    if kind == DUE and standing.next_due_on != about:
        return "CHANGED"
    if kind == OVERDUE and standing.overdue_since is None:
        return "PAID"
    if kind == OVERDUE and standing.overdue_since != about:
        return "PARTLY_PAID"
    if standing.is_unwanted:
        return "UNWANTED"
    return "COVERED" if amount_now(standing, kind) <= standing.suspense_fen else ""


def amount_now(standing: Standing, kind: str) -> int:
    """What a reminder says at this close, in fen; one that still waits is brought up to date with it."""
    return standing.next_fen if kind == DUE else standing.unpaid_fen


def explain(standing: Standing, as_of: date, days: Days) -> tuple[str, ...]:
    """Why a loan is or is not reminded, as codes: one for the coming installment, one for arrears."""
    if standing.is_ended:
        return ("ended",)
    if standing.is_unwanted:
        return ("unwanted",)
    return _explain_due(standing, days), _explain_overdue(standing, as_of, days)


def _explain_due(standing: Standing, days: Days) -> str:
    due = standing.next_due_on
    if due is None:
        return "nothing_to_come"
    if due > days.due_up_to:
        return "due_later"
    if due <= days.due_after:
        return "due_told_before"
    if not standing.next_fen:
        return "nothing_to_pay"
    return "due_soon" if standing.next_fen > standing.suspense_fen else "covered_by_suspense"


def _explain_overdue(standing: Standing, as_of: date, days: Days) -> str:
    since = standing.overdue_since
    if since is None:
        return "not_overdue"
    step = next((each.step for each in days.overdue if each.since == since), None)
    if step is None:
        return f"{(as_of - since).days}_days_past_due"
    return f"step_{step}" if standing.unpaid_fen > standing.suspense_fen else "covered_by_suspense"
