"""What a simulation is asked, and what is refused before anything is computed.

A request is JSON: amounts and rates are text read by one parser, days YYYY-MM-DD, counts integers;
whatever is unknown, doubled, or cannot have been meant is named by its field. Reasons are codes with
parameters; `loans.wording` puts them into sentences. Defaults are settled here, so that the engine
meets a complete contract: due day = day of the first due date, else of the disbursement; first due
date = due day of the next month.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from loans.rules.dates import add_months, due_date, months_between
from loans.rules.day_count import DAY_COUNTS, THIRTY_360
from loans.rules.money import AmountError, fen, parse_amount, rate_ppm
from loans.rules.schedule import EQUAL_INSTALLMENT, METHODS, ROUNDINGS

MAX_INSTALLMENTS = 480
MAX_RATE_PERCENT = 36
FIRST_YEAR, LAST_YEAR = 1900, 2200
MAX_EVENTS = 480
ONE_MONTH, BY_DAYS, MONTH_PLUS_DAYS = "ONE_MONTH", "BY_DAYS", "MONTH_PLUS_DAYS"
SPLIT_BY_DAYS, SPLIT_BY_MONTH_SHARE, NEXT_PERIOD = "SPLIT_BY_DAYS", "SPLIT_BY_MONTH_SHARE", "NEXT_PERIOD"
LOWER_INSTALLMENT, SHORTEN_TERM = "LOWER_INSTALLMENT", "SHORTEN_TERM"
FIRST_PERIODS = (ONE_MONTH, BY_DAYS, MONTH_PLUS_DAYS)
VARIANTS = (SPLIT_BY_DAYS, SPLIT_BY_MONTH_SHARE, NEXT_PERIOD)
EFFECTS = (LOWER_INSTALLMENT, SHORTEN_TERM)

_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Reason(NamedTuple):
    """Why an input is refused: a stable code and what its sentence needs."""

    code: str
    params: Mapping[str, object] = {}


Errors = dict[str, list[Reason]]


@dataclass(frozen=True, slots=True)
class RateChange:
    """From this day on the loan bears another rate."""

    effective_on: date
    rate_ppm: int
    variant: str = SPLIT_BY_DAYS


@dataclass(frozen=True, slots=True)
class Prepayment:
    """Principal repaid ahead of its time; its interest to the day comes on top."""

    paid_on: date
    amount_fen: int
    effect: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Days without interest, both ends included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Request:
    """A complete contract with its dated events, each list in order of days."""

    principal_fen: int
    rate_ppm: int
    installments: int
    method: str
    disbursed_on: date
    first_due_on: date
    due_day: int
    day_count: str = THIRTY_360
    first_period: str | None = None
    rounding: str = "FEN"
    installment_fen: int | None = None
    grace_installments: int = 0
    rate_changes: tuple[RateChange, ...] = ()
    prepayments: tuple[Prepayment, ...] = ()
    pauses: tuple[Pause, ...] = ()
    # A contract that goes on: the installment that is agreed already (of EQUAL_PRINCIPAL its principal part).
    carried_fen: int | None = None
    # With a fixed installment: the number of rows binds all the same, since a prepayment lowered the installment.
    is_bound: bool = False
    # A NEXT_PERIOD change that was met in the period before the first of these.
    waiting_rate_ppm: int | None = None
    # Where each prepayment stood in the request, for naming it in a refusal.
    places: tuple[int, ...] = ()


def is_one_month(disbursed_on: date, first_due_on: date, due_day: int) -> bool:
    """True when the first period is one month: to the same day, or from a due day to the next month's."""
    return first_due_on == add_months(disbursed_on, 1) or (
        disbursed_on == due_date(disbursed_on.year, disbursed_on.month, due_day)
        and first_due_on == add_months(disbursed_on, 1, due_day)
    )


def parse_request(value: object) -> Request | Errors:
    """The request of a JSON object, or every fault found in it by field (`rate_changes.0.effective_on`)."""
    if not isinstance(value, Mapping):
        return {"body": [Reason("not_an_object")]}
    errors: Errors = {}
    request = _read(_Fields(value, "", errors))
    return errors or request


