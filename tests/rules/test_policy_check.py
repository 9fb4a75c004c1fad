"""The checker of follow-up policies: worked examples, and random policies beside loans drawn at random (S2.6–S2.12)."""

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from followups.rules.default_policy import CYCLE_BOUNDS, FIRST_METHOD, KINDS, LINES, OVERDUE, PERIODIC
from followups.rules.plan import cycle_months
from followups.rules.policy_check import ERROR, Finding, check, is_fit
from people.rules.policy import Condition, Line, first_match

TIER = {"tier": "T", "months": 12, "methods": ["OFF_SITE", "PHONE"]}


def numbered(lines: list[Line]) -> list[Line]:
    return [replace(line, number=number) for number, line in enumerate(lines, 1)]


def policy_with(number: int, **changes: Any) -> list[Line]:
    return [replace(line, **changes) if line.number == number else line for line in LINES]


def without(number: int) -> list[Line]:
    return numbered([line for line in LINES if line.number != number])


def before(number: int, line: Line) -> list[Line]:
    return numbered([*LINES[: number - 1], line, *LINES[number - 1 :]])


def found(lines: list[Line], code: str) -> list[Finding]:
    return [finding for finding in check(lines) if finding.code == code]


def test_the_default_policy_is_fit() -> None:
    assert is_fit(check(LINES))


EXAMPLES: list[tuple[str, list[Line], str, tuple[int, ...]]] = [
    ("no first visits at all", without(1), "GAP", ()),
    ("who has no grade is called by no day", without(5), "GAP", ()),
    ("no method for the rest", without(11), "GAP", ()),
    ("arrears from day 1 on unanswered", without(16), "GAP", ()),
    ("unknown loan-to-value in no tier", without(26), "GAP", ()),
    ("a loan past due and large", list(LINES), "OVERLAP", (23, 17, 18, 19, 20, 21, 22)),
    ("a tier behind the one for all", [*LINES, Line(27, PERIODIC, (), TIER, "其余")], "UNREACHABLE",
     (27, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26)),
    ("91 days behind 31 days", numbered([*LINES[:11], LINES[12], LINES[11], *LINES[13:]]), "UNREACHABLE", (13, 12)),
    ("more than 5 and less than 5", before(17, Line(0, PERIODIC, (
        Condition("months_on_book", ">", 5), Condition("months_on_book", "<", 5)), TIER, "无")), "NEVER", (17,)),
    ("a node on day 120", policy_with(1, result={"days": [30, 60, 120], "opens_day": 15}), "FIRST_TOO_LATE", (1,)),
    ("a talk by day 91", policy_with(4, result={"days": 91}), "FIRST_TOO_LATE", (4,)),
    ("nodes out of order", policy_with(1, result={"days": [60, 30, 90], "opens_day": 15}), "NODES_ORDER", (1,)),
    ("a window that opens behind the node", policy_with(1, result={"days": [30, 60], "opens_day": 31}),
     "OPENS_LATE", (1,)),
    ("the first visits are all off-site", policy_with(11, result={"method": "OFF_SITE"}), "NO_TALK", (11,)),
    ("a cycle of 13 months", policy_with(25, result={**TIER, "months": 13}), "RESULT", (25,)),
    ("a cycle of no months", policy_with(25, result={**TIER, "months": 0}), "RESULT", (25,)),
    ("months as text", policy_with(25, result={**TIER, "months": "12"}), "RESULT", (25,)),
    ("an unknown method", policy_with(25, result={**TIER, "methods": ["LETTER"]}), "RESULT", (25,)),
    ("arrears that nobody talks about", policy_with(14, result={**LINES[13].result, "method": "OFF_SITE"}),
     "RESULT", (14,)),
    ("high risk by day 90, medium by 60", policy_with(2, result={"days": 90}), "WORSE_IS_LATER", (2, 3)),
    ("high risk each 12 months, large each 6", policy_with(19, result={**TIER, "months": 12}), "WORSE_IS_LATER",
     (19, 20)),
    ("high risk by phone, large by field", policy_with(6, result={"method": "PHONE"}), "WORSE_IS_LIGHTER", (6, 7)),
    ("an unknown fact", policy_with(22, conditions=(Condition("shoe_size", ">", 40),)), "FACT", (22,)),
    ("an operator that grades have not", policy_with(19, conditions=(Condition("grade", ">", "LOW"),)),
     "OPERATOR", (19,)),
    ("a percentage as a number", policy_with(20, conditions=(Condition("loan_to_value", ">=", 90),)), "VALUE", (20,)),
    ("a percentage that is none", policy_with(20, conditions=(Condition("loan_to_value", ">=", "ninety"),)),
     "VALUE", (20,)),
    ("infinity", policy_with(20, conditions=(Condition("loan_to_value", ">=", "Infinity"),)), "VALUE", (20,)),
    ("yes for a number", policy_with(22, conditions=(Condition("months_on_book", "<", True),)), "VALUE", (22,)),
    ("a percentile of 300", policy_with(10, conditions=(Condition("sample_percentile", "<", 300),)), "RANGE", (10,)),
    ("a grade of its own", policy_with(19, conditions=(Condition("grade", "=", "SEVERE"),)), "VALUE", (19,)),
    ("no days unknown", policy_with(17, conditions=(Condition("days_past_due", "is_missing"),)), "OPERATOR", (17,)),
    ("a kind of its own", policy_with(25, kind="SOMETIMES"), "KIND", (25,)),
    ("no reason given", policy_with(25, note="  "), "NOTE_MISSING", (25,)),
    ("two lines of one number", [*LINES, LINES[-1]], "NUMBERS", ()),
    ("bounds the wrong way round", [*LINES, Line(27, CYCLE_BOUNDS, (), {"least_months": 6, "most_months": 3}, "界")],
     "RESULT", (27,)),
    ("bounds beyond a year", [*LINES, Line(27, CYCLE_BOUNDS, (), {"least_months": 6, "most_months": 13}, "界")],
     "RESULT", (27,)),
    ("bounds that a worse grade is not held to",
     [*LINES, Line(27, CYCLE_BOUNDS, (Condition("grade", "=", "LOW"),), {"least_months": 1, "most_months": 3}, "界")],
     "WORSE_IS_LOOSER", (27,)),
    ("bounds that keep a worse grade waiting",
     [*LINES, Line(27, CYCLE_BOUNDS, (Condition("grade", "=", "HIGH"),), {"least_months": 9, "most_months": 12}, "界")],
     "WORSE_IS_LOOSER", (27,)),
    ("a priority that is none", policy_with(19, result={**LINES[18].result, "level": "PURPLE"}), "RESULT", (19,)),
    ("a checklist of a tier", policy_with(19, result={**LINES[18].result, "checklist": "LONG"}), "RESULT", (19,)),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "code", "numbers"), [case[1:] for case in EXAMPLES], ids=[c[0] for c in EXAMPLES])
