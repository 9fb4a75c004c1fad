"""Which development an address names, and what a visit to it finds for its loans."""

import pytest

from collateral.rules.address import estate_of
from followups.rules.projects import Member, finding_of, is_of_the_project, shares, state_found


@pytest.mark.parametrize(
    ("address", "estate"),
    [
        ("江城市滨江区江岸新城14栋2单元2802", "江城市滨江区江岸新城"),
        ("江城市滨江区江岸新城二期3栋101", "江城市滨江区江岸新城二期"),
        ("湖北省武汉市武昌区水岸国际A座1801室", "湖北省武汉市武昌区水岸国际"),
        ("江城市滨江区悦府路1号6栋1803室", "江城市滨江区悦府路1号"),
        ("武汉市武昌区示例路523号", ""),
        ("武汉市武昌区3栋101", ""),
        ("安居花园第12号楼3单元", "安居花园"),
        ("", ""),
    ],
)
def test_a_development_is_what_stands_before_the_building(address: str, estate: str) -> None:
    assert estate_of(address) == estate


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
