"""A dry run answers by classes what the planner answers loan by loan; bounds shorten and lengthen a cycle (S2.12)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followups.rules import policy_classes
from followups.rules.default_policy import CYCLE_BOUNDS, PERIODIC
from followups.rules.facts import Facts, OpenTask
from followups.rules.plan import plan
from followups.rules.policy_classes import Foreseen, Foresight
from followups.rules.policy_draft import numbered
from followups.rules.policy_outlook import Visit, change_of, outlook
from people.rules.policy import Condition, Line
from tests.rules.planning import CALENDAR, LINES, TODAY, as_open, facts
from tests.rules.test_plan_promises import any_facts

UNTIL = timedelta(days=364)
_BOUNDS = Line(
    0, CYCLE_BOUNDS, (Condition("term_months", ">", 240),), {"least_months": 1, "most_months": 5}, "期限二十年以上"
)


def _halved(line: Line) -> Line:
    if line.kind != PERIODIC or line.result["months"] != 12:
        return line
    return replace(line, result={**line.result, "months": 6, "methods": [*line.result["methods"], "FIELD"]})


AFTER = numbered([*map(_halved, LINES), _BOUNDS])


def _week(on: date) -> date:
    return max(on - timedelta(days=on.weekday()), on.replace(day=1))


def _loads(before: Sequence[Visit], after: Sequence[Visit]) -> list[tuple[date, int]]:
    place = {"FIELD": 1, "OFF_SITE": 2}
    sides = ((0, before), (3, after))
    return sorted((_week(on), side + place.get(method, 0)) for side, visits in sides for on, method in visits)


def plain(of: Facts, tasks: tuple[OpenTask, ...], today: date) -> tuple[Any, ...]:
    """What the planner says of both versions, asked about this loan alone with all lines."""
    foreign = tuple(replace(task, line=None) for task in tasks)
    before = outlook(of, tasks, LINES, CALENDAR, today, today + UNTIL)
    after = outlook(of, foreign, AFTER, CALENDAR, today, today + UNTIL)
    return _loads(before.visits, after.visits), change_of(before.next, after.next), before.next, after.next


def told(foreseen: Foreseen) -> tuple[Any, ...]:
    return sorted(foreseen.loads), foreseen.change, foreseen.before, foreseen.after


@st.composite
def a_book(draw: st.DrawFn) -> tuple[date, list[tuple[Facts, tuple[OpenTask, ...]]]]:
    """Loans that differ in a fact or two, with tasks as an evening or a person left them."""
    of, today = draw(any_facts())
    book = []
    for number in range(draw(st.integers(2, 6))):
        other, _today = draw(any_facts())
        names = draw(st.sets(st.sampled_from([
            "sample_key", "grade", "last_followup_on", "last_visit_on", "periodic_ended", "has_tasks", "ended",
            "is_talk_held", "late_in_24_months", "loan_to_value", "principal_original", "months_on_book",
        ]), max_size=2))  # fmt: skip
        loan = replace(of, loan_id=number, **{name: getattr(other, name) for name in names})
        tasks = [
            replace(
                as_open(
                    each, 10 * number + place, draw(st.sampled_from(["PLANNED", "IN_PROGRESS"])), draw(st.booleans())
                ),
                due_on=each.due_on + timedelta(days=draw(st.sampled_from([0, 0, 40, 400]))),
                line=draw(st.sampled_from([None, each.line, 26])),
            )
            for place, each in enumerate(plan(loan, LINES, CALENDAR, today))
            if draw(st.booleans())
        ]
        book.append((loan, tuple(tasks)))
    return today, book


@given(a_book())
@settings(max_examples=400, deadline=None)
def test_the_answer_of_a_class_is_the_planners_answer_for_each_of_its_loans(
    drawn: tuple[date, list[tuple[Facts, tuple[OpenTask, ...]]]],
) -> None:
    today, book = drawn
    foresight = Foresight(LINES, AFTER, CALENDAR, today, today + UNTIL)
    for loan, tasks in [*book, *reversed(book)]:
        assert told(foresight.of(loan, tasks)) == plain(loan, tasks, today)


def test_loans_of_a_class_are_asked_about_once_and_others_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(of: Facts, *rest: Any) -> Any:
        asked.append(of.loan_id)
        return outlook(of, *rest)

    monkeypatch.setattr(policy_classes, "outlook", counted)
    foresight = Foresight(LINES, AFTER, CALENDAR, TODAY, TODAY + UNTIL)
    quiet = facts(last_followup_on=date(2026, 5, 4))
    for number in range(9):
        foresight.of(replace(quiet, loan_id=number), ())
    assert asked == [0, 0]
    late = replace(quiet, overdue_since=date(2026, 10, 2), days_past_due=30)
    for number in (20, 21):
        foresight.of(replace(late, loan_id=number), ())
    assert asked[2:] == [20, 20, 21, 21]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_classes, "MOST_KEPT", 3)
    foresight = Foresight(LINES, AFTER, CALENDAR, TODAY, TODAY + UNTIL)
    for number in range(20):
        loan = facts(last_followup_on=date(2026, 3, 2) + timedelta(days=7 * number))
        assert told(foresight.of(loan, ())) == plain(loan, (), TODAY)
        assert foresight.kept <= 3


def test_bounds_of_a_cycle_shorten_and_lengthen_it_and_say_so() -> None:
    of = facts(last_followup_on=date(2026, 9, 7))
    (tier,) = plan(of, LINES, CALENDAR, TODAY)
    (shorter,) = plan(of, AFTER, CALENDAR, TODAY)
    assert (tier.due_on, shorter.due_on) == (date(2027, 9, 7), date(2027, 2, 8))
    codes = [reason.code for reason in shorter.reason]
    assert "CYCLE_BOUNDED" in codes and codes.count("POLICY_LINE") == 2
    longer = replace(_BOUNDS, result={"least_months": 12, "most_months": 12})
    high = replace(of, grade="HIGH")
    assert plan(high, LINES, CALENDAR, TODAY)[0].due_on == date(2027, 1, 7)
    assert plan(high, numbered([*LINES, longer]), CALENDAR, TODAY)[0].due_on == date(2027, 9, 7)


def test_a_tier_may_set_its_own_priority_and_how_early_its_visit_may_be_made() -> None:
    told_so = {"level": "YELLOW", "opens_days_before": 10}
    lines = [replace(n, result={**n.result, **told_so}) if n.kind == PERIODIC else n for n in LINES]
    (planned,) = plan(facts(last_followup_on=date(2026, 9, 7)), lines, CALENDAR, TODAY)
    assert (planned.level, (planned.due_on - planned.opens_on).days) == (3, 10)
    (usual,) = plan(facts(last_followup_on=date(2026, 9, 7)), LINES, CALENDAR, TODAY)
    assert (usual.level, (usual.due_on - usual.opens_on).days) == (9, 30)
