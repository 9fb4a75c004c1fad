"""What a change of contract is asked with: text by name, read once, by the rules of its kind.

Whatever is missing, unknown or cannot have been meant is refused by its field. Amounts are read by the one parser of
money; a rate is ppm, a spread is ppm as well (one basis point is a hundred).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from loans.rules.money import AmountError, fen, parse_amount, rate_ppm
from loans.rules.schedule import METHODS
from loans.rules.simulation_request import EFFECTS, FIRST_YEAR, LAST_YEAR, MAX_INSTALLMENTS, MAX_RATE_PERCENT, Reason

PREPAYMENT, SETTLEMENT, EXTENSION, METHOD = "PREPAYMENT", "SETTLEMENT", "EXTENSION", "METHOD"
DUE_DAY, REPRICING_CYCLE, SPREAD = "DUE_DAY", "REPRICING_CYCLE", "SPREAD"
INTEREST_PAUSE, DEFERRAL, RESTRUCTURING = "INTEREST_PAUSE", "DEFERRAL", "RESTRUCTURING"
ACCELERATION, WRITE_OFF = "ACCELERATION", "WRITE_OFF"
PPM_PER_BP = 100
ANCHORS = ("JANUARY_1", "LOAN_DAY")
LEAST_SPREAD_BP, MOST_SPREAD_BP = -500, 2000

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")
_SPREAD = re.compile(r"-?[0-9]{1,4}(?:\.[0-9]{1,2})?")


class NotPossible(Exception):
    """A change cannot be made as asked: the field at fault (empty for the loan itself) and the reason."""

    def __init__(self, field: str, code: str, **params: object) -> None:
        super().__init__(code)
        self.field, self.reason = field, Reason(code, params)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; what a kind does not ask is left at its default."""

    effective_on: date | None = None
    amount: int = 0
    effect: str = ""
    fee: int = 0
    installments: int | None = None
    method: str = ""
    due_day: int = 0
    first_due_on: date | None = None
    cycle_months: int = 0
    anchor: str = ""
    spread_bp: int | None = None
    from_on: date | None = None
    to_on: date | None = None
    extend: bool = False
    annual_rate_percent: int | None = None
    deferral: int | None = None


def _amount(text: str) -> int:
    try:
        amount = fen(parse_amount(text))
    except AmountError:
        raise _Wrong("not_an_amount") from None
    if not amount:
        raise _Wrong("amount_not_positive")
    return amount


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise _Wrong("not_a_day")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _Wrong("no_such_day") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _Wrong("year_out_of_range", low=FIRST_YEAR, high=LAST_YEAR)
    return day


def _rate(text: str) -> int:
    if not _RATE.fullmatch(text):
        raise _Wrong("not_a_rate")
    if Decimal(text) > MAX_RATE_PERCENT:
        raise _Wrong("rate_beyond_limit", limit=MAX_RATE_PERCENT)
    return rate_ppm(Decimal(text))


def _spread(text: str) -> int:
    if not _SPREAD.fullmatch(text):
        raise _Wrong("not_a_spread")
    if not LEAST_SPREAD_BP <= Decimal(text) <= MOST_SPREAD_BP:
        raise _Wrong("out_of_range", low=LEAST_SPREAD_BP, high=MOST_SPREAD_BP)
    return int(Decimal(text) * PPM_PER_BP)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise _Wrong("not_whole")
        if not low <= int(text) <= high:
            raise _Wrong("out_of_range", low=low, high=high)
        return int(text)

    return read


def _choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise _Wrong("not_a_choice", choices=", ".join(choices))
        return text

    return read


class _Wrong(Exception):
    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code, self.params = code, params


_COUNT = _whole(1, MAX_INSTALLMENTS)
_READERS: dict[str, Callable[[str], Any]] = {
    "effective_on": _day,
    "amount": _amount,
    "effect": _choice(*EFFECTS),
    "fee": _amount,
    "installments": _COUNT,
    "method": _choice(*METHODS),
    "due_day": _whole(1, 31),
    "first_due_on": _day,
    "cycle_months": _whole(1, 12),
    "anchor": _choice(*ANCHORS),
    "spread_bp": _spread,
    "from": _day,
    "to": _day,
    "extend": lambda text: _choice("yes", "no")(text) == "yes",
    "annual_rate_percent": _rate,
    "deferral": _COUNT,
}
_FIELD = {"from": "from_on", "to": "to_on"}
# Whole numbers: where values are typed they may come as such.
COUNTS = ("installments", "due_day", "cycle_months", "deferral")
# (required, optional) by kind; `effective_on` may always be given.
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    PREPAYMENT: (("amount", "effect"), ("fee",)),
    SETTLEMENT: ((), ("fee",)),
    EXTENSION: (("installments",), ()),
    METHOD: (("method",), ()),
    DUE_DAY: (("due_day",), ("first_due_on",)),
    REPRICING_CYCLE: (("cycle_months", "anchor"), ()),
    SPREAD: (("spread_bp",), ()),
    INTEREST_PAUSE: (("from", "to"), ()),
    DEFERRAL: (("installments", "extend"), ()),
    RESTRUCTURING: ((), ("installments", "annual_rate_percent", "deferral", "method")),
    ACCELERATION: ((), ()),
    WRITE_OFF: ((), ()),
}


def parse_asked(kind: str, texts: Mapping[str, str]) -> Asked:
    """What is asked for a kind of change; NotPossible names the first field at fault. An empty text is no text."""
    if kind not in FIELDS:
        raise NotPossible("kind", "not_a_choice", choices=", ".join(FIELDS))
    required, optional = FIELDS[kind]
    known = {*required, *optional, "effective_on"}
    given = {name: text for name, text in texts.items() if text != ""}
    found: dict[str, Any] = {}
    for name, text in given.items():
        if name not in known:
            raise NotPossible(name[:60], "unknown_field")
        if not isinstance(text, str):
            raise NotPossible(name, "not_text")
        try:
            found[_FIELD.get(name, name)] = _READERS[name](text)
        except _Wrong as wrong:
            raise NotPossible(name, wrong.code, **wrong.params) from None
    for name in required:
        if name not in given:
            raise NotPossible(name, "required")
    if kind == RESTRUCTURING and not found.keys() - {"effective_on"}:
        raise NotPossible("", "nothing_asked")
    return replace(Asked(), **found)
