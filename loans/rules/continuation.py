"""How a contract that runs already goes on: the engine's request of its rest, and the plan that it means.

Every signed version of the terms is such a plan. It begins with the period whose installment is not billed yet, from
the balance at that period's start, with what happened inside the period as events; so one request holds all that later
changes need, and a change is one more event or another figure of it. Numbers inside a request count from 1; the plan
puts the contract's own numbers to them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from loans.rules.dates import add_months
from loans.rules.day_count import MONTH, THIRTY_360
from loans.rules.schedule import ENGINE_VERSION, Row
from loans.rules.simulation import Course, PrepaidRow
from loans.rules.simulation_request import (
    BY_DAYS,
    NEXT_PERIOD,
    ONE_MONTH,
    SPLIT_BY_DAYS,
    Pause,
    Prepayment,
    RateChange,
    Request,
    is_one_month,
)

__all__ = [
    "Plan",
    "Standing",
    "at_period_of",
    "continuation",
    "from_json",
    "going_on",
    "in_force",
    "period_start",
    "plan_of",
    "row_of",
    "to_json",
    "with_due_day",
    "with_pause",
    "with_prepayment",
    "with_rate",
]


@dataclass(frozen=True, slots=True)
class Standing:
    """A loan with installments left to bill, as its position and its last terms say. Amounts in fen."""

    number: int
    next_due_on: date
    unbilled_fen: int
    rate_ppm: int
    installment_fen: int
    method: str
    due_day: int
    last_number: int
    matures_on: date
    # The request of the last terms with the number of its first row; None where plain months follow.
    request: Request | None = None
    request_number: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request means for a contract whose next installment has the number `first_number`."""

    request: Request
    first_number: int
    rows: tuple[Row, ...]
    prepaid: tuple[PrepaidRow, ...]
    # Agreed and in force once all events are met; with EQUAL_PRINCIPAL the installment is its principal part.
    installment_fen: int
    rate_ppm: int
    # From this number on a plain month at that rate and installment gives the row.
    plain_from: int

    @property
    def last_number(self) -> int:
        return self.rows[-1].number

    @property
    def principal_fen(self) -> list[int]:
        return [row.principal_fen for row in self.rows]

    @property
    def interest_fen(self) -> list[int]:
        return [row.interest_fen for row in self.rows]

    @property
    def interest_left_fen(self) -> int:
        return sum(row.interest_fen for row in self.rows)

    @property
    def matures_on(self) -> date:
        return self.rows[-1].due_on

    @property
    def principal_text(self) -> str:
        """The principal parts written out."""
        return str(self.principal_fen)[1:-1]

    @property
    def interest_text(self) -> str:
        """The interest parts written out."""
        return str(self.interest_fen)[1:-1]

    @property
    def request_json(self) -> str:
        """The request as stored with the terms."""
        return json.dumps(to_json(self.request))

    @property
    def sha256(self) -> str:
        """Hash of what was agreed: engine, installment and every row."""
        days = " ".join(str(row.due_on) for row in self.rows)
        text = f"{ENGINE_VERSION} {self.installment_fen} {self.first_number}\n{days}"
        parts = f"{tuple(self.principal_fen)}\n{tuple(self.interest_fen)}"
        return hashlib.sha256(f"{text}\n{parts}".encode()).hexdigest()


def period_start(next_due_on: date, due_day: int) -> date:
    """The day from which interest of the period of a plain installment runs: the due day a month before."""
    start = add_months(next_due_on, -1, due_day)
    return start if start < next_due_on else add_months(next_due_on, -1)


def continuation(standing: Standing) -> Request:
    """The request of all that is not billed yet, from the start of the period of the next installment."""
    if standing.request is not None:
        return rolled(standing.request, standing.number - standing.request_number)
    due_day = standing.due_day
    if standing.number == standing.last_number:
        # A maturity may lie off the anchor.
        due_day = standing.next_due_on.day
    start = period_start(standing.next_due_on, standing.due_day)
    return Request(
        principal_fen=standing.unbilled_fen,
        rate_ppm=standing.rate_ppm,
        installments=standing.last_number - standing.number + 1,
        method=standing.method,
        disbursed_on=start,
        first_due_on=standing.next_due_on,
        due_day=due_day,
        first_period=None if is_one_month(start, standing.next_due_on, due_day) else ONE_MONTH,
        carried_fen=standing.installment_fen,
    )


