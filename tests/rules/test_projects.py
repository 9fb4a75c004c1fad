"""What a visit to a development finds for its loans."""

import pytest

from followups.rules.projects import Member, finding_of, is_of_the_project, shares, state_found


@pytest.mark.parametrize(
    ("code", "state", "is_bankrupt", "finding"),
    [
        ("DEVELOPER_STOPPED", "STALLED", False, "CONFIRMED"),
        ("DEVELOPER_STOPPED", "ABANDONED", False, "CONFIRMED"),
        ("DEVELOPER_STOPPED", "SLOW", True, "NOT_CONFIRMED"),
        ("DEVELOPER_BANKRUPT", "STALLED", False, "NOT_CONFIRMED"),
        ("DEVELOPER_BANKRUPT", "NORMAL", True, "CONFIRMED"),
        ("DEVELOPER_NEWS", "SLOW", False, "CONFIRMED"),
        ("DEVELOPER_NEWS", "DELIVERED", False, "NOT_CONFIRMED"),
    ],
)
def test_the_state_on_site_answers_what_was_told(code: str, state: str, is_bankrupt: bool, finding: str) -> None:
    assert finding_of(code, state, is_bankrupt) == finding


def test_only_a_verified_state_is_one() -> None:
    known = {"project_state": {"value": "STALLED"}}
    assert state_found({"project_state": {"choice": "SAME"}}, known) == "STALLED"
    assert state_found({"project_state": {"choice": "CHANGED", "now": "NORMAL"}}, known) == "NORMAL"
    assert state_found({"project_state": {"choice": "UNVERIFIED"}}, known) == ""
    assert state_found({}, known) == ""


def test_who_takes_a_finding() -> None:
    assert shares(Member(1, None, "", False)) and shares(Member(1, 7, "PLANNED", False))
    assert not shares(Member(1, 7, "IN_PROGRESS", False)) and not shares(Member(1, None, "", True))
    assert is_of_the_project(["DEVELOPER_NEWS", "DEVELOPER_STOPPED"])
    assert not is_of_the_project(["DEVELOPER_NEWS", "JOB_LOSS"]) and not is_of_the_project([])
