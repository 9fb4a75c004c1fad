"""Decides what the rows of a loan must be, from its history alone: signed terms, receipts, and what people decided.

Installments and positions are kept up day by day; here they are made once more from nothing. The terms say what was
to be billed, the postings when it was, the receipts what came in; the fold of a whole life (`loans.rules.replay`) says
what that paid. What the ledger says is compared with the same fold, so neither rows nor postings can drift alone.

The history knows when something was booked and from when it counts, so the class that the last evening gave can be
told even after money came in since: the life is folded once more with what was known that evening.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from loans.rules.account import PaymentTerms
from loans.rules.accrual import Running, running
from loans.rules.aging import UnpaidInstallment, class_of, days_past_due, overdue_since
from loans.rules.continuation import from_json, period_start, rolled
from loans.rules.replay import (
    Billed,
    FeeCharged,
    FeeWaived,
    Money,
    MoneyIsGone,
    Paid,
    Replayed,
    Taking,
    Used,
    WrittenOff,
    replay,
)

Line = tuple[str, int | None, int]
TAKINGS = ("RECEIPT", "REPOSTING", "SUSPENSE_USED")


class Version(NamedTuple):
    """A signed version of the terms with the days of its rows; amounts in fen."""

    first_number: int
    rate_ppm: int
    installment_fen: int
    due_on: Sequence[date]
    principal_fen: Sequence[int]
    interest_fen: Sequence[int]
    request: Mapping[str, Any] | None = None
    # Nothing is left to bill by it (settlement, acceleration): rate and installment stay those of the version before.
    is_end: bool = False

    @property
    def last_number(self) -> int:
        return self.first_number + len(self.principal_fen) - 1


class Posted(NamedTuple):
    """A posting with its lines; `undone_on` is the business date of its reversal."""

    posting_id: int
    kind: str
    value_on: date
    business_date: date
    number: int | None
    source_id: int | None
    receipt_id: int | None
    undone_on: date | None
    lines: tuple[Line, ...]


class Received(NamedTuple):
    """A receipt that was posted, and the business date on which it was taken out again."""

    receipt_id: int
    value_on: date
    amount_fen: int
    reversed_on: date | None


class Evening(NamedTuple):
    """What the bank's evenings did last: billing, recognition of what is overdue, classes."""

    billed_on: date
    recognised_until: date
    classified_on: date


@dataclass(frozen=True, slots=True)
class History:
    """All that happened to a loan. Without a baseline it was disbursed here."""

    loan_id: int
    baseline_on: date | None
    baseline_days_past_due: int
    versions: Sequence[Version]
    postings: Sequence[Posted]
    receipts: Sequence[Received]
    terms: PaymentTerms
    accelerated_on: date | None = None
    # The class that an observation held the loan at on the last evening; None: not known, it has moved since.
    class_floor: str | None = ""
    # Its billing was refused: it may be behind the evening.
    is_held_back: bool = False
    due_day: int = 1


class InstallmentState(NamedTuple):
    """A row of `loans_installment`; amounts in fen."""

    number: int
    due_on: date
    overdue_from: date
    principal: int
    interest: int
    interest_paid: int
    principal_paid: int
    settled_on: date | None
    penalty_paid: int
    compound_paid: int
    penalty_left: int
    compound_left: int
    late_interest_units: int
    late_principal_units: int


class PositionState(NamedTuple):
    """A row of `loans_position`; amounts in fen, the rate in ppm."""

    principal_balance: int
    unbilled_principal: int
    suspense: int
    annual_rate_percent: int
    installment_amount: int
    next_number: int | None
    next_due_on: date | None
    last_number: int
    overdue_since: date | None
    five_class: str
    settled_on: date | None
    off_balance_interest: int
    fees_due: int
    written_off_on: date | None
    accelerated_on: date | None
    accrues_from: date | None
    accrued_before: int
    accrual_rate_percent: int | None = None


class FeeState(NamedTuple):
    """A row of `loans_fee`; amounts in fen."""

    fee_id: int
    amount: int
    waived: int
    paid: int
    settled_on: date | None


class LoanState(NamedTuple):
    """The rows of a loan that change while it is served."""

    loan_id: int
    position: PositionState
    installments: tuple[InstallmentState, ...]
    fees: tuple[FeeState, ...]


class Difference(NamedTuple):
    """A column that is not what the history says: `position`, `installment 7` or `fee 3`."""

    row: str
    column: str
    stored: object
    rebuilt: object


@dataclass(slots=True)
class Rebuilt:
    """The rows as they must be, and what the ledger says otherwise than the receipts (empty when all is well)."""

    state: LoanState
    ledger: list[str] = field(default_factory=list)