class _Fields:
    """One JSON object being read; faults are collected under the object's path."""

    def __init__(self, value: Mapping[str, object], path: str, errors: Errors) -> None:
        self.value, self.path, self.errors = value, path, errors
        self.known: set[str] = set()

    def fault(self, name: str, code: str, **params: object) -> None:
        self.errors.setdefault(self.path + name, []).append(Reason(code, params))

    def has(self, name: str) -> bool:
        self.known.add(name)
        return name in self.value

    def is_fine(self, *names: str) -> bool:
        return not any(self.path + name in self.errors for name in names)

    def _given(self, name: str, *, required: bool) -> bool:
        if not self.has(name) and required:
            self.fault(name, "required")
        return name in self.value

    def amount(self, name: str, *, required: bool = True) -> int | None:
        if not self._given(name, required=required):
            return None
        text = self.value[name]
        if not isinstance(text, str):
            self.fault(name, "amount_not_text")
            return None
        try:
            amount = fen(parse_amount(text))
        except AmountError:
            self.fault(name, "not_an_amount")
            return None
        if not amount:
            self.fault(name, "amount_not_positive")
        return amount or None

    def rate(self, name: str) -> int:
        if not self._given(name, required=True):
            return 0
        text = self.value[name]
        if not isinstance(text, str):
            self.fault(name, "rate_not_text")
        elif not _RATE.fullmatch(text):
            self.fault(name, "not_a_rate")
        elif Decimal(text) > MAX_RATE_PERCENT:
            self.fault(name, "rate_beyond_limit", limit=MAX_RATE_PERCENT)
        else:
            return rate_ppm(Decimal(text))
        return 0

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        if not self._given(name, required=default is None):
            return low if default is None else default
        number = self.value[name]
        if isinstance(number, bool) or not isinstance(number, int):
            self.fault(name, "not_whole")
        elif not low <= number <= high:
            self.fault(name, "out_of_range", low=low, high=high)
        else:
            return number
        return low

    def day(self, name: str, *, required: bool = True) -> date | None:
        if not self._given(name, required=required):
            return None
        text = self.value[name]
        if not isinstance(text, str) or not _DAY.fullmatch(text):
            self.fault(name, "not_a_day")
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self.fault(name, "no_such_day")
            return None
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.fault(name, "year_out_of_range", low=FIRST_YEAR, high=LAST_YEAR)
            return None
        return day

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None, *, required: bool = True) -> str:
        if not self._given(name, required=required and default is None):
            return default or ""
        word = self.value[name]
        if not isinstance(word, str) or word not in choices:
            self.fault(name, "not_a_choice", choices=", ".join(choices))
            return default or ""
        return word

    def items(self, name: str) -> list["_Fields"]:
        if not self._given(name, required=False):
            return []
        values = self.value[name]
        if not isinstance(values, list):
            self.fault(name, "not_a_list")
            return []
        if len(values) > MAX_EVENTS:
            self.fault(name, "too_many", limit=MAX_EVENTS)
            return []
        found = []
        for index, value in enumerate(values):
            if isinstance(value, Mapping):
                found.append(_Fields(value, f"{self.path}{name}.{index}.", self.errors))
            else:
                self.fault(f"{name}.{index}", "not_an_object")
        return found

    def close(self) -> None:
        for name in [str(name) for name in self.value if name not in self.known][:20]:
            self.fault(name[:60], "unknown_field")


def _read(fields: _Fields) -> Request:
    principal = fields.amount("principal")
    rate = fields.rate("annual_rate_percent")
    installments = fields.whole("installments", 1, MAX_INSTALLMENTS)
    method = fields.choice("method", tuple(METHODS))
    disbursed_on = fields.day("disbursed_on")
    first_due_on = fields.day("first_due_on", required=False)
    has_due_day = fields.has("due_day")
    due_day = fields.whole("due_day", 1, 31, 1)
    day_count = fields.choice("day_count", tuple(DAY_COUNTS), THIRTY_360)
    first_period = fields.choice("first_period", FIRST_PERIODS, required=False) or None
    rounding = fields.choice("installment_rounding", tuple(ROUNDINGS), "FEN")
    fixed = fields.amount("installment_amount", required=False)
    grace = fields.whole("principal_grace_installments", 0, MAX_INSTALLMENTS - 1, 0)
    if fields.is_fine("installments") and grace >= installments:
        fields.fault("principal_grace_installments", "out_of_range", low=0, high=installments - 1)
    if fixed is not None and fields.is_fine("method") and method != EQUAL_INSTALLMENT:
        fields.fault("installment_amount", "only_equal_installment")
    changes, prepayments, pauses = _rate_changes(fields), _prepayments(fields), _pauses(fields)
    fields.close()
    if disbursed_on is None or not fields.is_fine("due_day", "first_due_on", "installments", "first_period"):
        # Stands in for what is not known; the faults are reported instead.
        return Request(1, 0, 1, EQUAL_INSTALLMENT, date.min, date.min, 1)
    if not has_due_day:
        due_day = (first_due_on or disbursed_on).day
    first_due_on = first_due_on or add_months(disbursed_on, 1, due_day)
    _check_first_period(fields, disbursed_on, first_due_on, due_day, first_period)
    last_due_on = None if fixed is not None else add_months(first_due_on, installments - 1, due_day)
    if (last_due_on or first_due_on).year > LAST_YEAR:
        fields.fault("installments", "ends_too_late", year=LAST_YEAR)
    _check_events(fields, disbursed_on, last_due_on, changes, prepayments, pauses)
    _check_variants(fields, (disbursed_on, first_due_on, due_day), changes)
    paid = sorted(prepayments, key=lambda pair: pair[1].paid_on)
    return Request(
        principal_fen=principal or 0,
        rate_ppm=rate,
        installments=installments,
        method=method,
        disbursed_on=disbursed_on,
        first_due_on=first_due_on,
        due_day=due_day,
        day_count=day_count,
        first_period=first_period,
        rounding=rounding,
        installment_fen=fixed,
        grace_installments=grace,
        rate_changes=tuple(sorted((change for _index, change in changes), key=lambda change: change.effective_on)),
        prepayments=tuple(prepayment for _index, prepayment in paid),
        pauses=tuple(sorted((pause for _index, pause in pauses), key=lambda pause: pause.first)),
        places=tuple(index for index, _prepayment in paid),
    )


