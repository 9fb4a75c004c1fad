"""Policy lines: which condition holds, which line wins, what a missing fact does."""

from decimal import Decimal

import pytest

from people.rules.policy import Condition, Line, PolicyError, conditions_as_json, first_match, line_from

FACTS = {"loan_to_value": Decimal("90.0"), "credit_score": 640, "grade": "HIGH", "unknown": None}


@pytest.mark.parametrize(
    ("fact", "op", "value", "holds"),
    [
        ("loan_to_value", ">=", "90", True),
        ("loan_to_value", ">", "90.0", False),
        ("loan_to_value", "<", "90.1", True),
        ("credit_score", "<=", 640, True),
        ("credit_score", "=", 640, True),
        ("grade", "=", "HIGH", True),
        ("grade", "!=", "HIGH", False),
        ("grade", "in", ["LOW", "HIGH"], True),
        ("unknown", ">=", 1, False),
        ("unknown", "<", 1, False),
        ("unknown", "is_missing", None, True),
        ("grade", "is_missing", None, False),
        ("never_heard_of", "=", 1, False),
    ],
)
def test_a_condition_compares_as_written(fact: str, op: str, value: object, holds: bool) -> None:
    assert Condition(fact, op, value).holds(FACTS) is holds


def test_the_first_matching_line_of_the_kind_wins() -> None:
    lines = [
        Line(1, "OTHER", ()),
        Line(2, "GRADE", (Condition("credit_score", "<", 600),)),
        Line(3, "GRADE", (Condition("loan_to_value", ">=", "80"),)),
        Line(4, "GRADE", ()),
    ]
    found = first_match(lines, "GRADE", FACTS)
    assert found is not None
    assert found.number == 3


def test_no_line_matches_when_there_is_a_gap() -> None:
    assert first_match([Line(1, "GRADE", (Condition("grade", "=", "LOW"),))], "GRADE", FACTS) is None


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(PolicyError):
        Condition("grade", "~", "x")


def test_a_line_survives_storage() -> None:
    line = Line(7, "GRADE", (Condition("loan_to_value", ">=", "80"),), {"level": "HIGH"}, "note")
    assert line_from(7, "GRADE", conditions_as_json(line), dict(line.result), "note") == line


def test_a_value_that_is_no_number_is_named() -> None:
    with pytest.raises(PolicyError, match="not a number"):
        Condition("loan_to_value", ">=", "ninety").holds(FACTS)