class HistoryBroken(Exception):
    """The history contradicts itself: no rows can be made of it."""


# ── What was billed ──────────────────────────────────────────────────────────────────────────────


def version_of(versions: Sequence[Version], number: int) -> Version:
    """The version that an installment was, or will be, billed by: a later one begins where it took over."""
    for version in versions[::-1]:
        if version.first_number <= number:
            return version
    raise HistoryBroken(f"no terms for installment {number}")


def _standing(history: History, kinds: Iterable[str], known_on: date) -> list[Posted]:
    """Postings of these kinds as they stood at the close of a business date."""
    return [
        each
        for each in history.postings
        if each.kind in kinds
        and each.business_date <= known_on
        and (each.undone_on is None or each.undone_on > known_on)
    ]


def _debit(posting: Posted) -> int:
    return sum(amount for _account, _number, amount in posting.lines if amount > 0)


def _billed(history: History, evening: Evening, known_on: date) -> list[Billed]:
    """Billed installments: taken over, posted, or due without interest (those make no posting)."""
    posted = {each.number: each for each in _standing(history, ("BILLING",), known_on)}
    most = max((number for number in posted if number is not None), default=0)
    subsidies: dict[int | None, int] = defaultdict(int)
    for each in _standing(history, ("SUBSIDY",), known_on):
        subsidies[each.number] += _debit(each)
    until = _billed_until(history, evening, known_on)
    first, last = history.versions[0].first_number, history.versions[-1].last_number
    rows = []
    for number in range(first, last + 1):
        version = version_of(history.versions, number)
        index = number - version.first_number
        due_on, interest = version.due_on[index], version.interest_fen[index]
        posting = posted.get(number)
        if posting is not None:
            on, place = posting.business_date, posting.posting_id
        elif history.baseline_on is not None and due_on <= history.baseline_on:
            on, place = date.min, 0
        elif number < most or (not interest and due_on <= until):
            on, place = due_on, 0
        else:
            break
        overdue_from, bears_from = _starts(history, due_on, is_first=number == first)
        is_taken_over = history.baseline_on is not None and overdue_from < history.baseline_on
        amounts = (interest, version.principal_fen[index])
        starts = (due_on, overdue_from, bears_from)
        rows.append(Billed(number, on, place, *amounts, *starts, subsidies[number], is_taken_over))
    return rows


def _billed_until(history: History, evening: Evening, known_on: date) -> date:
    """Up to which due day the evenings have billed a loan."""
    if history.accelerated_on is not None and history.accelerated_on <= known_on:
        return date.max
    since = min((each.business_date for each in history.postings), default=date.max)
    if history.is_held_back or since > evening.billed_on:
        return date.min
    return min(evening.billed_on, known_on)


def _starts(history: History, due_on: date, *, is_first: bool) -> tuple[date, date]:
    """The days from which an installment is overdue (arrears taken over: the tape's word) and bears penalty."""
    if history.baseline_on is None:
        return due_on, due_on
    overdue_from = due_on
    if is_first and history.baseline_days_past_due:
        overdue_from = history.baseline_on - timedelta(days=history.baseline_days_past_due)
    return overdue_from, max(due_on, history.baseline_on)


# ── What was paid ────────────────────────────────────────────────────────────────────────────────


def _fold(history: History, evening: Evening, known_on: date = date.max) -> tuple[list[Billed], Replayed]:
    """The life of a loan by what was known at the close of a business date."""
    billed = _billed(history, evening, known_on)
    posted = {each.receipt_id: each for each in history.postings if each.kind == "RECEIPT"}
    money = []
    for each in history.receipts:
        posting = posted.get(each.receipt_id)
        if posting is None:
            raise HistoryBroken(f"receipt {each.receipt_id} has no posting")
        is_gone = each.reversed_on is not None and each.reversed_on <= known_on
        if posting.business_date <= known_on and not is_gone:
            money.append(Money(each.receipt_id, each.value_on, posting.posting_id, each.amount_fen))
    try:
        return billed, replay(billed, money, _decided(history, known_on), history.terms)
    except MoneyIsGone as error:
        raise HistoryBroken(str(error)) from error