def _rate_changes(fields: _Fields) -> list[tuple[int, RateChange]]:
    found = []
    for item in fields.items("rate_changes"):
        day, rate = item.day("effective_on"), item.rate("annual_rate_percent")
        variant = item.choice("variant", VARIANTS, SPLIT_BY_DAYS)
        item.close()
        if day is not None:
            found.append((_index(item), RateChange(day, rate, variant)))
    return found


def _prepayments(fields: _Fields) -> list[tuple[int, Prepayment]]:
    found = []
    for item in fields.items("prepayments"):
        day, amount, effect = item.day("paid_on"), item.amount("amount"), item.choice("effect", EFFECTS)
        item.close()
        if day is not None:
            found.append((_index(item), Prepayment(day, amount or 0, effect)))
    return found


def _pauses(fields: _Fields) -> list[tuple[int, Pause]]:
    found = []
    for item in fields.items("interest_pauses"):
        first, last = item.day("from"), item.day("to")
        item.close()
        if first is None or last is None:
            continue
        if last < first:
            item.fault("to", "ends_before_start")
        else:
            found.append((_index(item), Pause(first, last)))
    return found


def _index(item: _Fields) -> int:
    return int(item.path.split(".")[-2])


def _check_first_period(
    fields: _Fields, disbursed_on: date, first_due_on: date, due_day: int, first_period: str | None
) -> None:
    if first_due_on <= disbursed_on:
        fields.fault("first_due_on", "first_due_not_after_disbursement")
    elif first_due_on != due_date(first_due_on.year, first_due_on.month, due_day):
        fields.fault("first_due_on", "not_on_the_due_day", due_day=due_day)
    elif is_one_month(disbursed_on, first_due_on, due_day):
        return
    elif first_period is None:
        fields.fault("first_period", "first_period_required")
    elif first_period == MONTH_PLUS_DAYS and first_due_on < add_months(disbursed_on, 1):
        fields.fault("first_period", "shorter_than_a_month")


def _check_events(
    fields: _Fields,
    disbursed_on: date,
    last_due_on: date | None,
    changes: list[tuple[int, RateChange]],
    prepayments: list[tuple[int, Prepayment]],
    pauses: list[tuple[int, Pause]],
) -> None:
    """Events lie inside the contract; no two of a kind on one day."""
    days = [
        (f"rate_changes.{index}.effective_on", change.effective_on, change.effective_on) for index, change in changes
    ]
    spans = [days, [(f"prepayments.{index}.paid_on", one.paid_on, one.paid_on) for index, one in prepayments]]
    spans.append([(f"interest_pauses.{index}.from", pause.first, pause.last) for index, pause in pauses])
    for number, kind in enumerate(spans):
        until: date | None = None
        for name, first, last in sorted(kind, key=lambda span: span[1]):
            if first < disbursed_on:
                fields.fault(name, "before_disbursement")
            # A prepayment after the end is refused by the engine, which knows the payoff.
            elif last_due_on is not None and first >= last_due_on and number != 1:
                fields.fault(name, "after_last_due_date", day=last_due_on.isoformat())
            if until is not None and first <= until:
                fields.fault(name, "overlaps" if number == 2 else "same_day_twice")
            until = last if until is None else max(until, last)


def period_number(day: date, first_due_on: date, due_day: int) -> int:
    """Number of the period that a day belongs to; a due date belongs to the period that starts there."""
    if day < first_due_on:
        return 1
    number = months_between(first_due_on, day) + 1
    return number + 1 if day >= due_date(day.year, day.month, due_day) else number


def _check_variants(fields: _Fields, frame: tuple[date, date, int], changes: list[tuple[int, RateChange]]) -> None:
    """One period is split by days or by shares of the month, not by both."""
    disbursed_on, first_due_on, due_day = frame
    splits: dict[int, str] = {}
    for index, change in sorted(changes, key=lambda pair: pair[1].effective_on):
        number = period_number(change.effective_on, first_due_on, due_day)
        start = disbursed_on if number == 1 else add_months(first_due_on, number - 2, due_day)
        if change.variant == NEXT_PERIOD or change.effective_on == start:
            continue
        if splits.setdefault(number, change.variant) != change.variant:
            fields.fault(f"rate_changes.{index}.variant", "mixed_variants")
