"""How money reaches a loan: receipts and suspense are allocated and posted, set-based.

One lock query (positions in id order), one read of the payments, one of what is owed, one of the terms of
late payment where something is late; the rules decide; one statement applies installments, fees, positions,
receipts, postings and ledger lines.
Used by the evening's batch and by the action that posts a file or a single receipt.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from journal.actions import record_many
from loans import sql
from loans.facts import cured_fact, loan_fact, moved_fact, record_fact, settled_fact
from loans.payments import Line, Payment, check_suspense, columns, paid_columns, payment_lines
from loans.queries import overdue_grace_days
from loans.queries.accounts import LoanRow, accounts_of, calendar_around, payment_terms
from loans.replay import come_late, replay_loans
from loans.rules.account import Account
from loans.rules.aging import UnpaidInstallment, overdue_since, recognised_due_until
from loans.rules.allocation import Allocation
from loans.rules.calendar import Calendar
from loans.rules.payment_record import is_late
from loans.sql import array


@dataclass(slots=True)
class _LoanState:
    """A locked loan while its payments are taken in."""

    row: LoanRow
    account: Account
    principal_fen: int = 0
    fees_fen: int = 0
    suspense_change_fen: int = 0
    # The value date of the latest payment that found a debt.
    last_paid_on: date | None = None
    # Installments paid after their due day, with the day on which nothing was left.
    slow: list[tuple[date, date]] = field(default_factory=list)

    @property
    def principal_account(self) -> str:
        """Principal of a loan that was written off is a recovery of the loss."""
        return "PRINCIPAL" if self.row.written_off_on is None else "WRITE_OFF"

    def take(self, amount_fen: int, value_on: date) -> Allocation:
        """Allocates an amount."""
        debts = self.account.debts.items()
        slow = {number: each.due_on for number, each in debts if each.is_open and each.due_on < value_on}
        found = self.account.take(amount_fen, value_on)
        settled = {number for number, each in self.account.paid.items() if each.settled_on}
        self.slow += [(due_on, value_on) for number, due_on in slow.items() if number in settled]
        self.fees_fen += found.fee_fen
        if self.row.written_off_on is None:
            self.principal_fen += found.principal_fen
        if found.rest_fen < amount_fen:
            self.last_paid_on = value_on
        return found

    @property
    def is_settled(self) -> bool:
        return (
            self.row.next_number is None
            and not self.account.owes
            and self.row.balance_fen == self.principal_fen
        )  # fmt: skip


def _load(locked: list[tuple[Any, ...]]) -> dict[int, _LoanState]:
    rows = [LoanRow(*row) for row in locked]
    accounts = accounts_of(rows)
    return {row.loan_id: _LoanState(row, accounts[row.loan_id]) for row in rows}


def _agree(
    states: dict[int, _LoanState], payments: Mapping[int, list[Payment]], as_of: date
) -> Calendar | None:  # fmt: skip
    """Reads the terms of late payment for loans where they decide anything; the calendar when any is late.

    They decide where an installment was due before the money, and, in a contract with an order of its own, what a
    part payment pays.
    """
    late, partial, days = [], [], list[date]()
    for loan_id, rows in payments.items():
        account = states[loan_id].account
        debts = account.debts.values()
        last = max(each.value_on for each in rows)
        owed = account.fees_due_fen + sum(each.interest_fen + each.principal_fen for each in debts)
        if any(each.due_on < last or not each.is_open for each in debts):
            late.append(loan_id)
            days += [last, *(each.due_on for each in debts)]
        elif states[loan_id].row.has_own_order and rows[0].amount_fen < owed:
            partial.append(loan_id)
    if not late and not partial:
        return None
    found = calendar_around([*days, as_of]) if late else None
    for loan_id, terms in payment_terms([*late, *partial], found or Calendar()).items():
        states[loan_id].account.terms = terms
    return found


def post_receipts(
    *,
    as_of: date,
    at: datetime,
    by: str = "system",
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
    receipt_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Posts waiting receipts with a value date up to `as_of`; counts {receipts, loans, cured, settled}."""
    scope = {
        "as_of": as_of,
        "after": after,
        "up_to": up_to,
        "loan_ids": None if loan_ids is None else array(loan_ids),
        "receipt_ids": None if receipt_ids is None else array(receipt_ids),
    }
    locked = sql.rows(sql.LOCK_WITH_RECEIPTS, scope)
    if not locked:
        return {}
    payments: dict[int, list[Payment]] = defaultdict(list)
    # Read after the lock: a receipt that another transaction has posted meanwhile is no longer waiting.
    for loan_id, receipt_id, amount, value_on in sql.rows(sql.GATHER_RECEIPTS, scope):
        payments[loan_id].append(Payment(receipt_id, amount, value_on))
    late = come_late(payments, as_of)
    states = _load([row for row in locked if row[0] in payments and row[0] not in late])
    on_time = {loan_id: payments[loan_id] for loan_id in states}
    days = _agree(states, on_time, as_of)
    lines: list[Line] = []
    for loan_id, state in states.items():
        for payment in payments[loan_id]:
            found = state.take(payment.amount_fen, payment.value_on)
            state.suspense_change_fen += found.rest_fen
            check_suspense(state.row.suspense_fen + state.suspense_change_fen)
            lines += payment_lines(loan_id, payment, "CASH", found, state.principal_account)
    counts = _apply(states, on_time, lines, kind="RECEIPT", days=days, as_of=as_of, at=at, by=by)
    if late:
        replayed = _replay({loan_id: payments[loan_id] for loan_id in late}, as_of=as_of, at=at, by=by)
        counts = {name: counts.get(name, 0) + count for name, count in replayed.items()}
    return counts