def _decided(history: History, known_on: date) -> list[FeeCharged | FeeWaived | Used | WrittenOff]:
    """What people decided: fees charged and waived, suspense taken out, a write-off."""
    waived: dict[int | None, int] = defaultdict(int)
    for each in _standing(history, ("WAIVER",), known_on):
        waived[each.source_id] += _debit(each)
    found: list[FeeCharged | FeeWaived | Used | WrittenOff] = []
    for each in _standing(history, ("FEE", "WAIVER", "PREPAYMENT", "REFUND", "WRITE_OFF"), known_on):
        on, place, source = each.value_on, each.posting_id, each.source_id or 0
        if each.kind == "FEE":
            found.append(FeeCharged(source, on, place, _debit(each) - waived[each.source_id]))
        elif each.kind == "WAIVER":
            found.append(FeeWaived(source, on, place))
        elif each.kind == "WRITE_OFF":
            found.append(WrittenOff(on, place))
        else:
            repays = any(account == "PRINCIPAL" for account, _number, _amount in each.lines)
            found.append(Used(place, on, place, _debit(each), repays))
    return found


def rebuild(history: History, evening: Evening) -> Rebuilt:
    """The rows of a loan from its history; HistoryBroken when it contradicts itself."""
    billed, folded = _fold(history, evening)
    position = _position(history, evening, billed, folded)
    rows = tuple(_installment(each, folded.paid[each.number]) for each in billed)
    state = LoanState(history.loan_id, position, rows, _fees(history, folded))
    return Rebuilt(state, _against_ledger(history, state, folded))


def _installment(row: Billed, paid: Paid) -> InstallmentState:
    return InstallmentState(
        row.number, row.due_on or row.on, row.overdue_from or row.on, row.principal_fen, row.interest_fen,
        paid.interest_fen, paid.principal_fen, paid.settled_on, paid.penalty_fen, paid.compound_fen,
        paid.penalty_left_fen, paid.compound_left_fen, paid.interest_units, paid.principal_units,
    )  # fmt: skip


def _position(history: History, evening: Evening, billed: Sequence[Billed], folded: Replayed) -> PositionState:
    version = history.versions[-1]
    agreed = next((each for each in reversed(history.versions) if not each.is_end), version)
    following = billed[-1].number + 1 if billed else history.versions[0].first_number
    is_open = following <= version.last_number
    index = following - version.first_number
    unbilled = sum(version.principal_fen[index:]) if is_open else 0
    written_off = _standing(history, ("WRITE_OFF",), date.max)
    unpaid = sum(each.principal_fen for each in folded.unpaid)
    sums = balances(history.postings)
    period = _running(history, version, index, billed) if is_open else Running(None)
    return PositionState(
        principal_balance=0 if written_off else unbilled + unpaid,
        unbilled_principal=unbilled,
        suspense=folded.suspense_fen,
        annual_rate_percent=agreed.rate_ppm,
        installment_amount=agreed.installment_fen,
        next_number=following if is_open else None,
        next_due_on=version.due_on[index] if is_open else None,
        last_number=version.last_number,
        overdue_since=_overdue_since(history, evening, billed, folded),
        five_class=_class(history, evening, billed, folded),
        settled_on=None if is_open else folded.cleared_on,
        off_balance_interest=-sums.get("INTEREST_OFF_BALANCE", 0),
        fees_due=folded.fees_due_fen,
        written_off_on=written_off[0].value_on if written_off else None,
        accelerated_on=history.accelerated_on,
        accrues_from=period.accrues_from,
        accrued_before=period.before_fen,
        accrual_rate_percent=period.rate_ppm,
    )


def _running(history: History, version: Version, index: int, billed: Sequence[Billed]) -> Running:
    """The period of the row at an index of the last version: as its request says, else from the due day before."""
    if version.request is not None:
        return running(rolled(from_json(version.request), index))
    before = billed[-1].due_on if billed else None
    return Running(before or period_start(version.due_on[index], history.due_day))


def _overdue_since(history: History, evening: Evening, billed: Sequence[Billed], folded: Replayed) -> date | None:
    rows = {each.number: each for each in billed}
    unpaid = [rows[each.number] for each in folded.unpaid]
    days = [UnpaidInstallment(each.due_on or each.on, each.overdue_from or each.on) for each in unpaid]
    return overdue_since(days, evening.recognised_until, history.baseline_on)


def _class(history: History, evening: Evening, billed: Sequence[Billed], folded: Replayed) -> str:
    """The class of the last evening, by what was known then; empty when the floor of that evening is not."""
    day = evening.classified_on
    if history.class_floor is None:
        return ""
    days = [each.business_date for each in history.postings]
    if min(days, default=date.max) > day:
        # Not there yet that evening: taken over with the class of its days past due.
        return class_of(history.baseline_days_past_due, history.class_floor)
    if max(days) > day:
        billed, folded = _fold(history, evening, known_on=day)
    since = _overdue_since(history, evening, billed, folded)
    return class_of(days_past_due(since, day), history.class_floor)


