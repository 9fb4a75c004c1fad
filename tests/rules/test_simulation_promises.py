"""What must hold of any contract, and two other ways to the same figures."""

import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from types import FrameType
from typing import Any

import mortgagemath
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from loans.rules.dates import anchored_days, due_date
from loans.rules.schedule import StepPosition, annuity, level_rows, regular_periods, schedule
from loans.rules.simulation import SimulationRefused, as_json, parse_request, simulate
from tests.rules.contracts import contract, response
from tests.rules.slow_schedule import slow

ANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
RATES = st.integers(0, 360_000).map(lambda ppm: f"{Decimal(ppm) / 10_000:.4f}")


@st.composite
def contracts(draw: st.DrawFn, *, with_fixed: bool = True) -> dict[str, Any]:
    """A valid request with any mixture of events; the rates of one contract are all different."""
    months = draw(st.integers(1, 60))
    start = draw(st.dates(date(2019, 1, 1), date(2030, 12, 31)))
    principal = draw(st.integers(10_000, 10**9))
    request: dict[str, Any] = {
        "principal": f"{principal / 100:.2f}",
        "annual_rate_percent": draw(RATES),
        "installments": months,
        "method": draw(st.sampled_from(["EQUAL_INSTALLMENT", "EQUAL_PRINCIPAL", "INTEREST_ONLY"])),
        "disbursed_on": start.isoformat(),
        "day_count": draw(st.sampled_from(["30/360", "ACT/360", "ACT/365", "ACT/ACT"])),
        "installment_rounding": draw(st.sampled_from(["FEN", "YUAN_HALF_UP", "YUAN_UP"])),
        "principal_grace_installments": draw(st.integers(0, months - 1)),
    }
    if draw(st.booleans()):
        request |= {
            "due_day": draw(st.integers(1, 28)),
            "first_period": draw(st.sampled_from(["ONE_MONTH", "BY_DAYS"])),
        }
    span = st.integers(0, max(0, 30 * months - 32))
    days = [start + timedelta(days=n) for n in draw(st.lists(span, unique=True, max_size=8))]
    rates = draw(st.lists(RATES, unique=True, min_size=9, max_size=9))
    assume(request["annual_rate_percent"] not in rates)
    split = draw(st.sampled_from(["SPLIT_BY_DAYS", "SPLIT_BY_MONTH_SHARE"]))
    request |= {"rate_changes": [], "prepayments": [], "interest_pauses": []}
    for day in days:
        kind = draw(st.sampled_from(["change", "prepayment", "pause", "change and prepayment"]))
        if "change" in kind:
            variant = draw(st.sampled_from([split, "NEXT_PERIOD"]))
            change = {"effective_on": f"{day}", "annual_rate_percent": rates.pop(), "variant": variant}
            request["rate_changes"].append(change)
        if "prepayment" in kind:
            amount = f"{Decimal(draw(st.integers(1, max(1, principal // 6)))) / 100:.2f}"
            effect = draw(st.sampled_from(["LOWER_INSTALLMENT", "SHORTEN_TERM"]))
            request["prepayments"].append({"paid_on": f"{day}", "amount": amount, "effect": effect})
        if kind == "pause":
            # As long as it may be without reaching the next event's day, which may begin another pause.
            room = min([(other - day).days - 1 for other in days if other > day], default=100)
            until = day + timedelta(days=draw(st.integers(0, room)))
            request["interest_pauses"].append({"from": f"{day}", "to": f"{until}"})
    if with_fixed and request["method"] == "EQUAL_INSTALLMENT" and draw(st.booleans()):
        request["installment_amount"] = f"{Decimal(principal // draw(st.integers(1, 30)) + 1) / 100:.2f}"
    return request


def ran(request: dict[str, Any]) -> Any:
    """The response, where the contract can run (a prepayment may be more than is left)."""
    parsed = parse_request(request)
    assert not isinstance(parsed, dict), parsed
    try:
        return as_json(simulate(parsed))
    except SimulationRefused as refused:
        assert {field.split(".")[0] for field in refused.errors} <= {"prepayments", "installment_amount"}
        assume(False)


