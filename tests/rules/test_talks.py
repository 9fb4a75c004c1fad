"""One customer, one talk: which follow-ups one visit makes, and what it promises whatever they are."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followups.rules.facts import FIELD, FIRST, IRREGULAR, PERIODIC, PHONE, WEIGHT
from followups.rules.talks import WITHIN, Pair, Talk, Together, standing_after, strangers, together

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


# Across branches: 1 is above 2 and 3, which do not see each other.
UPPER, HERE, THERE = 1, 2, 3
SIGHT = {None: frozenset[int](), 1: frozenset({UPPER, HERE, THERE}), 2: frozenset({HERE}), 3: frozenset({THERE})}


def of(pk: int, branch_id: int, officer_id: int | None, days: int = 0, **given: object) -> Talk:
    return talk(pk, days, branch_id=branch_id, officer_id=officer_id, sees=SIGHT[officer_id], **given)


def test_the_officer_of_the_upper_branch_makes_the_visit_whatever_else_is_more_urgent() -> None:
    here, there, upper = of(1, HERE, 2, level=1, method=FIELD), of(2, THERE, 3, 3), of(3, UPPER, 1, 9)
    found = together([here, there, upper], frozenset())
    assert {(lead.id, each.id) for lead, each in found.joined} == {(3, 1), (3, 2)}
    [(_before, visit)] = found.tightened
    assert (visit.due_on, visit.method, visit.level) == (here.due_on, FIELD, 1)


def test_who_has_led_gives_way_to_who_may_see_more_and_to_nobody_else() -> None:
    lead, along = of(1, HERE, 2), of(2, HERE, 2, lead_id=1)
    assert {each.id for _lead, each in together([lead, along, of(3, UPPER, 1, 5)], frozenset()).joined} == {1, 2}
    assert together([lead, along, of(3, HERE, 1, 5, level=1)], frozenset()).joined[0][0].id == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of(1, HERE, 2), of(2, THERE, 3)),
        (of(1, HERE, None), of(2, THERE, None)),
        (of(1, UPPER, None), of(2, HERE, 2)),  # nobody has it: nobody is known to see both
        (of(1, HERE, 2), replace(of(2, UPPER, 1), sees=frozenset({UPPER}))),  # above, but sees the own branch alone
    ],
)
def test_what_no_officer_sees_together_is_no_visit_and_is_named(one: Talk, other: Talk) -> None:
    assert together([one, other], frozenset()) == Together((), (), ())
    [found] = strangers([other, one], frozenset())
    assert (found.one, found.other, found.why) == (one, other, "BORROWER")
    assert strangers([one, other], frozenset(), frozenset({frozenset((1, 2))})) == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"borrower_id": 3}, "RELATED"), ({"borrower_id": 2, "homes": frozenset({7})}, "HOME"),
        ({"borrower_id": 2}, ""),
        ({"days": 45}, "BORROWER"), ({"days": 46}, ""), ({"days": -46}, ""), ({"lead_id": 9}, ""),
        ({"kind": FIRST, "opens_on": DAY + timedelta(days=1), "days": 9}, ""), ({"branch_id": HERE}, ""),
    ],
)  # fmt: skip
def test_which_talks_of_two_branches_are_named(other: dict[str, object], why: str) -> None:
    one = of(1, HERE, 2, homes=frozenset({7}))
    given = {"branch_id": THERE, "officer_id": 3, "sees": SIGHT[3], **other}
    found = strangers([one, talk(2, int(str(given.pop("days", 20))), **given)], frozenset({frozenset((1, 3))}))
    assert [each.why for each in found] == ([why] if why else [])


def test_without_a_certificate_nothing_new_of_another_branch_comes_along_and_what_does_stays() -> None:
    upper, here = of(1, UPPER, 1, takes_none=True), of(2, HERE, 2)
    assert together([upper, here], frozenset()) == Together((), (), ())
    assert together([upper, replace(here, lead_id=1)], frozenset()) == Together((), (), ())
    assert strangers([upper, here], frozenset()) == (), "who sees both is asked by name, once certified"


@st.composite
def branches(draw: st.DrawFn) -> list[Talk]:
    return [
        of(
            pk, draw(st.sampled_from([UPPER, HERE, THERE])), draw(st.sampled_from([None, 1, 2, 3])),
            draw(st.integers(-60, 120)), level=draw(st.sampled_from([1, 9])), borrower_id=draw(st.integers(1, 2)),
            kind=draw(st.sampled_from([FIRST, PERIODIC, IRREGULAR])), method=draw(st.sampled_from([PHONE, FIELD])),
        )
        for pk in range(1, draw(st.integers(2, 8)) + 1)
    ]  # fmt: skip


@given(branches())
@settings(max_examples=1000, deadline=None)
def test_nobody_is_given_what_they_may_not_see_and_a_second_time_changes_nothing(talks: list[Talk]) -> None:
    now = standing_after(talks, together(talks, frozenset()))
    by_id = {each.id: each for each in now}
    for each in now:
        lead = by_id.get(each.lead_id or 0)
        assert lead is None or lead.branch_id == each.branch_id or {lead.branch_id, each.branch_id} <= lead.sees
    assert together(now, frozenset()) == Together((), (), ())
    assert together(list(reversed(now)), frozenset()) == Together((), (), ())
    named = strangers(now, frozenset())
    assert all(not {pair.one.branch_id, pair.other.branch_id} <= each.sees
               for pair in named for each in (pair.one, pair.other))  # fmt: skip
    assert named == strangers(list(reversed(now)), frozenset())
