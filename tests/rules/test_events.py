"""Events: the catalogue, what a feed or a valuation means, and one visit for all that happened together."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups.rules import events
from followups.rules.checklist import default_items
from followups.rules.events import BY_CODE, CAPACITY, CATALOGUE, Asked, Task, Waiting, answer, form_items
from loans.rules.calendar import Calendar

TODAY = date(2026, 11, 2)
CALENDAR = Calendar()
LOANS = (1, 2)


def a_task(**given: Any) -> Task:
    fields: dict[str, Any] = {
        "id": 7, "loan_id": 1, "rule": "EVENT", "cycle": "5", "kind": "IRREGULAR", "is_light": False,
        "method": "PHONE", "level": 3, "opens_on": TODAY, "due_on": TODAY + timedelta(days=7), "state": "PLANNED",
        "is_pinned": False,
    }  # fmt: skip
    return Task(**{**fields, **given})


# S1.18 S2.8
def test_every_event_has_who_tells_it_how_soon_and_asks_for_the_capacity_to_repay() -> None:
    assert len(BY_CODE) == len(CATALOGUE)
    for kind in CATALOGUE:
        assert kind.sources and kind.zh and kind.en
        assert set(CAPACITY) <= set(kind.asks)
        assert (kind.level, kind.limit_workdays <= {1: 1, 2: 3, 3: 5}[kind.level]) == (kind.level, True)
        assert (events.FEED in kind.sources) == bool(kind.feed)
    for feed in events.FEEDS:
        assert events.told_by(events.FEED, feed) or feed == events.FUNDS


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("10000.00", "8000.01", None),
        ("10000.00", "8000.00", "INCOME_DOWN_20"),
        ("10000.00", "6000.01", "INCOME_DOWN_20"),
        ("10000.00", "6000.00", "INCOME_DOWN_40"),
        ("10000.00", "0.00", "INCOME_DOWN_40"),
        (None, "1.00", None),
        ("0.00", "0.00", None),
    ],
)
def test_an_income_is_an_event_from_a_fifth_down(before: str | None, after: str, code: str | None) -> None:
    assert events.income_code(Decimal(before) if before else None, Decimal(after)) == code


# S2.16
@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("79.99", "80", "VALUE_80"),
        ("80", "85", None),
        ("79", "95", "VALUE_90"),
        ("95", "100.01", "VALUE_100"),
        ("101", "120", None),
        ("95", "70", None),
    ],
)
def test_a_ratio_is_an_event_where_it_rises_past_a_limit(before: str, after: str, code: str | None) -> None:
    assert events.crossed(Decimal(before), Decimal(after)) == code


def test_several_events_make_one_visit_as_urgent_as_the_worst() -> None:
    waiting = [Waiting(5, 1, "JOB_CHANGE", "5"), Waiting(6, 2, "DEATH", "6"), Waiting(8, 1, "LET", "8")]
    found = answer(waiting, [], LOANS, CALENDAR, TODAY)
    (made,) = found.created
    assert (made.loan_id, made.rule, made.cycle, made.method, made.level) == (2, "EVENT", "6", "FIELD", 1)
    assert made.due_on == date(2026, 11, 3)
    assert [(link.event_id, link.task, link.is_note) for link in found.links] == [
        (6, made, False), (5, made, False), (8, made, False),
    ]  # fmt: skip


def test_an_untouched_visit_takes_the_event_and_is_brought_forward() -> None:
    found = answer([Waiting(9, 2, "JOB_LOSS", "9")], [a_task()], LOANS, CALENDAR, TODAY)
    assert found.created == ()
    (moved,) = found.moved
    assert (moved.id, moved.method, moved.level, moved.due_on) == (7, "FIELD", 2, date(2026, 11, 5))
    assert [(link.event_id, link.task.id) for link in found.links] == [(9, 7)]


def test_what_a_milder_event_finds_stays_as_it_is() -> None:
    severe = a_task(method="FIELD", level=1, due_on=TODAY)
    assert answer([Waiting(9, 1, "JOB_CHANGE", "9")], [severe], LOANS, CALENDAR, TODAY).moved == ()
    pinned = a_task(is_pinned=True, due_on=TODAY + timedelta(days=30))
    (moved,) = answer([Waiting(9, 1, "DEATH", "9")], [pinned], LOANS, CALENDAR, TODAY).moved
    assert moved.due_on == pinned.due_on and moved.opens_on == pinned.opens_on


@pytest.mark.parametrize("state", ["IN_PROGRESS", "RETURNED"])
def test_a_visit_that_was_begun_gets_a_note_and_is_left_alone(state: str) -> None:
    begun = a_task(state=state, method="FIELD")
    found = answer([Waiting(9, 1, "JOB_LOSS", "9")], [begun], LOANS, CALENDAR, TODAY)
    assert (found.created, found.moved) == ((), ())
    assert [(link.event_id, link.task, link.is_note) for link in found.links] == [(9, begun, True)]


def test_a_heavier_one_follows_where_the_visit_in_progress_is_not_enough() -> None:
    begun = a_task(state="IN_PROGRESS", method="PHONE")
    found = answer([Waiting(9, 1, "JOB_LOSS", "9")], [begun], LOANS, CALENDAR, TODAY)
    (made,) = found.created
    assert made.method == "FIELD" and found.moved == ()
    assert [(link.task.id, link.is_note) for link in found.links] == [(7, True), (None, False)]


@pytest.mark.parametrize(
    "other", [{"state": "SUBMITTED"}, {"is_light": True}, {"kind": "PERIODIC"}, {"method": "OFF_SITE"}]
)
def test_other_tasks_take_no_event(other: dict[str, Any]) -> None:
    found = answer([Waiting(9, 1, "JOB_CHANGE", "9")], [a_task(**other)], LOANS, CALENDAR, TODAY)
    assert len(found.created) == 1 and found.moved == ()


def test_where_nothing_is_owed_there_is_no_visit() -> None:
    found = answer([Waiting(9, 1, "JOB_CHANGE", "9")], [], (), CALENDAR, TODAY)
    assert (found.created, found.links) == ((), ())


def test_a_visit_that_left_the_event_open_is_followed_by_one_of_its_own_cycle() -> None:
    (made,) = answer([Waiting(9, 1, "JOB_CHANGE", "9")], [], LOANS, CALENDAR, TODAY, {"9"}).created
    assert made.cycle == "9-2"


@given(st.lists(st.sampled_from([kind.code for kind in CATALOGUE]), min_size=1, max_size=5), st.booleans())
def test_one_visit_answers_all_and_no_event_makes_it_later_or_lighter(codes: list[str], has_task: bool) -> None:
    tasks = [a_task()] if has_task else []
    waiting = [Waiting(n, 1 + n % 2, code, str(n)) for n, code in enumerate(codes, start=1)]
    found = answer(waiting, tasks, LOANS, CALENDAR, TODAY)
    assert len(found.created) + has_task == 1
    assert {link.event_id for link in found.links} == {one.id for one in waiting}
    (after,) = found.created or found.moved or (tasks[0],)
    for one in waiting:
        limit = CALENDAR.add_workdays(TODAY, one.kind.limit_workdays)
        assert after.due_on <= limit and after.level <= one.kind.level
        assert events.WEIGHT[after.method] >= events.WEIGHT[one.kind.method]
    # Once it is made, nothing is left to do for the same events.
    made = replace(after, id=7)
    assert answer([], [made], LOANS, CALENDAR, TODAY) == events.Answers((), (), ())


# S2.8
def test_the_form_of_an_event_asks_its_sections_and_what_became_of_it() -> None:
    items = form_items([("IRREGULAR", "LOAN", "")], "PHONE", default_items(), [Asked(4, "LET", TODAY, "邻居告知")])
    sections = {item["section"] for item in items}
    assert {*CAPACITY, "occupancy", "collateral"} <= sections
    (question,) = [item for item in items if item["key"] == "event_4"]
    assert question["label"]["zh"] == "房屋出租（2026-11-02）：邻居告知"
    assert question["required"] and question["normal"] == "NOT_CONFIRMED"
    required = {item["key"] for item in items if item["required"]}
    assert {"employer", "monthly_income", "other_monthly_debt", "repayment_intention", "occupancy"} <= required
    plain = form_items([("IRREGULAR", "LOAN", "")], "PHONE", default_items(), [])
    assert "occupancy" not in {item["key"] for item in plain}


def test_an_event_closed_meanwhile_need_not_be_answered() -> None:
    asked = [Asked(4, "LET", TODAY, is_open=False)]
    items = form_items([("IRREGULAR", "LOAN", "")], "PHONE", default_items(), asked)
    assert [item["required"] for item in items if item["key"] == "event_4"] == [False]
    assert "occupancy" not in {item["key"] for item in items}


def test_findings_are_read_from_the_answers() -> None:
    answers = {
        "event_4": {"now": "CONFIRMED"}, "event_5": {"choice": "UNVERIFIED"}, "event_x": {"now": "OVER"},
        "event_6": {"now": "MAYBE"}, "employer": {"choice": "SAME"},
    }  # fmt: skip
    assert events.findings_in(answers) == {4: "CONFIRMED", 5: "UNVERIFIED"}