def rolled(request: Request, rows: int) -> Request:
    """The same contract after so many of its rows; what was met is gone, what is to come stays."""
    if rows <= 0:
        return request
    course = Course(request)
    course.run(rows)
    start = course.timetable.due_on(rows)
    left = course.events[course.met :]
    changes = [request.rate_changes[index] for _day, kind, index in left if not kind]
    prepayments = [request.prepayments[index] for _day, kind, index in left if kind]
    term = course.term or rows + request.installments
    return replace(
        request,
        principal_fen=course.balance,
        rate_ppm=course.rate,
        installments=max(1, term - rows),
        disbursed_on=start,
        first_due_on=course.timetable.due_on(rows + 1),
        first_period=None,
        installment_fen=course.installment if course.is_fixed else None,
        carried_fen=None if course.is_fixed else course.installment,
        is_bound=course.is_fixed and course.term is not None,
        waiting_rate_ppm=course.waiting_rate,
        grace_installments=max(0, request.grace_installments - rows),
        rate_changes=tuple(changes),
        prepayments=tuple(prepayments),
        pauses=tuple(pause for pause in request.pauses if pause.last >= start),
        places=(),
    )


def at_period_of(request: Request, first_number: int, day: date) -> tuple[Request, int]:
    """The contract at the start of the period in which a day lies (a due date lies in the one that starts there)."""
    rows = Course(request).timetable.number_of(day) - 1
    if rows <= 0:
        return request, first_number
    return rolled(request, rows), first_number + rows


def plan_of(request: Request, first_number: int, *, matures_on: date | None = None) -> Plan:
    """Runs a request; SimulationRefused when it cannot run.

    `matures_on` is the contract's own last day where that is off the anchor: it takes the place of its month's due
    date as long as the number of rows does not change.
    """
    course = Course(request)
    course.run()
    offset = first_number - 1
    rows = [row._replace(number=row.number + offset) for row in course.rows] if offset else course.rows
    if matures_on is not None and rows and course.balance == 0 and len(rows) == request.installments:
        last = rows[-1].due_on
        if (last.year, last.month) == (matures_on.year, matures_on.month):
            rows[-1] = rows[-1]._replace(due_on=matures_on)
    return Plan(
        request, first_number, tuple(rows), tuple(course.prepaid), course.installment, course.rate,
        offset + _level_from(course),
    )  # fmt: skip


def _level_from(course: Course) -> int:
    """The first row from which plain months follow; one more than the last row where none do."""
    request, number = course.request, course.level_from
    if request.day_count != THIRTY_360:
        return len(course.rows) + 1
    if course.timetable.first_share not in (None, MONTH):
        number = max(number, 2)
    if request.pauses:
        number = max(number, course.timetable.number_of(request.pauses[-1].last) + 1)
    if request.grace_installments:
        number = max(number, request.grace_installments + 1)
    return number


def in_force(request: Request) -> Request:
    """The same contract with what happened inside its first period behind it.

    Money paid ahead is off the principal, the rows left are the term, and the installment agreed with it goes on.
    Changes of the rate stay, for they part the period; where they agree the installment once more over fewer rows than
    it was agreed for, it is another contract, to be agreed anew (`going_on` looks).
    """
    course = Course(request)
    course.run(1)
    met = [index for _day, kind, index in course.events[: course.met] if kind]
    paid = [each for index, each in enumerate(request.prepayments) if index in met]
    installment, is_bound = course.installment, course.is_fixed and course.term is not None
    course.run()
    return replace(
        request,
        principal_fen=request.principal_fen - sum(each.amount_fen for each in paid),
        installments=max(1, len(course.rows)),
        carried_fen=None if course.is_fixed else installment,
        installment_fen=installment if course.is_fixed else None,
        is_bound=is_bound,
        prepayments=tuple(each for index, each in enumerate(request.prepayments) if index not in met),
        places=(),
    )


