"""Reads a loan's account: what it owes as its rows stand, its whole life for the fold, and the terms of late payment.

Contract parameters are the contract's own where it agreed some, else the bank's of the day of signing (新老划断); the
rate is that of the terms in force on each day.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from loans import sql
from loans.queries.bank import ParameterMissing, calendar
from loans.rules.account import Account, Debt, FeePaid, OpenFee, Paid, PaymentTerms
from loans.rules.aging import UnpaidInstallment
from loans.rules.allocation import NORMAL, Order
from loans.rules.calendar import Calendar
from loans.rules.money import rate_ppm
from loans.rules.penalty import PenaltyTerms, Timeline, multiplier_thousandths
from loans.rules.replay import Billed, FeeCharged, FeeWaived, Money, Used, WrittenOff
from loans.sql import array

PAYMENT_CODES = ("allocation_order", "grace_days", "holiday_rule", "penalty_multiplier_overdue", "principal_first_dpd")
# Longer than any holiday: days past the last one looked at that the calendar has to know.
_HOLIDAYS = timedelta(days=40)
Spans = list[tuple[date | None, date | None, Any]]


def contract_parameters(loan_ids: Iterable[int], on: date) -> dict[int, dict[str, Any]]:
    """For each loan every parameter by code as its contract has it on a day."""
    found: dict[int, dict[str, Any]] = {loan_id: {} for loan_id in loan_ids}
    for loan_id, code, value in sql.rows(sql.PARAMETERS_ON, {"loan_ids": array(found), "on": on}):
        found[loan_id][code] = json.loads(value)
    return found


def payment_terms(loan_ids: Iterable[int], days: Calendar) -> dict[int, PaymentTerms]:
    """What decides late charges and the order of allocation, by loan: one statement."""
    ids = list(loan_ids)
    spans: dict[int, dict[str, Spans]] = defaultdict(lambda: defaultdict(list))
    for loan_id, code, since, until, value, _version in sql.rows(
        sql.GATHER_TERMS, {"loan_ids": array(ids), "codes": list(PAYMENT_CODES)}
    ):
        spans[loan_id][code].append((since, until, value))
    recognised = _timeline(spans[0]["overdue_grace_days"] or [(None, None, "0")])
    grace = tuple((since, int(value)) for since, value in recognised)
    return {loan_id: _terms(spans[loan_id], grace, days) for loan_id in ids}


def _terms(spans: Mapping[str, Spans], overdue_grace: Timeline[int], days: Calendar) -> PaymentTerms:
    lines = {code: _timeline(spans[code]) for code in PAYMENT_CODES}
    multipliers = tuple((since, multiplier_thousandths(str(value))) for since, value in _of(lines, PAYMENT_CODES[3]))
    penalty = PenaltyTerms(
        _rates(spans["rate"]),
        multipliers,
        tuple((since, int(value)) for since, value in _of(lines, "grace_days")),
        tuple((since, str(value)) for since, value in _of(lines, "holiday_rule")),
    )
    orders = tuple((since, _order(value)) for since, value in _of(lines, "allocation_order"))
    first = tuple((since, int(value)) for since, value in _of(lines, "principal_first_dpd"))
    return PaymentTerms(penalty, orders, first, overdue_grace, days)


def _of(lines: Mapping[str, Timeline[str]], code: str) -> Timeline[Any]:
    return tuple((since, json.loads(value)) for since, value in lines[code])


def _timeline(spans: Spans) -> Timeline[str]:
    """The first span is the bank's value where the contract has none of its own."""
    if not spans:
        raise ParameterMissing(", ".join(PAYMENT_CODES))
    (_since, _until, plain), *own = spans
    line: list[tuple[date, str]] = [(date.min, plain)]
    for since, until, value in own:
        line.append((since or date.min, value))
        if until is not None:
            line.append((until, plain))
    return tuple(line)


def _rates(versions: Spans) -> Timeline[int]:
    """Each version of the terms holds from its day on, whatever an earlier one said of later days."""
    line: list[tuple[date, int]] = []
    for since, _until, value in versions:
        start = since or date.min
        line = [each for each in line if each[0] < start]
        line.append((start, rate_ppm(Decimal(value))))
    return tuple(line)


def _order(value: Any) -> Order:
    order = tuple(str(each) for each in value)
    if sorted(order) != sorted(NORMAL):
        raise ValueError(f"allocation_order {value}")
    return order


def calendar_around(days: Iterable[date]) -> Calendar:
    """The calendar that grace and recognition of these days need."""
    found = list(days)
    return calendar(min(found) - _HOLIDAYS, max(found) + _HOLIDAYS)


def open_debts(baselines: Mapping[int, date | None]) -> dict[int, list[Debt]]:
    """Installments that owe something, by loan; given are the days of take-over."""
    found: dict[int, list[Debt]] = {loan_id: [] for loan_id in baselines}
    for row in sql.rows(sql.GATHER_OWING, {"loan_ids": array(found)}):
        loan_id, number, due_on, overdue_from, interest, principal = row[:6]
        paid = Paid._make((*row[6:13], int(row[13]), int(row[14])))
        starts = _starts(due_on, overdue_from, baselines[loan_id])
        found[loan_id].append(Debt(number, due_on, overdue_from, starts[0], interest, principal, paid, starts[1]))
    return found


def _starts(due_on: date, overdue_from: date, baseline_on: date | None) -> tuple[date, bool]:
    """The day from which an installment bears (arrears taken over: the baseline), and is it overdue by the tape?"""
    if baseline_on is None:
        return due_on, False
    return max(due_on, baseline_on), overdue_from < baseline_on


