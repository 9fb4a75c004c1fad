"""Who holds whose work on a day: chains, circles, gaps (S2.13: the plan's owner)."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from people.rules.leave import Absence, by_staff, circle_day, covered_by, holder_on, uncovered_on

DAY = date(2026, 11, 2)


def away(staff: int, deputy: int | None, first: int = 0, last: int = 4) -> Absence:
    return Absence(staff, DAY + timedelta(days=first), DAY + timedelta(days=last), deputy)


def test_work_appears_at_the_deputy_and_comes_back_by_itself() -> None:
    rows = by_staff([away(1, 2)])
    assert [holder_on(1, DAY + timedelta(days=n), rows).by for n in (-1, 0, 4, 5)] == [1, 2, 2, 1]
    assert covered_by(2, DAY, rows) == (1,) and covered_by(2, DAY + timedelta(days=5), rows) == ()


def test_the_deputys_deputy_holds_it_only_while_both_are_away() -> None:
    rows = by_staff([away(1, 2), away(2, 3, 2, 3)])
    assert [holder_on(1, DAY + timedelta(days=n), rows).by for n in range(5)] == [2, 2, 3, 3, 2]
    assert holder_on(1, DAY + timedelta(days=2), rows).via == (2,)


def test_a_circle_or_a_dead_end_leaves_it_uncovered_with_the_officer() -> None:
    rows = by_staff([away(1, 2), away(2, 1), away(4, None), away(5, 4)])
    for officer in (1, 2, 4, 5):
        assert holder_on(officer, DAY, rows).by == officer
    assert uncovered_on(DAY, rows) == (1, 2, 4, 5)


def test_a_new_leave_that_closes_a_circle_says_on_which_day() -> None:
    rows = by_staff([away(2, 3, 2, 9), away(3, 1, 3, 5)])
    assert circle_day(away(1, 2, 0, 2), rows) is None
    assert circle_day(away(1, 2, 0, 6), rows) == DAY + timedelta(days=3)


@given(st.lists(st.tuples(st.integers(1, 6), st.one_of(st.none(), st.integers(1, 6))), unique_by=lambda pair: pair[0]))
def test_everybodys_work_is_always_held_by_exactly_one(pairs: list[tuple[int, int | None]]) -> None:
    rows = by_staff(away(staff, deputy) for staff, deputy in pairs if staff != deputy)
    for officer in range(1, 7):
        held = holder_on(officer, DAY, rows)
        present = held.by not in rows
        assert present or (held.is_uncovered and held.by == officer)
        assert sum(officer in covered_by(one, DAY, rows) for one in range(1, 7)) == (held.by != officer)
