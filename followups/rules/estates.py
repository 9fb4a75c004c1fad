"""Says which homes are of one estate (楼盘) and can be visited on one way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from collateral.rules.address import estate_of

# Visits of one estate due within so many days of each other are worth one way.
WITHIN = timedelta(days=30)
_DISTRICTS = ("区", "县", "旗")


@dataclass(frozen=True, slots=True)
class Home:
    """A home that a task goes to, and by when."""

    task_id: int
    due_on: date
    district: str
    address: str


def short_district(district: str) -> str:
    """滨江区 → 滨江."""
    return district[:-1] if len(district) > 2 and district.endswith(_DISTRICTS) else district


def neighbors(homes: Iterable[Home]) -> Mapping[int, tuple[Home, ...]]:
    """By task: the other homes of its estate due within 30 days of it, the earliest first."""
    by_estate: dict[tuple[str, str], list[Home]] = {}
    for home in homes:
        if estate := estate_of(home.address, home.district).name:
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
