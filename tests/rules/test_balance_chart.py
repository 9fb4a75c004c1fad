"""The chart's layout: whole numbers inside the box, a value axis from zero by round steps, whole years."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from loans.rules.balance_chart import HEIGHT, WIDTH, Series, balance_chart


def test_nothing_is_drawn_of_nothing() -> None:
    assert balance_chart([]) is None
    assert balance_chart([Series("before", ((date(2026, 1, 1), 5),))]) is None


def test_a_million_over_thirty_years() -> None:
    points = tuple((date(2026 + year, 11, 1), (30 - year) * 3_333_333) for year in range(31))
    chart = balance_chart([Series("before", points), Series("shorten", points[:20])])
    assert chart is not None
    assert [tick.value for tick in chart.levels] == [0, 25_000_000, 50_000_000, 75_000_000, 100_000_000]
    assert [tick.value for tick in chart.years] == [2030, 2035, 2040, 2045, 2050, 2055]
    assert [line.ends_on.year for line in chart.lines] == [2056, 2045]
    assert chart.lines[0].end_x == chart.right and chart.lines[0].points.startswith(f"{chart.left},")


@given(
    st.lists(st.tuples(st.dates(date(2020, 1, 1), date(2080, 1, 1)), st.integers(0, 10**14)), min_size=2, max_size=60)
)
def test_every_point_lies_in_the_box(points: list[tuple[date, int]]) -> None:
    chart = balance_chart([Series("before", tuple(sorted(points)))])
    assert chart is not None
    for pair in chart.lines[0].points.split():
        x, y = map(int, pair.split(","))
        assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
    assert chart.levels[0].value == 0 and chart.levels[-1].value >= max(balance for _day, balance in points)
    assert len(chart.years) <= 11
