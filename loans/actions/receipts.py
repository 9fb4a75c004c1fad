"""Receipts: each serial posts once, a receipt is taken out again by reversal only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import posting, sql
from loans.models import Receipt, ReceiptState
from loans.queries import hold_business_date, lock_positions, require_business_date
from loans.replay import replay_loans
from loans.rules.money import yuan
from loans.rules.receipts import FUTURE_DAYS, MOST_SUSPENSE
from loans.sql import array
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

LEAST_REASON = 4


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt as told by a channel: loan note number or external id, yuan, value date, channel, serial."""

    loan: str
    amount: Decimal
    value_on: date
    channel: str
    serial: str


@dataclass(frozen=True, slots=True)
class ReceiptOutcome:
    """What became of one row: POSTED, WAITING, UNMATCHED, DUPLICATE or REFUSED (then column and reason)."""

    state: str
    receipt_id: int | None = None
    column: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """Outcomes in the order of the rows, with their counts."""

    outcomes: tuple[ReceiptOutcome, ...]
    amount_posted: Decimal

    def count(self, state: str) -> int:
        return sum(outcome.state == state for outcome in self.outcomes)

    @property
    def posted(self) -> int:
        return self.count("POSTED")

    @property
    def waiting(self) -> int:
        return self.count("WAITING")

    @property
    def duplicate(self) -> int:
        return self.count("DUPLICATE")

    @property
    def unmatched(self) -> int:
        return self.count("UNMATCHED")

    @property
    def refused(self) -> int:
        return self.count("REFUSED")


@transaction.atomic
def post_receipts(*, rows: Sequence[ReceiptRow], by: Any, at: datetime) -> ReceiptResult:
    """Takes receipts in; a (channel, serial) counts once, whatever is sent how often.

    A value date after the open business date waits for that day's close; a loan we do not know is
    kept as unmatched. A serial that was used for another loan, amount or day is refused.
    """
    business_date = hold_business_date()
    actor = str(getattr(by, "staff_no", by))
    loans = _loans_by_reference({row.loan for row in rows})
    outcomes: list[ReceiptOutcome | None] = [_limits(row, loans.get(row.loan), business_date) for row in rows]
    _refuse_too_large(rows, loans, outcomes)
    first: dict[tuple[str, str], int] = {}
    for index, row in enumerate(rows):
        if outcomes[index] is None:
            first.setdefault((row.channel, row.serial), index)
    taken = {index: rows[index] for index in first.values()}
    states = {index: _state(loans.get(row.loan), row.value_on, business_date) for index, row in taken.items()}
    inserted = _insert_receipts(taken, states, loans, at)
    repeated = []
    for index, row in enumerate(rows):
        key = (row.channel, row.serial)
        if outcomes[index] is None and first[key] == index and key in inserted:
            outcomes[index] = ReceiptOutcome(states[index], inserted[key])
        elif outcomes[index] is None:
            repeated.append(index)
    known = _known_serials([rows[index] for index in repeated])
    for index in repeated:
        row = rows[index]
        outcomes[index] = _repeated(row, loans.get(row.loan), known[row.channel, row.serial])
    posted = [inserted[key] for key, index in first.items() if key in inserted and states[index] == "POSTED"]
    counts = posting.post_receipts(as_of=business_date, at=at, by=actor, receipt_ids=posted) if posted else {}
    result = ReceiptResult(tuple(each for each in outcomes if each), yuan(counts.get("amount_fen", 0)))
    if inserted:
        data = {name: getattr(result, name) for name in ("posted", "waiting", "duplicate", "unmatched", "refused")}
        record(
            kind="loans.receipts_taken", subject_type="receipt", subject_id=None, by=actor, at=at,
            business_date=business_date, data={**data, "amount_posted": str(result.amount_posted)},
        )  # fmt: skip
    return result


