"""Reads the estate (楼盘) out of an address: homes of one estate can be visited on one way."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

# Visits of one estate due within so many days of each other are worth one way.
WITHIN = timedelta(days=30)
_DISTRICTS = ("区", "县", "旗")
_DISTRICT = re.compile(r"^.{2,15}?[区县旗](?=.)")
_BUILDING = re.compile(r"^(\D+?)第?\d+\s*(?:号楼|栋|幢|座|期|区|单元|弄|#|-)")
_HOUSE = re.compile(r"^\D+?\d+号")


@dataclass(frozen=True, slots=True)
class Home:
    """A home that a task goes to, and by when."""

    task_id: int
    due_on: date
    district: str
    address: str


def estate_of(address: str, district: str = "") -> str:
    """江城市滨江区滨江悦府6栋2单元1803 → 滨江悦府; a house of a street keeps its number; empty when nothing is told."""
    rest = address.strip()
    at = rest.find(district) if district else -1
    if at >= 0 and len(rest) > at + len(district):
        rest = rest[at + len(district) :]
    elif found := _DISTRICT.match(rest):
        rest = rest[found.end() :]
    if found := _BUILDING.match(rest):
        return found.group(1)
    found = _HOUSE.match(rest)
    return found.group() if found else re.split(r"\d", rest, maxsplit=1)[0]


def short_district(district: str) -> str:
    """滨江区 → 滨江."""
    return district[:-1] if len(district) > 2 and district.endswith(_DISTRICTS) else district


def neighbors(homes: Iterable[Home]) -> Mapping[int, tuple[Home, ...]]:
    """By task: the other homes of its estate due within 30 days of it, the earliest first."""
    by_estate: dict[tuple[str, str], list[Home]] = {}
    for home in homes:
        if estate := estate_of(home.address, home.district):
            by_estate.setdefault((home.district, estate), []).append(home)
    found: dict[int, tuple[Home, ...]] = {}
    for together in by_estate.values():
        together.sort(key=lambda home: (home.due_on, home.task_id))
        for home in together:
            near = tuple(
                other
                for other in together
                if other.task_id != home.task_id and abs(other.due_on - home.due_on) <= WITHIN
            )
            if near:
                found[home.task_id] = near
    return found
