"""What may be done to loans and the business date: open the bank, board a book, post receipts, close a day.

Each action is one transaction, holds the open business date while it posts, and records its fact.
What a tape brings is the baseline: boarding records one fact per call and fires no events of loans.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import posting, sql
from loans.models import BusinessDate, ImportBatch, Receipt, ReceiptState, RepaymentMethod
from loans.queries import hold_business_date, lock_positions, open_business_date
from loans.replay import replay_loans
from loans.rules.aging import five_class
from loans.rules.money import fen, rate_ppm, yuan
from loans.rules.receipts import FUTURE_DAYS
from loans.rules.schedule import ENGINE_VERSION, OpeningTerms, Row, opening_schedule
from loans.sql import array, int_array
from people.actions import require
from people.models import Staff

LEAST_REASON = 4


class BankAlreadyOpen(ActionRefused):
    """The bank has business dates already; it is opened once."""

    code = "bank_already_open"
    conflict = True


class AsOfAfterBusinessDate(ActionRefused):
    """Balances at the close of a day that is not closed cannot be taken over."""

    code = "as_of_after_business_date"


class LedgerOutOfBalance(ActionRefused):
    """Positions and ledger disagree; the date stays open and the loans are named."""

    code = "ledger_out_of_balance"


class DateIsNotOpen(ActionRefused):
    """The day to close is not the open business date."""

    code = "date_is_not_open"
    conflict = True


@transaction.atomic
def open_bank(*, day: date, at: datetime, by: str) -> None:
    """Opens the first business date."""
    if BusinessDate.objects.exists():
        raise BankAlreadyOpen(_("本行已开业。"))
    BusinessDate.objects.create(day=day, is_open=True, opened_at=at)
    _open_ledger_month(day)
    record(kind="loans.bank_opened", subject_type="business_date", subject_id=None, by=by, at=at, business_date=day)


def _open_ledger_month(day: date) -> None:
    sql.rows("SELECT open_ledger_month(%(day)s::date)", {"day": day})


# ── Boarding ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OpeningLoan:
    """A loan of a tape, checked, at the close of the as-of day. Amounts in yuan."""

    loan_note_no: str
    external_id: str
    borrower_id: int
    branch_id: int
    portfolio_officer_id: int | None
    principal_original: Decimal
    outstanding: Decimal
    annual_rate_percent: Decimal
    disbursed_on: date
    matures_on: date
    due_day: int
    days_past_due: int
    credit_score: int | None
    payment_record: str
    last_visit_on: date | None
    tape_line: int | None
    tape_sha256: str


_LOAN_COLUMNS = tuple(
    each.name for each in fields(OpeningLoan) if each.name not in {"outstanding", "annual_rate_percent"}
)


@transaction.atomic
def book_opening(
    *, rows: Sequence[OpeningLoan], as_of: date, batch: ImportBatch, by: str, at: datetime
) -> dict[str, int]:
    """Books loans taken over at the close of `as_of`, set-based; returns loan ids by external id.

    Postings carry the as-of day while the bank has closed nothing yet, afterwards the open business
    date: a closed date's ledger never changes.
    """
    if not rows:
        return {}
    business_date = as_of
    if open_business_date() is not None:
        open_day = hold_business_date()
        if as_of >= open_day:
            raise AsOfAfterBusinessDate(
                _("基准日 %(as_of)s 不早于营业日期 %(day)s。") % {"as_of": as_of, "day": open_day}
            )
        if BusinessDate.objects.filter(is_open=False).exists():
            business_date = open_day
    _open_ledger_month(business_date)
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in _LOAN_COLUMNS}
    columns |= {"method": RepaymentMethod.EQUAL_INSTALLMENT.value, "as_of": as_of, "batch": batch.pk}
    ids: dict[str, int] = dict(sql.rows(sql.INSERT_OPENING_LOANS, columns))
    booked = _copy_opening([(ids[row.external_id], row) for row in rows], as_of)
    totals = _post_opening(booked, as_of=as_of, business_date=business_date, at=at)
    record(
        kind="loans.booked",
        subject_type="import_batch",
        subject_id=batch.pk,
        by=by,
        at=at,
        business_date=open_business_date(),
        data={"loans": len(booked), "as_of": str(as_of), **{name: str(value) for name, value in totals.items()}},
    )
    return ids


def _opening_terms(row: OpeningLoan, as_of: date) -> OpeningTerms:
    return OpeningTerms(
        as_of=as_of,
        outstanding_fen=fen(row.outstanding),
        rate_ppm=rate_ppm(row.annual_rate_percent),
        disbursed_on=row.disbursed_on,
        matures_on=row.matures_on,
        due_day=row.due_day,
        days_past_due=row.days_past_due,
    )


class _Booked(NamedTuple):
    """What the opening posting needs of a booked loan; its schedule is written and let go."""

    loan_id: int
    outstanding_fen: int
    arrears: tuple[Row, ...]


def _copy_opening(loans: Sequence[tuple[int, OpeningLoan]], as_of: date) -> list[_Booked]:
    """Writes terms, positions and arrears of the loans."""
    booked, terms, positions, arrears = [], [], [], []
    for loan_id, row in loans:
        plan = opening_schedule(_opening_terms(row, as_of))
        rate, installment = row.annual_rate_percent, yuan(plan.installment_fen)
        first, following, last = plan.rows[0], plan.rows[plan.arrears], plan.rows[-1]
        unbilled = yuan(sum([each.principal_fen for each in plan.rows[plan.arrears :]]))
        principal = int_array([each.principal_fen for each in plan.rows])
        interest = int_array([each.interest_fen for each in plan.rows])
        terms.append(
            (loan_id, 1, as_of, row.outstanding, rate, installment, first.number, len(plan.rows), ENGINE_VERSION,
             plan.sha256, principal, interest)
        )  # fmt: skip
        positions.append(
            (loan_id, row.outstanding, unbilled, 0, rate, installment, following.number, following.due_on,
             last.number, plan.overdue_since, five_class(row.days_past_due), None)
        )  # fmt: skip
        for k, each in enumerate(plan.rows[: plan.arrears]):
            overdue_from = each.due_on if k else plan.overdue_since
            amounts = (yuan(each.principal_fen), yuan(each.interest_fen))
            arrears.append((loan_id, each.number, each.due_on, *amounts, 0, 0, overdue_from, None))
        booked.append(_Booked(loan_id, fen(row.outstanding), plan.rows[: plan.arrears]))
    sql.copy_rows("loans_terms", _TERMS_COLUMNS, terms)
    sql.copy_rows("loans_position", _POSITION_COLUMNS, positions)
    if arrears:
        sql.copy_rows("loans_installment", _INSTALLMENT_COLUMNS, arrears)
    return booked


_TERMS_COLUMNS = (
    "loan_id", "version", "effective_on", "principal", "annual_rate_percent", "installment_amount", "first_number",
    "installments", "engine_version", "schedule_sha256", "principal_fen", "interest_fen",
)  # fmt: skip
_POSITION_COLUMNS = (
    "loan_id", "principal_balance", "unbilled_principal", "suspense", "annual_rate_percent", "installment_amount",
    "next_number", "next_due_on", "last_number", "overdue_since", "five_class", "settled_on",
)  # fmt: skip
_INSTALLMENT_COLUMNS = (
    "loan_id", "number", "due_on", "principal", "interest", "principal_paid", "interest_paid", "overdue_from",
    "settled_on",
)  # fmt: skip


def _post_opening(
    booked: Sequence[_Booked], *, as_of: date, business_date: date, at: datetime
) -> Mapping[str, Decimal]:
    """One opening posting per loan; returns the totals of principal and interest in arrears."""
    arrears = [
        (each.loan_id, row.number, row.interest_fen, line)
        for each in booked
        for line, row in enumerate(each.arrears, start=3)
    ]
    principal = [each.outstanding_fen for each in booked]
    interest = [sum(row.interest_fen for row in each.arrears) for each in booked]
    columns = dict(
        zip(("a_loan", "a_number", "a_interest", "a_line"), map(array, _transposed(arrears, 4)), strict=True)
    )
    values = {"principal": array(principal), "interest": array(interest), **columns}
    values["loan_id"] = array(each.loan_id for each in booked)
    sql.run(sql.INSERT_OPENING_POSTINGS, {**values, "as_of": as_of, "business_date": business_date, "at": at})
    return {"principal": yuan(sum(principal)), "interest_in_arrears": yuan(sum(interest))}


def _transposed(rows: Sequence[tuple[int, ...]], width: int) -> list[Sequence[int]]:
    return list(zip(*rows, strict=True)) or [()] * width


# ── Receipts ─────────────────────────────────────────────────────────────────────────────────────


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
    first: dict[tuple[str, str], int] = {}
    for index, row in enumerate(rows):
        if outcomes[index] is None:
            first.setdefault((row.channel, row.serial), index)
    taken = {index: rows[index] for index in first.values()}
    states = {index: _state(loans.get(row.loan), row.value_on, business_date) for index, row in taken.items()}
    inserted = _insert_receipts(taken, states, loans, at)
    known = _known_serials([row for index, row in enumerate(rows) if outcomes[index] is None])
    for index, row in enumerate(rows):
        if outcomes[index] is None:
            key = (row.channel, row.serial)
            if first[key] == index and key in inserted:
                outcomes[index] = ReceiptOutcome(states[index], inserted[key])
            else:
                outcomes[index] = _repeated(row, loans.get(row.loan), known[key])
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


@dataclass(frozen=True, slots=True)
class _KnownLoan:
    loan_id: int
    # No money can have come in before this day: the baseline, else the disbursement.
    since: date


def _loans_by_reference(references: set[str]) -> dict[str, _KnownLoan]:
    """Loans by note number and by external id; the note number wins where both are used."""
    found: dict[str, _KnownLoan] = {}
    rows = sql.rows(sql.MATCH_LOANS, {"refs": sorted(references)})
    for loan_id, _note, external_id, since in rows:
        if external_id:
            found[external_id] = _KnownLoan(loan_id, since)
    for loan_id, note, _external, since in rows:
        found[note] = _KnownLoan(loan_id, since)
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
    return None


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


# ── Closing a date ───────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def close_business_date(*, day: date, at: datetime) -> None:
    """Closes the open date with its control totals and opens the next day."""
    row = BusinessDate.objects.select_for_update().filter(day=day, is_open=True).first()
    if row is None:
        raise DateIsNotOpen(_("%(day)s 不是当前营业日期。") % {"day": day})
    totals = _control_totals(day)
    BusinessDate.objects.filter(day=day).update(is_open=False, closed_at=at, totals=totals)
    following = day + timedelta(days=1)
    BusinessDate.objects.create(day=following, is_open=True, opened_at=at)
    _open_ledger_month(following)
    record(
        kind="loans.date_closed", subject_type="business_date", subject_id=None, by="system", at=at, business_date=day,
        data={"loans": totals["loans"], "principal": totals["principal"]},
    )  # fmt: skip


def _control_totals(day: date) -> dict[str, Any]:
    """Principal by branch; LedgerOutOfBalance when positions and ledger disagree.

    The ledger's side is yesterday's checked total plus today's lines, so that a close costs what the
    day brought; only a difference reads the ledger from its beginning.
    """
    balances = {code: (loans, amount) for code, loans, amount in sql.rows(sql.BALANCES_BY_BRANCH)}
    before = BusinessDate.objects.filter(is_open=False).order_by("-day").values_list("totals", flat=True).first()
    since = None if before is None else day
    ledger = {code: Decimal(amount) for code, amount in (before or {}).get("branches", {}).items()}
    for code, amount in sql.rows(sql.LEDGER_BY_BRANCH, {"until": day, "since": since}):
        ledger[code] = ledger.get(code, Decimal(0)) + amount
    differing = any(amount != ledger.get(code, Decimal(0)) for code, (_loans, amount) in balances.items())
    if differing or set(ledger) - set(balances):
        wrong = sql.rows(sql.LOANS_OUT_OF_BALANCE)
        if wrong:
            names = "，".join(f"{note} ({balance} / {posted})" for note, balance, posted in wrong)
            raise LedgerOutOfBalance(_("余额与总账不符，营业日期不能关闭：%(loans)s") % {"loans": names})
    return {
        "loans": sum(loans for loans, _amount in balances.values()),
        "principal": str(sum((amount for _loans, amount in balances.values()), Decimal("0.00"))),
        "branches": {code: str(amount) for code, (_loans, amount) in balances.items()},
    }
