"""A new rate found as columns is to the fen, the day and the hash what the engine makes of it row by row."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.continuation import Plan, Standing, plan_of, to_json
from loans.rules.dates import add_months
from loans.rules.plain_repricing import Columns, Repriced, repriced_plain
from loans.rules.pricing import at_repricing_day, repriced
from loans.rules.schedule import EQUAL_INSTALLMENT, EQUAL_PRINCIPAL, INTEREST_ONLY, annuity
from loans.rules.simulation import SimulationRefused
from loans.rules.simulation_request import NEXT_PERIOD, SPLIT_BY_DAYS, VARIANTS

PLAIN = Standing(10, date(2026, 1, 20), 98_517_169, 33_000, 437_955, EQUAL_INSTALLMENT, 20, 360, date(2055, 3, 20))
NEW_YEAR = date(2026, 1, 1)


def by_the_engine(standing: Standing, day: date, ppm: int, variant: str) -> Repriced | None:
    try:
        request, number = at_repricing_day(standing, day)
        if day < request.disbursed_on:
            return None
        return repriced(request, number, day, ppm, variant, matures_on=standing.matures_on)
    except SimulationRefused:
        return None


def told(found: Repriced) -> dict[str, object]:
    plan = found.plan
    return {
        "amounts": (found.old_amount_fen, found.new_amount_fen, found.first_amount_fen),
        "told": (found.period_from, found.until_regular),
        "days": (found.first_number, found.first_due_on, found.regular_on, plan.matures_on),
        "numbers": (plan.first_number, plan.last_number, plan.plain_from),
        "agreed": (plan.installment_fen, plan.rate_ppm),
        "columns": (plan.principal_fen, plan.interest_fen),
        "request": json.loads(plan.request_json),
        "sha256": plan.sha256,
    }


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    number, rows, due_day = draw(st.integers(1, 300)), draw(st.integers(1, 360)), draw(st.integers(1, 31))
    ppm, method = draw(st.integers(0, 240_000)), draw(st.sampled_from((EQUAL_INSTALLMENT, EQUAL_PRINCIPAL)))
    balance = draw(st.integers(1, 10_000_000_000) | st.integers(1, 2000))
    next_due_on = add_months(date(2026, draw(st.integers(1, 12)), 1), 0, due_day)
    matures_on = add_months(next_due_on, rows - 1, due_day)
    if draw(st.booleans()):
        matures_on = max(next_due_on, matures_on.replace(day=draw(st.integers(1, 28))))
    agreed = annuity(balance, ppm, rows) if method == EQUAL_INSTALLMENT else balance // rows
    # What is agreed need not fit what is left: a contract may have been changed on its way.
    agreed = max(0, agreed + draw(st.sampled_from((0, 0, 0, 1, -1, 100, -5000))))
    return Standing(number, next_due_on, balance, ppm, agreed, method, due_day, number + rows - 1, matures_on)


@given(standings(), st.integers(-40, 400), st.integers(0, 240_000), st.sampled_from(VARIANTS))
def test_columns_are_what_the_engine_makes(standing: Standing, later: int, ppm: int, variant: str) -> None:
    day = standing.next_due_on + timedelta(days=later)
    found = repriced_plain(standing, day, ppm, variant)
    if found is not None:
        engine = by_the_engine(standing, day, ppm, variant)
        assert engine is not None and told(found) == told(engine)
        assert isinstance(found.plan, Columns) and isinstance(engine.plan, Plan)


@pytest.mark.parametrize("method", [EQUAL_INSTALLMENT, EQUAL_PRINCIPAL])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("day", [date(2025, 12, 20), NEW_YEAR, date(2026, 1, 20), date(2026, 5, 7)])
def test_an_ordinary_contract_goes_the_short_way(method: str, variant: str, day: date) -> None:
    standing = replace(PLAIN, method=method, installment_fen=437_955 if method == EQUAL_INSTALLMENT else 280_675)
    found, engine = (way(standing, day, 32_000, variant) for way in (repriced_plain, by_the_engine))
    assert found is not None and engine is not None and told(found) == told(engine)


def test_so_does_one_that_was_repriced_before() -> None:
    """What a plan of columns leads to a year later is what the engine's plan leads to."""
    first = by_the_engine(PLAIN, NEW_YEAR, 32_000, SPLIT_BY_DAYS)
    assert first is not None and isinstance(first.plan, Plan)
    row = first.plan.rows[11]
    later = replace(
        PLAIN, number=row.number + 1, next_due_on=add_months(row.due_on, 1, 20), unbilled_fen=row.balance_fen,
        rate_ppm=32_000, installment_fen=first.plan.installment_fen,
    )  # fmt: skip
    signed = replace(later, request=first.plan.request, request_number=first.plan.first_number)
    day = date(2027, 1, 1)
    found, engine = repriced_plain(later, day, 30_000, SPLIT_BY_DAYS), by_the_engine(signed, day, 30_000, SPLIT_BY_DAYS)
    assert found is not None and engine is not None and told(found) == told(engine)


@pytest.mark.parametrize(
    "standing",
    [
        replace(PLAIN, method=INTEREST_ONLY, installment_fen=0),
        replace(PLAIN, number=359, next_due_on=date(2055, 2, 20)),
        replace(PLAIN, next_due_on=date(2026, 1, 19)),
        replace(PLAIN, request=plan_of(at_repricing_day(PLAIN, NEW_YEAR)[0], 10).request),
        replace(PLAIN, installment_fen=100),
    ],
    ids=["interest only", "two rows left", "off its anchor", "a request of its own", "interest above what is agreed"],
)  # fmt: skip
def test_others_are_left_to_the_engine(standing: Standing) -> None:
    # The old installment counts where the new rate waits for the next period.
    assert repriced_plain(standing, NEW_YEAR, 32_000, NEXT_PERIOD) is None


def test_a_request_is_stored_as_the_engine_stores_it() -> None:
    found = repriced_plain(PLAIN, NEW_YEAR, 32_000, SPLIT_BY_DAYS)
    engine = by_the_engine(PLAIN, NEW_YEAR, 32_000, SPLIT_BY_DAYS)
    assert found is not None and engine is not None and isinstance(engine.plan, Plan)
    assert json.loads(found.plan.request_json) == to_json(engine.plan.request)
