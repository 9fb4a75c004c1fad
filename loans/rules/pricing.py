"""How a rate is made of the loan prime rate (LPR) and a spread, when it is made anew, and what that changes.

中国人民银行公告〔2019〕30号: rate = LPR of the contract's tenor + a fixed spread; on a repricing day the latest LPR
published before that day counts. 公告〔2024〕11号: every 3, 6 or 12 months as agreed. The day is 1 January (with a
shorter cycle also the first day of each further quarter or half year) or the day of the month of disbursement, month
ends anchored. Rates are integer parts per million: a basis point is 100 of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from loans.rules.continuation import Plan, Standing, at_period_of, continuation, plan_of, with_rate
from loans.rules.dates import add_months, months_between
from loans.rules.day_count import THIRTY_360
from loans.rules.plain_repricing import Repriced, Stretch, repriced_plain
from loans.rules.schedule import EQUAL_INSTALLMENT, Row
from loans.rules.simulation import SimulationRefused
from loans.rules.simulation_request import NEXT_PERIOD, ONE_MONTH, SPLIT_BY_DAYS, Request, is_one_month

Y1, Y5 = "Y1", "Y5"
TENORS = (Y1, Y5)
LPR, FIXED = "LPR", "FIXED"
JANUARY_1, LOAN_DAY = "JANUARY_1", "LOAN_DAY"
ANCHORS = (JANUARY_1, LOAN_DAY)
CYCLES = (3, 6, 12)
# What a book that is taken over gets where its tape does not say.
USUAL_CYCLE = 12
PPM_PER_BP = 100
LEAST_SPREAD_BP, MOST_SPREAD_BP = -500, 2000
# Contracts of more months take the LPR of more than five years.
_MONTHS_OF_Y1 = 60
# 公告〔2019〕15号: quotes move in steps of 0.05 of a percentage point and come out on the 20th or the workday after it.
_LPR_STEP_PPM = 500
_PUBLICATION_DAY = 20
_MOST_LPR_PPM = 360_000


class Published(NamedTuple):
    """A loan prime rate as published on a day; it counts from the day after."""

    published_on: date
    rate_ppm: int


class RateBeyondLimits(ValueError):
    """LPR + spread is below zero or above the product's limit; it is refused, never cut off."""

    def __init__(self, rate_ppm: int, most_ppm: int) -> None:
        super().__init__(f"{rate_ppm} of {most_ppm}")
        self.rate_ppm, self.most_ppm = rate_ppm, most_ppm


# ── Rates ────────────────────────────────────────────────────────────────────────────────────────


def lpr_before(published: Iterable[Published], day: date) -> Published | None:
    """The LPR that counts on a repricing day: the latest one published before it."""
    return max((each for each in published if each.published_on < day), default=None)


def repriced_rate(lpr_ppm: int, spread_bp: Decimal, most_ppm: int) -> int:
    """LPR plus spread; RateBeyondLimits below zero or above the product's limit."""
    rate = lpr_ppm + spread_ppm(spread_bp)
    if not 0 <= rate <= most_ppm:
        raise RateBeyondLimits(rate, most_ppm)
    return rate


def spread_ppm(spread_bp: Decimal) -> int:
    """Parts per million of a spread in basis points with at most two decimals."""
    scaled = spread_bp * PPM_PER_BP
    if scaled != int(scaled):
        raise ValueError(spread_bp)
    return int(scaled)


def spread_bp(rate_ppm: int, lpr_ppm: int) -> Decimal:
    """The spread that makes a rate of an LPR, in basis points."""
    return Decimal(rate_ppm - lpr_ppm).scaleb(-2)


def tenor_of(disbursed_on: date, matures_on: date) -> str:
    """Which LPR a contract follows: of more than five years where its original term is more than 60 months."""
    return Y5 if matures_on > add_months(disbursed_on, _MONTHS_OF_Y1) else Y1


class TakenOver(NamedTuple):
    """How the rate of a contract taken over is made; `why_fixed` says why no LPR could be found in it."""

    tenor: str
    lpr: Published | None
    spread_bp: Decimal
    # "", "no_lpr", "spread_beyond_limits"
    why_fixed: str = ""


