"""Decides what a receipt looks like, for the file and for the API alike: five columns, nothing guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.rules.money import AmountError, parse_amount

# Where a row of a file may come from.
CHANNELS = ("CORE", "CNAPS", "COUNTER", "MOBILE", "AUTO_DEBIT")
COLUMNS = ("loan", "amount", "value_on", "channel", "serial")
# A receipt may be told ahead of its day, but not further than a day end may run ahead.
FUTURE_DAYS = 400
# The most that suspense can hold.
MOST_SUSPENSE = Decimal("9999999999999.99")
_REFERENCE = re.compile(r"[^\s\x00-\x1f\x7f]{1,40}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CHANNEL = re.compile(r"[A-Za-z0-9_.-]{1,20}")
_SERIAL = re.compile(r"[A-Za-z0-9_./:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value was refused: its column and a reason code."""

    column: str
    code: str


@dataclass(frozen=True, slots=True)
class ParsedReceipt:
    """A well-formed receipt."""

    loan: str
    amount: Decimal
    value_on: date
    channel: str
    serial: str


def parse_receipt(values: Mapping[str, str]) -> ParsedReceipt | tuple[Problem, ...]:
    """The receipt, or every problem of the row."""
    text = {column: (values.get(column) or "").strip() for column in COLUMNS}
    problems = [Problem(column, "missing") for column in COLUMNS if not text[column]]
    missing = {problem.column for problem in problems}
    for column, pattern in (("loan", _REFERENCE), ("channel", _CHANNEL), ("serial", _SERIAL)):
        if column not in missing and not pattern.fullmatch(text[column]):
            problems.append(Problem(column, "malformed"))
        elif column == "channel" and column not in missing and text[column] not in CHANNELS:
            problems.append(Problem(column, "unknown_channel"))
    amount, value_on = Decimal(0), date.min
    if "amount" not in missing:
        try:
            amount = parse_amount(text["amount"])
            if amount <= 0:
                problems.append(Problem("amount", "not_positive"))
        except AmountError:
            problems.append(Problem("amount", "not_an_amount"))
    if "value_on" not in missing:
        try:
            value_on = date.fromisoformat(text["value_on"]) if _DATE.fullmatch(text["value_on"]) else date.min
        except ValueError:
            value_on = date.min
        if value_on == date.min:
            problems.append(Problem("value_on", "not_a_date"))
    if problems:
        return tuple(problems)
    return ParsedReceipt(text["loan"], amount, value_on, text["channel"], text["serial"])