def test_each_fault_is_found_at_its_line(lines: list[Line], code: str, numbers: tuple[int, ...]) -> None:
    assert numbers in [finding.lines for finding in found(lines, code)]


def test_a_gap_names_a_loan_that_falls_through() -> None:
    (gap,) = found(without(26), "GAP")
    assert gap.weight == ERROR
    assert gap.params["kind"] == PERIODIC
    assert gap.params["example"]["loan_to_value"] is None


FACTS: dict[str, Callable[[random.Random], Any]] = {
    "grade": lambda draw: draw.choice(["HIGH", "MEDIUM", "LOW", None]),
    "loan_to_value": lambda draw: draw.choice([None, *(Decimal(n) / 2 for n in range(150, 190))]),
    "days_past_due": lambda draw: draw.choice([0, 1, 7, 8, 30, 31, 32, 90, 91, 400]),
    "months_on_book": lambda draw: draw.randrange(0, 60),
    "is_owner_occupied": lambda draw: draw.choice([True, False, None]),
    "district": lambda draw: draw.choice(["滨江", "老城", ""]),
}


def _condition(draw: random.Random) -> Condition:
    fact = draw.choice(list(FACTS))
    if fact == "grade":
        return draw.choice([Condition(fact, "=", draw.choice(["HIGH", "MEDIUM", "LOW"])), Condition(fact, "is_missing"),
                            Condition(fact, "in", ["HIGH", "LOW"]), Condition(fact, "!=", "LOW")])  # fmt: skip
    if fact == "is_owner_occupied":
        return Condition(fact, "=", draw.choice([True, False]))
    if fact == "district":
        return Condition(fact, draw.choice(["=", "!="]), draw.choice(["滨江", "老城"]))
    op = draw.choice(["<", "<=", ">", ">=", "=", "!="])
    limit: Any = draw.choice([8, 24, 31, 48])
    return Condition(fact, op, str(draw.choice([80, 85, 90])) if fact == "loan_to_value" else limit)


