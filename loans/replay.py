"""Makes a loan's money what it would be had every receipt come on its value date, or never.

One lock, the reads of `loans.queries.accounts`, the pure fold (`loans.rules.replay`), then one statement:
postings that stand and are no longer right are reversed, what takes their place is posted, both on the open
business date with the value dates kept, so that no closed date's ledger changes. Installments, fees and
positions take the folded state. What people decided (fees, prepayments, refunds, subsidies, a write-off) stays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from journal.actions import record_many
from journal.errors import ActionRefused
from journal.models import Entry
from loans import sql
from loans.facts import began_fact, cured_fact, moved_fact, record_fact, settled_fact
from loans.models import PostingKind
from loans.payments import Payment, check_suspense, columns, entries, paid_columns
from loans.queries import overdue_grace_days
from loans.queries.accounts import Life, LoanRow, Standing, calendar_around, lives_of
from loans.rules.aging import overdue_since, recognised_due_until
from loans.rules.calendar import Calendar
from loans.rules.payment_record import is_late
from loans.rules.replay import Money, MoneyIsGone, Replayed, Taking, WrittenOff, replay
from loans.sql import array

_LAST_PLACE = 1 << 60
Lines = list[tuple[str, int | None, int]]


class MoneyAlreadyUsed(ActionRefused):
    """The money was taken out of suspense meanwhile, for a change of contract or a refund; that is undone first."""

    code = "money_already_used"
    conflict = True


class LoanWrittenOff(ActionRefused):
    """What was written off was approved with its figure: nothing posted before it changes any more."""

    code = "loan_written_off"
    conflict = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many postings were reversed and made, by loan, and the facts' counts."""

    reversed: Mapping[int, int]
    posted: Mapping[int, int]
    facts: tuple[str, ...]


def come_late(payments: Mapping[int, Iterable[Payment]], as_of: date) -> set[int]:
    """Loans with a payment whose value date lies before something that happened already."""
    earliest = {loan_id: min(each.value_on for each in rows) for loan_id, rows in payments.items()}
    backdated = sorted(loan_id for loan_id, day in earliest.items() if day < as_of)
    if not backdated:
        return set()
    last = sql.rows(sql.LAST_EVENTS, {"loan_ids": array(backdated)})
    return {loan_id for loan_id, day in last if earliest[loan_id] < day}


def _load(loan_ids: Iterable[int], as_of: date) -> dict[int, Life]:
    """Locks the loans in id order and reads their whole account."""
    locked = sql.rows(sql.LOCK_LOANS, {"loan_ids": array(sorted(loan_ids))})
    return lives_of([LoanRow(*row) for row in locked], as_of)


class _Header(NamedTuple):
    posting_id: int
    loan_id: int
    kind: str
    value_on: date
    receipt_id: int
    reverses_id: int | None
    after_reversal_id: int | None


@dataclass(slots=True)
class _Writing:
    """Postings to be written, with ids of their own so that headers and lines are one statement."""

    ids: list[int]
    headers: list[_Header] = field(default_factory=list)
    lines: list[tuple[int, int, int, str, int | None, int]] = field(default_factory=list)

    def add(
        self, loan_id: int, kind: str, value_on: date, receipt_id: int, lines: Lines,
        reverses: int | None = None, after: int | None = None,
    ) -> int:  # fmt: skip
        posting_id = self.ids[len(self.headers)]
        self.headers.append(_Header(posting_id, loan_id, kind, value_on, receipt_id, reverses, after))
        self.lines += [(posting_id, loan_id, n, *each) for n, each in enumerate(lines, start=1)]
        return posting_id


def _lines_of(taking: Taking) -> Lines:
    source = "CASH" if taking.receipt_id else "SUSPENSE"
    return entries(taking.amount_fen, source, taking, "WRITE_OFF" if taking.is_recovery else "PRINCIPAL")


def _difference(life: Life, wanted: list[Taking]) -> tuple[list[Standing], list[Taking]]:
    """Postings that are no longer right, and takings that no posting says."""
    left = list(wanted)
    wrong = []
    for each in life.standing:
        key = (each.receipt_id, each.value_on)
        alike = [taking for taking in left if (taking.receipt_id, taking.on) == key]
        same = next((taking for taking in alike if _lines_of(taking) == each.lines), None)
        if same is None:
            wrong.append(each)
        else:
            left.remove(same)
    return wrong, left


