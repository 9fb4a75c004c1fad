"""Makes a loan's money what it would be had every receipt come on its value date, or never.

One lock, four reads, the pure fold (`loans.rules.replay`), then one statement: postings that stand
and are no longer right are reversed, what takes their place is posted, both on the open business
date with the value dates kept, so that no closed date's ledger changes. Installments and positions
take the folded state.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from journal.actions import record_many
from journal.models import Entry
from loans import sql
from loans.facts import began_fact, cured_fact, settled_fact
from loans.payments import Payment, columns, entries
from loans.queries import calendar, overdue_grace_days
from loans.rules.aging import UnpaidInstallment, overdue_since, recognised_due_until
from loans.rules.replay import Billed, Money, Paid, Replayed, Taking, replay
from loans.sql import array

_LAST_PLACE = 1 << 60
Lines = list[tuple[str, int | None, int]]


class Standing(NamedTuple):
    """A posting of money that nothing reverses."""

    posting_id: int
    receipt_id: int
    value_on: date
    lines: Lines


@dataclass(slots=True)
class Account:
    """A locked loan as it stands, and all that ever came in."""

    loan_id: int
    suspense_fen: int
    balance_fen: int
    next_number: int | None
    overdue_since: date | None
    settled_on: date | None
    baseline_on: date | None
    billed: list[Billed] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    paid: dict[int, Paid] = field(default_factory=dict)
    aging: dict[int, UnpaidInstallment] = field(default_factory=dict)
    standing: list[Standing] = field(default_factory=list)


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


def _load(loan_ids: Iterable[int]) -> dict[int, Account]:
    """Locks the loans in id order and reads their whole account."""
    locked = sql.rows(sql.LOCK_LOANS, {"loan_ids": array(sorted(loan_ids))})
    accounts = {row[0]: Account(*row) for row in locked}
    scope = {"loan_ids": array(accounts)}
    for row in sql.rows(sql.GATHER_BILLED, scope):
        loan_id, number, due_on, overdue_from, interest, principal, *paid, billed_on, place = row
        account = accounts[loan_id]
        account.billed.append(Billed(number, billed_on or date.min, place, interest, principal))
        account.paid[number] = Paid(*paid)
        account.aging[number] = UnpaidInstallment(due_on, overdue_from)
    for loan_id, receipt_id, value_on, place, amount in sql.rows(sql.GATHER_POSTED, scope):
        accounts[loan_id].money.append(Money(receipt_id, value_on, place, amount))
    for loan_id, posting_id, receipt_id, value_on, *lines in sql.rows(sql.GATHER_STANDING, scope):
        standing = Standing(posting_id, receipt_id, value_on, list(zip(*lines, strict=True)))
        accounts[loan_id].standing.append(standing)
    return accounts


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
    return entries(taking.amount_fen, "CASH" if taking.receipt_id else "SUSPENSE", taking.parts, taking.rest_fen)


def _difference(account: Account, wanted: list[Taking]) -> tuple[list[Standing], list[Taking]]:
    """Postings that are no longer right, and takings that no posting says."""
    left = list(wanted)
    wrong = []
    for each in account.standing:
        key = (each.receipt_id, each.value_on)
        alike = [taking for taking in left if (taking.receipt_id, taking.on) == key]
        same = next((taking for taking in alike if _lines_of(taking) == each.lines), None)
        if same is None:
            wrong.append(each)
        else:
            left.remove(same)
    return wrong, left


def replay_loans(
    *,
    loan_ids: Iterable[int],
    coming: Mapping[int, Iterable[Payment]] | None = None,
    taken_out: Iterable[int] = (),
    as_of: date,
    at: datetime,
    by: str,
) -> Outcome:
    """Replays the loans with receipts that come in (by loan) and without those taken out (receipt ids)."""
    accounts = _load(loan_ids)
    gone = set(taken_out)
    new = [payment.receipt_id for rows in (coming or {}).values() for payment in rows]
    changes: list[tuple[Account, Replayed, list[Standing], list[Taking]]] = []
    for loan_id, account in accounts.items():
        money = [each for each in account.money if each.receipt_id not in gone]
        for payment in (coming or {}).get(loan_id, ()):
            place = _LAST_PLACE + payment.receipt_id
            money.append(Money(payment.receipt_id, payment.value_on, place, payment.amount_fen))
        folded = replay(account.billed, money)
        changes.append((account, folded, *_difference(account, folded.takings)))
    count = sum(len(wrong) + len(missing) for _account, _folded, wrong, missing in changes)
    writing = _Writing([row[0] for row in sql.rows(sql.NEXT_POSTINGS, {"count": count})])
    for account, _folded, wrong, missing in changes:
        _write(writing, account.loan_id, wrong, missing, set(new))
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


def _overdue(account: Account, folded: Replayed, recognised_until: date) -> date | None:
    """The day by what the last close recognised; a recognition of this very evening is not taken back."""
    left = [account.aging[row.number] for row in folded.unpaid]
    days = {overdue_since(left, recognised_until, account.baseline_on)}
    if account.overdue_since in {each.overdue_from for each in left}:
        days.add(account.overdue_since)
    return min((day for day in days if day is not None), default=None)


def _apply(
    changes: list[tuple[Account, Replayed]],
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
    days = calendar(as_of - timedelta(days=40), as_of)
    until = recognised_due_until(yesterday, overdue_grace_days(as_of), days)
    installments, positions, facts = [], [], list[Entry]()
    for account, folded in changes:
        loan_id = account.loan_id
        moved = {number: paid for number, paid in folded.paid.items() if account.paid[number] != paid}
        installments += [(loan_id, number, *paid) for number, paid in moved.items()]
        before = sum(each.principal_fen for each in account.paid.values())
        settled_on = folded.cleared_on if account.next_number is None and not folded.unpaid else None
        since = _overdue(account, folded, until)
        balance = account.balance_fen + before - folded.principal_paid_fen
        positions.append((loan_id, balance, folded.suspense_fen, since, settled_on))
        if account.settled_on is None and settled_on is not None:
            facts.append(settled_fact(loan_id, as_of, at, by))
        if account.overdue_since is not None and since is None:
            facts.append(cured_fact(loan_id, account.overdue_since, as_of, at, by))
        if account.overdue_since is None and since is not None:
            facts.append(began_fact(loan_id, since, as_of, at, by))
    sql.run(
        sql.APPLY_REPLAY,
        {
            "as_of": as_of,
            "at": at,
            "taken_in": array(taken_in),
            "taken_out": array(taken_out),
            **columns(("i_loan", "i_number", "i_interest", "i_principal", "i_settled"), installments),
            **columns(("p_loan", "p_balance", "p_suspense", "p_overdue", "p_settled"), positions),
            **columns(("h_id", "h_loan", "h_kind", "h_value", "h_receipt", "h_reverses", "h_after"), writing.headers),
            **columns(("l_posting", "l_loan", "l_line", "l_account", "l_number", "l_amount"), writing.lines),
        },
    )
    record_many(facts)
    counts: dict[str, dict[int, int]] = {"REVERSAL": defaultdict(int), "": defaultdict(int)}
    for header in writing.headers:
        counts["REVERSAL" if header.kind == "REVERSAL" else ""][header.loan_id] += 1
    return Outcome(counts["REVERSAL"], counts[""], tuple(entry.kind for entry in facts))
