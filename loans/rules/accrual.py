"""Decides what interest of the running period a loan has earned at a close, not billed yet (应计利息).

It is what a settlement on that day would charge: actual days over 360 on the unbilled principal, the first day counted
and the last not, a part of the period at another rate rounded by itself. Three figures hold all of it: the day up to
which the period is charged, the interest of its parts before that day, and the rate from then on where that is not the
agreed one, which waits for the next period. Where days without interest leave no straight line, the engine says it from
the signed terms.

Interest of a loan long past due or non-performing is no income (非应计): its accrued interest is nothing.
"""

from datetime import date
from typing import NamedTuple

from loans.rules.change_plans import base_on
from loans.rules.continuation import Standing, continuation, plan_of, rolled, with_prepayment
from loans.rules.schedule import Accrual, half_up, interest, shares_of
from loans.rules.simulation_request import NEXT_PERIOD, SHORTEN_TERM, Request

PPM_DAYS = 360_000_000


class Running(NamedTuple):
    """The period that runs: charged up to `accrues_from` with `before_fen`; no day: only the terms can tell.

    `rate_ppm` is the rate at which it goes on where the agreed one waits for the next period.
    """

    accrues_from: date | None
    before_fen: int = 0
    rate_ppm: int | None = None


BY_TERMS = Running(None)


def accrued_interest(unbilled_fen: int, rate_ppm: int, accrues_from: date, before_fen: int, day: date) -> int:
    """Interest of the running period in fen at the close of a day: one rational, rounded half-up."""
    days = max(0, (day - accrues_from).days)
    return before_fen + half_up(unbilled_fen * rate_ppm * days, PPM_DAYS)


def running(request: Request) -> Running:
    """The period that a request begins with."""
    start, rate, balance = request.disbursed_on, request.rate_ppm, request.principal_fen
    balance -= sum(each.amount_fen for each in request.prepayments)
    if request.pauses:
        return BY_TERMS
    if request.waiting_rate_ppm is not None:
        # It waited for this period.
        rate = request.waiting_rate_ppm
    since, before, waits = start, 0, False
    for each in request.rate_changes:
        waits = each.variant == NEXT_PERIOD and each.effective_on > start
        if waits:
            continue
        if each.effective_on > since:
            before += interest(balance, shares_of(Accrual(rate, (each.effective_on - since).days, 360)))
            since = each.effective_on
        rate = each.rate_ppm
    return Running(since, before, rate if waits else None)


def running_after(request: Request | None, first_number: int, number: int, due_on: date) -> Running:
    """The period after an installment was billed, of terms whose rows begin with `first_number`."""
    if request is None:
        return Running(due_on)
    if not request.pauses and all(each.effective_on <= due_on for each in request.rate_changes):
        return Running(due_on)
    return running(rolled(request, number - first_number + 1))


def running_of(standing: Standing) -> Running:
    """The period of the next installment of a loan as it stands."""
    return running(continuation(standing))


def accrued_by_terms(standing: Standing, day: date) -> int:
    """What a settlement on a day would charge of the running period, by the engine."""
    base = base_on(standing, day)
    if base is None:
        return 0
    ended = plan_of(with_prepayment(base.request, day, base.unbilled_fen, SHORTEN_TERM), base.number)
    return ended.prepaid[-1].interest_fen
