"""S2.15: the composite score by the default policy, part by part; that worse facts never score more; scoring again."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.rules.score import (
    DEFAULT_LINES,
    LEVEL,
    PARTS,
    ScoreFacts,
    ScoreGap,
    facts_as_json,
    facts_from,
    score,
)

BEST = ScoreFacts(
    debt_service=Decimal("30.0"), work="SAME", income_change_percent=Decimal("0.0"), bureau="CLEAN", credit_score=760,
    loan_to_value=Decimal("50.0"), registration="FORMAL", condition="GOOD", insured_days=100,
    area_change_percent=Decimal("0.00"), project="DELIVERED",
)  # fmt: skip


def points(facts: ScoreFacts) -> dict[str, int]:
    return {part.code: part.points for part in score(facts, DEFAULT_LINES).parts}


def test_the_weights_are_those_of_the_three_sides() -> None:
    best = score(BEST, DEFAULT_LINES)
    assert (best.points, best.level, best.is_forced) == (100, "LOW", False)
    sums: dict[str, int] = {}
    for part in best.parts:
        sums[PARTS[part.code]] = sums.get(PARTS[part.code], 0) + part.most
    assert sums == {"BORROWER": 50, "COLLATERAL": 30, "ENVIRONMENT": 20}


@pytest.mark.parametrize(
    ("part", "change", "given_points"),
    [
        ("DEBT_SERVICE", {"debt_service": Decimal("35.0")}, 15),
        ("DEBT_SERVICE", {"debt_service": Decimal("35.1")}, 12),
        ("DEBT_SERVICE", {"debt_service": Decimal("45.1")}, 8),
        ("DEBT_SERVICE", {"debt_service": Decimal("55.1")}, 4),
        ("DEBT_SERVICE", {"debt_service": Decimal("70.1")}, 0),
        ("DEBT_SERVICE", {"debt_service": None}, 8),
        ("PAYMENT_RECORD", {"late_in_24_months": 1}, 16),
        ("PAYMENT_RECORD", {"late_in_24_months": 3}, 10),
        ("PAYMENT_RECORD", {"late_in_24_months": 6}, 3),
        ("PAYMENT_RECORD", {"days_past_due": 1}, 6),
        ("PAYMENT_RECORD", {"days_past_due": 31}, 0),
        ("WORK_AND_INCOME", {"work": "LOST"}, 0),
        ("WORK_AND_INCOME", {"work": "CHANGED"}, 7),
        ("WORK_AND_INCOME", {"work": None}, 5),
        ("WORK_AND_INCOME", {"income_change_percent": Decimal("-20.0")}, 4),
        ("WORK_AND_INCOME", {"income_change_percent": Decimal("-19.9")}, 10),
        ("WORK_AND_INCOME", {"income_change_percent": Decimal("-40.0"), "work": "CHANGED"}, 0),
        ("BUREAU", {"bureau": "BAD"}, 0),
        ("BUREAU", {"bureau": None}, 5),
        ("BUREAU", {"bureau": None, "credit_score": 719}, 3),
        ("BUREAU", {"bureau": None, "credit_score": 639}, 1),
        ("BUREAU", {"bureau": None, "credit_score": None}, 2),
        ("LOAN_TO_VALUE", {"loan_to_value": Decimal("60.0")}, 12),
        ("LOAN_TO_VALUE", {"loan_to_value": Decimal("79.9")}, 9),
        ("LOAN_TO_VALUE", {"loan_to_value": Decimal("89.9")}, 5),
        ("LOAN_TO_VALUE", {"loan_to_value": Decimal("99.9")}, 2),
        ("LOAN_TO_VALUE", {"loan_to_value": Decimal("100.0")}, 0),
        ("LOAN_TO_VALUE", {"loan_to_value": None}, 5),
        ("REGISTRATION", {"registration": "ADVANCE_NOTICE"}, 5),
        ("REGISTRATION", {"registration": None}, 2),
        ("REGISTRATION", {"registration": "SEIZED"}, 0),
        ("CONDITION", {"condition": "ALTERED"}, 3),
        ("CONDITION", {"condition": None}, 2),
        ("CONDITION", {"condition": "DAMAGED"}, 0),
        ("INSURANCE", {"insured_days": 0}, 3),
        ("INSURANCE", {"insured_days": -1}, 0),
        ("INSURANCE", {"insured_days": None}, 1),
        ("AREA", {"area_change_percent": Decimal("-2.00")}, 7),
        ("AREA", {"area_change_percent": Decimal("-5.00")}, 3),
        ("AREA", {"area_change_percent": Decimal("-10.00")}, 0),
        ("AREA", {"area_change_percent": None}, 5),
        ("PROJECT", {"project": "NORMAL"}, 9),
        ("PROJECT", {"project": "SLOW"}, 6),
        ("PROJECT", {"project": "STALLED"}, 2),
        ("PROJECT", {"project": "BANKRUPT"}, 0),
        ("PROJECT", {"project": None}, 5),
    ],
)
def test_the_default_policy_gives_points(part: str, change: dict[str, Any], given_points: int) -> None:
    found = points(replace(BEST, **change))
    assert found[part] == given_points
    others = {code: points(BEST)[code] for code in PARTS if code != part}
    assert {code: value for code, value in found.items() if code != part} == others


@pytest.mark.parametrize(
    ("facts", "sum_of_points", "level"),
    [
        (ScoreFacts(), 8 + 20 + 5 + 2 + 5 + 2 + 2 + 1 + 5 + 5, "HIGH"),
        (replace(BEST, days_past_due=31), 80, "LOW"),
        (replace(BEST, days_past_due=31, condition="ALTERED"), 79, "MEDIUM"),
        (replace(BEST, days_past_due=31, debt_service=Decimal(71), area_change_percent=Decimal(-6)), 58, "HIGH"),
    ],
)
def test_the_sum_decides_the_level(facts: ScoreFacts, sum_of_points: int, level: str) -> None:
    found = score(facts, DEFAULT_LINES)
    assert (found.points, found.level, found.is_forced) == (sum_of_points, level, False)


def test_a_red_signal_is_high_whatever_the_points() -> None:
    found = score(replace(BEST, red_signals=1), DEFAULT_LINES)
    assert (found.points, found.level, found.is_forced) == (100, "HIGH", True)


_percent = st.decimals(min_value=-60, max_value=140, places=1)
facts = st.builds(
    ScoreFacts,
    debt_service=st.none() | _percent,
    days_past_due=st.integers(0, 120),
    late_in_24_months=st.integers(0, 9),
    work=st.sampled_from(["SAME", "CHANGED", "LOST", None]),
    income_change_percent=st.none() | _percent,
    bureau=st.sampled_from(["CLEAN", "BAD", None]),
    credit_score=st.none() | st.integers(300, 900),
    loan_to_value=st.none() | _percent,
    registration=st.sampled_from(["FORMAL", "ADVANCE_NOTICE", "NOT_RECORDED", "SEIZED", "LAPSED", None]),
    condition=st.sampled_from(["GOOD", "ALTERED", "DAMAGED", None]),
    insured_days=st.none() | st.integers(-400, 400),
    area_change_percent=st.none() | _percent,
    project=st.sampled_from(["NORMAL", "SLOW", "STALLED", "ABANDONED", "BANKRUPT", "COMPLETED", "DELIVERED", None]),
    red_signals=st.integers(0, 2),
)


@given(facts)
def test_every_loan_has_a_score_that_its_kept_facts_give_again(known: ScoreFacts) -> None:
    found = score(known, DEFAULT_LINES)
    assert 0 <= found.points <= 100
    assert found.points == sum(part.points for part in found.parts)
    kept = facts_from(facts_as_json(known))
    assert kept == known
    assert score(kept, DEFAULT_LINES) == found


@given(facts, st.integers(1, 200), st.decimals(min_value=0, max_value=90, places=1))
def test_what_is_worse_never_scores_more(known: ScoreFacts, more: int, percent: Decimal) -> None:
    """A figure that moves the wrong way, where it is known, gives as many points or fewer."""
    before = score(known, DEFAULT_LINES).points
    worse = [
        replace(known, days_past_due=known.days_past_due + more),
        replace(known, late_in_24_months=known.late_in_24_months + more),
        replace(known, registration="SEIZED"),
        replace(known, work="LOST"),
        replace(known, bureau="BAD"),
        replace(known, condition="DAMAGED"),
        replace(known, project="BANKRUPT"),
    ]
    for name, sign in (("debt_service", 1), ("loan_to_value", 1), ("area_change_percent", -1),
                       ("income_change_percent", -1)):  # fmt: skip
        value = getattr(known, name)
        if value is not None:
            worse.append(replace(known, **{name: value + sign * percent}))
    if known.insured_days is not None:
        worse.append(replace(known, insured_days=known.insured_days - more))
    assert [each for each in worse if score(each, DEFAULT_LINES).points > before] == []


def test_a_policy_with_a_gap_is_refused() -> None:
    with pytest.raises(ScoreGap):
        score(BEST, [line for line in DEFAULT_LINES if line.kind != "AREA"])
    with pytest.raises(ScoreGap):
        score(ScoreFacts(), [line for line in DEFAULT_LINES if line.kind != LEVEL])
    lighter = [line for line in DEFAULT_LINES if line.kind != "AREA" or line.result["points"] != 10]
    with pytest.raises(ScoreGap):
        score(BEST, lighter)


def test_each_part_says_what_its_lines_looked_at() -> None:
    facts = replace(BEST, income_change_percent=Decimal("-50.0"))
    found = {part.code: part for part in score(facts, DEFAULT_LINES).parts}
    assert found["WORK_AND_INCOME"].inputs == {"work": "SAME", "income_change_percent": "-50"}
    line = next(line for line in DEFAULT_LINES if line.number == found["WORK_AND_INCOME"].line)
    assert line.note == "收入下降 40% 及以上"
