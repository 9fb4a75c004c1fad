"""Each step of a visit has its own limit, by level where the bank says so (domain 5: report 2, approval 2 workdays)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups.rules.clock import Step
from followups.rules.escalation import told_of_step
from followups.rules.step_limits import APPROVAL, REPORT, limits, past_limit, workdays
from loans.rules.calendar import Calendar

AT = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize("parameter, value, level, expected", [
    (APPROVAL, None, 1, 1), (APPROVAL, None, 2, 2), (APPROVAL, None, 9, 2),
    (APPROVAL, 3, 1, 3), (APPROVAL, 3, 9, 3),
    (APPROVAL, {"2": 1}, 2, 1), (APPROVAL, {"2": 1}, 1, 1), (APPROVAL, {"9": 4}, 3, 4), (APPROVAL, {"1": 0}, 1, 0),
    (REPORT, None, 1, 2), (REPORT, {"1": 1, "9": 3}, 1, 1), (REPORT, -1, 9, 0),
])  # fmt: skip
def test_the_limit_of_a_level(parameter: str, value: Any, level: int, expected: int) -> None:
    assert workdays(parameter, value, level) == expected


def test_writing_up_and_mending_share_a_limit_and_waiting_has_none() -> None:
    assert limits({REPORT: 3, APPROVAL: 1}, 9) == {"VISITING": 3, "CORRECTING": 3, "REVIEWING": 1}
    assert limits({}, 1) == {"VISITING": 2, "CORRECTING": 2, "REVIEWING": 1}


@pytest.mark.parametrize("took, limit, is_late", [(2, 2, False), (3, 2, True), (30, None, False)])
def test_a_step_is_late_past_its_own_limit_only(took: int, limit: int | None, is_late: bool) -> None:
    assert Step("VISITING", AT, None, took, limit=limit).is_late is is_late


MONDAY = date(2026, 11, 2)


def late(limit: int, day: int, *stood: tuple[int, int]) -> tuple[int, int] | None:
    """(day of the month of the limit, workdays late) of a step begun on Monday the 2nd."""
    pauses = [(date(2026, 11, begun), date(2026, 11, last)) for begun, last in stood]
    found = past_limit(MONDAY, limit, pauses, date(2026, 11, day), Calendar())
    return None if found is None else (found.due_on.day, found.workdays)


def test_a_step_is_past_its_limit_from_the_workday_after() -> None:
    assert [late(2, day) for day in (2, 3, 4, 5, 6, 7, 8, 9)] == [
        None, None, None, (4, 1), (4, 2), (4, 2), (4, 2), (4, 3),
    ]  # fmt: skip
    assert [late(0, day) for day in (2, 3)] == [None, (2, 1)]
    assert late(5, 9) is None and late(5, 10) == (9, 1), "a weekend counts in neither"


def test_days_on_which_the_clock_stood_move_the_limit_of_a_step() -> None:
    # From the 3rd it stands until the 5th: the 4th and 5th are left out.
    assert [late(2, day, (3, 5)) for day in (5, 6, 9)] == [None, None, (6, 1)]
    # Past the limit already, its day stays; what the clock stands on afterwards makes it no later.
    assert [late(2, day, (5, 6)) for day in (5, 6, 9)] == [(4, 1), (4, 1), (4, 2)]


@given(st.integers(0, 8), st.integers(0, 60), st.integers(0, 20), st.integers(0, 20))
def test_the_day_of_the_limit_is_the_last_one_within_it(limit: int, day: int, begun: int, more: int) -> None:
    stood = [(MONDAY + timedelta(days=begun), MONDAY + timedelta(days=begun + more))]
    found = past_limit(MONDAY, limit, stood, MONDAY + timedelta(days=day), Calendar())
    if found is not None:
        assert found.workdays >= 1 and MONDAY <= found.due_on < MONDAY + timedelta(days=day)
        assert past_limit(MONDAY, limit, stood, found.due_on, Calendar()) is None
        assert past_limit(MONDAY, limit, stood, MONDAY + timedelta(days=day + 30), Calendar()) is not None
        assert past_limit(MONDAY, limit, stood, MONDAY + timedelta(days=day), Calendar()).due_on == found.due_on  # type: ignore[union-attr]


def test_who_has_the_step_is_told_first_and_a_workday_later_who_stands_above() -> None:
    assert [told_of_step("CORRECTING", late, 9) for late in (0, 1, 2, 9)] == [
        (), ("OFFICER",), ("OFFICER", "MANAGER"), ("OFFICER", "MANAGER"),
    ]  # fmt: skip
    assert told_of_step("REVIEWING", 1, 2) == ("REVIEWER",)
    assert told_of_step("REVIEWING", 2, 2) == ("REVIEWER", "BRANCH_HEAD")
    assert told_of_step("VISITING", 1, 1) == ("OFFICER", "MANAGER"), "red at once"
    assert told_of_step("VISITING", 0, 1) == ()
