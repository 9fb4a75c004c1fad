"""The quality score of a report, line by line: examples a reviewer can read (S2.1)."""

from dataclasses import replace
from datetime import date

import pytest

from followups.rules import quality
from loans.rules.calendar import Calendar

PLAIN = Calendar()
CALL = quality.Made(
    method="PHONE", asked=12, unverified=0, changes=0, oral_changes=0, files=0, has_photo_exit=False, reached=True,
    version=1, due_on=date(2026, 11, 6), submitted_on=date(2026, 11, 6), hints=(),
)  # fmt: skip


def lost(**given: object) -> dict[str, int]:
    """Which lines lose how much."""
    found = quality.lines(replace(CALL, **given), PLAIN)  # type: ignore[arg-type]
    return {line.code: line.most - line.got for line in found if line.got < line.most}


# S2.1
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, {}),
        ({"unverified": 3}, {"COMPLETE": 4}),
        ({"hints": {"NO_RECORDING"}}, {"PROOF": 20}),
        ({"method": "FIELD"}, {"PROOF": 20}),
        ({"method": "FIELD", "files": 2, "reached": False}, {}),
        ({"method": "FIELD", "has_photo_exit": True}, {"PROOF": 10}),
        ({"changes": 3, "oral_changes": 1}, {"VERIFIED": 4}),
        ({"reached": False}, {"CONTACT": 10}),
        ({"submitted_on": date(2026, 11, 7)}, {"ON_TIME": 5}),
        ({"submitted_on": date(2026, 11, 10)}, {"ON_TIME": 10}),
        ({"submitted_on": date(2027, 1, 10)}, {"ON_TIME": 15}),
        ({"version": 2}, {"RETURNED": 5}),
        ({"version": 4}, {"RETURNED": 10}),
        ({"hints": {"LOOK_ALIKE", "QUICK"}}, {"ORIGINAL": 10, "CARE": 5}),
        ({"hints": {"LOOK_ALIKE", "PHOTO_REUSED", "LATE_HOUR", "MONTH_END"}}, {"ORIGINAL": 15, "CARE": 4}),
    ],
)
def test_what_each_fault_costs(given: dict[str, object], wanted: dict[str, int]) -> None:
    assert lost(**given) == wanted
    found = quality.lines(replace(CALL, **given), PLAIN)  # type: ignore[arg-type]
    assert quality.score(found) == 100 - sum(wanted.values()) and sum(line.most for line in found) == 100