def _random_lines(draw: random.Random) -> list[Line]:
    lines = [
        Line(0, PERIODIC, tuple(_condition(draw) for _n in range(draw.randrange(0, 3))),
             {**TIER, "months": draw.randrange(1, 13)}, "行")
        for _n in range(draw.randrange(1, 7))
    ]  # fmt: skip
    return numbered([*[line for line in LINES if line.kind != PERIODIC], *lines])


@pytest.mark.parametrize("seed", range(60))
def test_what_is_said_of_random_policies_is_true_of_random_loans(seed: int) -> None:
    draw = random.Random(seed)
    lines = _random_lines(draw)
    findings = check(lines)
    dead = {f.lines[0] for f in findings if f.code in ("UNREACHABLE", "NEVER")}
    has_gap = any(f.code == "GAP" and f.params["kind"] == PERIODIC for f in findings)
    is_later = any(f.code == "WORSE_IS_LATER" for f in findings)
    for _n in range(400):
        loan = {fact: value(draw) for fact, value in FACTS.items()}
        line = first_match(lines, PERIODIC, loan)
        assert has_gap or line is not None
        assert line is None or line.number not in dead
        order = [first_match(lines, PERIODIC, {**loan, "grade": grade}) for grade in ("HIGH", "MEDIUM", "LOW")]
        months = [each.result["months"] if each else None for each in order]
        for worse, better in zip(months, months[1:], strict=False):
            assert is_later or worse is None or better is None or worse <= better


@pytest.mark.parametrize("seed", range(60))
def test_an_example_of_a_gap_is_answered_by_no_line(seed: int) -> None:
    lines = _random_lines(random.Random(seed))
    for gap in found(lines, "GAP"):
        assert first_match(lines, gap.params["kind"], _as_facts(gap.params["example"])) is None


def _as_facts(example: dict[str, Any]) -> dict[str, Any]:
    loan = {"days_past_due": 0, "months_on_book": 0, "district": "", "loan_to_value": None, **example}
    if loan["loan_to_value"] is not None:
        loan["loan_to_value"] = Decimal(loan["loan_to_value"])
    return loan


def test_every_kind_must_answer() -> None:
    assert {gap.params["kind"] for gap in found([], "GAP")} == set(KINDS) - {"CYCLE_BOUNDS"}
    assert {FIRST_METHOD, OVERDUE} <= set(KINDS)


def test_bounds_may_be_tighter_for_a_worse_grade_and_need_not_name_every_loan() -> None:
    tight = Line(27, CYCLE_BOUNDS, (Condition("grade", "=", "HIGH"),), {"least_months": 1, "most_months": 3}, "界")
    assert not [f for f in check([*LINES, tight]) if f.weight == ERROR]


# S2.12
@pytest.mark.parametrize("seed", range(60))
def test_no_grade_waits_longer_for_being_worse_under_bounds_that_pass(seed: int) -> None:
    draw = random.Random(seed)
    bounds = [
        Line(0, CYCLE_BOUNDS, tuple(_condition(draw) for _n in range(draw.randrange(0, 3))),
             {"least_months": (least := draw.randrange(1, 13)), "most_months": draw.randrange(least, 13)}, "界")
        for _n in range(draw.randrange(1, 4))
    ]  # fmt: skip
    lines = numbered([*LINES, *bounds])
    if any(f.code == "WORSE_IS_LOOSER" for f in check(lines)):
        return
    for _n in range(40):
        loan = {
            "late_in_24_months": 0,
            "principal_original": Decimal(1),
            **{f: draw_of(draw) for f, draw_of in FACTS.items()},
        }
        months = []
        for grade in ("HIGH", "MEDIUM", "LOW"):
            by_name = {**loan, "grade": grade}
            tier = first_match(lines, PERIODIC, by_name)
            assert tier is not None
            months.append(cycle_months(tier, first_match(lines, CYCLE_BOUNDS, by_name)))
        assert months == sorted(months)
