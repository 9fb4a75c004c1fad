"""Decides what an off-site check finds, and whether it may close itself.

The system looks at what is on file: repayment, arrears, class, registration, insurance, valuation,
loan-to-value, open warnings, what the bureau said; the checks after disbursement (S1.13) also at the arrival of the
money at the payee and at the execution of the plan. An exception, or the draw of a sample, hands the check to a person,
and so does what a first check must see and nobody recorded. What was never recorded in an imported book is 基线缺失 and
no exception; loan-to-value counts only when it has crossed an alert line since the value last looked at, for what stood
there at cut-over is the baseline. A bureau summary older than the limit is as good as none: it is told as not recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from followups.rules.facts import lot
from loans.rules.dates import add_months

OK, EXCEPTION, BASELINE_MISSING, NOT_RECORDED = "OK", "EXCEPTION", "BASELINE_MISSING", "NOT_RECORDED"
# Of the plan: nothing has fallen due yet.
NOT_DUE = "NOT_DUE"
# What a first check must see before it may close itself.
MUST = ("FUNDS",)
# Late installments within 12 months that ask for a person.
LATE_LIMIT = 2
# Open warnings of this level or worse ask for a person (red 1, orange 2, yellow 3); milder ones are told.
WARNING_LIMIT = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """The bank's parameters in force on the day."""

    sample_percent: int = 5
    valuation_months: int = 12
    bureau_months: int = 12
    # In percent, highest first.
    loan_to_value: tuple[Decimal, ...] = (Decimal(100), Decimal(90), Decimal(80))


@dataclass(frozen=True, slots=True)
class Told:
    """The last word of a source outside, and whether it is bad."""

    code: str
    on: date
    is_bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFile:
    """What the bank has on file for a loan when its off-site check is made."""

    sample_key: str
    cycle: str
    late_in_12_months: int
    days_past_due: int
    five_class: str
    # FORMAL, ADVANCE_NOTICE, NOT_RECORDED, or empty when there is no charge at all.
    registration: str
    principal_balance: Decimal
    value: Decimal | None
    valued_on: date | None
    # The value at the last check, or the first one known.
    value_before: Decimal | None
    # Null: no policy is recorded, as in a book taken over.
    insured_until: date | None = None
    open_signals: int = 0
    # The worst level among them.
    worst_signal: int | None = None
    # One of the checks after disbursement, and whether the loan was disbursed before the book was taken over.
    is_first: bool = False
    is_taken_over: bool = False
    bureau: Told | None = None
    funds: Told | None = None
    installments_due: int = 0
    installments_paid: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the evidence sheet."""

    code: str
    result: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence sheet. Clean means: all there that must be, no exception and not drawn for the sample."""

    items: tuple[Item, ...]
    is_sample: bool

    @property
    def exceptions(self) -> tuple[str, ...]:
        return tuple(item.code for item in self.items if item.result == EXCEPTION)

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(item.code for item in self.items if item.code in MUST and item.result == NOT_RECORDED)

    @property
    def is_clean(self) -> bool:
        return not self.exceptions and not self.missing and not self.is_sample

    def as_json(self, checked_on: date, value: Decimal | None) -> dict[str, Any]:
        """As stored on the task; `value` is kept for the next check to compare with."""
        return {
            "checked_on": checked_on.isoformat(),
            "items": [{"code": i.code, "result": i.result, "params": dict(i.params)} for i in self.items],
            "exceptions": list(self.exceptions),
            "missing": list(self.missing),
            "is_sample": self.is_sample,
            "value": None if value is None else str(value),
        }


def check(on_file: OnFile, limits: Limits, today: date) -> Evidence:
    """The evidence sheet of a loan on a business date."""
    is_late = on_file.late_in_12_months >= LATE_LIMIT
    items = (
        Item("REPAYMENT", EXCEPTION if is_late else OK, {"late": on_file.late_in_12_months}),
        Item("ARREARS", EXCEPTION if on_file.days_past_due else OK, {"days": on_file.days_past_due}),
        Item("FIVE_CLASS", OK if on_file.five_class == "PASS" else EXCEPTION, {"class": on_file.five_class}),
        _registration(on_file.registration),
        _insurance(on_file.insured_until, today),
        _valuation(on_file, limits, today),
        _loan_to_value(on_file, limits),
        _warnings(on_file),
        _bureau(on_file, limits, today),
        *(_first(on_file) if on_file.is_first else ()),
    )
    is_sample = lot(on_file.sample_key, f"off-site {on_file.cycle}", 100) < limits.sample_percent
    return Evidence(items, is_sample)


def _registration(kind: str) -> Item:
    if kind in ("", "NOT_RECORDED"):
        return Item("REGISTRATION", BASELINE_MISSING)
    return Item("REGISTRATION", OK, {"kind": kind})


def _insurance(until: date | None, today: date) -> Item:
    if until is None:
        return Item("INSURANCE", NOT_RECORDED)
    return Item("INSURANCE", EXCEPTION if until < today else OK, {"until": until.isoformat()})


def _bureau(on_file: OnFile, limits: Limits, today: date) -> Item:
    told = on_file.bureau
    if told is None or told.on < add_months(today, -limits.bureau_months):
        return Item("BUREAU", NOT_RECORDED, {} if told is None else {"last": told.on.isoformat()})
    return Item("BUREAU", EXCEPTION if told.is_bad else OK, {"told": told.code, "on": told.on.isoformat()})


def _first(on_file: OnFile) -> tuple[Item, ...]:
    """Did the money arrive, and is the plan kept so far? Arrival before the book was taken over is baseline."""
    due, paid = on_file.installments_due, on_file.installments_paid
    plan = EXCEPTION if on_file.days_past_due else OK if due else NOT_DUE
    told = on_file.funds
    if told is not None:
        funds = Item("FUNDS", EXCEPTION if told.is_bad else OK, {"on": told.on.isoformat()})
    else:
        funds = Item("FUNDS", BASELINE_MISSING if on_file.is_taken_over else NOT_RECORDED)
    return funds, Item("PLAN", plan, {"due": due, "paid": paid})


def _warnings(on_file: OnFile) -> Item:
    is_grave = on_file.worst_signal is not None and on_file.worst_signal <= WARNING_LIMIT
    return Item("WARNINGS", EXCEPTION if is_grave else OK, {"open": on_file.open_signals})


def _valuation(on_file: OnFile, limits: Limits, today: date) -> Item:
    if on_file.valued_on is None:
        return Item("VALUATION", BASELINE_MISSING)
    is_old = on_file.valued_on < add_months(today, -limits.valuation_months)
    return Item("VALUATION", EXCEPTION if is_old else OK, {"valued_on": on_file.valued_on.isoformat()})


def _loan_to_value(on_file: OnFile, limits: Limits) -> Item:
    if on_file.value is None:
        return Item("LOAN_TO_VALUE", BASELINE_MISSING)
    now = on_file.principal_balance * 100 / on_file.value
    before = on_file.principal_balance * 100 / (on_file.value_before or on_file.value)
    params: dict[str, Any] = {"percent": str(now.quantize(Decimal("0.1"), ROUND_DOWN))}
    crossed = next((limit for limit in limits.loan_to_value if before < limit <= now), None)
    if crossed is not None:
        return Item("LOAN_TO_VALUE", EXCEPTION, {**params, "limit": str(crossed.quantize(Decimal(1)))})
    return Item("LOAN_TO_VALUE", OK, params)