def fold(life: Life, coming: Iterable[Payment] = (), taken_out: Iterable[int] = ()) -> Replayed:
    """The life with receipts that come in and without those taken out.

    MoneyAlreadyUsed or LoanWrittenOff where what people decided could not have been.
    """
    gone, new = set(taken_out), list(coming)
    money = [each for each in life.money if each.receipt_id not in gone]
    _refuse_before_write_off(life, new, gone)
    for payment in new:
        place = _LAST_PLACE + payment.receipt_id
        money.append(Money(payment.receipt_id, payment.value_on, place, payment.amount_fen))
    try:
        folded = replay(life.billed, money, life.decided, life.terms)
    except MoneyIsGone as error:
        kind, source, on = life.sources[error.used.posting_id]
        what = {"kind": PostingKind(kind).label, "number": source, "day": on}
        raise MoneyAlreadyUsed(
            _("这笔资金已用于%(kind)s（编号 %(number)s，%(day)s），请先撤销该业务。") % what
        ) from error
    _refuse_other_write_off(life, folded)
    check_suspense(folded.suspense_fen)
    return folded


def _refuse_before_write_off(life: Life, coming: Iterable[Payment], gone: set[int]) -> None:
    """What was posted before the write-off stays; within its day the order of posting decides."""
    write_off = next((each for each in life.decided if isinstance(each, WrittenOff)), None)
    if write_off is None:
        return
    is_early = any(each.value_on < write_off.on for each in coming)
    if is_early or any(each.receipt_id in gone and each.place < write_off.place for each in life.money):
        raise _is_written_off(life)


def _refuse_other_write_off(life: Life, folded: Replayed) -> None:
    """The amount written off is what was left of principal: what had paid of it pays the same."""
    if life.row.written_off_on is None:
        return
    paid = sum(part.principal_fen for each in folded.takings if not each.is_recovery for part in each.parts)
    posted = -sum(amount for each in life.standing for name, _n, amount in each.lines if name == "PRINCIPAL")
    if paid != posted:
        raise _is_written_off(life)


def _is_written_off(life: Life) -> LoanWrittenOff:
    words = _("贷款已于 %(day)s 核销，核销以前的账务不能再变动。") % {"day": life.row.written_off_on}
    return LoanWrittenOff(words)


def replay_loans(
    *,
    loan_ids: Iterable[int],
    coming: Mapping[int, Iterable[Payment]] | None = None,
    taken_out: Iterable[int] = (),
    as_of: date,
    at: datetime,
    by: str,
) -> Outcome:
    """Replays the loans with receipts that come in (by loan) and without those taken out (receipt ids).

    Whoever wrote a fee, a waiver, a subsidy, a prepayment or its reversal calls it without either: what stands is
    made to agree with what was decided.
    """
    lives = _load(loan_ids, as_of)
    gone = set(taken_out)
    new = [payment.receipt_id for rows in (coming or {}).values() for payment in rows]
    changes: list[tuple[Life, Replayed, list[Standing], list[Taking]]] = []
    for loan_id, life in lives.items():
        folded = fold(life, (coming or {}).get(loan_id, ()), gone)
        changes.append((life, folded, *_difference(life, folded.takings)))
    count = sum(len(wrong) + len(missing) for _life, _folded, wrong, missing in changes)
    writing = _Writing([row[0] for row in sql.rows(sql.NEXT_POSTINGS, {"count": count})])
    for life, _folded, wrong, missing in changes:
        _write(writing, life.row.loan_id, wrong, missing, set(new))
    return _apply([change[:2] for change in changes], writing, new, sorted(gone), as_of=as_of, at=at, by=by)


def _write(writing: _Writing, loan_id: int, wrong: list[Standing], missing: list[Taking], new: set[int]) -> None:
    """Reversals, the latest first, then what takes their place in the order of its days."""
    reversal: dict[int, int] = {}
    for each in reversed(wrong):
        lines = [(name, number, -amount) for name, number, amount in each.lines]
        made = writing.add(loan_id, "REVERSAL", each.value_on, each.receipt_id, lines, reverses=each.posting_id)
        reversal[each.receipt_id] = made
    for taking in missing:
        lines = _lines_of(taking)
        if not taking.receipt_id:
            writing.add(loan_id, "SUSPENSE_USED", taking.on, 0, lines)
        elif taking.receipt_id in new:
            writing.add(loan_id, "RECEIPT", taking.on, taking.receipt_id, lines)
        else:
            after = reversal[taking.receipt_id]
            writing.add(loan_id, "REPOSTING", taking.on, taking.receipt_id, lines, after=after)


