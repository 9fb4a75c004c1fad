"""When to try again, and when a borrower counts as unreachable (S1.18: in time, S1.22: no free hand)."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from followups.rules.attempts import Attempt, appointment_fault, is_unreachable, proposed_next, time_of_day
from loans.rules.calendar import Calendar

ZONE = ZoneInfo("Asia/Shanghai")
PLAIN = Calendar()


def tried(*marks: str, outcome: str = "NO_ANSWER") -> list[Attempt]:
    """Attempts at "day hour:minute" in November 2026; 2 November is a Monday."""
    found = []
    for mark in marks:
        day, hour = mark.split()
        found.append(Attempt(datetime.fromisoformat(f"2026-11-{int(day):02}T{hour}").replace(tzinfo=ZONE), outcome))
    return found


@pytest.mark.parametrize(
    ("marks", "next_mark"),
    [
        (["02 09:30"], "03 12:30"),
        (["02 19:10"], "03 10:00"),
        (["02 09:30", "03 12:30"], "04 15:30"),
        (["02 09:30", "03 12:30", "04 15:30"], "05 19:00"),
        (["02 09:30", "03 12:30", "04 15:30", "05 19:00"], "06 10:00"),
        # The weekend is passed over.
        (["06 15:00"], "09 19:00"),
        # Mornings were tried twice, so any other time comes first.
        (["02 09:00", "02 10:00", "03 20:00"], "04 12:30"),
    ],
)
def test_the_next_attempt_is_on_another_day_at_the_least_tried_time(marks: list[str], next_mark: str) -> None:
    found = proposed_next(tried(*marks), PLAIN)
    assert found is not None
    assert f"{found:%d %H:%M}" == next_mark
    assert found.date() > tried(*marks)[-1].at.date()
    assert time_of_day(found) != time_of_day(tried(*marks)[-1].at)


def test_a_holiday_is_no_day_to_try() -> None:
    calendar = Calendar(holidays=frozenset({date(2026, 11, 3)}))
    found = proposed_next(tried("02 09:30"), calendar)
    assert found is not None and found.date() == date(2026, 11, 4)


@pytest.mark.parametrize("outcome", ["REACHED", "REFUSED", "APPOINTED"])
def test_after_a_contact_nothing_is_proposed(outcome: str) -> None:
    assert proposed_next(tried("02 09:30", outcome=outcome), PLAIN) is None
    assert proposed_next([], PLAIN) is None


@pytest.mark.parametrize(
    ("marks", "lost"),
    [
        (["02 09:30", "03 12:30", "04 15:30"], True),
        (["02 09:30", "03 12:30"], False),
        # Three rings on one day, or three mornings.
        (["02 09:30", "02 12:30", "02 19:30"], False),
        (["02 09:30", "03 09:30", "04 09:30"], False),
        # Three days and three times, but no three attempts that have both.
        (["02 09:30", "03 09:30", "04 09:30", "04 12:30", "04 19:30"], False),
        (["02 09:30", "03 09:30", "04 12:30", "05 19:30"], True),
    ],
)
def test_three_attempts_on_different_days_at_different_times_make_unreachable(marks: list[str], lost: bool) -> None:
    assert is_unreachable(tried(*marks)) is lost


def test_a_contact_begins_the_count_anew() -> None:
    before, contact = tried("02 09:30", "03 12:30"), tried("03 13:00", outcome="APPOINTED")
    after = tried("04 15:30", "05 19:30")
    assert not is_unreachable([*before, *contact, *after])
    assert is_unreachable([*contact, *after, *tried("06 09:00")])


def test_very_many_attempts_are_judged_at_once() -> None:
    assert not is_unreachable(tried(*(f"{day:02} 09:{minute:02}" for day in range(1, 29) for minute in range(60))))


@pytest.mark.parametrize(
    ("at", "fault"),
    [
        ("2026-11-03T19:00", ""),
        ("2026-11-02T09:00", "past"),
        ("2026-11-03T22:00", "not_a_calling_hour"),
        ("2026-11-03T07:59", "not_a_calling_hour"),
        ("2027-03-01T10:00", "too_far"),
    ],
)
def test_an_appointment_has_a_sane_hour(at: str, fault: str) -> None:
    now: Any = datetime(2026, 11, 2, 10, tzinfo=ZONE)
    when = datetime.fromisoformat(at).replace(tzinfo=ZONE)
    assert appointment_fault(when, now, date(2027, 1, 1)) == fault
