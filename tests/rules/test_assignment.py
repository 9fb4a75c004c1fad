"""Who makes a follow-up, how weeks are levelled, who is charged with lateness (S2.13, S2.20)."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from followups.rules.assignment import Candidate, Work, gates, propose, propose_second
from followups.rules.lateness import lateness
from followups.rules.levelling import Slot, level, week_of
from loans.rules.calendar import Calendar
from people.rules.leave import Absence, by_staff

TODAY = date(2026, 11, 2)
PLAIN = Calendar()


def codes(work: Work, *people: Candidate, gated: bool = False) -> list[str]:
    return [why.code for why in propose(work, people, is_gated=gated).why]


def test_the_portfolio_officer_keeps_the_own_loans_even_while_away() -> None:
    work = Work(1, "PHONE", owner_id=2)
    found = propose(work, [Candidate(1, 1), Candidate(2, 1, planned=9, is_away=True)], is_gated=False)
    assert found.lead_id == 2 and [why.code for why in found.why] == ["OWNER", "AWAY_COVERED", "OVER_CEILING"]


def test_without_an_officer_presence_room_territory_and_load_decide_in_this_order() -> None:
    work = Work(1, "PHONE", district="滨江区")
    knows = Candidate(1, 1, planned=5, districts=(("滨江区", 3),))
    assert propose(work, [knows, Candidate(2, 1)], is_gated=False).lead_id == 1
    full = Candidate(1, 1, planned=8, districts=(("滨江区", 3),))
    assert propose(work, [full, Candidate(2, 1, planned=7)], is_gated=False).lead_id == 2
    away = Candidate(2, 1, is_away=True)
    assert propose(work, [full, away], is_gated=False).lead_id == 1
    assert propose(work, [Candidate(3, 2)], is_gated=False).lead_id is None


def test_field_and_red_get_an_independent_second_visitor() -> None:
    people = [Candidate(1, 1), Candidate(2, 1), Candidate(3, 1, planned=2)]
    for work in (Work(1, "FIELD", owner_id=1, approver_id=2), Work(1, "PHONE", level=1, owner_id=1, approver_id=2)):
        assert propose(work, people, is_gated=False).second_id == 3
    assert propose(Work(1, "PHONE", owner_id=1), people, is_gated=False).second_id is None
    assert codes(Work(1, "FIELD", owner_id=1), people[0]) == ["OWNER", "NO_SECOND"]


def test_the_second_visitor_is_who_has_the_least_to_do_beside_whom_the_lead_was_given() -> None:
    people = [Candidate(1, 1), Candidate(2, 1, planned=1, beside=3), Candidate(3, 1, planned=2)]
    assert propose_second(Work(1, "FIELD", owner_id=1), 1, people, is_gated=False).second_id == 3
    full = [Candidate(1, 1), Candidate(2, 1, planned=8), Candidate(3, 1, planned=7, beside=9)]
    assert propose_second(Work(1, "FIELD", owner_id=1), 1, full, is_gated=False).second_id == 3
    assert propose_second(Work(1, "PHONE", owner_id=1), 1, people, is_gated=False).why == ()
    gated = [Candidate(1, 1), Candidate(2, 1, is_certified=False)]
    assert propose_second(Work(1, "FIELD", owner_id=1), 1, gated, is_gated=True).second_id is None


def test_who_approved_the_loan_is_never_its_only_visitor() -> None:
    people = [Candidate(1, 1), Candidate(2, 1, planned=7)]
    assert propose(Work(1, "PHONE", owner_id=1, approver_id=1), people, is_gated=False).lead_id == 2
    field = propose(Work(1, "FIELD", owner_id=1, approver_id=1), people, is_gated=False)
    assert (field.lead_id, field.second_id) == (1, 2)
    assert codes(Work(1, "FIELD", owner_id=1, approver_id=1), people[0]) == ["APPROVER", "NOBODY"]


def test_certificates_gate_only_after_the_warning_period() -> None:
    assert not gates(TODAY + timedelta(days=89), TODAY, 90) and gates(TODAY + timedelta(days=90), TODAY, 90)
    person = Candidate(1, 1, is_certified=False)
    assert codes(Work(1, "PHONE", owner_id=1), person) == ["OWNER", "NOT_CERTIFIED"]
    assert codes(Work(1, "PHONE", owner_id=1), person, gated=True) == ["NOBODY"]


def test_a_crowded_week_is_brought_forward_into_a_week_with_room() -> None:
    due = TODAY + timedelta(days=21)
    slots = [Slot(n, n, 1, TODAY, due) for n in range(10)]
    found = level(slots, today=TODAY, calendar=PLAIN)
    assert len(found.moves) == 2 and found.overflow == ()
    assert {move.due_on for move in found.moves} == {TODAY + timedelta(days=n) for n in (17, 18)}


def test_two_visits_of_one_loan_keep_thirty_days_and_make_room_for_each_other() -> None:
    due = TODAY + timedelta(days=56)
    crowd = [Slot(100 + n, 100 + n, 1, due, due) for n in range(8)]
    late, early = Slot(1, 7, 1, TODAY, due), Slot(2, 7, 2, TODAY, due - timedelta(days=30))
    assert level([*crowd, late, early], today=TODAY, calendar=PLAIN).moves == ()
    busy = [Slot(200 + n, 200 + n, 2, early.due_on, early.due_on) for n in range(8)]
    moves = level([*crowd, *busy, late, early], today=TODAY, calendar=PLAIN).moves
    assert {move.task_id for move in moves} == {1, 2}
    days = {move.task_id: move.due_on for move in moves}
    assert (days[1] - days[2]).days >= 30


def test_what_finds_no_room_is_overflow_and_stays_on_its_limit() -> None:
    slots = [Slot(n, n, 1, TODAY, TODAY + timedelta(days=2)) for n in range(10)]
    found = level(slots, today=TODAY, calendar=PLAIN)
    assert found.moves == () and len(found.overflow) == 10


def test_later_weeks_keep_a_reserve_for_what_comes_at_once() -> None:
    """Eight planned visits are moved out of the way before the three of arrears come, not after."""
    due = TODAY + timedelta(days=16)
    planned = [Slot(n, n, 1, TODAY, due) for n in range(8)]
    assert level(planned, today=TODAY, calendar=PLAIN).moves == ()
    found = level(planned, today=TODAY, calendar=PLAIN, reserve=3)
    assert len(found.moves) == 3 and found.weeks[1, week_of(due)] == 5
    assert {week_of(move.due_on) for move in found.moves} == {week_of(due) - timedelta(days=7)}
    # Where nothing can come forward the reserve is nothing that anybody is told of.
    at_once = [replace(slot, opens_on=due) for slot in planned]
    found = level(at_once, today=TODAY, calendar=PLAIN, reserve=3)
    assert found.moves == () and found.overflow == ()


def test_what_lies_beyond_the_ceiling_takes_the_reserve_of_an_earlier_week() -> None:
    due = TODAY + timedelta(days=16)
    before = due - timedelta(days=7)
    crowd = [Slot(n, n, 1, before if n < 8 else due, due) for n in range(10)]
    full = [Slot(100 + n, 100 + n, 1, before, before) for n in range(6)]
    found = level([*crowd, *full], today=TODAY, calendar=PLAIN, reserve=3)
    assert found.weeks[1, week_of(due)] == 8 and found.weeks[1, week_of(before)] == 8 and found.overflow == ()


def test_a_week_that_runs_takes_only_what_is_left_of_it() -> None:
    """The ceiling less what was made, and no more than its remaining workdays carry."""
    due = TODAY + timedelta(days=9)
    crowd = [Slot(n, n, 1, TODAY, due) for n in range(14)]

    def moved(today: date, made: int) -> int:
        return len(level(crowd, today=today, calendar=PLAIN, made={1: made, 2: 8}).moves)

    assert [moved(TODAY, made) for made in (0, 4, 8, 9)] == [6, 4, 0, 0]
    friday = TODAY + timedelta(days=4)
    assert [moved(friday, made) for made in (0, 7)] == [2, 1] and moved(friday + timedelta(days=1), 0) == 0


def test_what_comes_forward_is_spread_over_the_days_of_its_week() -> None:
    due = TODAY + timedelta(days=16)
    friday = week_of(due) - timedelta(days=3)
    crowd = [Slot(n, n, 1, TODAY, due) for n in range(13)]
    there = [Slot(100, 100, 1, friday, friday)]
    found = level([*crowd, *there], today=TODAY, calendar=PLAIN)
    assert sorted(move.due_on for move in found.moves) == [friday - timedelta(days=n) for n in (4, 3, 2, 1, 0)]


days = st.integers(-20, 80).map(lambda n: TODAY + timedelta(days=n))
slots = st.lists(
    st.builds(
        lambda n, officer, due, room, lvl, fixed, others: (n, officer, due, room, lvl, fixed, tuple(others)),
        st.integers(1, 12), st.integers(1, 3), days, st.integers(0, 60), st.sampled_from((1, 2, 9)), st.booleans(),
        st.lists(days, max_size=2),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(slots, st.integers(1, 8), st.integers(0, 9), st.integers(0, 9), st.randoms())
def test_levelling_only_brings_forward_inside_the_window(
    rows: list[tuple[Any, ...]], ceiling: int, reserve: int, made_by_one: int, chance: Random
) -> None:
    made = [
        Slot(n, 1000 + loan, officer, due - timedelta(days=room), due, lvl, fixed, others)
        for n, (loan, officer, due, room, lvl, fixed, others) in enumerate(rows)
    ]
    how = {"today": TODAY, "calendar": PLAIN, "ceiling": ceiling, "reserve": reserve, "made": {1: made_by_one}}
    found = level(made, **how)
    by_id = {slot.task_id: slot for slot in made}
    for move in found.moves:
        slot = by_id[move.task_id]
        assert slot.level != 1 and not slot.is_fixed
        assert max(TODAY, slot.opens_on) <= move.due_on < slot.due_on and PLAIN.is_workday(move.due_on)
        assert all(abs((move.due_on - other).days) >= 30 for other in slot.other_visits)
    after = {move.task_id: move.due_on for move in found.moves}
    for move in found.moves:
        beside = [one for one in made if one.loan_id == by_id[move.task_id].loan_id and one.task_id != move.task_id]
        days_of = [after.get(one.task_id, one.due_on) for one in beside if one.level != 1]
        # What moved later in the run may have come nearer only by keeping the distance itself.
        assert all(abs((move.due_on - day).days) >= 30 for day in days_of)
    load: dict[tuple[int, date], int] = {}
    for slot in made:
        key = (slot.officer_id, max(week_of(TODAY), week_of(after.get(slot.task_id, slot.due_on))))
        load[key] = load.get(key, 0) + 1
    assert {key: count for key, count in found.weeks.items() if count} == load
    for move in found.moves:
        officer = by_id[move.task_id].officer_id
        here = load[officer, week_of(move.due_on)]
        assert here <= ceiling - (made_by_one if officer == 1 and week_of(move.due_on) == week_of(TODAY) else 0)
    # Nothing that could have moved is silently late: beyond the ceiling stands only what is fixed, red, past or named.
    for (officer, week), count in load.items():
        if count > ceiling:
            here = [slot for slot in made if slot.officer_id == officer and slot.task_id not in after]
            here = [slot for slot in here if max(week_of(TODAY), week_of(slot.due_on)) == week]
            free = [slot for slot in here if slot.level != 1 and not slot.is_fixed and slot.due_on > TODAY]
            assert {slot.task_id for slot in free} <= set(found.overflow)
    # Levelled a second time nothing moves.
    again = [replace(slot, due_on=after.get(slot.task_id, slot.due_on)) for slot in made]
    second = level(again, **how)
    assert second.moves == () and second.overflow == found.overflow
    shuffled = list(made)
    chance.shuffle(shuffled)
    assert level(shuffled, **how) == found


def test_lateness_is_charged_to_who_held_it_on_each_day() -> None:
    monday = TODAY
    absences = by_staff([Absence(1, monday + timedelta(days=2), monday + timedelta(days=3), 2)])
    found = lateness(monday, monday + timedelta(days=7), [(monday - timedelta(days=9), 1)], absences, PLAIN)
    assert found == {1: 3, 2: 2}
    moved = [(monday - timedelta(days=9), None), (monday + timedelta(days=4), 3)]
    assert lateness(monday, monday + timedelta(days=4), moved, {}, PLAIN) == {None: 3, 3: 1}