def _overdue(life: Life, folded: Replayed, recognised_until: date) -> date | None:
    """The day by what the last close recognised; a recognition of this very evening is not taken back."""
    left = [life.aging[row.number] for row in folded.unpaid]
    days = {overdue_since(left, recognised_until, life.row.baseline_on)}
    if life.row.overdue_since in {each.overdue_from for each in left}:
        days.add(life.row.overdue_since)
    return min((day for day in days if day is not None), default=None)


def _lateness_changed(
    life: Life, folded: Replayed, recognised_until: date, grace_days: int, days: Calendar
) -> list[date]:
    """Due days of installments that are late now and were not, or were and are not any more.

    What is unpaid is late once a close has found it so.
    """

    def was_late(due_on: date, settled_on: date | None) -> bool:
        if settled_on is None:
            return due_on <= recognised_until
        return is_late(due_on, settled_on, settled_on, grace_days, days)

    changed = []
    for number, now in folded.paid.items():
        due_on, before = life.aging[number].due_on, life.paid[number].settled_on
        if now.settled_on != before and was_late(due_on, now.settled_on) != was_late(due_on, before):
            changed.append(due_on)
    return changed


def _balance(life: Life, folded: Replayed) -> int:
    """The balance after the fold; what was written off stays off."""
    if life.row.written_off_on is not None:
        return life.row.balance_fen
    before = sum(each.principal_fen for each in life.paid.values())
    return life.row.balance_fen + before - folded.principal_paid_fen


def _apply(
    changes: list[tuple[Life, Replayed]],
    writing: _Writing,
    taken_in: list[int],
    taken_out: list[int],
    *,
    as_of: date,
    at: datetime,
    by: str,
) -> Outcome:
    """Writes the folded state and the postings in one statement, and the facts that follow."""
    yesterday = as_of - timedelta(days=1)
    due = [each.due_on for life, _folded in changes for each in life.aging.values()]
    days, grace_days = calendar_around([*due, as_of]), overdue_grace_days(as_of)
    until = recognised_due_until(yesterday, grace_days, days)
    installments, fees, positions, facts = [], [], [], list[Entry]()
    for life, folded in changes:
        row = life.row
        installments += [
            (row.loan_id, number, paid) for number, paid in folded.paid.items() if life.paid[number] != paid
        ]
        fees += [each for each in folded.fees_paid.items() if life.fees_paid.get(each[0]) != each[1]]
        settled_on = folded.cleared_on if row.next_number is None else None
        since = _overdue(life, folded, until)
        amounts = (_balance(life, folded), folded.suspense_fen, folded.fees_due_fen)
        positions.append((row.loan_id, *amounts, since, settled_on))
        if row.settled_on is None and settled_on is not None:
            facts.append(settled_fact(row.loan_id, as_of, at, by))
        if row.overdue_since is not None and since is None:
            facts.append(cured_fact(row.loan_id, row.overdue_since, as_of, at, by))
        elif row.overdue_since is None and since is not None:
            facts.append(began_fact(row.loan_id, since, as_of, at, by))
        elif row.overdue_since is not None and since is not None and since != row.overdue_since:
            facts.append(moved_fact(row.loan_id, row.overdue_since, since, as_of, at, by))
        elif late := _lateness_changed(life, folded, until, grace_days, days):
            facts.append(record_fact(row.loan_id, late, as_of, at, by))
    sql.run(
        sql.APPLY_REPLAY,
        {
            "as_of": as_of,
            "at": at,
            "taken_in": array(taken_in),
            "taken_out": array(taken_out),
            **paid_columns(installments, fees),
            **columns(("p_loan", "p_balance", "p_suspense", "p_fees", "p_overdue", "p_settled"), positions),
            **columns(("h_id", "h_loan", "h_kind", "h_value", "h_receipt", "h_reverses", "h_after"), writing.headers),
            **columns(("l_posting", "l_loan", "l_line", "l_account", "l_number", "l_amount"), writing.lines),
        },
    )
    record_many(facts)
    counts: dict[str, dict[int, int]] = {"REVERSAL": defaultdict(int), "": defaultdict(int)}
    for header in writing.headers:
        counts["REVERSAL" if header.kind == "REVERSAL" else ""][header.loan_id] += 1
    return Outcome(counts["REVERSAL"], counts[""], tuple(entry.kind for entry in facts))
