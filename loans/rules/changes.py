"""Decides which changes of contract are possible when, and whether a loan is still what a change was simulated from.

A change is simulated for its effective day: what falls due up to that day is billed first, so the state that counts
is the loan's at the close of that billing. At approval and at applying the state is taken again; whatever differs is
named, and the change is refused (what was approved must be what is applied).

What counts as a restructuring (重组): a concession to a debtor in difficulty, 商业银行金融资产风险分类办法
(令〔2023〕1号). Here: asked as such, or more time or less interest for a loan in arrears or below PASS.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from loans.rules.aging import NON_PERFORMING, worse_class
from loans.rules.change_asked import (
    ACCELERATION,
    DEFERRAL,
    DUE_DAY,
    EXTENSION,
    INTEREST_PAUSE,
    METHOD,
    PREPAYMENT,
    REPRICING_CYCLE,
    RESTRUCTURING,
    SETTLEMENT,
    SPREAD,
    WRITE_OFF,
    NotPossible,
)
from loans.rules.dates import add_months
from loans.rules.money import yuan
from loans.rules.simulation_request import Reason

# The borrower's money settles the change on its effective day.
MONEY_KINDS = (PREPAYMENT, SETTLEMENT)
# Possible only when nothing is overdue; a debtor in difficulty asks for a restructuring.
WITHOUT_ARREARS = (PREPAYMENT, METHOD, DUE_DAY, REPRICING_CYCLE, SPREAD)
CONCESSIONS = (EXTENSION, DEFERRAL, INTEREST_PAUSE)
RISK_KINDS = (RESTRUCTURING, ACCELERATION, WRITE_OFF)
RISK_ROLE = "RISK_MANAGER"
# Everything else may be agreed this many days ahead; a quote no longer than it binds.
MOST_DAYS_AHEAD = 92


class LoanState(NamedTuple):
    """A loan as a change sees it, looked forward to the change's effective day."""

    terms_version: int
    terms_sha256: str
    # The first installment left to bill, and the principal not billed yet; None once all are billed.
    number: int | None
    unbilled_fen: int
    balance_fen: int
    overdue_since: date | None
    five_class: str

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "overdue_since": str(self.overdue_since) if self.overdue_since else None}


def state_from_json(stored: Mapping[str, Any]) -> LoanState:
    since = stored["overdue_since"]
    return LoanState(**{**stored, "overdue_since": date.fromisoformat(since) if since else None})


def moved(kind: str, then: LoanState, now: LoanState, *, is_restructuring: bool = False) -> list[Reason]:
    """What of a loan is no longer what a change was simulated from; empty when the change stands."""
    found = []
    if now.number != then.number:
        until = f"…{now.number - 1}" if now.number and then.number and now.number > then.number + 1 else ""
        found.append(Reason("installment_billed", {"number": f"{then.number}{until}"}))
    if now.terms_version != then.terms_version:
        found.append(Reason("terms_changed", {"before": then.terms_version, "after": now.terms_version}))
    elif now.terms_sha256 != then.terms_sha256 or (now.number == then.number and now.unbilled_fen != then.unbilled_fen):
        found.append(Reason("unbilled_changed", {"before": yuan(then.unbilled_fen), "after": yuan(now.unbilled_fen)}))
    if kind != SETTLEMENT and now.overdue_since != then.overdue_since:
        found.append(_overdue_moved(then.overdue_since, now.overdue_since))
    if kind == WRITE_OFF and now.balance_fen != then.balance_fen:
        found.append(Reason("payment_received", {"before": yuan(then.balance_fen), "after": yuan(now.balance_fen)}))
    if is_restructuring and now.five_class != then.five_class:
        found.append(Reason("class_moved", {"before": then.five_class, "after": now.five_class}))
    return found


def _overdue_moved(then: date | None, now: date | None) -> Reason:
    if then is None:
        return Reason("became_overdue", {"since": now})
    if now is None:
        return Reason("arrears_paid", {})
    return Reason("overdue_moved", {"before": then, "after": now})


