"""The schedule engine against worked examples, and what must hold of any schedule."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loans.rules.dates import months_between
from loans.rules.money import fen, rate_ppm
from loans.rules.schedule import (
    Accrual,
    OpeningTerms,
    Row,
    StepPosition,
    annuity,
    interest,
    monthly_payment,
    opening_schedule,
    regular_periods,
    schedule,
    shares_of,
    step,
)
from tests.examples import table

DAY = date(2026, 11, 20)


def plan(balance: int, ppm: int, months: int) -> tuple[int, tuple[Row, ...]]:
    installment = annuity(balance, ppm, months)
    days = [DAY + timedelta(days=30 * k) for k in range(months)]
    return installment, schedule(StepPosition(balance, installment), regular_periods(1, days, ppm))


@pytest.mark.parametrize("example", table("equal_installment"), ids=lambda each: each["id"])
def test_equal_installment_gives_the_worked_example(example: dict[str, str]) -> None:
    months = int(example["months"])
    installment, rows = plan(fen(Decimal(example["principal"])), rate_ppm(Decimal(example["rate %"])), months)
    assert installment == fen(Decimal(example["installment"]))
    assert rows[-1].principal_fen + rows[-1].interest_fen == fen(Decimal(example["last"]))
    assert sum(row.interest_fen for row in rows) == fen(Decimal(example["interest in all"]))


def test_rows_of_e1_are_the_worked_rows() -> None:
    _installment, rows = plan(100_000_000, 36_000, 360)
    for example in table("equal_installment", 1):
        row = rows[int(example["number"]) - 1]
        amounts = (row.interest_fen, row.principal_fen, row.balance_fen)
        assert amounts == tuple(fen(Decimal(example[name])) for name in ("interest", "principal", "balance"))
    assert rows[11].balance_fen == 98_113_331


def test_interest_of_a_regular_month_is_the_agreed_formula() -> None:
    for balance, ppm in ((100_000_000, 36_000), (1, 1), (333_333, 71_250), (10**13, 240_000), (5, 1_200_000)):
        assert interest(balance, shares_of(Accrual(ppm))) == (2 * balance * ppm + 12_000_000) // 24_000_000


def test_interest_rounds_an_exact_tie_up() -> None:
    # 620,008.5 fen exactly: a pre-divided monthly rate gives ...008.
    balance, ppm = 124_001_700, 60_000
    assert Fraction(balance * ppm, 12_000_000) == Fraction(1_240_017, 2)
    assert interest(balance, shares_of(Accrual(ppm))) == 620_009


def test_each_accrual_of_a_split_period_is_rounded_by_itself() -> None:
    # E6: 12 days at 3.30 % and 19 days at 3.20 %, act/360, on 985,171.69.
    split = shares_of(Accrual(33_000, 12, 360), Accrual(32_000, 19, 360))
    assert interest(98_517_169, split) == 274_754


@given(
    st.integers(1, 10**11),
    st.integers(0, 240_000),
    st.integers(1, 480),
)
@settings(max_examples=200, deadline=None)
def test_any_schedule_repays_the_principal_exactly(balance: int, ppm: int, months: int) -> None:
    installment, rows = plan(balance, ppm, months)
    assert len(rows) == months
    assert sum(row.principal_fen for row in rows) == balance
    assert rows[-1].balance_fen == 0
    assert all(row.principal_fen >= 0 and row.interest_fen >= 0 and row.balance_fen >= 0 for row in rows)
    exact = _exact_annuity(balance, ppm, months)
    assert abs(installment - exact) <= Fraction(1, 2)


def _exact_annuity(balance: int, ppm: int, months: int) -> Fraction:
    if not ppm:
        return Fraction(balance, months)
    grown = (1 + Fraction(ppm, 12_000_000)) ** months
    return balance * Fraction(ppm, 12_000_000) * grown / (grown - 1)


@given(st.integers(1, 10**10), st.integers(0, 120_000), st.integers(2, 120), st.data())
@settings(max_examples=100, deadline=None)
def test_a_step_from_any_row_on_gives_the_rest_of_the_fold(
    balance: int, ppm: int, months: int, data: st.DataObject
) -> None:
    installment, rows = plan(balance, ppm, months)
    k = data.draw(st.integers(1, months - 1))
    periods = regular_periods(1, [row.due_on for row in rows], ppm)
    assert step(StepPosition(rows[k - 1].balance_fen, installment), periods[k]) == rows[k]


def opening(**given: object) -> OpeningTerms:
    fields = {
        "as_of": date(2026, 10, 31),
        "outstanding_fen": 9_000_000,
        "rate_ppm": 36_000,
        "disbursed_on": date(2023, 1, 20),
        "matures_on": date(2027, 1, 20),
        "due_day": 20,
        "days_past_due": 0,
        **given,
    }
    return OpeningTerms(**fields)  # type: ignore[arg-type]


def test_opening_schedule_covers_what_is_due_after_the_as_of_day() -> None:
    found = opening_schedule(opening())
    assert [(row.number, row.due_on) for row in found.rows] == [
        (46, date(2026, 11, 20)),
        (47, date(2026, 12, 20)),
        (48, date(2027, 1, 20)),
    ]
    assert (found.arrears, found.overdue_since) == (0, None)


def test_a_due_date_on_the_as_of_day_is_billed_already() -> None:
    assert opening_schedule(opening(due_day=31)).rows[0].due_on == date(2026, 11, 30)


def test_maturity_off_the_anchor_takes_the_place_of_its_months_due_date() -> None:
    for matures_on in (date(2027, 1, 5), date(2027, 1, 25)):
        days = [row.due_on for row in opening_schedule(opening(matures_on=matures_on)).rows]
        assert days == [date(2026, 11, 20), date(2026, 12, 20), matures_on]


def test_arrears_are_the_installments_due_since_the_default() -> None:
    found = opening_schedule(opening(days_past_due=45))
    assert found.overdue_since == date(2026, 9, 16)
    assert [row.due_on for row in found.rows[: found.arrears]] == [date(2026, 9, 20), date(2026, 10, 20)]
    assert sum(row.principal_fen for row in found.rows) == 9_000_000


def test_arrears_without_a_due_date_inside_take_the_last_one_before() -> None:
    found = opening_schedule(opening(days_past_due=3))
    assert found.overdue_since == date(2026, 10, 28)
    assert [row.due_on for row in found.rows[: found.arrears]] == [date(2026, 10, 20)]


def test_arrears_before_the_first_due_date_fall_due_on_the_day_of_default() -> None:
    found = opening_schedule(opening(disbursed_on=date(2026, 10, 21), days_past_due=2))
    assert [(row.number, row.due_on) for row in found.rows[:2]] == [(1, date(2026, 10, 29)), (2, date(2026, 11, 20))]


def test_a_matured_loan_gets_one_last_installment_on_the_next_due_day() -> None:
    found = opening_schedule(opening(matures_on=date(2026, 3, 20)))
    assert [(row.due_on, row.principal_fen, row.interest_fen) for row in found.rows] == [
        (date(2026, 11, 20), 9_000_000, 27_000)
    ]


@pytest.mark.parametrize(
    ("days_past_due", "due_on"),
    [
        (10, [date(2026, 3, 20)]),  # overdue since 2026-10-21, all due since the maturity
        (225, [date(2026, 3, 20)]),  # since the maturity
        (256, [date(2026, 2, 20), date(2026, 3, 20)]),  # since 2026-02-17
    ],
)
def test_of_a_matured_loan_in_arrears_everything_is_due_since_the_maturity(
    days_past_due: int, due_on: list[date]
) -> None:
    found = opening_schedule(opening(matures_on=date(2026, 3, 20), days_past_due=days_past_due))
    assert [row.due_on for row in found.rows] == due_on
    assert found.arrears == len(due_on)
    assert sum(row.principal_fen for row in found.rows) == 9_000_000 and found.rows[-1].balance_fen == 0


OPENINGS = st.builds(
    OpeningTerms,
    as_of=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    outstanding_fen=st.integers(1, 10**10),
    rate_ppm=st.integers(1, 240_000),
    disbursed_on=st.dates(date(1998, 1, 1), date(2023, 12, 31)),
    matures_on=st.dates(date(2024, 1, 2), date(2060, 12, 31)),
    due_day=st.integers(1, 31),
    days_past_due=st.one_of(st.just(0), st.integers(1, 2000)),
)


@given(OPENINGS)
@settings(max_examples=150, deadline=None)
def test_any_opening_is_whole(terms: OpeningTerms) -> None:
    found = opening_schedule(terms)
    assert sum(row.principal_fen for row in found.rows) == terms.outstanding_fen
    numbers = [row.number for row in found.rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] >= 1
    days = [row.due_on for row in found.rows]
    assert days == sorted(set(days))
    assert all(day <= terms.as_of for day in days[: found.arrears])
    assert all(day > terms.as_of for day in days[found.arrears :])
    assert (found.arrears > 0) == (terms.days_past_due > 0)
    assert found.overdue_since == (terms.as_of - timedelta(days=terms.days_past_due) if terms.days_past_due else None)
    if terms.matures_on > terms.as_of or terms.days_past_due:
        assert days[-1] == terms.matures_on
    if terms.matures_on > terms.as_of:
        assert numbers[-1] == max(months_between(terms.disbursed_on, terms.matures_on), numbers[-1])


@given(st.one_of(OPENINGS, OPENINGS.map(lambda terms: replace(terms, outstanding_fen=terms.outstanding_fen % 700 + 1))))
@settings(max_examples=300, deadline=None)
def test_an_opening_has_the_rows_of_the_plain_fold(terms: OpeningTerms) -> None:
    """Tiny balances too, whose rows end in zeros."""
    found = opening_schedule(terms)
    days = [row.due_on for row in found.rows]
    periods = regular_periods(found.rows[0].number, days, terms.rate_ppm)
    assert found.rows == schedule(StepPosition(terms.outstanding_fen, found.installment_fen), periods)


def test_the_hash_names_every_row() -> None:
    one, other = opening_schedule(opening()), opening_schedule(opening(outstanding_fen=9_000_001))
    assert one.sha256 == opening_schedule(opening()).sha256 != other.sha256


def test_the_monthly_payment_of_equal_principal_has_its_interest_on_top() -> None:
    """E2: 2,777.78 of principal and 3,000.00 of interest in the first month."""
    assert monthly_payment(StepPosition(100_000_000, 277_778, "EQUAL_PRINCIPAL"), 36_000) == 577_778
    assert monthly_payment(StepPosition(100_000_000, 454_645), 36_000) == 454_645
    assert monthly_payment(StepPosition(100_000_000, 0, "INTEREST_ONLY"), 36_000) == 300_000
