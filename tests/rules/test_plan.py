"""The planner against the tables of the default policy."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from followups.rules import default_policy
from followups.rules.facts import LEVELS, OpenTask, lot
from followups.rules.plan import BringForward, Cancel, Create, PolicyGap, diff, explain, plan
from loans.rules.dates import add_months
from people.rules.policy import first_match
from tests.rules.planning import (
    CALENDAR,
    LINES,
    TODAY,
    applied,
    as_open,
    facts,
    key_outside_sample,
    new_loan,
    planned,
)

CLEAN = [*["OFF_SITE"] * 4, "PHONE", *["OFF_SITE"] * 4, "SELF_SERVICE"]

# First follow-ups


# S1.11, S1.13
@pytest.mark.parametrize(
    ("grade", "talk", "off_site"),
    [
        ("HIGH", "FIRST_30", {"FIRST_60", "FIRST_90"}),
        ("MEDIUM", "FIRST_60", {"FIRST_30", "FIRST_90"}),
        ("LOW", "FIRST_90", {"FIRST_30", "FIRST_60"}),
        (None, "FIRST_30", {"FIRST_60", "FIRST_90"}),
    ],
)
def test_one_first_follow_up_is_a_talk_by_grade(grade: str | None, talk: str, off_site: set[str]) -> None:
    found = planned(new_loan(grade=grade, sample_key=key_outside_sample()), date(2026, 11, 2))
    assert {rule for rule, p in found.items() if p.method == "OFF_SITE"} == off_site
    assert found[talk].method == ("FIELD" if grade == "HIGH" else "PHONE")
    assert {p.opens_on for p in found.values()} == {date(2026, 11, 17)}


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({}, "PHONE"),
        ({"grade": "HIGH"}, "FIELD"),
        ({"principal_original": Decimal("2999999.99")}, "PHONE"),
        ({"principal_original": Decimal("3000000.00")}, "FIELD"),
        ({"is_owner_occupied": False}, "FIELD"),
        ({"is_owner_occupied": None}, "PHONE"),
        ({"sample_key": next(f"K{n}" for n in range(1000) if lot(f"K{n}", "sample", 100) < 10)}, "FIELD"),
    ],
)
def test_the_talk_is_held_by_the_method_of_its_line(given: dict[str, object], method: str) -> None:
    found = planned(new_loan(**{"sample_key": key_outside_sample(), **given}), date(2026, 11, 2))
    assert [p.method for p in found.values() if p.method != "OFF_SITE"] == [method]


# S2.6
def test_a_first_follow_up_on_a_day_off_is_due_on_the_workday_before() -> None:
    # Day 30 is 1 October, the first day of the holiday.
    found = planned(new_loan(disbursed_on=date(2026, 9, 1)), date(2026, 9, 1))
    assert found["FIRST_30"].due_on == date(2026, 9, 30)
    assert found["FIRST_60"].due_on == date(2026, 10, 30)  # Saturday the 31st


def test_nodes_before_the_cut_over_are_baseline_and_the_talk_moves_to_the_next_one() -> None:
    # 40 days on the book at cut-over: node 30 has passed.
    found = planned(facts(disbursed_on=date(2026, 9, 21), grade="HIGH"))
    assert set(found) == {"FIRST_60", "FIRST_90"}
    assert found["FIRST_60"].method == "FIELD"
    assert found["FIRST_90"].method == "OFF_SITE"


@pytest.mark.parametrize(("days", "rules"), [(89, {"FIRST_90"}), (90, {"PERIODIC"}), (400, {"PERIODIC"})])
def test_a_loan_taken_over_after_day_90_has_no_first_follow_up(days: int, rules: set[str]) -> None:
    found = planned(facts(disbursed_on=date(2026, 10, 31) - timedelta(days=days)))
    assert set(found) == rules
    if days == 89:
        # Day 90 is a Sunday; the Friday before lies before the cut-over, so it is due on the day itself.
        assert found["FIRST_90"].due_on == date(2026, 11, 1)
        assert found["FIRST_90"].method != "OFF_SITE"


def test_periodic_waits_until_the_first_follow_ups_have_ended() -> None:
    done = frozenset({("FIRST_30", "1"), ("FIRST_60", "1")})
    assert "PERIODIC" not in planned(new_loan(ended=done, has_tasks=True), date(2027, 2, 10))
    all_done = new_loan(ended=done | {("FIRST_90", "1")}, last_followup_on=date(2027, 1, 29), has_tasks=True)
    assert set(planned(all_done, date(2027, 2, 10))) == {"PERIODIC"}


def test_no_second_talk_is_planned_once_one_was_held() -> None:
    found = planned(
        new_loan(grade="MEDIUM", ended=frozenset({("FIRST_30", "1")}), is_talk_held=True, has_tasks=True),
        date(2026, 12, 3),
    )
    assert {p.method for p in found.values()} == {"OFF_SITE"}


def test_a_worse_grade_moves_the_talk_forward_and_frees_the_later_one() -> None:
    low = new_loan(sample_key=key_outside_sample())
    tasks = applied(diff(plan(low, LINES, CALENDAR, date(2026, 11, 2)), [], low), [], set())
    high = replace(low, grade="HIGH", has_tasks=True)
    changes = diff(plan(high, LINES, CALENDAR, date(2026, 11, 10)), tasks, high)
    after = {task.rule: task.method for task in applied(changes, tasks, set())}
    assert after == {"FIRST_30": "FIELD", "FIRST_60": "OFF_SITE", "FIRST_90": "OFF_SITE"}
    better = diff(plan(replace(low, has_tasks=True), LINES, CALENDAR, date(2026, 11, 10)),
                  applied(changes, tasks, set()), low)  # fmt: skip
    assert better == ()


# Periodic follow-ups


# S2.7, S2.9, S2.10
@pytest.mark.parametrize(
    ("given", "months", "methods"),
    [
        ({"days_past_due": 91}, 6, ["FIELD"]),
        ({"days_past_due": 31}, 2, ["PHONE", "PHONE", "FIELD"]),
        ({"days_past_due": 90, "grade": "HIGH"}, 2, ["PHONE", "PHONE", "FIELD"]),
        ({"grade": "HIGH", "days_past_due": 30}, 4, ["PHONE", "PHONE", "FIELD"]),
        ({"loan_to_value": Decimal("90.0000")}, 6, ["OFF_SITE", "PHONE"] * 3 + ["OFF_SITE", "FIELD"]),
        ({"loan_to_value": Decimal("89.9999")}, 12, ["OFF_SITE", "PHONE"]),
        (
            {"loan_to_value": Decimal("80"), "late_in_24_months": 2},
            6,
            ["OFF_SITE", "PHONE"] * 3 + ["OFF_SITE", "FIELD"],
        ),
        ({"loan_to_value": Decimal("79.9999"), "late_in_24_months": 2}, 12, CLEAN),
        ({"months_on_book": 23}, 12, ["OFF_SITE", "PHONE"]),
        ({"principal_original": Decimal("3000000.00")}, 12, ["OFF_SITE", "PHONE"]),
        ({"loan_to_value": Decimal("80.0000")}, 12, ["OFF_SITE", "PHONE"]),
        ({}, 12, CLEAN),
        ({"loan_to_value": None}, 12, ["OFF_SITE", "PHONE"]),
    ],
)
def test_each_tier_has_its_cycle_and_rotation(given: dict[str, object], months: int, methods: list[str]) -> None:
    found, due = [], []
    for ended in range(len(methods)):
        of = facts(last_followup_on=date(2026, 10, 30), periodic_ended=ended, has_tasks=True, **given)
        task = planned(of)["PERIODIC"]
        found.append(task.method)
        due.append(task.due_on)
        assert task.cycle == f"{ended + 1:04d}"
    assert set(due) == {CALENDAR.next_workday(add_months(date(2026, 10, 30), months))}
    turned = [methods[n:] + methods[:n] for n in range(len(methods))]
    assert found in turned


def test_a_fifth_of_clean_loans_is_called_or_answers_by_itself_each_year() -> None:
    for year in range(5):
        methods = [planned(facts(sample_key=f"K{n}", periodic_ended=year))["PERIODIC"].method for n in range(2000)]
        assert 150 < methods.count("PHONE") < 250 and 150 < methods.count("SELF_SERVICE") < 250


# S1.13
def test_a_home_that_is_not_handed_over_is_seen_first() -> None:
    key = key_outside_sample()
    found = planned(new_loan(sample_key=key, is_delivered=False))["FIRST_90"]
    assert found.method == "FIELD"
    assert {"fact": "is_delivered", "op": "=", "value": False, "limit": False} in [r.params for r in found.reason]
    assert planned(new_loan(sample_key=key, is_delivered=True))["FIRST_90"].method == "PHONE"
    assert planned(new_loan(sample_key=key))["FIRST_90"].method == "PHONE"


def test_the_first_cycle_of_an_imported_book_is_spread_over_its_length() -> None:
    days = [(planned(facts(sample_key=f"K{n}"))["PERIODIC"].due_on - TODAY).days for n in range(1200)]
    assert min(days) <= 10
    assert max(days) >= 350
    assert max(sum(1 for d in days if month * 30 <= d < month * 30 + 30) for month in range(12)) < 160


@pytest.mark.parametrize(
    ("visited", "earliest", "latest"),
    [
        (date(2026, 5, 6), date(2027, 5, 6), date(2027, 5, 6)),
        (date(2024, 1, 5), date(2026, 11, 2), date(2026, 11, 27)),
    ],
)
def test_the_last_visit_of_the_tape_counts_and_late_ones_are_caught_up_in_20_workdays(
    visited: date, earliest: date, latest: date
) -> None:
    due = {planned(facts(sample_key=f"K{n}", last_visit_on=visited))["PERIODIC"].due_on for n in range(200)}
    assert earliest <= min(due) <= max(due) <= latest


def test_a_worse_tier_brings_the_open_task_forward_with_notice_and_a_better_one_leaves_it() -> None:
    low = facts(last_followup_on=date(2025, 12, 1), has_tasks=True)
    tasks = applied(diff(plan(low, LINES, CALENDAR, date(2026, 1, 5)), [], low), [], set())
    assert tasks[0].due_on == date(2026, 12, 1)
    high = replace(low, grade="HIGH")
    (change,) = diff(plan(high, LINES, CALENDAR, TODAY), tasks, high)
    assert isinstance(change, BringForward)
    assert change.due_on == date(2026, 11, 6)
    assert change.method in ("PHONE", "FIELD")
    moved = applied((change,), tasks, set())
    assert diff(plan(low, LINES, CALENDAR, TODAY), moved, low) == ()
    assert diff(plan(high, LINES, CALENDAR, date(2026, 11, 3)), moved, high) == ()


def test_a_worse_tier_with_the_same_date_only_raises_the_method() -> None:
    clean = facts(last_followup_on=date(2026, 9, 1), has_tasks=True)
    task = as_open(planned(clean)["PERIODIC"], 1)
    assert task.method == "OFF_SITE"
    worse = replace(clean, loan_to_value=Decimal("85"))
    changes = diff(plan(worse, LINES, CALENDAR, TODAY), [task], worse)
    wanted = planned(worse)["PERIODIC"].method
    assert [c.method for c in changes if isinstance(c, BringForward)] == ([wanted] if wanted == "PHONE" else [])


# Arrears


# S2.8
@pytest.mark.parametrize(
    ("days", "late", "rule", "method", "level", "due", "is_light"),
    [
        (1, 1, "OVERDUE_1", "PHONE", "YELLOW", date(2026, 11, 6), True),
        (7, 1, "OVERDUE_1", "PHONE", "YELLOW", date(2026, 11, 6), True),
        (1, 2, "OVERDUE_8", "PHONE", "YELLOW", date(2026, 11, 6), False),
        (8, 1, "OVERDUE_8", "PHONE", "YELLOW", date(2026, 11, 6), False),
        (30, 1, "OVERDUE_8", "PHONE", "YELLOW", date(2026, 11, 6), False),
        (31, 2, "OVERDUE_31", "FIELD", "ORANGE", date(2026, 11, 4), False),
        (90, 3, "OVERDUE_31", "FIELD", "ORANGE", date(2026, 11, 4), False),
        (91, 3, "OVERDUE_91", "FIELD", "RED", date(2026, 11, 3), False),
    ],
)
def test_arrears_ask_for_the_worst_step_they_reached(
    days: int, late: int, rule: str, method: str, level: str, due: date, is_light: bool
) -> None:
    since = TODAY - timedelta(days=days)
    of = new_loan(
        disbursed_on=date(2024, 1, 2), days_past_due=days, overdue_since=since, late_in_6_months=late, has_tasks=True,
        ended=frozenset({("FIRST_30", "1"), ("FIRST_60", "1"), ("FIRST_90", "1")}),
    )  # fmt: skip
    step = planned(of)[rule]
    assert (step.kind, step.method, step.level, step.due_on, step.is_light, step.cycle) == (
        "IRREGULAR", method, LEVELS[level], due, is_light, since.isoformat(),
    )  # fmt: skip
    assert [p.rule for p in plan(of, LINES, CALENDAR, TODAY) if p.kind == "IRREGULAR"] == [rule]


def test_time_limits_of_arrears_at_cut_over_are_spread_over_five_workdays() -> None:
    since = date(2026, 7, 28)
    due = {
        planned(facts(sample_key=f"K{n}", days_past_due=96, overdue_since=since))["OVERDUE_91"].due_on
        for n in range(300)
    }
    assert due == {date(2026, 11, day) for day in (2, 3, 4, 5, 6)}


def test_a_step_reached_after_the_cut_over_has_the_ordinary_limit() -> None:
    due = {
        planned(facts(sample_key=f"K{n}", days_past_due=31, overdue_since=date(2026, 10, 1)))["OVERDUE_31"].due_on
        for n in range(50)
    }
    assert due == {date(2026, 11, 4)}


def overdue_story(*days: int) -> tuple[list[OpenTask], set[tuple[str, str]], date]:
    """The tasks of an episode looked at on these days past due."""
    since, tasks, ended = date(2026, 11, 5), [], set()  # type: ignore[var-annotated]
    for number in days:
        of = facts(
            days_past_due=number, overdue_since=since, ended=frozenset(ended), has_tasks=bool(tasks),
            last_followup_on=date(2026, 11, 1),
        )  # fmt: skip
        tasks = applied(diff(plan(of, LINES, CALENDAR, since + timedelta(days=number)), tasks, of), tasks, ended)
    return tasks, ended, since


def test_a_worse_step_takes_the_place_of_an_untouched_one() -> None:
    tasks, ended, since = overdue_story(1, 2, 8, 20, 31, 91)
    assert [t.rule for t in tasks if t.kind == "IRREGULAR"] == ["OVERDUE_91"]
    assert {rule for rule, _cycle in ended} == {"OVERDUE_1", "OVERDUE_8", "OVERDUE_31"}
    assert since == date(2026, 11, 5)


@pytest.mark.parametrize(("reached", "left"), [(1, set()), (8, {"OVERDUE_8"}), (31, {"OVERDUE_31"})])
def test_payment_closes_light_items_and_leaves_visits_open(reached: int, left: set[str]) -> None:
    tasks, ended, _since = overdue_story(reached)
    paid = facts(has_tasks=True, ended=frozenset(ended), last_followup_on=date(2026, 11, 1))
    after = applied(diff(plan(paid, LINES, CALENDAR, date(2026, 12, 20)), tasks, paid), tasks, ended)
    assert {t.rule for t in after if t.kind == "IRREGULAR"} == left


@pytest.mark.parametrize(("state", "pinned"), [("IN_PROGRESS", False), ("SUBMITTED", False), ("RETURNED", False),
                                               ("PLANNED", True)])  # fmt: skip
def test_begun_and_pinned_tasks_are_left_alone(state: str, pinned: bool) -> None:
    since = date(2026, 10, 20)
    light = facts(days_past_due=2, overdue_since=since, last_followup_on=date(2026, 10, 1), has_tasks=True)
    tasks = [as_open(p, n, state, pinned) for n, p in enumerate(plan(light, LINES, CALENDAR, TODAY), start=1)]
    worse = replace(light, days_past_due=40, grade="HIGH")
    assert [type(c) for c in diff(plan(worse, LINES, CALENDAR, TODAY), tasks, worse)] == [Create]


def test_a_settled_loan_keeps_only_what_a_person_has_begun() -> None:
    tasks, _ended, _since = overdue_story(8)
    begun = [replace(tasks[0], state="IN_PROGRESS"), tasks[1]]
    settled = facts(is_settled=True, has_tasks=True)
    assert diff(plan(settled, LINES, CALENDAR, TODAY), begun, settled) == (Cancel(tasks[1].id, "SETTLED"),)


# Reasons


# S1.20, S2.13
def test_every_task_names_its_line_and_the_facts_that_met_it() -> None:
    of = facts(days_past_due=8, overdue_since=date(2026, 10, 24), loan_to_value=Decimal("91.2999"), grade="MEDIUM")
    step = planned(of)["OVERDUE_8"]
    assert [r.as_json() for r in step.reason if r.code != "POLICY_LINE"] == [
        {"code": "OVERDUE_DAYS", "params": {"days": 8}},
        {"code": "FACT", "params": {"fact": "loan_to_value", "op": ">=", "value": "91.2", "limit": "90"}},
    ]
    assert step.reason[-1].params["line"] == step.line == 14
    explained = [r.params["line"] for r in explain(of, LINES) if r.code == "POLICY_LINE"]
    assert explained == [1, 3, 11 if lot("ML1", "sample", 100) >= 10 else 10, 14, 20]


def test_a_policy_with_a_gap_says_so() -> None:
    with pytest.raises(PolicyGap):
        plan(facts(), [line for line in LINES if line.number not in (25, 26)], CALENDAR, TODAY)


def test_default_lines_are_numbered_in_order_and_reachable() -> None:
    assert [line.number for line in LINES] == list(range(1, len(LINES) + 1))
    assert {line.kind for line in LINES} == set(default_policy.KINDS) - {default_policy.CYCLE_BOUNDS}
    for kind in {line.kind for line in LINES}:
        own = [line for line in LINES if line.kind == kind]
        if kind != default_policy.OVERDUE:
            assert own[-1].conditions == ()
        assert all(line.conditions for line in own[:-1])
        assert first_match(LINES, kind, {}) is (own[-1] if not own[-1].conditions else None)