def _fees(history: History, folded: Replayed) -> tuple[FeeState, ...]:
    waived: dict[int | None, int] = defaultdict(int)
    for each in _standing(history, ("WAIVER",), date.max):
        waived[each.source_id] += _debit(each)
    fees = []
    for each in _standing(history, ("FEE",), date.max):
        paid = folded.fees_paid[each.source_id or 0]
        fees.append(FeeState(each.source_id or 0, _debit(each), waived[each.source_id], paid.fen, paid.settled_on))
    return tuple(sorted(fees))


# ── What the ledger says ─────────────────────────────────────────────────────────────────────────


def balances(postings: Iterable[Posted]) -> dict[str, int]:
    """Sum of each account; reversals carry their own lines."""
    found: dict[str, int] = defaultdict(int)
    for each in postings:
        for account, _number, amount in each.lines:
            found[account] += amount
    return found


def _against_ledger(history: History, state: LoanState, folded: Replayed) -> list[str]:
    """What the ledger says otherwise: its balances, and how each receipt was spread."""
    sums, position = balances(history.postings), state.position
    receivable = sum(each.interest - each.interest_paid for each in state.installments)
    wanted = {
        "PRINCIPAL": position.principal_balance,
        "SUSPENSE": -position.suspense,
        "FEE_RECEIVABLE": position.fees_due,
        "INTEREST_RECEIVABLE": receivable,
    }
    found = [
        f"{account} {sums.get(account, 0)}, by the receipts {amount}"
        for account, amount in wanted.items()
        if sums.get(account, 0) != amount
    ]
    standing = sorted(_spread(each.lines) for each in _standing(history, TAKINGS, date.max))
    by_receipts = sorted(_spread(_lines_of(each)) for each in folded.takings)
    if standing != by_receipts:
        other = [each for each in standing if each not in by_receipts]
        found.append(f"{len(other) or 'too few'} postings of money are not what the receipts mean")
    return found


def _spread(lines: Iterable[Line]) -> tuple[tuple[str, int, int], ...]:
    return tuple(sorted((account, number or 0, amount) for account, number, amount in lines))


def _lines_of(taking: Taking) -> list[Line]:
    """A taking as the ledger should say it."""
    principal = "WRITE_OFF" if taking.is_recovery else "PRINCIPAL"
    source = "CASH" if taking.receipt_id else "SUSPENSE"
    lines: list[Line] = [(source, None, taking.amount_fen), ("FEE_RECEIVABLE", None, -taking.fee_fen)]
    for part in taking.parts:
        lines.append(("INTEREST_RECEIVABLE", part.number, -part.interest_fen))
        lines.append((principal, part.number, -part.principal_fen))
    for charge in taking.charges:
        lines.append(("PENALTY_INCOME", charge.number, -charge.penalty_fen))
        lines.append(("COMPOUND_INCOME", charge.number, -charge.compound_fen))
    lines.append(("SUSPENSE", None, -taking.rest_fen))
    return [line for line in lines if line[2]]


# ── Stored and rebuilt ───────────────────────────────────────────────────────────────────────────


def differences(stored: LoanState, rebuilt: LoanState) -> list[Difference]:
    """Columns that differ, row by row; a row that only one side has is one difference."""
    found = _columns("position", stored.position, rebuilt.position)
    found += _rows("installment", {each.number: each for each in stored.installments}, rebuilt.installments)
    found += _rows("fee", {each.fee_id: each for each in stored.fees}, rebuilt.fees)
    return found


def _rows(
    name: str, stored: Mapping[int, InstallmentState | FeeState], rebuilt: Sequence[InstallmentState | FeeState]
) -> list[Difference]:
    found: list[Difference] = []
    left = dict(stored)
    for each in rebuilt:
        row = left.pop(each[0], None)
        label = f"{name} {each[0]}"
        found += [Difference(label, "", None, each)] if row is None else _columns(label, row, each)
    return found + [Difference(f"{name} {number}", "", row, None) for number, row in left.items()]


def _columns(
    label: str,
    stored: PositionState | InstallmentState | FeeState,
    rebuilt: PositionState | InstallmentState | FeeState,
) -> list[Difference]:
    if stored == rebuilt:
        return []
    return [
        Difference(label, name, before, after)
        for name, before, after in zip(stored._fields, stored, rebuilt, strict=True)
        if before != after
    ]


def state_sha256(states: Iterable[LoanState]) -> str:
    """One hash of the rows of all loans, given in order of their ids."""
    digest = hashlib.sha256()
    for each in states:
        digest.update(repr(tuple(each)).encode())
    return digest.hexdigest()
