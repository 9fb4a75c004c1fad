"""What a change of contract means: the engine's request of the rest of the loan with the change in it, and its rows.

Every kind that touches the schedule is an event or another figure of the same request; nothing here computes an
amount. Each counts from the rows left in force, whatever the contract was once signed for: money paid ahead, a fixed
or rounded installment or a pause may have made them fewer, and no change but one of the term brings them back. Where
something new is agreed for the rest (term, method, deferral) the installment is agreed anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from loans.rules.change_asked import (
    ACCELERATION,
    DEFERRAL,
    DUE_DAY,
    EXTENSION,
    INTEREST_PAUSE,
    LEAST_SPREAD_BP,
    METHOD,
    MOST_SPREAD_BP,
    PPM_PER_BP,
    PREPAYMENT,
    REPRICING_CYCLE,
    RESTRUCTURING,
    SETTLEMENT,
    SPREAD,
    WRITE_OFF,
    Asked,
    NotPossible,
)
from loans.rules.continuation import (
    Plan,
    Standing,
    going_on,
    in_force,
    plan_of,
    with_due_day,
    with_pause,
    with_prepayment,
    with_rate,
)
from loans.rules.dates import add_months, due_date, months_between
from loans.rules.money import yuan
from loans.rules.pricing import at_repricing_day
from loans.rules.schedule import INTEREST_ONLY, Row
from loans.rules.simulation import SimulationRefused
from loans.rules.simulation_request import (
    LOWER_INSTALLMENT,
    MAX_INSTALLMENTS,
    NEXT_PERIOD,
    SHORTEN_TERM,
    SPLIT_BY_DAYS,
    Request,
)


@dataclass(frozen=True, slots=True)
class Base:
    """A loan at the start of the period in which a change takes effect, with what happened inside it before."""

    request: Request
    number: int
    effective_on: date
    due_day: int
    matures_on: date

    @property
    def unbilled_fen(self) -> int:
        return self.request.principal_fen - sum(each.amount_fen for each in self.request.prepayments)

    def plan(self) -> Plan:
        """The rest as it was signed."""
        return plan_of(self.request, self.number, matures_on=self.matures_on)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the bank and the contract allow."""

    disbursed_on: date
    # Of the day of signing: from disbursement to the last day.
    max_term_months: int
    prepayment_minimum_fen: int
    repricing_cycles: tuple[int, ...]
    max_rate_ppm: int
    rate_variant: str = SPLIT_BY_DAYS
    # What may be charged for paying ahead; None: a fee is not agreed.
    fee_most_fen: int | None = None
    # Of a floating rate; None: the rate is fixed.
    spread_ppm: int | None = None
    cycle_months: int | None = None
    anchor: str = ""


