"""Lays out a small chart of upright bars: whole coordinates only, so that a server draws it and no browser computes."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 760, 180
_TOP, _BOTTOM = 24, 28
_MOST_BAR = 56


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, how high, which series it belongs to, and its amount in fen."""

    x: int
    y: int
    width: int
    height: int
    series: int
    value: int

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def above(self) -> int:
        """Where its amount is written."""
        return self.y - 6


@dataclass(frozen=True, slots=True)
class Group:
    """Bars of one name."""

    label: str
    middle: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class BarChart:
    """A chart in a box of `width` × `height`; bars stand on `base`."""

    groups: tuple[Group, ...]
    width: int = WIDTH
    height: int = HEIGHT
    base: int = HEIGHT - _BOTTOM

    @property
    def label_y(self) -> int:
        return self.base + 18


def bar_chart(groups: Sequence[tuple[str, Sequence[int]]]) -> BarChart | None:
    """Groups of bars from (name, amounts in fen that are not negative); None when there is nothing to show."""
    most = max((value for _label, values in groups for value in values), default=0)
    if most <= 0:
        return None
    room = WIDTH // len(groups)
    found = []
    for place, (label, values) in enumerate(groups):
        width = max(2, min(_MOST_BAR, (room - 8) // max(1, len(values))))
        left = place * room + (room - width * len(values)) // 2
        bars = tuple(_bar(left + k * width, width, value, most, k) for k, value in enumerate(values))
        found.append(Group(label, place * room + room // 2, bars))
    return BarChart(tuple(found))


def _bar(x: int, width: int, value: int, most: int, series: int) -> Bar:
    room = HEIGHT - _TOP - _BOTTOM
    height = max(1, value * room // most) if value else 0
    return Bar(x, HEIGHT - _BOTTOM - height, width - 2, height, series, value)
