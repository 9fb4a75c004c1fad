"""A contract that goes on is the same contract: its rest, rolled to any row, gives the rows that the whole gives."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loans.rules.continuation import (
    Plan,
    Standing,
    at_period_of,
    continuation,
    from_json,
    plan_of,
    row_of,
    to_json,
    with_due_day,
    with_pause,
    with_prepayment,
    with_rate,
)
from loans.rules.schedule import StepPosition, regular_periods, step
from loans.rules.simulation import SimulationRefused, parse_request, simulate
from loans.rules.simulation_request import LOWER_INSTALLMENT, Request
from tests.rules.test_simulation_promises import ANY, contracts


def whole(asked: dict[str, Any]) -> tuple[Request, Plan]:
    request = parse_request(asked)
    assert isinstance(request, Request), request
    try:
        return request, plan_of(request, 1)
    except SimulationRefused:
        assume(False)
        raise


@ANY
@given(contracts(), st.integers(0, 40))
def test_the_rest_of_a_contract_is_the_contract(asked: dict[str, Any], done: int) -> None:
    request, plan = whole(asked)
    assume(done < len(plan.rows))
    rest, number = at_period_of(request, 1, plan.rows[done - 1].due_on if done else request.disbursed_on)
    assert number == done + 1
    assert plan_of(rest, number).rows == plan.rows[done:]


@ANY
@given(contracts())
def test_a_plan_is_what_the_simulation_shows(asked: dict[str, Any]) -> None:
    request, plan = whole(asked)
    shown = simulate(request)
    assert (plan.rows, plan.prepaid) == (shown.rows, shown.prepaid)
    moved = plan_of(request, 7)
    assert [row.number for row in moved.rows] == [row.number + 6 for row in plan.rows]


@ANY
@given(contracts())
def test_rows_from_plain_from_on_are_plain_months(asked: dict[str, Any]) -> None:
    request, plan = whole(asked)
    balance = plan.rows[0].principal_fen + plan.rows[0].balance_fen
    for row in plan.rows:
        if row.number >= plan.plain_from:
            (period,) = regular_periods(row.number, (row.due_on,), plan.rate_ppm)
            position = StepPosition(balance, plan.installment_fen, request.method)
            assert step(position, period._replace(is_last=row.number == plan.last_number)) == row
        balance = row.balance_fen


@ANY
@given(contracts(), st.integers(0, 60))
def test_one_row_alone_is_the_row_of_the_plan(asked: dict[str, Any], index: int) -> None:
    request, plan = whole(asked)
    assume(index < len(plan.rows))
    row = row_of(request, 1, index + 1)
    # The plan's row shows the balance after a prepayment of its due date; billing comes before that.
    assert row[:4] == plan.rows[index][:4]
    assert row.balance_fen >= plan.rows[index].balance_fen


@ANY
@given(contracts())
def test_a_stored_request_comes_back_as_it_was(asked: dict[str, Any]) -> None:
    request, plan = whole(asked)
    stored = json.loads(json.dumps(to_json(request)))
    assert from_json(stored) == replace(request, places=())
    assert plan_of(from_json(stored), 1).sha256 == plan.sha256


E1 = Standing(
    number=13, next_due_on=date(2026, 2, 20), unbilled_fen=98113331, rate_ppm=36_000, installment_fen=454645,
    method="EQUAL_INSTALLMENT", due_day=20, last_number=360, matures_on=date(2055, 1, 20),
)  # fmt: skip


def test_plain_months_go_on_as_they_were_signed() -> None:
    plan = plan_of(continuation(E1), 13, matures_on=E1.matures_on)
    assert (plan.rows[0].principal_fen, plan.last_number, plan.plain_from) == (454645 - 294340, 360, 13)
    assert plan.interest_left_fen == 60103356
    assert plan.rows[-1].principal_fen + plan.rows[-1].interest_fen == 454872


def test_a_prepayment_on_the_due_date_is_e7() -> None:
    base = continuation(E1)
    lower = plan_of(with_prepayment(base, date(2026, 1, 20), 20_000_000, LOWER_INSTALLMENT), 13)
    assert (lower.installment_fen, lower.interest_left_fen, len(lower.rows)) == (361968, 47851405, 348)
    shorter = plan_of(with_prepayment(base, date(2026, 1, 20), 20_000_000, "SHORTEN_TERM"), 13)
    last = shorter.rows[-1]
    assert (len(shorter.rows), shorter.interest_left_fen) == (242, 31848728)
    assert last.principal_fen + last.interest_fen == 392614


def test_a_repricing_inside_a_period_is_e6() -> None:
    """Repriced on 1 January with 351 installments left at 985,171.69."""
    standing = Standing(
        10, date(2026, 1, 20), 98517169, 33_000, 437955, "EQUAL_INSTALLMENT", 20, 360, date(2055, 3, 20)
    )
    plan = plan_of(with_rate(continuation(standing), date(2026, 1, 1), 32_000), 10)
    january = plan.rows[0]
    assert (january.principal_fen, january.interest_fen, january.balance_fen) == (169866, 274754, 98347303)
    assert (plan.installment_fen, plan.rate_ppm, plan.plain_from) == (432578, 32_000, 11)


def test_two_events_of_one_period_stand_in_one_request() -> None:
    standing = Standing(
        10, date(2026, 1, 20), 98517169, 33_000, 437955, "EQUAL_INSTALLMENT", 20, 360, date(2055, 3, 20)
    )
    repriced = with_rate(continuation(standing), date(2026, 1, 1), 32_000)
    signed = replace(standing, request=repriced, request_number=10)
    both = with_prepayment(continuation(signed), date(2026, 1, 10), 10_000_000, LOWER_INSTALLMENT)
    plan = plan_of(both, 10)
    assert plan.prepaid[0].interest_fen == 11_000 + 8_000
    assert sum(plan.principal_fen) == 98517169 - 10_000_000


def test_a_maturity_off_the_anchor_is_kept_until_the_term_changes() -> None:
    standing = replace(E1, matures_on=date(2055, 1, 8))
    assert plan_of(continuation(standing), 13, matures_on=standing.matures_on).matures_on == date(2055, 1, 8)
    shorter = with_prepayment(continuation(standing), date(2026, 1, 20), 20_000_000, "SHORTEN_TERM")
    assert plan_of(shorter, 13, matures_on=standing.matures_on).matures_on.day == 20


def test_another_due_day_charges_the_days_of_the_period_that_runs() -> None:
    plan = plan_of(with_due_day(continuation(E1), 5, date(2026, 3, 5)), 13)
    assert plan.rows[0].due_on == date(2026, 3, 5)
    assert plan.rows[0].interest_fen == (98113331 * 36_000 * 44 * 2 + 360_000_000) // 720_000_000
    assert plan.rows[1].due_on == date(2026, 4, 5)
    assert plan.plain_from == 14


def test_a_pause_ends_and_plain_months_follow() -> None:
    plan = plan_of(with_pause(continuation(E1), date(2026, 3, 1), date(2026, 4, 19)), 13)
    assert plan.plain_from == 16
    assert plan.rows[2].interest_fen == 0


@pytest.mark.parametrize("number", [13, 14, 200, 360])
def test_a_standing_of_any_number_gives_the_rows_that_were_signed(number: int) -> None:
    signed = plan_of(continuation(E1), 13, matures_on=E1.matures_on)
    balance = signed.rows[number - 14].balance_fen if number > 13 else E1.unbilled_fen
    due_on = signed.rows[number - 13].due_on
    later = replace(E1, number=number, next_due_on=due_on, unbilled_fen=balance)
    assert plan_of(continuation(later), number, matures_on=E1.matures_on).rows == signed.rows[number - 13 :]
