"""Decides in which order an officer makes the field visits of a day, and proposes when to be where.

Visits of one district follow each other, those of one estate too. A visit takes 80 minutes all in (2.7 person-hours of
two people), 40 when the next door is in the same estate; the break is kept, and what does not fit into the day is
shown after it without a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from collateral.rules.address import estate_of

BEGINS, BREAK_FROM, BREAK_TO, ENDS = 9 * 60, 12 * 60, 13 * 60 + 30, 17 * 60 + 30
A_VISIT, NEXT_DOOR = 80, 40


@dataclass(frozen=True, slots=True)
class Stop:
    """A home to go to; the smaller the level, the more urgent."""

    task_id: int
    district: str
    address: str
    level: int = 9

    @property
    def estate(self) -> str:
        """What neighbors share: the development, or the house of a street."""
        return estate_of(self.address, self.district).name or self.address


@dataclass(frozen=True, slots=True)
class Planned:
    """A stop with its minutes since midnight; None where the day is full."""

    stop: Stop
    at: int | None

    @property
    def clock(self) -> str:
        return "" if self.at is None else f"{self.at // 60:02d}:{self.at % 60:02d}"


def plan_day(stops: Iterable[Stop]) -> tuple[Planned, ...]:
    """The stops in order with times; districts with the most urgent visit come first."""
    every = list(stops)
    urgent: dict[str, int] = {}
    for stop in every:
        urgent[stop.district] = min(stop.level, urgent.get(stop.district, 9))
    every.sort(key=lambda s: (urgent[s.district], s.district, s.estate, s.level, s.address, s.task_id))
    found: list[Planned] = []
    now, before = BEGINS, None
    for stop in every:
        takes = NEXT_DOOR if before is not None and before.estate == stop.estate else A_VISIT
        if now < BREAK_TO and now + takes > BREAK_FROM:
            now = BREAK_TO
        found.append(Planned(stop, now if now + takes <= ENDS else None))
        now, before = now + takes, stop
    return tuple(found)
