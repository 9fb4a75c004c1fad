"""Lays out a chart of balances over time: whole coordinates only, so that a server draws it and no browser computes.

Lines run from the day of the comparison to their last row; the value axis begins at zero with four equal steps of a
round amount, the time axis has whole years.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 760, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 30
_STEPS = 4
_ROUND = (100, 150, 200, 250, 300, 400, 500, 600, 800)
_MOST_YEARS = 9


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its code, and (day, balance in fen) in order."""

    code: str
    points: tuple[tuple[date, int], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn line: `points` as an SVG polyline takes them, where it ends."""

    code: str
    points: str
    end_x: int
    end_y: int
    ends_on: date


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, and of what (fen, or a year)."""

    at: int
    value: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in a box of `width` × `height`."""

    lines: tuple[Line, ...]
    levels: tuple[Tick, ...]
    years: tuple[Tick, ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def balance_chart(series: Sequence[Series]) -> Chart | None:
    """The chart, or None when there is nothing to draw."""
    drawn = [each for each in series if len(each.points) > 1]
    if not drawn:
        return None
    first = min(each.points[0][0] for each in drawn)
    last = max(each.points[-1][0] for each in drawn)
    step = _step(max(balance for each in drawn for _day, balance in each.points))
    span, top = max(1, (last - first).days), step * _STEPS

    def x(day: date) -> int:
        return _LEFT + (day - first).days * (WIDTH - _LEFT - _RIGHT) // span

    def y(balance: int) -> int:
        return HEIGHT - _BOTTOM - balance * (HEIGHT - _TOP - _BOTTOM) // top

    lines = tuple(
        Line(
            each.code,
            " ".join(f"{x(day)},{y(balance)}" for day, balance in each.points),
            x(each.points[-1][0]),
            y(each.points[-1][1]),
            each.points[-1][0],
        )
        for each in drawn
    )
    levels = tuple(Tick(y(step * index), step * index) for index in range(_STEPS + 1))
    return Chart(lines, levels, tuple(Tick(x(date(year, 1, 1)), year) for year in _years(first, last)))


def _step(most_fen: int) -> int:
    """A quarter of the value axis: the smallest round amount of at least a quarter of the largest balance."""
    least = max(1, -(-most_fen // _STEPS))
    scale = 1
    while True:
        for digits in _ROUND:
            if digits * scale >= least:
                return digits * scale
        scale *= 10


def _years(first: date, last: date) -> range:
    """Years to mark: at most nine, evenly apart."""
    count = last.year - first.year
    apart = next(each for each in (1, 2, 5, 10, 20, 50) if count // each <= _MOST_YEARS)
    begin = -(-(first.year + 1) // apart) * apart
    return range(begin, last.year + 1, apart)
