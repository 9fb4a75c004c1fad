"""The grade of a loan (low, medium, high) by ordered policy lines, with the line that decided."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from people.rules.policy import Condition, Line, first_match

KIND = "RISK_GRADE"


@dataclass(frozen=True)
class GradeFacts:
    """What is at hand of a loan. Percentages with four decimals, cut; None where it was never recorded."""

    credit_score: int | None
    loan_to_value: Decimal | None
    days_past_due: int
    late_in_24_months: int


@dataclass(frozen=True)
class Graded:
    """The level with the policy line that gave it."""

    level: str
    line: int


class NoLineMatches(Exception):
    """A grade policy must end with a line without conditions."""


def grade(facts: GradeFacts, lines: Sequence[Line]) -> Graded:
    """The grade of the first line that matches; NoLineMatches when the policy has a gap."""
    line = first_match(lines, KIND, asdict(facts))
    if line is None:
        raise NoLineMatches(f"no line for {facts}")
    return Graded(level=str(line.result["level"]), line=line.number)


def _line(number: int, level: str, note: str, *conditions: Condition) -> Line:
    return Line(number, KIND, conditions, {"level": level}, note)


DEFAULT_LINES: tuple[Line, ...] = (
    _line(1, "HIGH", "逾期 31 天及以上", Condition("days_past_due", ">=", 31)),
    _line(2, "HIGH", "抵押率 100% 及以上", Condition("loan_to_value", ">=", "100")),
    _line(3, "HIGH", "近 24 个月逾期 6 次及以上", Condition("late_in_24_months", ">=", 6)),
    _line(
        4,
        "HIGH",
        "信用评分低于 600 且抵押率 90% 及以上",
        Condition("credit_score", "<", 600),
        Condition("loan_to_value", ">=", "90"),
    ),
    _line(5, "MEDIUM", "当前逾期", Condition("days_past_due", ">=", 1)),
    _line(6, "MEDIUM", "抵押率 80% 及以上", Condition("loan_to_value", ">=", "80")),
    _line(7, "MEDIUM", "近 24 个月逾期 2 次及以上", Condition("late_in_24_months", ">=", 2)),
    _line(8, "MEDIUM", "信用评分低于 640", Condition("credit_score", "<", 640)),
    _line(9, "MEDIUM", "信用评分未记录", Condition("credit_score", "is_missing")),
    _line(10, "LOW", "其余"),
)