def going_on(request: Request) -> Request:
    """The contract `in_force` where it bills what was signed, to the fen; else with its events as they were met."""
    found = in_force(request)
    return found if _rows(found) == _rows(request) else request


def _rows(request: Request) -> list[Row]:
    course = Course(request)
    course.run()
    return course.rows


def row_of(request: Request, first_number: int, number: int) -> Row:
    """One row of a request by its contract number, and nothing after it."""
    course = Course(request)
    course.run(number - first_number + 1)
    return course.rows[number - first_number]._replace(number=number)


# ── Changes of a request ─────────────────────────────────────────────────────────────────────────


def with_rate(request: Request, effective_on: date, rate_ppm: int, variant: str = SPLIT_BY_DAYS) -> Request:
    """A new rate from a day on; another change on that day is replaced.

    The engine meets the rate of a day before its prepayments. What was paid ahead on that very day was agreed already,
    so the new rate starts from the rows that it left: a lower one does not bring back the term that was shortened.
    """
    if variant != NEXT_PERIOD and any(each.paid_on == effective_on for each in request.prepayments):
        request = in_force(request)
    kept = [each for each in request.rate_changes if each.effective_on != effective_on]
    if effective_on <= request.disbursed_on and not kept and request.carried_fen is None:
        return replace(request, rate_ppm=rate_ppm)
    changes = sorted([*kept, RateChange(effective_on, rate_ppm, variant)], key=lambda each: each.effective_on)
    return replace(request, rate_changes=tuple(changes))


def with_prepayment(request: Request, paid_on: date, amount_fen: int, effect: str) -> Request:
    """Principal paid ahead on a day."""
    paid = sorted([*request.prepayments, Prepayment(paid_on, amount_fen, effect)], key=lambda each: each.paid_on)
    return replace(request, prepayments=tuple(paid), places=())


def with_pause(request: Request, first: date, last: date) -> Request:
    """Days without interest, both ends included."""
    pauses = sorted([*request.pauses, Pause(first, last)], key=lambda each: each.first)
    return replace(request, pauses=tuple(pauses))


def with_due_day(request: Request, due_day: int, first_due_on: date) -> Request:
    """Another due day: the period that runs ends on the first new due date and is charged by its days."""
    whole = is_one_month(request.disbursed_on, first_due_on, due_day)
    return replace(request, due_day=due_day, first_due_on=first_due_on, first_period=None if whole else BY_DAYS)


# ── As stored ────────────────────────────────────────────────────────────────────────────────────

_DAYS = ("disbursed_on", "first_due_on")


def to_json(request: Request) -> dict[str, Any]:
    """The request as stored with the terms: fen and ppm as integers, days as text, what is default left out."""
    found: dict[str, Any] = {"engine_version": ENGINE_VERSION}
    for each in fields(request):
        value = getattr(request, each.name)
        if each.name == "places" or value == each.default:
            continue
        if each.name in _DAYS:
            value = str(value)
        elif each.name == "rate_changes":
            value = [[str(one.effective_on), one.rate_ppm, one.variant] for one in value]
        elif each.name == "prepayments":
            value = [[str(one.paid_on), one.amount_fen, one.effect] for one in value]
        elif each.name == "pauses":
            value = [[str(one.first), str(one.last)] for one in value]
        found[each.name] = value
    return found


def from_json(stored: Mapping[str, Any]) -> Request:
    """The request that `to_json` stored."""
    day = date.fromisoformat
    values = {name: value for name, value in stored.items() if name != "engine_version"}
    values |= {name: day(values[name]) for name in _DAYS}
    values["rate_changes"] = tuple(RateChange(day(on), ppm, kind) for on, ppm, kind in values.get("rate_changes", ()))
    values["prepayments"] = tuple(Prepayment(day(on), fen, kind) for on, fen, kind in values.get("prepayments", ()))
    values["pauses"] = tuple(Pause(day(first), day(last)) for first, last in values.get("pauses", ()))
    return Request(**values)
