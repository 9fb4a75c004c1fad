"""The loan tape: which columns it has, when a row can be booked, and what about it looks odd.

A row is refused only for what cannot be booked or cannot be true (see `docs/loan_tape.md`); everything
else that looks odd is booked with a warning, because a migrated book is full of odd truths. Each form
is exact: plain half-width digits, ISO days, no separators and no exponents, so that a value means the
same here as in the sheet. Faults are codes with parameters; their wording is made at the edge.
"""

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from people.rules import identity


@dataclass(frozen=True)
class Column:
    """A column of the tape. `is_required` speaks of the value; all but `is_optional` columns must be in the header."""

    name: str
    is_required: bool = True
    is_optional: bool = False


COLUMNS = (
    Column("external_id"),
    Column("borrower_name"),
    Column("borrower_id_no"),
    Column("borrower_phone", is_required=False),
    Column("branch_code"),
    Column("principal_original"),
    Column("principal_outstanding"),
    Column("annual_rate_percent"),
    Column("repayment_method"),
    Column("disbursed_on"),
    Column("matures_on"),
    Column("due_day"),
    Column("days_past_due"),
    Column("credit_score", is_required=False),
    Column("property_type", is_required=False),
    Column("owner_occupied", is_required=False),
    Column("property_address"),
    Column("appraised_value", is_required=False),
    Column("appraised_on", is_required=False),
    Column("portfolio_officer", is_required=False, is_optional=True),
    Column("loan_note_no", is_required=False, is_optional=True),
    Column("monthly_income", is_required=False, is_optional=True),
    Column("employer", is_required=False, is_optional=True),
    Column("registration_no", is_required=False, is_optional=True),
    Column("registered_on", is_required=False, is_optional=True),
    Column("last_visit_on", is_required=False, is_optional=True),
    Column("payment_record", is_required=False, is_optional=True),
)
COLUMN_NAMES = tuple(column.name for column in COLUMNS)
HEADER_NAMES = tuple(column.name for column in COLUMNS if not column.is_optional)
_REQUIRED = frozenset(column.name for column in COLUMNS if column.is_required)
PROPERTY_TYPES = frozenset({"SINGLE_FAMILY", "CONDO", "PLANNED_UNIT", "OTHER"})
REPAYMENT_METHODS = frozenset({"EQUAL_INSTALLMENT"})
LONGEST_FIELD = 10_000  # characters; longer ones are refused whatever the column
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
MOST_DAYS_PAST_DUE = 36_500
# An installment (balance and a month's interest at 100 % a year) must fit the ledger's 13 digits.
LARGEST_OUTSTANDING = Decimal("999999999999.99")
_LONGEST = {"external_id": 40, "borrower_phone": 20, "property_address": 200, "employer": 120, "registration_no": 80}
_SPACES = " \t\u3000\u00a0"

_NEGATIVE = re.compile(r"-[0-9]+(?:\.[0-9]+)?")
_AMOUNT = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,2})?")
_TOO_FINE = re.compile(r"[0-9]{1,13}\.[0-9]{3,}")
_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")
_WHOLE = re.compile(r"[0-9]{1,6}")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")
# The bureau's marks of 24 months, oldest first: * no installment, N on time, 1-7 late, C settled, # unknown.
_PAYMENT_RECORD = re.compile(r"[N*C#1-7]{24}")


@dataclass(frozen=True)
class Refusal:
    """Why a row is not booked: a column, the value as given, a code and what its sentence needs."""

    row: int
    column: str
    value: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Warning:
    """Something odd about a row that is booked all the same."""

    row: int
    column: str
    value: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TapeRow:
    """A row that can be booked. `sha256` is over the canonical values of all known columns."""

    row: int
    external_id: str
    borrower_name: str
    borrower_id_no: str
    borrower_phone: str
    branch_code: str
    principal_original: Decimal
    principal_outstanding: Decimal
    annual_rate_percent: Decimal
    repayment_method: str
    disbursed_on: date
    matures_on: date
    due_day: int
    days_past_due: int
    credit_score: int | None
    property_type: str
    owner_occupied: bool | None
    property_address: str
    appraised_value: Decimal | None
    appraised_on: date | None
    portfolio_officer: str
    loan_note_no: str
    monthly_income: Decimal | None
    employer: str
    registration_no: str
    registered_on: date | None
    last_visit_on: date | None
    payment_record: str
    sha256: str