def taken_over(
    rate_ppm: int, disbursed_on: date, matures_on: date, as_of: date, published: Mapping[str, Sequence[Published]]
) -> TakenOver:
    """The spread of a contract whose tape tells only its rate: over the LPR in force at the close of the day."""
    tenor = tenor_of(disbursed_on, matures_on)
    lpr = max((each for each in published.get(tenor, ()) if each.published_on <= as_of), default=None)
    if lpr is None:
        return TakenOver(tenor, None, Decimal(0), "no_lpr")
    spread = spread_bp(rate_ppm, lpr.rate_ppm)
    if not LEAST_SPREAD_BP <= spread <= MOST_SPREAD_BP:
        return TakenOver(tenor, lpr, spread, "spread_beyond_limits")
    return TakenOver(tenor, lpr, spread)


def publication_fault(
    rate_ppm: int, published_on: date, *, today: date, workday: date, latest: date | None
) -> tuple[str, str] | None:
    """Why a published rate cannot be right, as (field, code); `workday` is the first workday from the 20th on."""
    if not 0 < rate_ppm <= _MOST_LPR_PPM:
        return "rate_percent", "beyond_limits"
    if rate_ppm % _LPR_STEP_PPM:
        return "rate_percent", "not_a_step"
    if published_on > today:
        return "published_on", "in_the_future"
    if published_on != workday:
        return "published_on", "not_a_publication_day"
    if latest is not None and published_on <= latest:
        return "published_on", "not_after_the_latest"
    return None


def publication_day(month: date) -> date:
    """The 20th of a day's month; a holiday moves the publication to the next workday."""
    return month.replace(day=_PUBLICATION_DAY)


def publications_between(after: date, before: date) -> int:
    """How many publications are still to come: 20ths after one day and before another."""
    coming, count = publication_day(after), 0
    if coming <= after:
        coming = add_months(coming, 1)
    while coming < before:
        coming, count = add_months(coming, 1), count + 1
    return count


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────


