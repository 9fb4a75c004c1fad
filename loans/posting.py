"""How money reaches a loan: receipts and suspense are allocated and posted, set-based.

One lock query (positions in id order), one read of the payments, one of the unpaid installments; the
rules decide; one statement applies installments, positions, receipts, postings and ledger lines.
Used by the evening's batch and by the action that posts a file or a single receipt.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from journal.actions import record_many
from loans import sql
from loans.facts import cured_fact, loan_fact, settled_fact
from loans.payments import Line, Payment, columns, payment_lines
from loans.queries import calendar, overdue_grace_days
from loans.replay import come_late, replay_loans
from loans.rules.aging import UnpaidInstallment, overdue_since, recognised_due_until
from loans.rules.allocation import OpenInstallment, Part, allocate, remaining
from loans.sql import array


@dataclass(slots=True)
class _LoanState:
    """A locked loan while its payments are taken in."""

    loan_id: int
    suspense_fen: int
    balance_fen: int
    next_number: int | None
    overdue_since: date | None
    settled_on: date | None
    baseline_on: date | None
    unpaid: list[OpenInstallment] = field(default_factory=list)
    aging: dict[int, UnpaidInstallment] = field(default_factory=dict)
    # Interest, principal and (once paid in full) the day, by installment number.
    paid: dict[int, tuple[int, int, date | None]] = field(default_factory=dict)
    principal_fen: int = 0
    suspense_change_fen: int = 0
    # The value date of the latest payment that found a debt.
    last_paid_on: date | None = None

    def take(self, amount_fen: int, value_on: date) -> tuple[tuple[Part, ...], int]:
        """Allocates an amount; returns the parts and the rest."""
        found = allocate(amount_fen, self.unpaid)
        self.unpaid = remaining(self.unpaid, found.parts)
        still_open = {row.number for row in self.unpaid}
        for number, interest, principal in found.parts:
            before = self.paid.get(number, (0, 0, None))
            settled_on = None if number in still_open else value_on
            self.paid[number] = (before[0] + interest, before[1] + principal, settled_on)
        self.principal_fen += found.principal_fen
        self.last_paid_on = value_on if found.parts else self.last_paid_on
        return found.parts, found.rest_fen


def _load(locked: list[tuple[Any, ...]]) -> dict[int, _LoanState]:
    states = {row[0]: _LoanState(*row) for row in locked}
    for loan_id, number, due_on, overdue_from, interest, principal in sql.rows(
        sql.GATHER_UNPAID, {"loan_ids": array(states)}
    ):
        states[loan_id].unpaid.append(OpenInstallment(number, interest, principal))
        states[loan_id].aging[number] = UnpaidInstallment(due_on, overdue_from)
    return states


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
    lines: list[Line] = []
    for loan_id, state in states.items():
        for payment in payments[loan_id]:
            parts, rest = state.take(payment.amount_fen, payment.value_on)
            state.suspense_change_fen += rest
            lines += payment_lines(loan_id, payment, "CASH", parts, rest)
    counts = _apply(states, on_time, lines, kind="RECEIPT", as_of=as_of, at=at, by=by)
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


def use_suspense(*, loan_ids: Iterable[int], as_of: date, at: datetime) -> dict[str, int]:
    """Pays unpaid installments from the loans' own suspense; settles what is thereby fully paid."""
    locked = sql.rows(sql.LOCK_LOANS, {"loan_ids": array(sorted(loan_ids))})
    states = _load(locked)
    payments: dict[int, list[Payment]] = {}
    lines: list[Line] = []
    for loan_id, state in states.items():
        parts, rest = state.take(state.suspense_fen, as_of)
        used = state.suspense_fen - rest
        if used:
            payments[loan_id] = [Payment(0, used, as_of)]
            state.suspense_change_fen -= used
            lines += payment_lines(loan_id, payments[loan_id][0], "SUSPENSE", parts, 0)
    return _apply(states, payments, lines, kind="SUSPENSE_USED", as_of=as_of, at=at, by="system")


def _is_settled(state: _LoanState) -> bool:
    return state.next_number is None and not state.unpaid and state.balance_fen == state.principal_fen


def _apply(
    states: dict[int, _LoanState],
    payments: dict[int, list[Payment]],
    lines: list[Line],
    *,
    kind: str,
    as_of: date,
    at: datetime,
    by: str,
) -> dict[str, int]:
    """Writes what was allocated in one statement, and the facts that follow from it."""
    # Recognition is the evening's: until then only what the last close recognised counts.
    overdue = {loan_id: state.overdue_since for loan_id, state in states.items()}
    touched = [state for state in states.values() if state.overdue_since is not None and state.paid]
    if touched:
        yesterday = date.fromordinal(as_of.toordinal() - 1)
        until = recognised_due_until(
            yesterday, overdue_grace_days(as_of), calendar(date.fromordinal(as_of.toordinal() - 40), as_of)
        )
        for state in touched:
            left = [state.aging[row.number] for row in state.unpaid]
            overdue[state.loan_id] = overdue_since(left, until, state.baseline_on)
    facts = []
    settled: dict[int, date | None] = {}
    for loan_id, state in states.items():
        settled[loan_id] = state.settled_on
        if state.settled_on is None and _is_settled(state):
            settled[loan_id] = state.last_paid_on or as_of
            facts.append(settled_fact(loan_id, as_of, at, by))
        if state.overdue_since is not None and overdue[loan_id] is None:
            facts.append(cured_fact(loan_id, state.overdue_since, as_of, at, by))
    paid = [(loan_id, number, *parts) for loan_id, state in states.items() for number, parts in state.paid.items()]
    headers = [(loan_id, payment) for loan_id, each in payments.items() for payment in each]
    if not headers and not facts:
        return {}
    sql.run(
        sql.APPLY_PAYMENTS,
        {
            "as_of": as_of,
            "at": at,
            "kind": kind,
            **columns(("i_loan", "i_number", "i_interest", "i_principal", "i_settled"), paid),
            "p_loan": array(states),
            "p_principal": array(state.principal_fen for state in states.values()),
            "p_suspense": array(state.suspense_change_fen for state in states.values()),
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