@dataclass(frozen=True)
class Checked:
    """What became of one raw row: `loan` is None exactly when there are refusals."""

    loan: TapeRow | None
    refusals: tuple[Refusal, ...]
    warnings: tuple[Warning, ...]


class Fault(Exception):
    """A value cannot be read; the code names the reason."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def trimmed(text: str) -> str:
    """The text without outer spaces, full-width ones included; nothing inside is touched."""
    return text.strip(_SPACES)


def _amount(text: str) -> Decimal:
    if _NEGATIVE.fullmatch(text):
        raise Fault("negative")
    if _TOO_FINE.fullmatch(text):
        raise Fault("too_many_decimals")
    if not _AMOUNT.fullmatch(text):
        raise Fault("not_an_amount")
    return Decimal(text).quantize(Decimal("0.01"))


def _positive_amount(text: str) -> Decimal:
    if _NEGATIVE.fullmatch(text) or not (amount := _amount(text)):
        raise Fault("not_positive")
    return amount


def _outstanding(text: str) -> Decimal:
    amount = _positive_amount(text)
    if amount > LARGEST_OUTSTANDING:
        raise Fault("amount_too_large", largest=str(LARGEST_OUTSTANDING))
    return amount


def _rate(text: str) -> Decimal:
    if _NEGATIVE.fullmatch(text):
        raise Fault("not_positive")
    if not _RATE.fullmatch(text):
        raise Fault("not_a_rate")
    rate = Decimal(text).quantize(Decimal("0.0001"))
    if rate <= 0:
        raise Fault("not_positive")
    if rate > 100:
        raise Fault("rate_above_100")
    return rate


def parse_day(text: str) -> date:
    """An ISO day inside the window that a loan can live in; Fault otherwise."""
    match = _DAY.fullmatch(text)
    if not match:
        raise Fault("not_a_day")
    try:
        day = date(*(int(part) for part in match.groups()))
    except ValueError:
        raise Fault("no_such_day") from None
    if not EARLIEST <= day <= LATEST:
        raise Fault("day_out_of_range", earliest=EARLIEST.isoformat(), latest=LATEST.isoformat())
    return day


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise Fault("not_a_whole_number")
        if not lowest <= int(text) <= highest:
            raise Fault("number_out_of_range", lowest=str(lowest), highest=str(highest))
        return int(text)

    return parse


def _text(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if identity.has_unseen_characters(text):
            raise Fault("unseen_characters")
        if len(text) > longest:
            raise Fault("too_long", longest=str(longest))
        return text

    return parse


def _code(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > longest:
            raise Fault("too_long", longest=str(longest))
        if not _CODE.fullmatch(text):
            raise Fault("not_a_code")
        return text

    return parse


def _name(text: str) -> str:
    fault = identity.name_fault(text)
    if fault == "length":
        raise Fault("name_length", shortest=str(identity.SHORTEST_NAME), longest=str(identity.LONGEST_NAME))
    if fault:
        raise Fault(fault)
    return text


def _identity_no(text: str) -> str:
    id_no = text.upper()
    fault = identity.identity_fault(id_no)
    if fault:
        raise Fault(f"identity_{fault}")
    return id_no


def _one_of(choices: frozenset[str], code: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise Fault(code, choices=", ".join(sorted(choices)))
        return text

    return parse


def _yes_no(text: str) -> bool:
    if text not in ("Y", "N"):
        raise Fault("not_yes_or_no")
    return text == "Y"


def _payment_record(text: str) -> str:
    if not _PAYMENT_RECORD.fullmatch(text):
        raise Fault("not_a_payment_record")
    return text


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "external_id": _text(_LONGEST["external_id"]),
    "borrower_name": _name,
    "borrower_id_no": _identity_no,
    "borrower_phone": _text(_LONGEST["borrower_phone"]),
    "branch_code": _code(20),
    "principal_original": _positive_amount,
    "principal_outstanding": _outstanding,
    "annual_rate_percent": _rate,
    "repayment_method": _one_of(REPAYMENT_METHODS, "unknown_repayment_method"),
    "disbursed_on": parse_day,
    "matures_on": parse_day,
    "due_day": _whole(1, 31),
    "days_past_due": _whole(0, MOST_DAYS_PAST_DUE),
    "credit_score": _whole(0, 9999),
    "property_type": _text(40),
    "owner_occupied": _yes_no,
    "property_address": _text(_LONGEST["property_address"]),
    "appraised_value": _positive_amount,
    "appraised_on": parse_day,
    "portfolio_officer": _text(20),
    "loan_note_no": _code(30),
    "monthly_income": _amount,
    "employer": _text(_LONGEST["employer"]),
    "registration_no": _text(_LONGEST["registration_no"]),
    "registered_on": parse_day,
    "last_visit_on": parse_day,
    "payment_record": _payment_record,
}
# What an empty cell means in a column whose value may be missing.
_EMPTY: Mapping[str, object] = {
    "borrower_phone": "",
    "credit_score": None,
    "property_type": "OTHER",
    "owner_occupied": None,
    "appraised_value": None,
    "appraised_on": None,
    "portfolio_officer": "",
    "loan_note_no": "",
    "monthly_income": None,
    "employer": "",
    "registration_no": "",
    "registered_on": None,
    "last_visit_on": None,
    "payment_record": "",
}


def check_row(raw: Mapping[str, str], row: int, as_of: date) -> Checked:
    """Reads one row of the sheet (`row` = its line, header = 1) as of the close of `as_of`."""
    values: dict[str, object] = {}
    refusals: list[Refusal] = []
    for name in COLUMN_NAMES:
        text = trimmed(raw.get(name, ""))
        if not text:
            if name in _REQUIRED:
                refusals.append(Refusal(row, name, "", "missing"))
            else:
                values[name] = _EMPTY[name]
            continue
        try:
            if len(text) > LONGEST_FIELD:
                raise Fault("too_long", longest=str(LONGEST_FIELD))
            values[name] = _PARSERS[name](text)
        except Fault as fault:
            refusals.append(Refusal(row, name, text[:LONGEST_FIELD], fault.code, fault.params))
    refusals += _contradictions(values, row, as_of)
    if refusals:
        return Checked(None, tuple(refusals), ())
    kind = str(values["property_type"])
    values["property_type"] = kind if kind in PROPERTY_TYPES else "OTHER"
    digest = _digest({**values, "property_type": kind})
    loan = TapeRow(row=row, sha256=digest, **values)  # type: ignore[arg-type]
    return Checked(loan, (), tuple(_oddities(loan, raw, kind, as_of)))


def _contradictions(values: Mapping[str, object], row: int, as_of: date) -> list[Refusal]:
    """Days that cannot both be true; looked at only where both could be read."""
    found = []
    disbursed, matures, appraised = (values.get(name) for name in ("disbursed_on", "matures_on", "appraised_on"))
    if isinstance(disbursed, date) and disbursed > as_of:
        found.append(
            Refusal(row, "disbursed_on", disbursed.isoformat(), "disbursed_later", {"as_of": as_of.isoformat()})
        )
    if isinstance(disbursed, date) and isinstance(matures, date) and matures <= disbursed:
        found.append(
            Refusal(
                row, "matures_on", matures.isoformat(), "matures_too_early", {"disbursed_on": disbursed.isoformat()}
            )
        )
    if values.get("appraised_value") is not None and "appraised_on" in values and appraised is None:
        found.append(Refusal(row, "appraised_on", "", "value_without_day"))
    return found


def _digest(values: Mapping[str, object]) -> str:
    """SHA-256 over the canonical values: the same loan written differently ("7.5", "7.5000") is the same row."""
    return hashlib.sha256("\x1f".join(_canonical(values[name]) for name in COLUMN_NAMES).encode()).hexdigest()


def _canonical(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return value.isoformat() if isinstance(value, date) else str(value)


def months_between(first: date, last: date) -> int:
    """Whole and begun months from one day to another."""
    return (last.year - first.year) * 12 + last.month - first.month + (last.day > first.day)


def due_date_between(first: date, last: date, due_day: int) -> bool:
    """True when a due day (the month's last day where the month is shorter) falls on first … last."""
    if (last - first).days >= 31:
        return True
    day = first
    while day <= last:
        is_month_end = (day + timedelta(days=1)).month != day.month
        if day.day == due_day or (is_month_end and day.day < due_day):
            return True
        day += timedelta(days=1)
    return False


def _oddities(loan: TapeRow, raw: Mapping[str, str], kind: str, as_of: date) -> list[Warning]:
    """Everything about a bookable row that somebody should look at."""
    found: list[Warning] = []

    def warn(is_odd: bool, column: str, code: str, **params: str) -> None:
        if is_odd:
            found.append(Warning(loan.row, column, trimmed(raw.get(column, "")), code, params))

    value, outstanding = loan.appraised_value, loan.principal_outstanding
    term = months_between(loan.disbursed_on, loan.matures_on)
    born = identity.birth_date(loan.borrower_id_no)
    warn(outstanding > loan.principal_original, "principal_outstanding", "outstanding_above_original")
    warn(value is None, "appraised_value", "no_value")
    warn(value is not None and value < outstanding, "appraised_value", "value_below_outstanding")
    warn(loan.appraised_on is not None and loan.appraised_on > as_of, "appraised_on", "appraised_later")
    warn(loan.annual_rate_percent > 10, "annual_rate_percent", "high_rate")
    warn(term > 360, "matures_on", "long_term", months=str(term))
    warn(loan.matures_on <= as_of, "matures_on", "matured_with_balance")
    warn(loan.disbursed_on == as_of, "disbursed_on", "disbursed_on_as_of")
    warn(kind not in PROPERTY_TYPES, "property_type", "unknown_property_type")
    warn(not trimmed(raw.get("property_type", "")), "property_type", "no_property_type")
    warn(loan.owner_occupied is None, "owner_occupied", "no_owner_occupied")
    warn(loan.credit_score is None, "credit_score", "no_credit_score")
    warn(loan.credit_score is not None and not 300 <= loan.credit_score <= 950, "credit_score", "odd_credit_score")
    warn(not loan.borrower_phone, "borrower_phone", "no_phone")
    warn(bool(loan.borrower_phone) and not identity.is_phone(loan.borrower_phone), "borrower_phone", "odd_phone")
    warn(not identity.is_known_province(loan.borrower_id_no), "borrower_id_no", "unknown_province")
    warn(born is None or months_between(born, loan.disbursed_on) <= 18 * 12, "borrower_id_no", "under_age")
    warn(loan.registered_on is not None and not loan.registration_no, "registered_on", "registered_without_number")
    warn(loan.registered_on is not None and loan.registered_on > as_of, "registered_on", "day_after_as_of")
    warn(loan.last_visit_on is not None and loan.last_visit_on > as_of, "last_visit_on", "day_after_as_of")
    found += _odd_arrears(loan, as_of)
    return found


def _odd_arrears(loan: TapeRow, as_of: date) -> list[Warning]:
    """Days past due that fit neither the loan's age nor its due days."""
    days = loan.days_past_due
    if not days:
        return []
    since = as_of - timedelta(days=days)
    text = str(days)
    if since < loan.disbursed_on:
        return [Warning(loan.row, "days_past_due", text, "overdue_before_disbursement", {"since": since.isoformat()})]
    if not due_date_between(since, as_of, loan.due_day):
        return [Warning(loan.row, "days_past_due", text, "no_due_day_in_arrears", {"since": since.isoformat()})]
    return []


def nearest(name: str, given: Sequence[str]) -> str:
    """The given header that a missing column was most likely meant by; empty when none is near."""

    by_lower = {each.lower(): each for each in given}
    near = difflib.get_close_matches(name, list(by_lower), n=1, cutoff=0.75)
    return by_lower[near[0]] if near else ""