class Paid(NamedTuple):
    """What the change takes out of suspense on its day, in fen."""

    principal_fen: int = 0
    interest_fen: int = 0
    fee_fen: int = 0

    @property
    def total_fen(self) -> int:
        return sum(self)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rest as it was signed and as it will be; None where the terms stay."""

    before: Plan
    after: Plan | None
    paid: Paid = Paid()

    @property
    def interest_saved_fen(self) -> int:
        if self.after is None:
            return 0
        return self.before.interest_left_fen - self.after.interest_left_fen - self.paid.interest_fen

    @property
    def months_saved(self) -> int:
        return 0 if self.after is None else len(self.before.rows) - len(self.after.rows)


def base_on(standing: Standing, day: date) -> Base | None:
    """The loan after everything due up to a day is billed; None once nothing is left."""
    if day >= standing.matures_on:
        return None
    request, number = at_repricing_day(standing, day)
    return Base(request, number, day, standing.due_day, standing.matures_on)


def simulate_change(kind: str, base: Base, asked: Asked, limits: Limits) -> Outcome:
    """Before and after; NotPossible when the contract, the bank or the engine does not allow it."""
    before = base.plan()
    if kind == WRITE_OFF:
        return Outcome(before, None)
    if kind == REPRICING_CYCLE:
        _check_cycle(asked, limits)
        return Outcome(before, None)
    fee = _fee(asked, limits)
    if kind in (SETTLEMENT, ACCELERATION):
        return _ended(kind, base, before, fee)
    after = _planned(kind, base, asked, limits)
    if after.last_number > before.last_number:
        # Rows that money or a pause saved come back only where time is asked for; else it is agreed over those left.
        after = _planned(kind, replace(base, request=in_force(base.request)), asked, limits)
    if (after.rows, after.rate_ppm) == (before.rows, before.rate_ppm):
        raise NotPossible("", "nothing_would_change")
    if after.matures_on > before.matures_on:
        # A due day may move the last one into the next month.
        most = MAX_INSTALLMENTS if kind == DUE_DAY else limits.max_term_months
        _check_months(after.matures_on, replace(limits, max_term_months=most), "due_day" if kind == DUE_DAY else "")
    if kind == PREPAYMENT:
        return Outcome(before, after, Paid(asked.amount, after.prepaid[-1].interest_fen, fee))
    return Outcome(before, after)


def _planned(kind: str, base: Base, asked: Asked, limits: Limits) -> Plan:
    request = _CHANGED[kind](base, asked, limits)
    try:
        return plan_of(request, base.number, matures_on=None if kind == DUE_DAY else base.matures_on)
    except SimulationRefused as refused:
        (reasons,) = refused.errors.values()
        raise NotPossible("", reasons[0].code, **reasons[0].params) from refused


def _fee(asked: Asked, limits: Limits) -> int:
    if asked.fee and limits.fee_most_fen is None:
        raise NotPossible("fee", "fee_not_agreed")
    if asked.fee and limits.fee_most_fen is not None and asked.fee > limits.fee_most_fen:
        raise NotPossible("fee", "fee_above_agreed", most=yuan(limits.fee_most_fen))
    return asked.fee


def _ended(kind: str, base: Base, before: Plan, fee: int) -> Outcome:
    """The whole rest falls due on the day, with its interest to the day: paid (settlement) or billed (acceleration)."""
    amount, day = base.unbilled_fen, base.effective_on
    ended = plan_of(with_prepayment(base.request, day, amount, SHORTEN_TERM), base.number)
    interest = ended.prepaid[-1].interest_fen
    if kind == SETTLEMENT:
        return Outcome(before, ended, Paid(amount, interest, fee))
    row = Row(base.number, day, amount, interest, 0)
    return Outcome(before, replace(ended, rows=(row,), plain_from=base.number + 1))


# ── Requests by kind ─────────────────────────────────────────────────────────────────────────────


def _prepaid(base: Base, asked: Asked, limits: Limits) -> Request:
    if asked.amount > base.unbilled_fen:
        raise NotPossible("amount", "larger_than_the_payoff", balance=yuan(base.unbilled_fen))
    if asked.amount == base.unbilled_fen:
        raise NotPossible("amount", "settles_the_loan")
    if asked.amount < limits.prepayment_minimum_fen:
        raise NotPossible("amount", "below_the_minimum", least=yuan(limits.prepayment_minimum_fen))
    lowers = asked.effect == LOWER_INSTALLMENT
    request = in_force(base.request) if lowers else going_on(base.request)
    return with_prepayment(request, base.effective_on, asked.amount, asked.effect)


def _anew(base: Base) -> Request:
    """The request with its installment to be agreed anew over the rows left, and the anchor day back in its place."""
    request = replace(in_force(base.request), carried_fen=None, installment_fen=None, is_bound=False)
    first = request.first_due_on
    anchored = due_date(first.year, first.month, base.due_day)
    if request.due_day == base.due_day or first == anchored:
        return replace(request, due_day=base.due_day)
    # The last period of a contract that matures off its anchor.
    if anchored <= base.effective_on:
        anchored = add_months(anchored, 1, base.due_day)
    return with_due_day(request, base.due_day, anchored)


def _last_due_on(request: Request) -> date:
    return add_months(request.first_due_on, request.installments - 1, request.due_day)


def _within_term(request: Request, limits: Limits, field: str) -> Request:
    _check_months(_last_due_on(request), limits, field)
    return request


def _check_months(matures_on: date, limits: Limits, field: str) -> None:
    if months_between(limits.disbursed_on, matures_on) > limits.max_term_months:
        raise NotPossible(field, "beyond_the_longest_term", months=limits.max_term_months)


def _extended(base: Base, asked: Asked, limits: Limits) -> Request:
    request = _anew(base)
    count = asked.installments or 0
    if count <= request.installments:
        raise NotPossible("installments", "not_longer", left=request.installments)
    return _within_term(replace(request, installments=count), limits, "installments")


def _other_method(base: Base, asked: Asked, limits: Limits) -> Request:
    if asked.method == base.request.method:
        raise NotPossible("method", "same_method")
    return replace(_anew(base), method=asked.method)


def _other_due_day(base: Base, asked: Asked, limits: Limits) -> Request:
    if asked.due_day == base.due_day:
        raise NotPossible("due_day", "same_due_day")
    old = base.request.first_due_on
    default = due_date(old.year, old.month, asked.due_day)
    if default < old:
        default = add_months(default, 1, asked.due_day)
    first = asked.first_due_on or default
    if first != due_date(first.year, first.month, asked.due_day):
        raise NotPossible("first_due_on", "not_on_the_due_day", due_day=asked.due_day)
    if first <= base.effective_on:
        raise NotPossible("first_due_on", "first_due_not_ahead", day=base.effective_on)
    if first > add_months(old, 1):
        raise NotPossible("first_due_on", "first_due_too_late", day=add_months(old, 1))
    return with_due_day(going_on(base.request), asked.due_day, first)


def _other_spread(base: Base, asked: Asked, limits: Limits) -> Request:
    if limits.spread_ppm is None or asked.spread_bp is None:
        raise NotPossible("spread_bp", "rate_is_fixed")
    if asked.spread_bp == limits.spread_ppm:
        raise NotPossible("spread_bp", "same_spread")
    rate = rate_on(base) + asked.spread_bp - limits.spread_ppm
    return _rate_changed(_for_a_rate(base, limits), base.effective_on, rate, limits, "spread_bp")


def _for_a_rate(base: Base, limits: Limits) -> Request:
    """A rate within the period agrees the installment anew; one that waits for the next leaves this one as signed."""
    return going_on(base.request) if limits.rate_variant == NEXT_PERIOD else in_force(base.request)


def spread_of(base: Base, asked: Asked, limits: Limits) -> int | None:
    """The spread in ppm that an agreed spread or rate means; None for a fixed rate and where neither is agreed.

    A rate agreed for a floating loan is another spread over the same LPR, or the next repricing would undo it.
    """
    if limits.spread_ppm is None or asked.annual_rate_percent is None:
        return asked.spread_bp
    return limits.spread_ppm + asked.annual_rate_percent - rate_on(base)


def rate_on(base: Base) -> int:
    """The rate in force on the effective day, in ppm."""
    changes = [each for each in base.request.rate_changes if each.effective_on <= base.effective_on]
    return changes[-1].rate_ppm if changes else base.request.rate_ppm


def percent(rate_ppm: int) -> Decimal:
    """A rate in ppm as percent a year with four decimals."""
    return Decimal(rate_ppm).scaleb(-4)


def _rate_changed(request: Request, day: date, rate_ppm: int, limits: Limits, field: str) -> Request:
    if not 0 <= rate_ppm <= limits.max_rate_ppm:
        raise NotPossible(field, "rate_beyond_limit", limit=f"{percent(limits.max_rate_ppm):.2f}")
    return with_rate(request, day, rate_ppm, limits.rate_variant)


def _paused(base: Base, asked: Asked, limits: Limits) -> Request:
    first, last = asked.from_on, asked.to_on
    assert first is not None and last is not None
    if first < base.effective_on:
        raise NotPossible("from", "pause_in_the_past", day=base.effective_on)
    if last < first:
        raise NotPossible("to", "ends_before_start")
    if last >= base.matures_on:
        raise NotPossible("to", "after_last_due_date", day=base.matures_on)
    if any(first <= pause.last and last >= pause.first for pause in base.request.pauses):
        raise NotPossible("from", "overlaps")
    return with_pause(going_on(base.request), first, last)


def _deferred(base: Base, asked: Asked, limits: Limits) -> Request:
    count = asked.installments or 0
    request = _in_grace(_anew(base), count, "installments")
    if not asked.extend:
        return request
    left, total = request.installments, request.installments + count
    if total > MAX_INSTALLMENTS:
        raise NotPossible("installments", "too_many_in_all", left=left, more=count, total=total, most=MAX_INSTALLMENTS)
    return _within_term(replace(request, installments=total), limits, "installments")


def _in_grace(request: Request, count: int, field: str) -> Request:
    if request.method == INTEREST_ONLY:
        raise NotPossible(field, "no_principal_to_defer")
    if count >= request.installments:
        raise NotPossible(field, "out_of_range", low=1, high=request.installments - 1)
    return replace(request, grace_installments=max(count, request.grace_installments))


def _restructured(base: Base, asked: Asked, limits: Limits) -> Request:
    is_anew = asked.installments is not None or asked.method or asked.deferral is not None
    request = _anew(base) if is_anew else _for_a_rate(base, limits)
    if asked.installments is not None:
        if asked.installments <= request.grace_installments:
            raise NotPossible("installments", "out_of_range", low=request.grace_installments + 1, high=MAX_INSTALLMENTS)
        request = _within_term(replace(request, installments=asked.installments), limits, "installments")
    if asked.method:
        request = replace(request, method=asked.method)
    if asked.deferral is not None:
        request = _in_grace(request, asked.deferral, "deferral")
    if asked.annual_rate_percent not in (None, rate_on(base)):
        assert asked.annual_rate_percent is not None
        request = _rate_changed(request, base.effective_on, asked.annual_rate_percent, limits, "annual_rate_percent")
        spread = spread_of(base, asked, limits)
        if spread is not None and not LEAST_SPREAD_BP * PPM_PER_BP <= spread <= MOST_SPREAD_BP * PPM_PER_BP:
            most = asked.annual_rate_percent - spread + MOST_SPREAD_BP * PPM_PER_BP
            raise NotPossible("annual_rate_percent", "rate_beyond_limit", limit=f"{percent(most):.2f}")
    return request


def _check_cycle(asked: Asked, limits: Limits) -> None:
    if limits.cycle_months is None:
        raise NotPossible("cycle_months", "rate_is_fixed")
    if asked.cycle_months not in limits.repricing_cycles:
        raise NotPossible("cycle_months", "not_a_choice", choices=", ".join(map(str, limits.repricing_cycles)))
    if (asked.cycle_months, asked.anchor) == (limits.cycle_months, limits.anchor):
        raise NotPossible("cycle_months", "same_cycle")


_CHANGED: dict[str, Callable[[Base, Asked, Limits], Request]] = {
    PREPAYMENT: _prepaid,
    EXTENSION: _extended,
    METHOD: _other_method,
    DUE_DAY: _other_due_day,
    SPREAD: _other_spread,
    INTEREST_PAUSE: _paused,
    DEFERRAL: _deferred,
    RESTRUCTURING: _restructured,
}
