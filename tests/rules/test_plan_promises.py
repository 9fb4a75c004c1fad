"""What the planner promises whatever the loan: never after day 90, never later for a worse grade, once."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from followups.rules.answered import in_doubt
from followups.rules.facts import WEIGHT, Facts, Held, OpenTask, Planned
from followups.rules.plan import Change, Close, decide, diff, plan
from loans.rules.dates import add_months
from tests.rules.planning import CALENDAR, LINES, TODAY, applied, as_open, facts, planned

GRADES = ("LOW", "MEDIUM", "HIGH")
days = st.dates(date(2020, 1, 1), date(2027, 12, 31))


@st.composite
def any_facts(draw: st.DrawFn) -> tuple[Facts, date]:
    disbursed_on = draw(days)
    today = disbursed_on + timedelta(days=draw(st.integers(0, 1500)))
    is_imported = draw(st.booleans())
    baseline_on = today - timedelta(days=draw(st.integers(1, 700))) if is_imported else None
    if baseline_on is not None and baseline_on < disbursed_on:
        baseline_on = disbursed_on
    overdue = draw(st.one_of(st.just(0), st.integers(1, 400)))
    nodes = draw(st.sets(st.sampled_from(["FIRST_30", "FIRST_60", "FIRST_90"])))
    last = draw(st.one_of(st.none(), st.integers(0, 700)))
    return Facts(
        loan_id=1,
        sample_key=draw(st.text(min_size=1, max_size=6)),
        disbursed_on=disbursed_on,
        matures_on=add_months(disbursed_on, 360),
        baseline_on=baseline_on,
        grade=draw(st.sampled_from(GRADES)),
        principal_original=draw(st.sampled_from([Decimal("500000.00"), Decimal("3000000.00")])),
        principal_balance=Decimal("400000.00"),
        loan_to_value=draw(st.one_of(st.none(), st.decimals(0, 150, places=4))),
        days_past_due=overdue,
        overdue_since=today - timedelta(days=overdue) if overdue else None,
        late_in_6_months=draw(st.integers(0, 4)),
        late_in_24_months=draw(st.integers(0, 6)),
        months_on_book=draw(st.integers(0, 60)),
        is_owner_occupied=draw(st.sampled_from([None, True, False])),
        last_visit_on=draw(st.one_of(st.none(), days)),
        last_followup_on=None if last is None else today - timedelta(days=last),
        is_talk_held=draw(st.booleans()),
        periodic_ended=draw(st.integers(0, 9)),
        ended=frozenset((rule, "1") for rule in nodes),
        has_tasks=draw(st.booleans()),
        held=draw(st.one_of(st.none(), st.builds(
            lambda ago, weight: _held(today - timedelta(days=ago), weight), st.integers(0, 90), st.integers(2, 4)))),
    ), today  # fmt: skip


def _held(on: date, weight: int) -> Held:
    return Held.on_day(on.isoformat(), weight, 99)


# S2.6
@given(any_facts())
@settings(max_examples=400, deadline=None)
def test_no_first_follow_up_is_due_after_day_90(drawn: tuple[Facts, date]) -> None:
    of, today = drawn
    for p in plan(of, LINES, CALENDAR, today):
        if p.kind == "FIRST":
            assert p.due_on <= of.disbursed_on + timedelta(days=90)
            assert of.baseline_on is None or p.due_on > of.baseline_on
            assert p.opens_on <= p.due_on


@given(any_facts())
@settings(max_examples=400, deadline=None)
def test_every_loan_has_a_regular_follow_up_ahead_and_one_talk_at_most(drawn: tuple[Facts, date]) -> None:
    of, today = drawn
    regular = [p for p in plan(of, LINES, CALENDAR, today) if p.kind != "IRREGULAR"]
    assert regular
    first = [p for p in regular if p.kind == "FIRST" and p.key not in of.ended]
    assert sum(p.method != "OFF_SITE" for p in first) == (1 if first and not of.is_talk_held else 0)


# S1.20, S2.10
@given(any_facts(), st.sampled_from([(0, 1), (0, 2), (1, 2)]))
@settings(max_examples=600, deadline=None)
def test_a_worse_grade_never_means_a_later_visit(drawn: tuple[Facts, date], pair: tuple[int, int]) -> None:
    of, today = drawn
    better, worse = (plan(replace(of, grade=GRADES[n]), LINES, CALENDAR, today) for n in pair)
    due = {p.key: p.due_on for p in worse}
    assert all(due[p.key] <= p.due_on for p in better)
    assert _talk(worse, of) <= _talk(better, of)


@given(st.integers(0, 500), st.integers(1, 30), st.text(min_size=1, max_size=6))
@settings(max_examples=400, deadline=None)
def test_a_worse_grade_is_not_caught_up_later_at_cut_over(visited: int, since: int, key: str) -> None:
    baseline_on = date(2026, 10, 31)
    of = facts(sample_key=key, last_visit_on=baseline_on - timedelta(days=visited))
    today = baseline_on + timedelta(days=since)
    low, high = (planned(replace(of, grade=grade), today)["PERIODIC"].due_on for grade in ("LOW", "HIGH"))
    assert high <= low


def _talk(planned: tuple[Planned, ...], of: Facts) -> date:
    return min(
        (p.due_on for p in planned if p.kind == "FIRST" and p.method != "OFF_SITE" and p.key not in of.ended),
        default=date.max,
    )


@given(any_facts(), any_facts(), st.sampled_from(["PLANNED", "IN_PROGRESS"]), st.booleans())
@settings(max_examples=600, deadline=None)
def test_planning_twice_changes_nothing_and_never_puts_a_date_back(
    drawn: tuple[Facts, date], other: tuple[Facts, date], state: str, pinned: bool
) -> None:
    """From the tasks of one set of facts to those of another of the same loan, and again."""
    of, today = drawn
    before = replace(other[0], ended=of.ended, sample_key=of.sample_key, disbursed_on=of.disbursed_on,
                     baseline_on=of.baseline_on, periodic_ended=of.periodic_ended)  # fmt: skip
    ended = set(of.ended)
    tasks = applied(diff(plan(before, LINES, CALENDAR, other[1]), [], before), [], ended)
    tasks = [replace(t, state=state, is_pinned=pinned) if t.id == 1 else t for t in tasks]
    now = replace(of, ended=frozenset(ended))
    changes = diff(plan(now, LINES, CALENDAR, today), tasks, now)
    after = applied(changes, tasks, ended)
    by_id = {t.id: t for t in tasks}
    for task in after:
        if task.id in by_id:
            assert task.due_on <= by_id[task.id].due_on
    if state == "IN_PROGRESS" and tasks:
        assert tasks[0] in after
    again = replace(now, ended=frozenset(ended))
    assert diff(plan(again, LINES, CALENDAR, today), after, again) == ()


# S2.10
@given(any_facts(), any_facts(), st.sampled_from(["PLANNED", "IN_PROGRESS"]), st.booleans(), st.integers(-9, 9))
@settings(max_examples=500, deadline=None)
def test_a_visit_answers_the_regular_talk_near_it_and_another_lies_ahead(
    drawn: tuple[Facts, date], other: tuple[Facts, date], state: str, pinned: bool, after: int
) -> None:
    """Nothing is left without a next follow-up; what a person began or fixed stays; a second time changes nothing."""
    of, today = drawn
    before = replace(other[0], ended=of.ended, sample_key=of.sample_key, disbursed_on=of.disbursed_on, held=None,
                     baseline_on=of.baseline_on, periodic_ended=of.periodic_ended)  # fmt: skip
    ended = set(of.ended)
    tasks = applied(diff(plan(before, LINES, CALENDAR, other[1]), [], before), [], ended)
    set_on = of.held.on + timedelta(days=after) if of.held else None
    tasks = [replace(t, state=state, is_pinned=pinned) if t.id == 1 else replace(t, set_on=set_on) for t in tasks]
    now = replace(of, ended=frozenset(ended))
    changes = decide(now, tasks, LINES, CALENDAR, today)
    closed = [t for t in tasks if Close(t.id, "ANSWERED", 99) in changes]
    assert all(t.state == "PLANNED" and not t.is_pinned and t.kind != "IRREGULAR" and t.level != 1 for t in closed)
    assert not closed or of.held is not None
    assert all(t.set_on is None or of.held and t.set_on < of.held.on for t in closed)
    left = applied(changes, tasks, ended)
    assert any(t.kind != "IRREGULAR" for t in left)
    assert all(t.due_on <= of.disbursed_on + timedelta(days=90) for t in left if t.kind == "FIRST")
    assert decide(_following(now, closed, ended), left, LINES, CALENDAR, today) == ()


def _following(of: Facts, closed: list[OpenTask], ended: set[tuple[str, str]]) -> Facts:
    """The facts as they are gathered after the changes."""
    return replace(
        of, ended=frozenset(key for key in ended if key[0] != "PERIODIC"),
        is_talk_held=of.is_talk_held or any(t.kind == "FIRST" for t in closed),
        periodic_ended=of.periodic_ended + sum(t.kind == "PERIODIC" for t in closed),
    )  # fmt: skip


def test_a_talk_of_any_reason_stands_for_the_regular_one() -> None:
    """A collection talk by phone answers the phone visit 16 days later, not the field visit, nor one after 30 days."""
    of = facts(last_followup_on=TODAY - timedelta(days=400), has_tasks=True, held=_held(TODAY, WEIGHT["PHONE"]))
    [planned_one] = plan(replace(of, held=None), LINES, CALENDAR, TODAY)

    def changed(**given: object) -> list[type[Change]]:
        task = replace(as_open(planned_one, 7), **{"method": "PHONE", "due_on": TODAY + timedelta(days=16), **given})
        return [type(each) for each in decide(of, [task], LINES, CALENDAR, TODAY) if isinstance(each, Close)]

    assert changed() == [Close]
    assert changed(method="FIELD") == changed(due_on=TODAY + timedelta(days=30)) == changed(is_pinned=True) == []
    assert changed(level=1) == changed(method="OFF_SITE") == []
    # Brought near the visit by others: before it, it is answered; on its day or later, the visit knew nothing of it.
    assert changed(set_on=TODAY - timedelta(days=1)) == [Close]
    assert changed(set_on=TODAY) == changed(set_on=TODAY + timedelta(days=3)) == []


def test_only_talks_that_the_visit_may_answer_are_in_doubt() -> None:
    of = facts(last_followup_on=TODAY - timedelta(days=400), has_tasks=True, held=_held(TODAY, WEIGHT["PHONE"]))
    [planned_one] = plan(replace(of, held=None), LINES, CALENDAR, TODAY)
    near = replace(as_open(planned_one, 7), due_on=TODAY + timedelta(days=29))
    tasks = [near, replace(near, id=8, due_on=TODAY + timedelta(days=30)), replace(near, id=9, kind="IRREGULAR"),
             replace(near, id=10, kind="FIRST", due_on=TODAY + timedelta(days=80))]  # fmt: skip
    assert in_doubt(of, tasks) == [7, 10] and in_doubt(replace(of, held=None), tasks) == []


def test_two_visits_keep_their_distance() -> None:
    visited = date(2027, 2, 1)
    of = facts(last_followup_on=visited, has_tasks=True, days_past_due=31, overdue_since=date(2026, 12, 30))
    lines = [replace(each, result={**each.result, "months": 1}) if each.kind == "PERIODIC" else each for each in LINES]

    def due(of: Facts) -> date:
        return next(p.due_on for p in plan(of, lines, CALENDAR, visited) if p.kind == "PERIODIC")

    assert due(of) < due(replace(of, held=_held(visited, 4))) >= visited + timedelta(days=30)
