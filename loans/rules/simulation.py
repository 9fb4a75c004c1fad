"""A contract with its dated events becomes a schedule: the one entrance of quotes, previews, command and API.

Between events the rows are the plain fold of `loans.rules.schedule`; an event changes what the next
run starts from (balance, rate, agreed installment, number of the last row) or the shares of the row
it falls into. So the order in which independent events are named does not matter: they are met in
the order of their days; on one day the row due, then the new rate, then the prepayment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from loans.rules.day_count import THIRTY_360
from loans.rules.money import yuan
from loans.rules.periods import Segments, Timetable
from loans.rules.schedule import (
    ENGINE_VERSION,
    EQUAL_INSTALLMENT,
    EQUAL_PRINCIPAL,
    INTEREST_ONLY,
    ROUNDINGS,
    Row,
    StepPosition,
    annuity,
    annuity_over,
    half_up,
    interest,
    level_rows,
    schedule,
    step,
)
from loans.rules.simulation_request import (
    LAST_YEAR,
    NEXT_PERIOD,
    SHORTEN_TERM,
    SPLIT_BY_DAYS,
    Errors,
    Prepayment,
    RateChange,
    Reason,
    Request,
    parse_request,
)

__all__ = ["Errors", "Reason", "Request", "Result", "SimulationRefused", "as_json", "parse_request", "simulate"]

# How many rows are looked at together while nobody knows how many there will be (fixed installment).
_STRETCH = 120


class SimulationRefused(Exception):
    """The contract cannot run as asked; only the course of the loan showed it."""

    def __init__(self, field: str, code: str, **params: object) -> None:
        super().__init__(code)
        self.errors: Errors = {field: [Reason(code, params)]}


class PrepaidRow(NamedTuple):
    """A prepayment as it was booked: the sum, its own interest to the day, and the balance that it leaves."""

    paid_on: date
    principal_fen: int
    interest_fen: int
    balance_fen: int


@dataclass(frozen=True, slots=True)
class Result:
    """Rows and prepayments; together they repay the principal exactly."""

    rows: tuple[Row, ...]
    prepaid: tuple[PrepaidRow, ...]


def simulate(request: Request) -> Result:
    """The schedule of a contract; SimulationRefused when it cannot run as asked."""
    course = Course(request)
    course.run()
    return Result(tuple(course.rows), tuple(course.prepaid))


def as_json(result: Result) -> dict[str, object]:
    """The response: amounts as text with two decimals, days as YYYY-MM-DD."""
    principal = sum(row.principal_fen for row in result.rows)
    interest_in_all = sum(row.interest_fen for row in result.rows)
    return {
        "installments": [
            {
                "number": number,
                "due_on": due_on.isoformat(),
                "principal": _text(principal_fen),
                "interest": _text(interest_fen),
                "amount": _text(principal_fen + interest_fen),
                "balance_after": _text(balance_fen),
            }
            for number, due_on, principal_fen, interest_fen, balance_fen in result.rows
        ],
        "totals": {
            "principal": _text(principal),
            "interest": _text(interest_in_all),
            "amount": _text(principal + interest_in_all),
        },
        "prepayments": [
            {
                "paid_on": paid_on.isoformat(),
                "principal": _text(principal_fen),
                "interest": _text(interest_fen),
                "balance_after": _text(balance_fen),
            }
            for paid_on, principal_fen, interest_fen, balance_fen in result.prepaid
        ],
        "engine_version": ENGINE_VERSION,
    }


def answer(value: object, *, at_most: int) -> tuple[object, Errors]:
    """What a JSON object, or an array of up to `at_most`, asks for: (response, {}) or (None, reasons by field).

    One wrong request of an array refuses the array; its fields begin with its index (`0.principal`).
    """
    if not isinstance(value, list):
        return _answer_one(value)
    if len(value) > at_most:
        return None, {"body": [Reason("too_many", {"limit": at_most})]}
    found: list[object] = []
    errors: Errors = {}
    for index, one in enumerate(value):
        response, faults = _answer_one(one)
        found.append(response)
        errors |= {f"{index}.{name}": reasons for name, reasons in faults.items()}
    return (None, errors) if errors else (found, {})


def _answer_one(value: object) -> tuple[object, Errors]:
    request = parse_request(value)
    if isinstance(request, Mapping):
        return None, request
    try:
        return as_json(simulate(request)), {}
    except SimulationRefused as refused:
        return None, refused.errors


def _text(amount_fen: int) -> str:
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


class Course:
    """The loan on its way: what is owed and agreed after each row."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.timetable = Timetable(request)
        self.agreed_timetable = self.timetable.without_pauses()
        self.balance = request.principal_fen
        self.rate = request.rate_ppm
        # A NEXT_PERIOD change waits here for the period's end.
        self.waiting_rate = request.waiting_rate_ppm
        # From this row on nothing changes any more: one rate, one installment, plain periods.
        self.level_from = 1
        self.is_fixed = request.installment_fen is not None
        # Number of the last row; unknown while a fixed installment decides.
        self.term: int | None = None if self.is_fixed and not request.is_bound else request.installments
        self.grace = request.grace_installments
        self.rows: list[Row] = []
        self.prepaid: list[PrepaidRow] = []
        self.events: list[tuple[date, int, int]] = sorted(
            [(change.effective_on, 0, index) for index, change in enumerate(request.rate_changes)]
            + [(one.paid_on, 1, index) for index, one in enumerate(request.prepayments)]
        )
        self.met = 0
        carried = request.installment_fen if self.is_fixed else request.carried_fen
        self.installment = self._agreed(1) if carried is None else carried

    # ── The way from row to row ──────────────────────────────────────────────────────────────────

    def run(self, most: int | None = None) -> None:
        """Rows until nothing is owed, or until there are so many; a run may go on from there."""
        number = len(self.rows) + 1
        while self.balance and (most is None or len(self.rows) < most):
            self._begin(number)
            if not self.balance:
                break
            inside = self._events_before(self.timetable.due_on(number))
            if inside:
                self._eventful(number, inside)
                number += 1
            else:
                rows = self._fold(number, self.balance, self.timetable)
                if most is not None:
                    rows = rows[: most - len(self.rows)]
                self._take(rows)
                number += len(rows)
        for _day, kind, index in self.events[self.met :]:
            if kind and not self.balance:
                self._refuse_prepayment(index)

    def _events_before(self, day: date) -> list[RateChange | Prepayment]:
        """The next events earlier than a day; they count as met."""
        found: list[RateChange | Prepayment] = []
        while self.met < len(self.events) and self.events[self.met][0] < day:
            _day, kind, index = self.events[self.met]
            found.append(self.request.prepayments[index] if kind else self.request.rate_changes[index])
            self.met += 1
        return found

    def _begin(self, number: int) -> None:
        """What takes effect with a period: a rate that waited, then what is dated on its first day."""
        start = self.timetable.due_on(number - 1)
        events = self._events_before(date.fromordinal(start.toordinal() + 1))
        changes = [event for event in events if isinstance(event, RateChange)]
        rate = changes[-1].rate_ppm if changes else self.waiting_rate
        self.waiting_rate = None
        if events or rate is not None:
            self.level_from = number
        if rate is not None:
            self._reprice(number, rate)
        for event in events:
            if isinstance(event, Prepayment):
                self._prepay(number, event, [(start, self.rate)])
                if self.rows:
                    self.rows[-1] = self.rows[-1]._replace(balance_fen=self.balance)

    def _eventful(self, number: int, events: list[RateChange | Prepayment]) -> None:
        """The row of a period with events inside."""
        self.level_from = number + 1
        segments = [(self.timetable.due_on(number - 1), self.rate)]
        variant = SPLIT_BY_DAYS
        for event in events:
            if isinstance(event, Prepayment):
                self._prepay(number, event, segments)
                if not self.balance:
                    return
            elif event.variant == NEXT_PERIOD:
                self.waiting_rate = event.rate_ppm
            else:
                # Of two changes in a period the later one stands, whatever the earlier was waiting for.
                self.waiting_rate = None
                self._reprice(number, event.rate_ppm)
                segments.append((event.effective_on, event.rate_ppm))
                variant = event.variant
        period = self.timetable.split(number, segments, variant, is_last=number == self.term, is_fixed=self.is_fixed)
        row = step(self._position(number, self.balance), period)
        if self.is_fixed:
            self._check_fixed((row,))
        self._take((row,))

    def _position(self, number: int, balance: int) -> StepPosition:
        method = INTEREST_ONLY if number <= self.grace else self.request.method
        return StepPosition(balance, self.installment, method)

    def _fold(self, number: int, balance: int, timetable: Timetable, *, until_event: bool = True) -> tuple[Row, ...]:
        """Rows from `number` to the next event, the end of the grace, or the end of the loan."""
        last = self.term or number + _STRETCH - 1
        if number <= self.grace:
            last = min(last, self.grace)
        if until_event and self.met < len(self.events):
            last = min(last, self.timetable.number_of(self.events[self.met][0]) - 1)
        position = self._position(number, balance)
        rows = self._level_rows(position, number, last, timetable)
        if rows is None:
            periods = timetable.regular(number, last, self.rate, self.term or 0, is_fixed=self.is_fixed)
            rows = schedule(position, periods)
            if len(rows) > 1 and not rows[-2].balance_fen:
                rows = rows[: next(index for index, row in enumerate(rows, start=1) if not row.balance_fen)]
        if self.is_fixed:
            self._check_fixed(rows)
        return rows

    def _level_rows(
        self, position: StepPosition, number: int, last: int, timetable: Timetable
    ) -> tuple[Row, ...] | None:
        """The quick way for plain months of equal installments; None when these are not."""
        if position.method != EQUAL_INSTALLMENT or not timetable.is_plain(number):
            return None
        days = timetable.days(number, last)
        return level_rows(
            position.balance_fen, position.installment_fen, self.rate, number, days, is_last=last == self.term
        )

    def _take(self, rows: tuple[Row, ...]) -> None:
        self.rows += rows
        self.balance = rows[-1].balance_fen

    def _check_fixed(self, rows: tuple[Row, ...]) -> None:
        """A fixed installment covers each row's interest and repays before the calendar ends."""
        for row in rows:
            if row.interest_fen > self.installment:
                raise SimulationRefused(
                    "installment_amount", "below_the_interest", number=row.number, interest=f"{yuan(row.interest_fen)}"
                )
        if rows[-1].due_on.year > LAST_YEAR:
            raise SimulationRefused("installment_amount", "never_repays", year=LAST_YEAR)

    # ── What is agreed ───────────────────────────────────────────────────────────────────────────

    def _agreed(self, number: int) -> int:
        """The installment (of EQUAL_PRINCIPAL: its principal part) from `number` to the last row."""
        assert self.term is not None
        first, method = max(number, self.grace + 1), self.request.method
        if method == EQUAL_PRINCIPAL:
            return half_up(self.balance, self.term - first + 1)
        if method != EQUAL_INSTALLMENT:
            return 0
        rounding = ROUNDINGS[self.request.rounding]
        if self.request.day_count == THIRTY_360:
            return annuity(self.balance, self.rate, self.term - first + 1, rounding)
        return annuity_over(self.balance, self.timetable.levels(first, self.term, self.rate), rounding)

    def _reprice(self, number: int, rate_ppm: int) -> None:
        """A new rate from period `number` on: a new annuity; equal principal and a fixed installment stay."""
        self.rate = rate_ppm
        if self.is_fixed:
            self.term = None
        elif self.request.method == EQUAL_INSTALLMENT:
            self.installment = self._agreed(number)

    def _prepay(self, number: int, prepayment: Prepayment, segments: Segments) -> None:
        """A prepayment in period `number`; what is agreed from this row on follows its effect."""
        paid_on, amount, effect = prepayment.paid_on, prepayment.amount_fen, prepayment.effect
        if amount > self.balance:
            self._refuse_prepayment(self.request.prepayments.index(prepayment))
        if effect != SHORTEN_TERM and self.is_fixed and amount < self.balance:
            # With a fixed installment the rest of the term is what it would have taken.
            self.term = number - 1 + self._rows_left(number)
        self.balance -= amount
        own_interest = interest(amount, self.timetable.to_the_day(segments, paid_on))
        self.prepaid.append(PrepaidRow(paid_on, amount, own_interest, self.balance))
        if not self.balance:
            return
        if effect != SHORTEN_TERM:
            self.installment = self._agreed(number)
        elif self.is_fixed:
            self.term = self._no_later_than(self.term, number)
        elif self.request.method != INTEREST_ONLY:
            self.term = number - 1 + self._rows_left(number)

    def _no_later_than(self, bound: int | None, number: int) -> int | None:
        """The term of a fixed installment: what it takes, but the last row of a bound one takes what rounding left."""
        self.term = None
        is_longer = bound is not None and number - 1 + self._rows_left(number) > bound
        return bound if is_longer else None

    def _rows_left(self, number: int) -> int:
        """How many rows the balance takes from `number` on at what is agreed; a pause to come is no part of that."""
        at, balance = number, self.balance
        while balance:
            rows = self._fold(at, balance, self.agreed_timetable, until_event=False)
            at, balance = at + len(rows), rows[-1].balance_fen
        return at - number

    def _refuse_prepayment(self, index: int) -> None:
        place = self.request.places[index] if self.request.places else index
        raise SimulationRefused(
            f"prepayments.{place}.amount", "larger_than_the_payoff", balance=f"{yuan(self.balance)}"
        )
