"""The default grade policy, line by line, and that worse facts never give a better grade."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.rules.grading import DEFAULT_LINES, GradeFacts, NoLineMatches, grade

CLEAN = GradeFacts(credit_score=720, loan_to_value=Decimal("60.0"), days_past_due=0, late_in_24_months=0)
ORDER = {"LOW": 0, "MEDIUM": 1, "HIGH": 2}


@pytest.mark.parametrize(
    ("change", "level", "line"),
    [
        ({}, "LOW", 10),
        ({"days_past_due": 31}, "HIGH", 1),
        ({"days_past_due": 1}, "MEDIUM", 5),
        ({"loan_to_value": Decimal("100.0")}, "HIGH", 2),
        ({"loan_to_value": Decimal("99.9")}, "MEDIUM", 6),
        ({"loan_to_value": Decimal("79.9")}, "LOW", 10),
        ({"late_in_24_months": 6}, "HIGH", 3),
        ({"late_in_24_months": 2}, "MEDIUM", 7),
        ({"credit_score": 599, "loan_to_value": Decimal("90.0")}, "HIGH", 4),
        ({"credit_score": 599}, "MEDIUM", 8),
        ({"credit_score": None}, "MEDIUM", 9),
        ({"loan_to_value": None}, "LOW", 10),
    ],
)
def test_the_default_policy_grades(change: dict, level: str, line: int) -> None:
    result = grade(replace(CLEAN, **change), DEFAULT_LINES)
    assert (result.level, result.line) == (level, line)


facts = st.builds(
    GradeFacts,
    credit_score=st.one_of(st.none(), st.integers(300, 900)),
    loan_to_value=st.one_of(st.none(), st.decimals("0", "300", places=1)),
    days_past_due=st.integers(0, 400),
    late_in_24_months=st.integers(0, 24),
)


@given(facts, st.integers(0, 100), st.integers(0, 10), st.decimals("0", "50", places=1))
def test_worse_facts_never_give_a_better_grade(start: GradeFacts, days: int, late: int, ratio: Decimal) -> None:
    worse = replace(
        start,
        days_past_due=start.days_past_due + days,
        late_in_24_months=start.late_in_24_months + late,
        loan_to_value=None if start.loan_to_value is None else start.loan_to_value + ratio,
    )
    assert ORDER[grade(worse, DEFAULT_LINES).level] >= ORDER[grade(start, DEFAULT_LINES).level]


def test_a_policy_with_a_gap_is_named() -> None:
    with pytest.raises(NoLineMatches):
        grade(CLEAN, DEFAULT_LINES[:-1])