def fen(text: str) -> int:
    return int(text.replace(".", ""))


@given(contracts())
@ANY
def test_any_contract_repays_its_principal_exactly(request_: dict[str, Any]) -> None:
    found = ran(request_)
    rows, prepaid = found["installments"], found["prepayments"]
    repaid = sum(fen(row["principal"]) for row in rows) + sum(fen(one["principal"]) for one in prepaid)
    assert repaid == fen(request_["principal"])
    assert "0.00" in {one[-1]["balance_after"] for one in (rows, prepaid) if one}
    assert not any(text.startswith("-") for row in [*rows, *prepaid] for text in row.values() if isinstance(text, str))
    assert all(fen(row["amount"]) == fen(row["principal"]) + fen(row["interest"]) for row in rows)
    for name in ("principal", "interest", "amount"):
        assert fen(found["totals"][name]) == sum(fen(row[name]) for row in rows)
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(one["due_on"] < other["due_on"] for one, other in pairwise(rows))
    if "installment_amount" not in request_:
        assert len(rows) <= request_["installments"]


@given(contracts())
@ANY
def test_installments_are_equal_between_events_but_the_last(request_: dict[str, Any]) -> None:
    found = ran(request_)["installments"]
    events = [one["effective_on"] for one in request_["rate_changes"]]
    events += [one["paid_on"] for one in request_["prepayments"]]
    name = "amount" if request_["method"] == "EQUAL_INSTALLMENT" else "principal"
    grace = request_["principal_grace_installments"]
    for one, other in pairwise(found[max(grace, 1) : -1]):
        # Nothing inside either row's period, nor between them.
        start = date.fromisoformat(one["due_on"]) - timedelta(days=31)
        is_quiet = not any(start.isoformat() <= day < other["due_on"] for day in events)
        # A rounded installment may be below the interest: then no principal is repaid.
        if is_quiet and fen(one["principal"]) and fen(other["principal"]):
            assert one[name] == other[name]


@given(contracts(), st.randoms(use_true_random=False))
@ANY
def test_the_order_of_events_does_not_matter(request_: dict[str, Any], shuffler: random.Random) -> None:
    shuffled = dict(request_)
    for name in ("rate_changes", "prepayments", "interest_pauses"):
        shuffled[name] = shuffler.sample(request_[name], len(request_[name]))
    assert ran(shuffled) == ran(request_)


@given(contracts(with_fixed=False))
@settings(ANY, max_examples=300)
def test_the_engine_is_the_slow_way_to_the_fen(request_: dict[str, Any]) -> None:
    found = ran(request_)
    event(f"{request_['method']} {request_['day_count']}")
    rows, paid = slow(request_)
    assert [
        (row["number"], row["due_on"], fen(row["principal"]), fen(row["interest"]), fen(row["balance_after"]))
        for row in found["installments"]
    ] == rows
    assert [
        (one["paid_on"], fen(one["principal"]), fen(one["interest"]), fen(one["balance_after"]))
        for one in found["prepayments"]
    ] == paid


