"""One customer, one talk: which follow-ups one visit makes, and what it promises whatever they are."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followups.rules.facts import FIELD, FIRST, IRREGULAR, PERIODIC, PHONE, WEIGHT
from followups.rules.talks import WITHIN, Pair, Talk, Together, together

DAY = date(2026, 11, 2)


def talk(pk: int, days: int = 0, **given: object) -> Talk:
    base: dict[str, object] = {
        "id": pk, "loan_id": pk, "borrower_id": 1, "branch_id": 1, "officer_id": 1, "kind": PERIODIC, "method": PHONE,
        "level": 9, "due_on": DAY + timedelta(days=days), "opens_on": DAY + timedelta(days=days - 30),
    }  # fmt: skip
    return Talk(**{**base, **given})  # type: ignore[arg-type]


def after(talks: list[Talk], found: Together) -> list[Talk]:
    """The talks as the batch would leave them."""
    now = {each.id: each for each in talks}
    for old, new in found.tightened:
        now[old.id] = replace(new, lead_id=now[old.id].lead_id)
    for each in found.apart:
        now[each.id] = replace(now[each.id], lead_id=None)
    for lead, each in found.joined:
        now[each.id] = replace(now[each.id], lead_id=lead.id)
    return [now[each.id] for each in talks]


def test_a_regular_talk_is_made_in_the_visit_that_an_event_asked_for() -> None:
    event, periodic = talk(1, 0, kind=IRREGULAR, method=FIELD, level=2), talk(2, 16, loan_id=1)
    found = together([periodic, event], frozenset())
    assert (found.tightened, found.joined, found.apart) == ((), ((event, replace(periodic, lead_id=1)),), ())


def test_the_visit_is_as_early_as_thorough_and_as_urgent_as_each() -> None:
    red, late = talk(1, 5, kind=IRREGULAR, level=1), talk(2, -10, method=FIELD)
    [(_before, visit)] = together([red, late], frozenset()).tightened
    assert (visit.id, visit.due_on, visit.method, visit.level) == (1, late.due_on, FIELD, 1)


@pytest.mark.parametrize(
    ("other", "is_one"),
    [
        ({"days": 45}, True),
        ({"days": 46}, False),
        ({"borrower_id": 2}, False),
        ({"borrower_id": 3}, True),  # the spouse
        ({"borrower_id": 2, "homes": frozenset({7})}, True),
        ({"branch_id": 2}, False),
        ({"officer_id": 2}, True),
        ({"approver_id": 1}, False),
        ({"is_kept": True, "lead_id": 99}, False),
        ({"lead_id": 99}, False),  # done along by a visit that is begun
        ({"kind": FIRST, "opens_on": DAY}, True),
        ({"kind": FIRST, "opens_on": DAY + timedelta(days=1)}, False),  # before its window no first talk is held
    ],
)
def test_what_belongs_together_is_one_visit(other: dict[str, object], is_one: bool) -> None:
    days = int(str(other.pop("days", 20)))
    found = together([talk(1, homes=frozenset({7})), talk(2, days, **other)], frozenset({frozenset((1, 3))}))
    assert bool(found.joined) is is_one


def test_what_a_person_took_apart_stays_apart() -> None:
    assert together([talk(1), talk(2)], frozenset(), frozenset({frozenset((1, 2))})) == Together((), (), ())


def test_a_task_that_moved_away_is_done_on_its_own_again() -> None:
    lead, moved = talk(1, 100), talk(2, 10, lead_id=1)
    assert together([lead, moved], frozenset()).apart == (moved,)


@st.composite
def many(draw: st.DrawFn) -> tuple[list[Talk], frozenset[Pair], frozenset[Pair]]:
    number = draw(st.integers(1, 9))
    ids = list(range(1, number + 1))
    talks = []
    for pk in ids:
        talks.append(talk(
            pk, draw(st.integers(-60, 120)), borrower_id=draw(st.integers(1, 4)), branch_id=draw(st.integers(1, 2)),
            homes=draw(st.frozensets(st.integers(1, 3), max_size=2)), officer_id=draw(st.sampled_from([None, 1, 2])),
            approver_id=draw(st.sampled_from([None, None, 2])),
            kind=draw(st.sampled_from([FIRST, PERIODIC, IRREGULAR])),
            method=draw(st.sampled_from(list(WEIGHT)[1:])), level=draw(st.sampled_from([1, 2, 3, 9])),
        ))  # fmt: skip
    two = st.frozensets(st.frozensets(st.sampled_from(ids), min_size=2, max_size=2), max_size=3)
    related = draw(st.frozensets(st.frozensets(st.integers(1, 4), min_size=2, max_size=2), max_size=3))
    return talks, related, draw(two) if number > 1 else frozenset()


# S2.6, S2.10
@given(many())
@settings(max_examples=500, deadline=None)
def test_nothing_moves_back_and_a_second_time_changes_nothing(
    drawn: tuple[list[Talk], frozenset[Pair], frozenset[Pair]],
) -> None:
    talks, related, apart = drawn
    now = after(talks, together(talks, related, apart))
    assert together(now, related, apart) == Together((), (), ())
    assert together(list(reversed(now)), related, apart) == Together((), (), ())
    by_id = {each.id: each for each in now}
    for old, new in zip(talks, now, strict=True):
        assert new.due_on <= old.due_on and WEIGHT[new.method] >= WEIGHT[old.method] and new.level <= old.level
        assert old.kind != FIRST or new.due_on >= old.opens_on
        if new.lead_id is not None:
            lead = by_id[new.lead_id]
            # A visit that is done along leads nothing, and is as strict as all that it does.
            assert lead.lead_id is None and new.due_on <= lead.due_on + WITHIN
            assert lead.due_on <= new.due_on and WEIGHT[lead.method] >= WEIGHT[new.method] and lead.level <= new.level


@given(many(), st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_a_task_that_came_forward_is_never_made_later(
    drawn: tuple[list[Talk], frozenset[Pair], frozenset[Pair]], by: int
) -> None:
    """A worse grade brings a task forward; the visit that makes it is never due after it."""
    talks, related, apart = drawn
    now = after(talks, together(talks, related, apart))
    now[0] = replace(now[0], due_on=now[0].due_on - timedelta(days=by))
    again = after(now, together(now, related, apart))
    by_id = {each.id: each for each in again}
    assert all(by_id[each.lead_id].due_on <= each.due_on for each in again if each.lead_id is not None)


@given(st.integers(0, 90), st.integers(0, 90))
def test_how_near_talks_are_made_one_is_the_banks_number(apart: int, within: int) -> None:
    found = together([talk(1), talk(2, apart)], frozenset(), within=timedelta(days=within))
    assert bool(found.joined) == (apart <= within)
