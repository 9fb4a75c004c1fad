"""Which development an address names: whole for a visit to it, its name on the desk, what is next door on the way."""

from datetime import date, timedelta

import pytest

from collateral.rules.address import district_of, estate_of
from followups.rules.day_plan import Stop, plan_day
from followups.rules.estates import Home, neighbors

DAY = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("address", "whole", "name"),
    [
        ("江城市滨江区江岸新城14栋2单元2802", "江城市滨江区江岸新城", "江岸新城"),
        ("江城市滨江区江岸新城二期3栋101", "江城市滨江区江岸新城二期", "江岸新城二期"),
        ("江城市滨江区江岸新城2期3栋101", "江城市滨江区江岸新城2期", "江岸新城2期"),
        ("江城市滨江区江岸新城3区5栋2单元", "江城市滨江区江岸新城3区", "江岸新城3区"),
        ("湖北省武汉市武昌区水岸国际A座1801室", "湖北省武汉市武昌区水岸国际", "水岸国际"),
        ("江城市滨江区悦府路1号6栋1803室", "江城市滨江区悦府路1号", "悦府路1号"),
        ("江城市滨江区云水湾6#1803", "江城市滨江区云水湾", "云水湾"),
        ("江城市滨江区云水湾6-2-1803", "江城市滨江区云水湾", "云水湾"),
        ("上海市黄浦区示例路123弄5号601室", "上海市黄浦区示例路123弄", "示例路123弄"),
        ("滨江区江岸新城14栋", "滨江区江岸新城", "江岸新城"),
        ("安居小区3栋101", "安居小区", "安居小区"),
        ("安居花园第12号楼3单元", "安居花园", "安居花园"),
        # No building: none that a visit could be made to, a name on the desk all the same.
        ("江城市滨江区江岸新城1803室", "", "江岸新城"),
        ("江城市滨江区江岸新城", "", "江岸新城"),
        ("武汉市武昌区示例路523号", "", "示例路523号"),
        ("武汉市武昌区示例路12-3号", "", "示例路12-3号"),
        ("武汉市武昌区示例路12-3", "", "示例路12"),
        ("武汉市武昌区示例路7", "", "示例路7"),
        ("武汉市武昌区3栋101", "", ""),
        ("武汉市武昌区", "", ""),
        ("", "", ""),
    ],
)
def test_a_development_is_what_stands_before_the_building(address: str, whole: str, name: str) -> None:
    found = estate_of(address)
    assert (found.whole, found.name) == (whole, name)
    assert address.startswith(found.town + found.name)


@pytest.mark.parametrize("district", ["", "高新区", "滨江区", "没有的区"])
def test_the_district_on_record_helps_and_never_hides_a_development(district: str) -> None:
    found = estate_of("江城高新区光谷城6栋1803", district)
    assert found.whole == "江城高新区光谷城" and found.name == "光谷城"
    assert estate_of("高新区", "高新区").name == "高新区", "a district alone is what is known of the place"
    assert district_of("江城市滨江区江岸新城14栋") == "滨江区"


def home(task: int, address: str, days: int = 0, district: str = "滨江区") -> Home:
    return Home(task, DAY + timedelta(days=days), district, address)


def test_neighbors_are_due_within_thirty_days_in_one_development() -> None:
    found = neighbors([
        home(1, "江城市滨江区云水湾1栋101"), home(2, "江城市滨江区云水湾9栋2单元", 30),
        home(3, "江城市滨江区云水湾7栋", 31), home(4, "江城市滨江区云水湾二期1栋101"),
        home(5, "江城市老城区云水湾1栋101", 0, "老城区"), home(6, ""), home(7, ""),
    ])  # fmt: skip
    assert {task: [each.task_id for each in near] for task, near in found.items()} == {1: [2], 2: [1, 3], 3: [2]}


def test_the_days_plan_walks_one_development_on_one_way() -> None:
    stops = [
        Stop(1, "滨江区", "江城市滨江区云水湾12栋101"), Stop(2, "滨江区", "江城市滨江区示例路5号"),
        Stop(3, "滨江区", "江城市滨江区云水湾3栋101"), Stop(4, "滨江区", "江城市滨江区示例路7号"),
        Stop(5, "滨江区", "江城市滨江区云水湾5栋101"),
    ]  # fmt: skip
    found = [(one.stop.task_id, one.clock) for one in plan_day(stops)]
    assert found == [(1, "09:00"), (3, "10:20"), (5, "11:00"), (2, "13:30"), (4, "14:50")]