def _replay(payments: dict[int, list[Payment]], *, as_of: date, at: datetime, by: str) -> dict[str, int]:
    """Posts receipts that come late as if they had come on time; a change of what stood is a fact of the loan."""
    done = replay_loans(loan_ids=payments, coming=payments, as_of=as_of, at=at, by=by)
    record_many(
        loan_fact(
            "loans.receipts_replayed", loan_id, as_of, at, by,
            {"from": str(min(each.value_on for each in payments[loan_id])), "reversed": reversed_},
        )
        for loan_id, reversed_ in sorted(done.reversed.items())
    )  # fmt: skip
    rows = [payment for each in payments.values() for payment in each]
    return {
        "postings": len(rows),
        "loans": len(payments),
        "amount_fen": sum(payment.amount_fen for payment in rows),
        "cured": done.facts.count("loans.overdue_cured"),
        "settled": done.facts.count("loans.settled"),
    }


def use_suspense(*, loan_ids: Iterable[int], as_of: date, at: datetime, by: str = "system") -> dict[str, int]:
    """Pays what is owed from the loans' own suspense; settles what is thereby fully paid."""
    locked = sql.rows(sql.LOCK_LOANS, {"loan_ids": array(sorted(loan_ids))})
    states = _load(locked)
    held = {
        loan_id: [Payment(0, state.row.suspense_fen, as_of)]
        for loan_id, state in states.items()
        if state.row.suspense_fen and state.account.owes
    }
    days = _agree(states, held, as_of)
    payments: dict[int, list[Payment]] = {}
    lines: list[Line] = []
    for loan_id in held:
        state = states[loan_id]
        found = state.take(state.row.suspense_fen, as_of)
        used = state.row.suspense_fen - found.rest_fen
        if used:
            payments[loan_id] = [Payment(0, used, as_of)]
            state.suspense_change_fen -= used
            paid = replace(found, rest_fen=0)
            lines += payment_lines(loan_id, payments[loan_id][0], "SUSPENSE", paid, state.principal_account)
    return _apply(states, payments, lines, kind="SUSPENSE_USED", days=days, as_of=as_of, at=at, by=by)


