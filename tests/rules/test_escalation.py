"""Which step of a time limit is reached, who is told when, and the alarms of first follow-ups (S2.2, S2.6, S2.20)."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from followups.rules.escalation import AUDIENCES, STEPS, alarm_reached, percent_used, step_reached
from loans.rules.calendar import Calendar

MONDAY = date(2026, 11, 2)
PLAIN = Calendar()


def steps(due_in: int, *days: int) -> list[str | None]:
    due = MONDAY + timedelta(days=due_in)
    return [step_reached(MONDAY, due, MONDAY + timedelta(days=day), PLAIN) for day in days]


def test_ten_workdays_tell_at_eight_ten_and_twelve() -> None:
    # 2 to 16 November: 10 workdays; the 8th is Thursday the 12th, the 12th Wednesday the 18th.
    assert steps(14, 9, 10, 13, 14, 15, 16) == [None, "LIMIT_80", "LIMIT_80", "LIMIT_100", "LIMIT_100", "LIMIT_120"]


def test_what_is_due_the_same_day_is_past_its_limit_the_day_after() -> None:
    assert steps(0, 0, 1) == [None, "LIMIT_100"] and steps(0, 2) == ["LIMIT_120"]


def test_before_it_may_be_made_nothing_is_told() -> None:
    assert step_reached(MONDAY, MONDAY + timedelta(days=3), MONDAY - timedelta(days=1), PLAIN) is None


def test_alarms_of_a_first_follow_up_stand_at_75_85_and_90() -> None:
    found = [alarm_reached(MONDAY, MONDAY + timedelta(days=day)) for day in (74, 75, 84, 85, 89, 90, 200)]
    assert found == [None, "FIRST_75", "FIRST_75", "FIRST_85", "FIRST_85", "FIRST_90", "FIRST_90"]


def test_who_is_told_grows_with_the_step_and_red_is_told_to_all_at_once() -> None:
    for codes in (list(STEPS), ["FIRST_75", "FIRST_85", "FIRST_90"]):
        told = [{audience for audience, _wait in AUDIENCES[code]} for code in codes]
        assert told == [{"OFFICER"}, {"OFFICER", "MANAGER"}, {"OFFICER", "MANAGER", "BRANCH_HEAD"}]
    assert dict(AUDIENCES["LIMIT_120"]) == {"OFFICER": "DAY", "MANAGER": "DIGEST", "BRANCH_HEAD": "WEEKLY"}
    assert set(AUDIENCES["RED"]) == {("OFFICER", "DAY"), ("MANAGER", "DAY"), ("BRANCH_HEAD", "DAY")}


@given(st.integers(0, 80), st.integers(0, 120))
def test_a_step_never_goes_back_as_days_pass(window: int, day: int) -> None:
    order = [None, *STEPS]
    due = MONDAY + timedelta(days=window)
    today, later = MONDAY + timedelta(days=day), MONDAY + timedelta(days=day + 1)
    assert percent_used(MONDAY, due, today, PLAIN) <= percent_used(MONDAY, due, later, PLAIN)
    first, second = (step_reached(MONDAY, due, each, PLAIN) for each in (today, later))
    assert order.index(first) <= order.index(second)
