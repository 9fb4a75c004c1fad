"""What the planner promises whatever the loan: never after day 90, never later for a worse grade, once."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from followups.rules.facts import Facts, Planned
from followups.rules.plan import diff, plan
from loans.rules.dates import add_months
from tests.rules.planning import CALENDAR, LINES, applied, facts, planned

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
    ), today


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
