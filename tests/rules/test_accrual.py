"""Interest of the running period at a close: worked examples to the fen, and the engine's own word for a settlement."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.accrual import BY_TERMS, Running, accrued_by_terms, accrued_interest, running, running_after
from loans.rules.continuation import Standing, continuation
from loans.rules.simulation_request import LOWER_INSTALLMENT, NEXT_PERIOD, Pause, Prepayment, RateChange, Request

DUE = date(2026, 11, 20)
E1 = 98_113_331


def standing(**changed: object) -> Standing:
    values = {
        "number": 13, "next_due_on": date(2026, 12, 20), "unbilled_fen": E1, "rate_ppm": 36_000,
        "installment_fen": 454_645, "method": "EQUAL_INSTALLMENT", "due_day": 20, "last_number": 360,
        "matures_on": date(2055, 11, 20),
    }  # fmt: skip
    return Standing(**{**values, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "fen"),
    [
        # 981,133.31 x 3.60% / 360 x days; on the due day itself nothing runs yet, E8: ten days are 981.13.
        (date(2026, 11, 20), 0),
        (date(2026, 11, 21), 9_811),
        (date(2026, 11, 30), 98_113),
        (date(2026, 12, 19), 284_529),
    ],
)
def test_interest_runs_by_days_over_360(day: date, fen: int) -> None:
    assert accrued_interest(E1, 36_000, DUE, 0, day) == fen == accrued_by_terms(standing(), day)


def test_half_a_fen_is_rounded_up_and_nothing_runs_backwards() -> None:
    assert accrued_interest(5_000, 36_000, DUE, 0, DUE + timedelta(days=1)) == 1
    assert accrued_interest(4_999, 36_000, DUE, 0, DUE + timedelta(days=1)) == 0
    assert accrued_interest(E1, 36_000, DUE, 0, DUE - timedelta(days=3)) == 0


def request(**changed: object) -> Request:
    values = {
        "principal_fen": E1, "rate_ppm": 36_000, "installments": 348, "method": "EQUAL_INSTALLMENT",
        "disbursed_on": DUE, "first_due_on": date(2026, 12, 20), "due_day": 20, "carried_fen": 454_645,
    }  # fmt: skip
    return Request(**{**values, **changed})  # type: ignore[arg-type]


def test_a_new_rate_parts_the_period_and_each_part_is_rounded() -> None:
    on = date(2026, 12, 1)
    parted = running(request(rate_changes=(RateChange(on, 33_000, "SPLIT_BY_DAYS"),)))
    # 11 days at 3.60 %: 1,079.246… ; then 9 days at 3.30 %: 809.434…
    assert parted == Running(on, 107_925)
    assert accrued_interest(E1, 33_000, on, parted.before_fen, date(2026, 12, 10)) == 107_925 + 80_943


def test_a_rate_that_waits_leaves_the_old_one_running() -> None:
    on = date(2026, 12, 1)
    waits = RateChange(on, 33_000, NEXT_PERIOD)
    assert running(request(rate_changes=(waits,))) == Running(DUE, 0, 36_000)
    # On the day the period begins it waits for nothing.
    assert running(request(rate_changes=(RateChange(DUE, 33_000, NEXT_PERIOD),))) == Running(DUE)
    # Of two changes the later one stands, whatever the earlier was waiting for.
    later = RateChange(date(2026, 12, 5), 31_000, "SPLIT_BY_DAYS")
    assert running(request(rate_changes=(waits, later))) == Running(later.effective_on, 147_170)
    # One that waited for this period is in force from its first day.
    waited = request(waiting_rate_ppm=33_000)
    assert running(waited) == Running(DUE)
    assert running(request(waiting_rate_ppm=33_000, rate_changes=(waits,))) == Running(DUE, 0, 33_000)
    stood, day = standing(rate_ppm=33_000, request=waited, request_number=13), date(2026, 12, 10)
    assert accrued_interest(E1, 33_000, DUE, 0, day) == accrued_by_terms(stood, day)
    parted = RateChange(date(2026, 11, 25), 34_000, "SPLIT_BY_DAYS")
    assert running(request(rate_changes=(parted, waits))) == Running(parted.effective_on, 49_057, 34_000)


def test_where_days_wait_the_terms_tell() -> None:
    assert running(request(pauses=(Pause(date(2026, 12, 1), date(2026, 12, 5)),))) == BY_TERMS
    waits = request(rate_changes=(RateChange(date(2026, 12, 1), 33_000, NEXT_PERIOD),))
    assert running_after(waits, 13, 13, date(2026, 12, 20)) == Running(date(2026, 12, 20))
    paused = request(pauses=(Pause(date(2027, 3, 1), date(2027, 3, 5)),))
    assert running_after(paused, 13, 13, date(2026, 12, 20)) == BY_TERMS


@given(
    unbilled=st.integers(1_000_000, 10**10),
    rates=st.tuples(st.integers(10_000, 90_000), st.integers(10_000, 90_000)),
    changed=st.integers(0, 29),
    prepaid=st.none() | st.tuples(st.integers(0, 29), st.integers(1, 900_000)),
    days=st.integers(0, 29),
    variant=st.sampled_from(["SPLIT_BY_DAYS", NEXT_PERIOD]),
)
def test_it_is_what_a_settlement_would_charge(
    unbilled: int, rates: tuple[int, int], changed: int, prepaid: tuple[int, int] | None, days: int, variant: str
) -> None:
    on, day = DUE + timedelta(days=changed), DUE + timedelta(days=max(days, changed, prepaid[0] if prepaid else 0))
    paid = (Prepayment(DUE + timedelta(days=prepaid[0]), prepaid[1], LOWER_INSTALLMENT),) if prepaid else ()
    stands = standing(unbilled_fen=unbilled, rate_ppm=rates[0], installment_fen=unbilled // 100)
    plain = continuation(stands)
    told = Request(**{
        **{name: getattr(plain, name) for name in plain.__slots__},
        "rate_changes": (RateChange(on, rates[1], variant),), "prepayments": paid, "carried_fen": None,
    })  # fmt: skip
    period = running(told)
    assert period.accrues_from is not None
    left = unbilled - sum(each.amount_fen for each in paid)
    stood = standing(unbilled_fen=left, rate_ppm=rates[1], request=told, request_number=13)
    rate = rates[1] if period.rate_ppm is None else period.rate_ppm
    ours = accrued_interest(left, rate, period.accrues_from, period.before_fen, day)
    assert ours == accrued_by_terms(stood, day)