def judge_receipts(*, rows: Sequence[ReceiptRow]) -> tuple[ReceiptOutcome, ...]:
    """What `post_receipts` would make of these rows now; nothing is written or locked."""
    business_date = require_business_date()
    loans = _loans_by_reference({row.loan for row in rows})
    known = _known_serials(rows)
    limits = [_limits(row, loans.get(row.loan), business_date) for row in rows]
    _refuse_too_large(rows, loans, limits)
    found: list[ReceiptOutcome] = []
    for row, outcome in zip(rows, limits, strict=True):
        loan, key = loans.get(row.loan), (row.channel, row.serial)
        if outcome is None and key in known:
            outcome = _repeated(row, loan, known[key])
        if outcome is None:
            state = _state(loan, row.value_on, business_date)
            known[key] = (row.loan, loan.loan_id if loan else None, row.amount, row.value_on, state)
            outcome = ReceiptOutcome(state)
        found.append(outcome)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _KnownLoan:
    loan_id: int
    # No money can have come in before this day: the baseline, else the disbursement.
    since: date
    # Written off: nothing before this day changes any more.
    written_off_on: date | None
    suspense: Decimal


def _loans_by_reference(references: set[str]) -> dict[str, _KnownLoan]:
    """Loans by note number and by external id; the note number wins where both are used."""
    found: dict[str, _KnownLoan] = {}
    rows = sql.rows(sql.MATCH_LOANS, {"refs": sorted(references)})
    for loan_id, _note, external_id, *rest in rows:
        if external_id:
            found[external_id] = _KnownLoan(loan_id, *rest)
    for loan_id, note, _external, *rest in rows:
        found[note] = _KnownLoan(loan_id, *rest)
    return found


def _limits(row: ReceiptRow, loan: _KnownLoan | None, business_date: date) -> ReceiptOutcome | None:
    """A refusal when the value date lies outside what can be true."""
    if row.amount <= 0:
        return ReceiptOutcome("REFUSED", column="amount", reason=_("金额应大于零"))
    if row.value_on > business_date + timedelta(days=FUTURE_DAYS):
        return ReceiptOutcome(
            "REFUSED", column="value_on", reason=_("起息日晚于营业日期%(days)d天以上") % {"days": FUTURE_DAYS}
        )
    if loan is not None and row.value_on < loan.since:
        return ReceiptOutcome("REFUSED", column="value_on", reason=_("起息日早于贷款的基准日或放款日"))
    if loan is not None and loan.written_off_on is not None and row.value_on < loan.written_off_on:
        return ReceiptOutcome("REFUSED", column="value_on", reason=_("起息日早于贷款的核销日"))
    return None


def _refuse_too_large(
    rows: Sequence[ReceiptRow], loans: Mapping[str, _KnownLoan], outcomes: list[ReceiptOutcome | None]
) -> None:
    """Refuses what suspense might not hold were nothing owed; a repeated serial is told what it is."""
    held = {loan.loan_id: loan.suspense for loan in loans.values()}
    seen: set[tuple[str, str]] = set()
    found: dict[int, ReceiptRow] = {}
    for index, row in enumerate(rows):
        loan, key = loans.get(row.loan), (row.channel, row.serial)
        if loan is None or outcomes[index] is not None or key in seen:
            continue
        seen.add(key)
        if held[loan.loan_id] + row.amount > MOST_SUSPENSE:
            found[index] = row
        else:
            held[loan.loan_id] += row.amount
    known = _known_serials(list(found.values()))
    for index, row in found.items():
        if (row.channel, row.serial) not in known:
            outcomes[index] = ReceiptOutcome("REFUSED", column="amount", reason=_("超出可记账的最大金额"))


def _state(loan: _KnownLoan | None, value_on: date, business_date: date) -> str:
    if loan is None:
        return "UNMATCHED"
    return "WAITING" if value_on > business_date else "POSTED"