def _apply(
    states: dict[int, _LoanState],
    payments: dict[int, list[Payment]],
    lines: list[Line],
    *,
    kind: str,
    days: Calendar | None,
    as_of: date,
    at: datetime,
    by: str,
) -> dict[str, int]:
    """Writes what was allocated in one statement, and the facts that follow from it."""
    overdue, late = _overdue(states, days, as_of)
    facts = []
    settled: dict[int, date | None] = {}
    for loan_id, state in states.items():
        settled[loan_id] = state.row.settled_on
        if state.row.settled_on is None and state.is_settled:
            settled[loan_id] = state.last_paid_on or as_of
            facts.append(settled_fact(loan_id, as_of, at, by))
        before, since = state.row.overdue_since, overdue[loan_id]
        if before is not None and since is None:
            facts.append(cured_fact(loan_id, before, as_of, at, by))
        elif before is not None and since is not None and since != before:
            facts.append(moved_fact(loan_id, before, since, as_of, at, by))
        elif loan_id in late:
            facts.append(record_fact(loan_id, late[loan_id], as_of, at, by))
    headers = [(loan_id, payment) for loan_id, each in payments.items() for payment in each]
    if not headers and not facts:
        return {}
    paid = [(loan_id, *each) for loan_id, state in states.items() for each in state.account.paid.items()]
    fees = [each for state in states.values() for each in state.account.fees_paid.items()]
    sql.run(
        sql.APPLY_PAYMENTS,
        {
            "as_of": as_of,
            "at": at,
            "kind": kind,
            **paid_columns(paid, fees),
            "p_loan": array(states),
            "p_principal": array(state.principal_fen for state in states.values()),
            "p_suspense": array(state.suspense_change_fen for state in states.values()),
            "p_fees": array(state.fees_fen for state in states.values()),
            "p_overdue": array(overdue.values()),
            "p_settled": array(settled.values()),
            "h_loan": array(loan_id for loan_id, _ in headers),
            "h_receipt": array(payment.receipt_id for _, payment in headers),
            "h_value": array(payment.value_on for _, payment in headers),
            **columns(("l_loan", "l_receipt", "l_line", "l_account", "l_number", "l_amount"), lines),
        },
    )
    record_many(facts)
    kinds = [entry.kind for entry in facts]
    return {
        "postings": len(headers),
        "loans": len(payments),
        "amount_fen": sum(payment.amount_fen for _, payment in headers),
        "cured": kinds.count("loans.overdue_cured"),
        "settled": kinds.count("loans.settled"),
    }


def _overdue(
    states: Mapping[int, _LoanState], days: Calendar | None, as_of: date
) -> tuple[dict[int, date | None], dict[int, list[date]]]:
    """The day from which each loan is overdue, and due days of what was paid late before an evening found it unpaid.

    Recognition is the evening's: until then only what the last close recognised counts.
    """
    overdue = {loan_id: state.row.overdue_since for loan_id, state in states.items()}
    late: dict[int, list[date]] = {}
    touched = [state for state in states.values() if state.row.overdue_since is not None and state.account.paid]
    if touched or any(state.slow for state in states.values()):
        yesterday = date.fromordinal(as_of.toordinal() - 1)
        grace_days, known = overdue_grace_days(as_of), days or calendar_around([as_of])
        until = recognised_due_until(yesterday, grace_days, known)
        for state in touched:
            left = [
                UnpaidInstallment(debt.due_on, debt.overdue_from)
                for debt in state.account.debts.values()
                if debt.is_open
            ]
            overdue[state.row.loan_id] = overdue_since(left, until, state.row.baseline_on)
        for loan_id, state in states.items():
            found = [due for due, on in state.slow if due > until and is_late(due, on, on, grace_days, known)]
            if found:
                late[loan_id] = found
    return overdue, late