class Standings(NamedTuple):
    """What decides whether a change may be asked for at all."""

    as_of: date
    is_settled: bool
    is_written_off: bool
    has_unbilled: bool
    overdue_since: date | None
    unpaid_fen: int
    charges_fen: int
    fees_fen: int
    balance_fen: int
    five_class: str

    @property
    def is_in_arrears(self) -> bool:
        return self.overdue_since is not None

    @property
    def is_in_difficulty(self) -> bool:
        return self.is_in_arrears or self.five_class != "PASS"


def check_loan(kind: str, loan: Standings) -> None:
    """NotPossible when a loan as it stands cannot have a change of this kind."""
    if loan.is_settled:
        raise NotPossible("", "loan_is_settled")
    if loan.is_written_off:
        raise NotPossible("", "loan_is_written_off")
    if kind == WRITE_OFF:
        if loan.has_unbilled:
            raise NotPossible("", "not_accelerated")
        if not loan.balance_fen:
            raise NotPossible("", "nothing_to_write_off")
        return
    if not loan.has_unbilled:
        raise NotPossible("", "nothing_left_to_bill")
    if kind in WITHOUT_ARREARS and (loan.is_in_arrears or loan.charges_fen or loan.fees_fen):
        owed = yuan(loan.unpaid_fen + loan.charges_fen + loan.fees_fen)
        raise NotPossible("", "loan_is_in_arrears", owed=owed)


def check_effective_on(kind: str, day: date, as_of: date, ends_on: date | None, quote_days: int) -> None:
    """NotPossible unless the day lies between the open date and as far ahead as a change may be agreed."""
    ahead = quote_days if kind in MONEY_KINDS else MOST_DAYS_AHEAD
    if day < as_of:
        raise NotPossible("effective_on", "effective_in_the_past", day=as_of)
    if (day - as_of).days > ahead:
        raise NotPossible("effective_on", "effective_too_far_ahead", days=ahead)
    if ends_on is not None and day >= ends_on:
        raise NotPossible("effective_on", "effective_after_maturity", day=ends_on)


def is_restructuring(kind: str, loan: Standings) -> bool:
    """Is this a concession to a debtor in difficulty?"""
    return kind == RESTRUCTURING or (kind in CONCESSIONS and loan.is_in_difficulty)


def floor_of(five_class: str, present_floor: str, *, is_observed: bool) -> str:
    """The class that a restructured loan may not be better than while it is observed.

    Non-performing stays so until the test of an upgrade; a second restructuring under observation is at least
    SUBSTANDARD; else at least SPECIAL_MENTION.
    """
    floor = five_class if five_class in NON_PERFORMING else "SPECIAL_MENTION"
    if is_observed:
        floor = worse_class(floor, "SUBSTANDARD")
    return worse_class(floor, present_floor)


def observation(first_due_on: date, periods: int, months: int) -> tuple[date, date]:
    """From the first due date after the change, at least so many periods and so many months."""
    return first_due_on, add_months(first_due_on, max(periods, months))


class OverdueSpan(NamedTuple):
    """Business dates, both included, at whose close an installment was overdue; no end: it still is."""

    since: date
    until: date | None


def observed_since(first: date, restarts: Iterable[date], overdue: Sequence[OverdueSpan]) -> date:
    """The day from which an observation counts, of the restarts that were written only those that were missed for.

    Each restart moved the beginning to a due date because the loan was overdue at a close before it. A receipt that
    comes back-dated may show that it was not: then the beginning before it counts.
    """
    since = first
    for restart in sorted(set(restarts)):
        if restart > since and any(
            span.since < restart and (span.until is None or span.until >= since) for span in overdue
        ):
            since = restart
    return since


def may_decide(
    kind: str, *, is_restructuring: bool, balance: Any, roles: set[str], limits: Mapping[str, str | None]
) -> bool:
    """May somebody with these roles decide a change on a loan with this balance (yuan)? No limit is None."""
    if kind in RISK_KINDS or is_restructuring:
        roles = roles & {RISK_ROLE}
    return any(role in limits and _within(balance, limits[role]) for role in roles)


def _within(balance: Any, limit: str | None) -> bool:
    return limit is None or balance <= type(balance)(limit)
