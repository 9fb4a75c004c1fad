"""What stands in a morning's digest: own and covered work, what a manager and a head are told, nothing when nothing."""

from typing import Any

import pytest

from followups.rules.digest import (
    ASSIGNS,
    NEEDS,
    RECORDS,
    REVIEWS,
    REVIEWS_RED,
    Figure,
    Member,
    Part,
    Waiting,
    Work,
    figures_of,
    still_seen,
)

HOME, OTHER = 10, 20
OFFICER, AWAY, MANAGER = 1, 2, 3


def member(*permissions: str, **given: Any) -> Member:
    fields: dict[str, Any] = {"id": OFFICER, "branch_id": HOME, "branches": frozenset({HOME}), **given}
    return Member(permissions=frozenset(permissions), **fields)


def work(*piles: tuple[str, Part], waiting: tuple[Waiting, ...] = ()) -> Work:
    return Work(piles, waiting)


def counts(found: tuple[Figure, ...]) -> dict[str, int]:
    return {figure.code: figure.count for figure in found}


def test_own_and_covered_work_of_branches_one_sees() -> None:
    piles = work(
        ("DUE_TODAY", Part(HOME, OFFICER, 3)), ("DUE_TODAY", Part(HOME, AWAY, 2)),
        ("DUE_TODAY", Part(OTHER, OFFICER, 9)),
        ("SIGNALS", Part(HOME, OFFICER, 1)), ("SIGNALS", Part(HOME, AWAY, 5)),
    )  # fmt: skip
    assert counts(figures_of(member(RECORDS), piles)) == {"DUE_TODAY": 3, "SIGNALS": 1}
    covering = figures_of(member(RECORDS, covers=(AWAY,)), piles)
    assert counts(covering) == {"DUE_TODAY": 5, "SIGNALS": 1}, "signals are the owner's alone"
    assert figures_of(member("followups.view"), piles) == figures_of(member(RECORDS), work()) == ()


def test_what_lies_in_two_branches_is_told_to_who_sees_both() -> None:
    piles = work(("ACROSS", Part(HOME, None, 3, OTHER)))
    assert figures_of(member(ASSIGNS), piles) == figures_of(member(ASSIGNS, branches=frozenset({OTHER})), piles) == ()
    assert figures_of(member(RECORDS, branches=None), piles) == ()
    both = figures_of(member(ASSIGNS, branches=frozenset({HOME, OTHER})), piles)
    assert counts(both) == counts(figures_of(member(ASSIGNS, branches=None), piles)) == {"ACROSS": 3}
    assert still_seen(both, permissions={ASSIGNS}, branches={HOME}) == ()
    assert still_seen(both, permissions={ASSIGNS}, branches={HOME, OTHER}) == both


def test_a_manager_by_officer_and_the_head_above_alone() -> None:
    piles = work(
        ("REACHED_100", Part(HOME, OFFICER, 2)), ("REACHED_100", Part(HOME, None, 1)),
        ("WEEKLY_120", Part(HOME, OFFICER, 1)), ("WEEKLY_120", Part(OTHER, AWAY, 4)),
        ("REACHED_120", Part(OTHER, AWAY, 4)),
    )  # fmt: skip
    (reached,) = figures_of(member(ASSIGNS, REVIEWS, id=MANAGER), piles)
    assert (reached.code, reached.parts) == ("REACHED_100", (Part(HOME, OFFICER, 2), Part(HOME, None, 1)))
    head = member(ASSIGNS, REVIEWS, id=MANAGER, branches=None)
    assert counts(figures_of(head, piles)) == {"REACHED_100": 3, "REACHED_120": 4, "WEEKLY_120": 4}


@pytest.mark.parametrize(
    ("permissions", "who", "red", "endorsed_by", "makers", "is_told"),
    [
        ({REVIEWS}, MANAGER, False, None, {OFFICER}, True),
        ({REVIEWS}, MANAGER, False, None, {OFFICER, MANAGER}, False),
        ({REVIEWS_RED}, MANAGER, False, None, {OFFICER}, False),
        ({REVIEWS}, MANAGER, True, None, {OFFICER}, True),
        ({REVIEWS}, MANAGER, True, AWAY, {OFFICER}, False),
        ({REVIEWS, REVIEWS_RED}, MANAGER, True, None, {OFFICER}, False),
        ({REVIEWS, REVIEWS_RED}, MANAGER, True, AWAY, {OFFICER}, True),
        ({REVIEWS_RED}, MANAGER, True, MANAGER, {OFFICER}, False),
        ({REVIEWS_RED}, MANAGER, True, None, {OFFICER}, False),
    ],
)
def test_a_report_is_told_to_whose_turn_it_is(
    permissions: set[str], who: int, red: bool, endorsed_by: int | None, makers: set[int], is_told: bool
) -> None:
    waiting = Waiting(HOME, red, endorsed_by, frozenset(makers), True, 3, 1)
    found = figures_of(member(*permissions, id=who), work(waiting=(waiting,)))
    assert counts(found) == ({"REVIEW": 3, "REVIEW_LATE": 1} if is_told else {})


def test_a_red_report_without_a_manager_is_told_to_the_risk_head_at_once() -> None:
    found = [
        figures_of(
            member(REVIEWS, REVIEWS_RED, id=MANAGER),
            work(waiting=(Waiting(HOME, True, None, frozenset({OFFICER}), has_manager, 3, 0),)),
        )
        for has_manager in (True, False)
    ]
    assert [counts(each) for each in found] == [{}, {"REVIEW": 3}]


def test_later_a_reader_is_shown_what_may_be_seen_then() -> None:
    kept = (
        Figure("REACHED_100", (Part(HOME, OFFICER, 2), Part(OTHER, AWAY, 3))),
        Figure("REVIEW", (Part(OTHER, None, 1),)),
    )
    seen = still_seen(kept, permissions={ASSIGNS, REVIEWS}, branches={HOME})
    assert counts(seen) == {"REACHED_100": 2}
    assert still_seen(kept, permissions={RECORDS}, branches={HOME, OTHER}) == ()
    assert set(NEEDS) >= {figure.code for figure in kept}