def open_fees(loan_ids: Iterable[int]) -> dict[int, list[OpenFee]]:
    """Fees that are not paid, by loan, the oldest first."""
    found: dict[int, list[OpenFee]] = defaultdict(list)
    for loan_id, fee_id, left, paid in sql.rows(sql.GATHER_FEES, {"loan_ids": array(loan_ids)}):
        found[loan_id].append(OpenFee(fee_id, left, paid))
    return found


class LoanRow(NamedTuple):
    """A loan's position as `sql.READ_LOANS` reads it; amounts in fen."""

    loan_id: int
    suspense_fen: int
    balance_fen: int
    next_number: int | None
    overdue_since: date | None
    settled_on: date | None
    baseline_on: date | None
    fees_due_fen: int
    written_off_on: date | None
    has_own_order: bool = False


def accounts_of(loans: Iterable[LoanRow]) -> dict[int, Account]:
    """What each loan owes, as its rows stand; without the terms of late payment."""
    rows = list(loans)
    debts = open_debts({row.loan_id: row.baseline_on for row in rows})
    charged = [row.loan_id for row in rows if row.fees_due_fen]
    fees = open_fees(charged) if charged else {}
    found = {}
    for row in rows:
        account = Account(fees=fees.get(row.loan_id, []), suspense_fen=row.suspense_fen)
        account.owe(debts[row.loan_id])
        found[row.loan_id] = account
    return found


class Standing(NamedTuple):
    """A posting of money that nothing reverses."""

    posting_id: int
    receipt_id: int
    value_on: date
    lines: list[tuple[str, int | None, int]]


@dataclass(slots=True)
class Life:
    """A loan as it stands, and all that ever happened to its money."""

    row: LoanRow
    billed: list[Billed] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    decided: list[FeeCharged | FeeWaived | Used | WrittenOff] = field(default_factory=list)
    paid: dict[int, Paid] = field(default_factory=dict)
    fees_paid: dict[int, FeePaid] = field(default_factory=dict)
    aging: dict[int, UnpaidInstallment] = field(default_factory=dict)
    standing: list[Standing] = field(default_factory=list)
    # Kind and source of what was decided, by posting.
    sources: dict[int, tuple[str, int | None, date]] = field(default_factory=dict)
    terms: PaymentTerms | None = None


def lives_of(rows: Iterable[LoanRow], as_of: date) -> dict[int, Life]:
    """The whole account of each loan."""
    lives = {row.loan_id: Life(row) for row in rows}
    scope = {"loan_ids": array(lives)}
    subsidies = _read_decided(lives, scope)
    for row in sql.rows(sql.GATHER_BILLED, scope):
        loan_id, number, due_on, overdue_from, interest, principal = row[:6]
        paid, (billed_on, place) = Paid._make((*row[6:13], int(row[13]), int(row[14]))), row[15:]
        life = lives[loan_id]
        starts, subsidy = _starts(due_on, overdue_from, life.row.baseline_on), subsidies.get((loan_id, number), 0)
        what = (interest, principal, due_on, overdue_from, starts[0], subsidy, starts[1])
        life.billed.append(Billed(number, billed_on or date.min, place, *what))
        life.paid[number] = paid
        life.aging[number] = UnpaidInstallment(due_on, overdue_from)
    for loan_id, receipt_id, value_on, place, amount in sql.rows(sql.GATHER_POSTED, scope):
        lives[loan_id].money.append(Money(receipt_id, value_on, place, amount))
    for loan_id, posting_id, receipt_id, value_on, *lines in sql.rows(sql.GATHER_STANDING, scope):
        standing = Standing(posting_id, receipt_id, value_on, list(zip(*lines, strict=True)))
        lives[loan_id].standing.append(standing)
    due = [each.due_on for life in lives.values() for each in life.billed if each.due_on is not None]
    for loan_id, terms in payment_terms(lives, calendar_around([*due, as_of])).items():
        lives[loan_id].terms = terms
    return lives


def _read_decided(lives: Mapping[int, Life], scope: dict[str, Any]) -> dict[tuple[int, int], int]:
    """Fills in what people decided; returns what subsidies pay by loan and installment."""
    rows = sql.rows(sql.GATHER_DECIDED, scope)
    waived: dict[int, int] = defaultdict(int)
    subsidies: dict[tuple[int, int], int] = defaultdict(int)
    for loan_id, _posting, kind, _on, number, source, amount, _repays in rows:
        if kind == "WAIVER":
            waived[source] += amount
        elif kind == "SUBSIDY":
            subsidies[loan_id, number] += amount
    for loan_id, posting_id, kind, on, _number, source, amount, repays in rows:
        life = lives[loan_id]
        life.sources[posting_id] = (kind, source, on)
        if kind == "FEE":
            life.decided.append(FeeCharged(source, on, posting_id, amount - waived[source]))
        elif kind == "WAIVER":
            life.decided.append(FeeWaived(source, on, posting_id))
        elif kind == "WRITE_OFF":
            life.decided.append(WrittenOff(on, posting_id))
        elif kind in ("PREPAYMENT", "REFUND"):
            life.decided.append(Used(posting_id, on, posting_id, amount, repays))
    if any(row[2] == "FEE" for row in rows):
        for loan_id, fee_id, paid, settled_on in sql.rows(sql.GATHER_FEES_PAID, scope):
            lives[loan_id].fees_paid[fee_id] = FeePaid(paid, settled_on)
    return subsidies
