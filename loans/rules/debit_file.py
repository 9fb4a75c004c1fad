"""Decides what the files of automatic debits look like, and what the core bank's answer to a debit means
(docs/receipts.md).

Out goes one row a loan with a serial of ours, back comes one row a serial. Both files end with a control line, so
that a file that was cut off on its way is known before a row of it is used. An answer is taken only when it fits
what was asked; everything else is a break for a person, with the column at fault and a reason code.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from loans.rules.money import AmountError, parse_amount
from loans.rules.receipts import Problem

CHANNEL = "AUTO_DEBIT"
ASKED_COLUMNS = ("serial", "loan", "amount", "value_on")
ANSWER_COLUMNS = ("serial", "result", "paid", "value_on", "core_serial", "reason")
CONTROL = "TOTAL"
PAID, PARTIAL, FAILED = "PAID", "PARTIAL", "FAILED"
# The core bank may try again for some days; an answer about a later day is about something else.
MOST_DAYS_LATER = 31
LONGEST_REASON = 80
_SERIAL = re.compile(r"[A-Za-z0-9_./:-]{1,40}")
_CORE_SERIAL = re.compile(r"[A-Za-z0-9_./:-]{1,64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZERO = Decimal("0.00")


class Asked(NamedTuple):
    """One debit as it goes out."""

    serial: str
    loan: str
    amount: Decimal
    value_on: date


class Answer(NamedTuple):
    """What the core bank says became of a debit; of a failed one nothing is paid."""

    serial: str
    result: str
    paid: Decimal
    value_on: date
    core_serial: str
    reason: str


class Instruction(NamedTuple):
    """A debit as it was asked, and its answer once there is one (`result` is PENDING until then)."""

    amount: Decimal
    value_on: date
    result: str
    paid: Decimal = _ZERO
    answered_value_on: date | None = None
    core_serial: str = ""
    reason: str = ""


class Verdict(NamedTuple):
    """POST, FAILED, DUPLICATE or BREAK; of a break the column, the reason code, and whether money came with it."""

    word: str
    column: str = ""
    code: str = ""
    has_money: bool = False


def instruction_serial(day: date, loan_id: int) -> str:
    """The serial of a loan's debit on a day: the same whoever makes the file, however often."""
    return f"DD{day:%Y%m%d}{loan_id}"


def debit_file(asked: Iterable[Asked], day: date) -> bytes:
    """The bytes of a file of debits: header, rows in the order given, control line (count, total, business date)."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(ASKED_COLUMNS)
    count, total = 0, _ZERO
    for row in asked:
        out.writerow((row.serial, row.loan, f"{row.amount:.2f}", row.value_on.isoformat()))
        count, total = count + 1, total + row.amount
    out.writerow((CONTROL, str(count), f"{total:.2f}", day.isoformat()))
    return text.getvalue().encode()


def parse_answer(values: Mapping[str, str]) -> Answer | tuple[Problem, ...]:
    """The answer, or every problem of the row."""
    text = {column: (values.get(column) or "").strip() for column in ANSWER_COLUMNS}
    is_failed = text["result"] == FAILED
    needed = ("serial", "result", "value_on", "reason") if is_failed else ANSWER_COLUMNS[:-1]
    problems = [Problem(column, "missing") for column in needed if not text[column]]
    missing = {problem.column for problem in problems}
    if "result" not in missing and text["result"] not in (PAID, PARTIAL, FAILED):
        problems.append(Problem("result", "not_a_result"))
    for column, pattern in (("serial", _SERIAL), ("core_serial", _CORE_SERIAL)):
        if text[column] and not pattern.fullmatch(text[column]):
            problems.append(Problem(column, "malformed"))
    if not text["reason"].isprintable():
        problems.append(Problem("reason", "malformed"))
    paid, fault = _paid(text["paid"], is_failed=is_failed)
    if fault and "paid" not in missing:
        problems.append(Problem("paid", fault))
    value_on = _day(text["value_on"])
    if value_on is None and "value_on" not in missing:
        problems.append(Problem("value_on", "not_a_date"))
    if problems or value_on is None:
        return tuple(problems)
    reason = text["reason"][:LONGEST_REASON]
    return Answer(text["serial"], text["result"], paid, value_on, text["core_serial"], reason)


def _paid(text: str, *, is_failed: bool) -> tuple[Decimal, str]:
    """The amount, and a reason code when it cannot be one; nothing is what a failed debit paid."""
    if is_failed and not text:
        return _ZERO, ""
    try:
        amount = parse_amount(text)
    except AmountError:
        return _ZERO, "not_an_amount"
    if is_failed:
        return amount, "failed_with_money" if amount else ""
    return amount, "" if amount else "not_positive"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def is_control(fields: Sequence[str]) -> bool:
    return bool(fields) and fields[0].strip() == CONTROL


def control_fault(fields: Sequence[str], *, rows: int, paid: Decimal | None) -> str:
    """Why the control line does not close a file of answers: `no_control`, `count_differs`, `total_differs`; or "".

    It says how many rows stand above it and what they paid in all; the sum is compared when every amount could be
    read (`paid` is None otherwise).
    """
    if not is_control(fields):
        return "no_control"
    values = [*(field.strip() for field in fields[1:3]), "", ""]
    if values[0] != str(rows):
        return "count_differs"
    try:
        total = parse_amount(values[1])
    except AmountError:
        return "total_differs"
    return "total_differs" if paid is not None and total != paid else ""


def judge(answer: Answer, asked: Instruction | None) -> Verdict:
    """What an answer means for the debit with its serial (None: we know of no such debit)."""
    has_money = answer.paid > 0
    if asked is None:
        return Verdict("BREAK", "serial", "unknown_instruction", has_money)
    if asked.result != "PENDING":
        if _says_the_same(answer, asked):
            return Verdict("DUPLICATE")
        return Verdict("BREAK", "serial", "answered_otherwise", has_money and answer.core_serial != asked.core_serial)
    if answer.value_on < asked.value_on:
        return Verdict("BREAK", "value_on", "before_instruction", has_money)
    if answer.value_on > asked.value_on + timedelta(days=MOST_DAYS_LATER):
        return Verdict("BREAK", "value_on", "long_after_instruction", has_money)
    if answer.result == FAILED:
        return Verdict("FAILED")
    if answer.paid > asked.amount:
        return Verdict("BREAK", "paid", "paid_more_than_asked", has_money)
    if (answer.result == PAID) != (answer.paid == asked.amount):
        return Verdict("BREAK", "result", "result_contradicts_paid", has_money)
    return Verdict("POST")


def _says_the_same(answer: Answer, asked: Instruction) -> bool:
    if answer.result != asked.result:
        return False
    if answer.result == FAILED:
        return True
    given = (answer.paid, answer.value_on, answer.core_serial)
    return given == (asked.paid, asked.answered_value_on, asked.core_serial)