def _insert_receipts(
    taken: Mapping[int, ReceiptRow], states: Mapping[int, str], loans: Mapping[str, _KnownLoan], at: datetime
) -> dict[tuple[str, str], int]:
    """Inserts receipts whose serial is new; ids by (channel, serial). What is to be posted waits for its posting."""
    if not taken:
        return {}
    rows = list(taken.values())
    values = {
        "channel": [row.channel for row in rows],
        "serial": [row.serial for row in rows],
        "loan_ref": [row.loan for row in rows],
        "loan_id": array(loans[row.loan].loan_id if row.loan in loans else None for row in rows),
        "amount": array(row.amount for row in rows),
        "value_on": array(row.value_on for row in rows),
        "state": ["UNMATCHED" if states[index] == "UNMATCHED" else "WAITING" for index in taken],
        "at": at,
    }
    return {(channel, serial): pk for channel, serial, pk in sql.rows(sql.INSERT_RECEIPTS, values)}


def _known_serials(rows: Sequence[ReceiptRow]) -> dict[tuple[str, str], tuple[Any, ...]]:
    values = {"channel": [row.channel for row in rows], "serial": [row.serial for row in rows]}
    return {(each[0], each[1]): each[2:] for each in sql.rows(sql.SAME_SERIALS, values)} if rows else {}


def _repeated(row: ReceiptRow, loan: _KnownLoan | None, known: tuple[Any, ...]) -> ReceiptOutcome:
    reference, loan_id, amount, value_on, state = known
    if state == "REVERSED":
        return ReceiptOutcome("REFUSED", column="serial", reason=_("该流水号的还款已冲正，不能再次入账"))
    same_loan = reference == row.loan or (loan is not None and loan.loan_id == loan_id)
    if same_loan and amount == row.amount and value_on == row.value_on:
        return ReceiptOutcome("DUPLICATE")
    return ReceiptOutcome("REFUSED", column="serial", reason=_("流水号已用于另一笔还款"))


class ReceiptNotPosted(ActionRefused):
    """Only what is posted can be taken out of the ledger."""

    code = "receipt_not_posted"


class ReceiptAlreadyReversed(ActionRefused):
    """A receipt is reversed once, and a reversal never."""

    code = "receipt_already_reversed"
    conflict = True


class ReversalNeedsReason(ActionRefused):
    """Why money is taken out again stands in the journal."""

    code = "reversal_needs_reason"


@transaction.atomic
def reverse_receipt(*, receipt_id: int, reason: str, by: Staff, at: datetime) -> Receipt:
    """Takes a posted receipt out again (冲正): the loan stands as if it had never come.

    Later receipts whose allocation rested on it are reversed and posted again in order of value date.
    The caller has checked that the receipt is visible.
    """
    require(by, "loans.post_receipts")
    reason = reason.strip()
    if len(reason) < LEAST_REASON:
        raise ReversalNeedsReason(_("请写明冲正原因（至少 4 个字）。"), field="reason")
    if has_unseen_characters(reason):
        raise ReversalNeedsReason(_("原因含有不可见或控制字符。"), field="reason")
    business_date = hold_business_date()
    lock_positions(Receipt.objects.filter(pk=receipt_id, loan__isnull=False).values_list("loan_id", flat=True))
    receipt = Receipt.objects.get(pk=receipt_id)
    if receipt.state == ReceiptState.REVERSED:
        raise ReceiptAlreadyReversed(_("这笔还款已于 %(day)s 冲正。") % {"day": receipt.reversed_on})
    if receipt.state != ReceiptState.POSTED or receipt.loan_id is None:
        raise ReceiptNotPosted(_("这笔还款尚未入账，无需冲正。"))
    done = replay_loans(loan_ids=[receipt.loan_id], taken_out=[receipt_id], as_of=business_date, at=at, by=by.staff_no)
    moved = {"reversed": done.reversed[receipt.loan_id], "posted": done.posted[receipt.loan_id]}
    record(
        kind="loans.receipt_reversed", subject_type="receipt", subject_id=receipt_id, loan_id=receipt.loan_id,
        by=by.staff_no, at=at, business_date=business_date,
        data={"amount": str(receipt.amount), "value_on": str(receipt.value_on), "reason": reason[:200], **moved},
    )  # fmt: skip
    receipt.refresh_from_db()
    return receipt
