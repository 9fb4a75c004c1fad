"""Each step of a visit has its own limit, by level where the bank says so (domain 5: report 2, approval 2 workdays)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from followups.rules.clock import Step
from followups.rules.step_limits import APPROVAL, REPORT, limits, workdays

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