def next_repricing_day(
    after: date, *, cycle_months: int, anchor: str, disbursed_on: date, matures_on: date
) -> date | None:
    """The first repricing day later than `after`; None when the contract has matured by then.

    JANUARY_1 with a cycle of 3 or 6 months: also the first of April, July and October, or of July. LOAN_DAY: every
    so many months from the disbursement, on its day of the month or the last day of a shorter month.
    """
    if cycle_months not in CYCLES or anchor not in ANCHORS:
        raise ValueError((cycle_months, anchor))
    start = date(after.year, 1, 1) if anchor == JANUARY_1 else disbursed_on
    cycles = max(0, months_between(start, after) // cycle_months)
    day = add_months(start, cycles * cycle_months)
    while day <= after or day <= disbursed_on:
        cycles += 1
        day = add_months(start, cycles * cycle_months)
    return day if day < matures_on else None


# ── What a new rate changes ──────────────────────────────────────────────────────────────────────


def at_repricing_day(standing: Standing, day: date) -> tuple[Request, int]:
    """The contract at the start of the period in which a repricing day lies; its last one ends at the maturity."""
    start = add_months(standing.matures_on, -1, standing.due_day)
    if start >= standing.matures_on:
        start = add_months(standing.matures_on, -1)
    request, number = at_period_of(continuation(standing), standing.number, min(day, start))
    if number == standing.last_number:
        request = _until(request, standing.matures_on)
    return request, number


def _until(request: Request, matures_on: date) -> Request:
    """The last period with the contract's own last day, which may lie off the anchor."""
    if request.installments != 1 or request.first_due_on == matures_on:
        return request
    whole = is_one_month(request.disbursed_on, matures_on, matures_on.day)
    first_period = request.first_period or (None if whole else ONE_MONTH)
    return replace(request, first_due_on=matures_on, due_day=matures_on.day, first_period=first_period)


def repriced(
    request: Request, number: int, day: date, rate_ppm: int, variant: str = SPLIT_BY_DAYS, *, matures_on: date
) -> Repriced:
    """A contract at the period of a repricing day, with its new rate; SimulationRefused when it cannot run."""
    old = plan_of(request, number, matures_on=matures_on)
    new = plan_of(with_rate(request, day, rate_ppm, variant), number, matures_on=matures_on)
    is_inside = day > request.disbursed_on
    waits = is_inside and variant == NEXT_PERIOD
    first, regular = int(waits), _regular(new, int(is_inside))
    row = new.rows[first] if first < len(new.rows) else None
    is_split = is_inside and not waits and _has_one_event(new.request, new.rows[0].due_on)
    return Repriced(
        plan=new,
        old_amount_fen=_amount(old, regular),
        new_amount_fen=_amount(new, regular),
        first_number=row.number if row else None,
        first_due_on=row.due_on if row else None,
        first_amount_fen=row.principal_fen + row.interest_fen if row else None,
        regular_on=new.rows[regular].due_on if regular < len(new.rows) else None,
        period_from=request.disbursed_on if is_split else None,
        until_regular=_stretches(new.rows[first + 1 : regular]),
    )


def _regular(plan: Plan, least: int) -> int:
    """Which row is the first whole month, counted from 0: none that only interest or a pause makes smaller."""
    if plan.request.day_count == THIRTY_360:
        return max(least, plan.plain_from - plan.first_number)
    return max(least, plan.request.grace_installments)


def _has_one_event(request: Request, due_on: date) -> bool:
    """True where nothing but the new rate happens up to a day."""
    days = [each.effective_on for each in request.rate_changes] + [each.paid_on for each in request.prepayments]
    return sum(day < due_on for day in days) == 1 and not request.pauses


def _stretches(rows: Sequence[Row]) -> tuple[Stretch, ...]:
    """Rows in groups of the same amount."""
    groups = [list(group) for _key, group in groupby(rows, lambda row: (_paid_fen(row), not row.principal_fen))]
    return tuple(
        Stretch(
            group[0].number, group[-1].number, group[0].due_on, group[-1].due_on,
            _paid_fen(group[0]), not group[0].principal_fen,
        )
        for group in groups
    )  # fmt: skip


def _paid_fen(row: Row) -> int:
    return row.principal_fen + row.interest_fen


def month_amount_fen(standing: Standing) -> int:
    """What the next month costs at the rate in force."""
    if standing.method == EQUAL_INSTALLMENT and standing.number < standing.last_number:
        return standing.installment_fen
    return _amount(plan_of(continuation(standing), standing.number, matures_on=standing.matures_on), 0)


def _amount(plan: Plan, index: int) -> int:
    """What a month costs: the agreed installment unless the row is the last, else what the row says."""
    if plan.request.method == EQUAL_INSTALLMENT and index + 1 < len(plan.rows):
        return plan.installment_fen
    row = plan.rows[min(index, len(plan.rows) - 1)]
    return row.principal_fen + row.interest_fen


# ── One loan on its repricing day ────────────────────────────────────────────────────────────────


class Agreed(NamedTuple):
    """What a contract says of its pricing on a repricing day."""

    kind: str
    tenor: str
    spread_bp: Decimal
    cycle_months: int
    anchor: str
    disbursed_on: date


class Market(NamedTuple):
    """What holds for all loans on a repricing day: published rates, the product's limit, how a period is split."""

    published: Mapping[str, Sequence[Published]]
    most_ppm: int
    variant: str


class Outcome(NamedTuple):
    """What a repricing day means for one loan; a `reason` (a code and its figures) says why it cannot be repriced."""

    rate_ppm: int
    lpr: Published | None
    next_on: date | None
    reason: str = ""
    # None where the rate stays, or nothing can be said.
    repriced: Repriced | None = None


def judged(standing: Standing, agreed: Agreed | None, day: date, market: Market) -> Outcome:
    """The new rate of a loan, its next repricing day, and its contract from the period of the day on."""
    if agreed is None or agreed.kind != LPR:
        return Outcome(standing.rate_ppm, None, None, "no_pricing")
    next_on = next_repricing_day(
        day, cycle_months=agreed.cycle_months, anchor=agreed.anchor, disbursed_on=agreed.disbursed_on,
        matures_on=standing.matures_on,
    )  # fmt: skip
    lpr = lpr_before(market.published.get(agreed.tenor, ()), day)
    if lpr is None:
        return Outcome(standing.rate_ppm, None, next_on, "no_lpr")
    try:
        rate = repriced_rate(lpr.rate_ppm, agreed.spread_bp, market.most_ppm)
    except RateBeyondLimits as refused:
        limits = f"{_percent(refused.rate_ppm)} {_percent(refused.most_ppm)}"
        return Outcome(standing.rate_ppm, lpr, next_on, f"rate_beyond_limits {limits}")
    if rate == standing.rate_ppm:
        return Outcome(rate, lpr, next_on)
    if plain := repriced_plain(standing, day, rate, market.variant):
        return Outcome(rate, lpr, next_on, "", plain)
    try:
        request, number = at_repricing_day(standing, day)
        if day < request.disbursed_on:
            return Outcome(rate, lpr, next_on, f"billed_since {request.disbursed_on}")
        found = repriced(request, number, day, rate, market.variant, matures_on=standing.matures_on)
    except SimulationRefused:
        return Outcome(rate, lpr, next_on, "cannot_run")
    return Outcome(rate, lpr, next_on, "", found)


def _percent(ppm: int) -> str:
    return f"{Decimal(ppm).scaleb(-4)}"
