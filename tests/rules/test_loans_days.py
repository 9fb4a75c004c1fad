"""Due days, workdays and overdue recognition."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules import aging
from loans.rules.calendar import Calendar
from loans.rules.dates import add_months, contract_due_dates, due_date, due_dates, months_between, next_due_date
from tests.examples import table

HOLIDAYS = [date(2026, 2, 15) + timedelta(days=n) for n in range(9)] + [
    date(2026, 10, 1) + timedelta(days=n) for n in range(7)
]
MAKE_UP = [date(2026, 2, 14), date(2026, 2, 28), date(2026, 9, 20), date(2026, 10, 10)]
CALENDAR = Calendar.of([(day, False) for day in HOLIDAYS] + [(day, True) for day in MAKE_UP])


@pytest.mark.parametrize("example", table("due_days"), ids=lambda each: f"{each['drawn on']}/{each['due day']}")
def test_due_days_keep_their_anchor(example: dict[str, str]) -> None:
    expected = [date.fromisoformat(day) for day in example["due dates"].split()]
    drawn_on = date.fromisoformat(example["drawn on"])
    assert list(due_dates(drawn_on, int(example["due day"]), expected[-1])) == expected


def test_four_hundred_years_of_due_days_match_a_brute_force_calendar() -> None:
    for due_day in (1, 15, 28, 29, 30, 31):
        day = due_date(1999, 12, due_day)
        for month in range(400 * 12):
            year, month_no = 2000 + month // 12, month % 12 + 1
            expected = date(year, month_no, min(due_day, monthrange(year, month_no)[1]))
            assert next_due_date(day, due_day) == expected == add_months(day, 1, due_day)
            day = expected


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.integers(1, 31), st.integers(1, 4000))
def test_a_contract_has_one_due_date_a_month_and_ends_at_maturity(after: date, due_day: int, span: int) -> None:
    matures_on = after + timedelta(days=span)
    days = contract_due_dates(after, due_day, matures_on)
    assert days[-1] == matures_on and all(day > after for day in days)
    assert len({(day.year, day.month) for day in days}) == len(days)
    assert all(months_between(a, b) == 1 for a, b in zip(days, days[1:], strict=False))


def test_workdays_follow_the_calendar_and_the_plain_week_outside_it() -> None:
    assert not CALENDAR.is_workday(date(2026, 2, 16)) and CALENDAR.is_workday(date(2026, 2, 14))
    assert CALENDAR.is_workday(date(2031, 6, 2)) and not CALENDAR.is_workday(date(2031, 6, 1))
    assert CALENDAR.next_workday(date(2026, 2, 15)) == date(2026, 2, 24)
    assert CALENDAR.next_workday(date(2026, 2, 24)) == date(2026, 2, 24)
    assert CALENDAR.previous_workday(date(2026, 2, 23)) == date(2026, 2, 14)
    assert CALENDAR.add_workdays(date(2026, 2, 13), 2) == date(2026, 2, 24)
    assert CALENDAR.add_workdays(date(2026, 2, 24), -1) == date(2026, 2, 14)
    assert CALENDAR.workdays_between(date(2026, 2, 13), date(2026, 2, 24)) == 2
    assert CALENDAR.workdays_between(date(2026, 2, 24), date(2026, 2, 13)) == -2


@pytest.mark.parametrize("example", table("overdue"), ids=lambda each: f"{each['due on']} at {each['close of']}")
def test_recognition_waits_for_the_next_workday_then_counts_from_the_due_day(example: dict[str, str]) -> None:
    due_on, last_day, as_of = (date.fromisoformat(example[name]) for name in ("due on", "last day to pay", "close of"))
    assert aging.last_day_to_pay(due_on, 0, CALENDAR) == last_day
    is_overdue = aging.is_recognised(due_on, as_of, 0, CALENDAR)
    assert (aging.days_past_due(due_on, as_of) if is_overdue else 0) == int(example["days past due"])


@given(st.dates(date(2026, 1, 20), date(2026, 11, 1)), st.integers(-5, 20), st.integers(0, 5))
def test_recognition_is_one_comparison(due_on: date, later: int, grace: int) -> None:
    as_of = due_on + timedelta(days=later)
    one = due_on <= aging.recognised_due_until(as_of, grace, CALENDAR)
    assert one == aging.is_recognised(due_on, as_of, grace, CALENDAR)


def test_arrears_of_the_tape_are_recognised_whatever_the_calendar_says() -> None:
    baseline = date(2026, 10, 5)
    declared = aging.UnpaidInstallment(date(2026, 10, 3), date(2026, 10, 2))
    due_that_day = aging.UnpaidInstallment(date(2026, 10, 5), date(2026, 10, 5))
    until = aging.recognised_due_until(date(2026, 10, 6), 0, CALENDAR)
    assert aging.overdue_since([declared, due_that_day], until, baseline) == date(2026, 10, 2)
    assert aging.overdue_since([due_that_day], until, baseline) is None


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (0, "PASS"), (1, "SPECIAL_MENTION"), (90, "SPECIAL_MENTION"), (91, "SUBSTANDARD"), (270, "SUBSTANDARD"),
        (271, "DOUBTFUL"), (360, "DOUBTFUL"), (361, "LOSS"), (2000, "LOSS"),
    ],
)  # fmt: skip
def test_class_follows_days_past_due(days: int, name: str) -> None:
    assert aging.five_class(days) == name
    as_of = date(2026, 11, 1)
    since = as_of - timedelta(days=days)
    by_dates = next((each for each, latest in aging.crossing_dates(as_of).items() if since <= latest), "PASS")
    assert by_dates == name