@given(
    st.integers(1, 10**11),
    st.integers(0, 360_000),
    st.integers(1, 480),
    st.integers(-20, 200).map(lambda percent: Fraction(100 + percent, 100)),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_the_quick_way_is_the_fold_of_the_step(
    balance: int, ppm: int, months: int, more: Fraction, is_last: bool
) -> None:
    installment = int(annuity(balance, ppm, months) * more)
    days = anchored_days(date(2026, 2, 28), 31, months)
    last = {} if is_last else {"last_number": months + 1}
    fold = schedule(StepPosition(balance, installment), regular_periods(1, days, ppm, **last))
    quick = level_rows(balance, installment, ppm, 1, days, is_last=is_last)
    if quick is None:
        assert fold[0].interest_fen > installment
    else:
        assert quick == fold[: len(quick)]
        assert len(quick) == months or quick[-1].balance_fen == 0


@pytest.mark.filterwarnings("ignore::mortgagemath.EarlyPayoffWarning")
def test_the_independent_library_agrees_on_a_thousand_plain_contracts() -> None:
    """mortgagemath keeps rate / 12 to 28 digits; where the exact interest is half a fen it may fall a hair short.

    So every difference must begin at a row whose interest is exactly such a tie, there be one fen, and be
    rare; the annuity must agree always.
    """
    dice = random.Random(20261122)
    different = 0
    for _ in range(1000):
        months, percent = dice.randint(1, 480), Decimal(dice.randint(1, 3600)) / 100
        principal = Decimal(dice.randint(1_000, 9_999_999)) + Decimal(dice.randint(0, 99)) / 100
        theirs = mortgagemath.amortization_schedule(
            mortgagemath.LoanParams(
                principal=principal,
                annual_rate=percent,
                term_months=months,
                payment_rounding=mortgagemath.PaymentRounding.ROUND_HALF_UP,
            )
        )
        theirs = [row for row in theirs if row.number]
        ours = response(
            contract(principal=f"{principal:.2f}", annual_rate_percent=f"{percent:.2f}", installments=months)
        )["installments"]
        assert len(theirs) == len(ours)
        if months > 1:
            assert f"{theirs[0].payment:.2f}" == ours[0]["amount"]
        balance = int(principal * 100)
        for their, our in zip(theirs, ours, strict=True):
            if (f"{their.interest:.2f}", f"{their.principal:.2f}") != (our["interest"], our["principal"]):
                exact = Fraction(balance) * Fraction(percent) / 1200
                assert exact % 1 == Fraction(1, 2), (principal, percent, months, our, their)
                assert fen(our["interest"]) - fen(f"{their.interest:.2f}") == 1
                different += 1
                break
            balance = fen(our["balance_after"])
    assert different <= 10


@given(st.dates(date(2019, 1, 1), date(2031, 1, 1)), st.integers(1, 31))
@settings(max_examples=100, deadline=None)
def test_days_of_a_year_come_month_by_month(first: date, anchor: int) -> None:
    days = anchored_days(first, anchor, 30)
    months = [(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1) for n in range(30)]
    assert days == [due_date(year, month, anchor) for year, month in months]


def plain_loop(balance: int, ppm: int, months: int) -> list[tuple[int, int, int, int]]:
    installment = annuity(balance, ppm, months)
    rows = []
    for number in range(1, months + 1):
        charged = (2 * balance * ppm + 12_000_000) // 24_000_000
        principal = installment - charged if number < months else balance
        balance -= principal
        rows.append((number, principal, charged, balance))
    return rows


def instructions(work: Callable[[], object]) -> int:
    """Instructions of Python that some work takes: the same on every machine, however busy."""
    count = 0

    def seen(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return seen

    before = sys.gettrace()
    sys.settrace(seen)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_a_plain_schedule_takes_at_most_twice_the_instructions_of_a_bare_loop() -> None:
    """Their time is measured by the bench (B10)."""
    request = parse_request(contract())
    assert not isinstance(request, dict)
    assert [(r.number, r.principal_fen, r.interest_fen, r.balance_fen) for r in simulate(request).rows] == plain_loop(
        100_000_000, 36_000, 360
    )
    ours = instructions(lambda: simulate(request))
    assert ours <= 2 * instructions(lambda: plain_loop(100_000_000, 36_000, 360))


@pytest.mark.parametrize("day_count", ["30/360", "ACT/ACT"])
def test_the_longest_contract_with_many_events_stays_quick(day_count: str) -> None:
    days = anchored_days(date(2026, 3, 11), 11, 240)
    prepayments = [{"paid_on": f"{day}", "amount": "1000.00", "effect": "LOWER_INSTALLMENT"} for day in days]
    begin = time.process_time()
    response(contract(installments=480, day_count=day_count, prepayments=prepayments))
    assert time.process_time() - begin < 5
