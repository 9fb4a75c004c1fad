"""Which facts warn of a loan: ordered policy lines over what is known, with the line and the inputs that decided.

Each family of lines gives at most one signal: its first line that matches, the most severe first. Whoever gathers the
facts gives only those that are new (a ratio that rose past its limit, a limit that a valuation crossed), so that what
has long been so warns nobody twice; `known_before` leaves out what stood already when a book was taken over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from loans.rules.calendar import Calendar
from people.rules.policy import Condition, Line

YELLOW, ORANGE, RED = 3, 2, 1
# Workdays within which somebody has to say what is true of a signal, by its level.
ANSWER_WORKDAYS: Final[Mapping[int, int]] = {YELLOW: 5, ORANGE: 3, RED: 1}

ARREARS, GRADE, VALUE, AREA = "ARREARS", "GRADE", "LOAN_TO_VALUE", "AREA"
INCOME, PAYMENT, DEBT, FINDING, EVENT = "INCOME", "PAYMENT_TO_INCOME", "DEBT_TO_INCOME", "FINDING", "EVENT"
# Facts of one finding or event each: they stand beside others of their family.
MANY: Final = frozenset({FINDING, EVENT})
LIMITS: Final = (Decimal(100), Decimal(90), Decimal(80))


@dataclass(frozen=True, slots=True)
class Warned:
    """A signal that a line gives: `family` holds at most one open signal a loan."""

    family: str
    code: str
    level: int
    line: int
    inputs: Mapping[str, str]


def warnings(facts: Mapping[str, object], lines: Sequence[Line], families: Iterable[str]) -> tuple[Warned, ...]:
    """The first matching line of each family."""
    found = []
    for family in families:
        line = next((line for line in lines if line.kind == family and line.matches(facts)), None)
        if line is None:
            continue
        key = str(facts["key"]) if family in MANY else ""
        code = str(line.result["code"]).replace("*", key)
        found.append(
            Warned(f"{family}_{key}" if key else family, code, int(line.result["level"]), line.number,
                   _inputs(facts, line))
        )  # fmt: skip
    return tuple(found)


def _inputs(facts: Mapping[str, object], line: Line) -> dict[str, str]:
    """What the line looked at, and what its result says is to be shown with it; all as text."""
    names = [condition.fact for condition in line.conditions] + list(line.result.get("shows", ()))
    if line.kind in MANY:
        names.append("key")
    return {name: _text(facts[name]) for name in dict.fromkeys(names) if facts.get(name) is not None}


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def crossed(before: Decimal | None, after: Decimal) -> Decimal | None:
    """The worst limit that the ratio reached on its way up; None when it passed none or was not known before."""
    if before is None:
        return None
    return next((limit for limit in LIMITS if before < limit <= after), None)


def moved_past(before: Decimal, after: Decimal, limits: Iterable[Decimal]) -> bool:
    """Did the ratio pass any of the limits, in either direction?"""
    return any((before >= limit) != (after >= limit) for limit in limits)


def known_before(warned: Iterable[Warned], stood: Iterable[Warned]) -> tuple[Warned, ...]:
    """Those that are worse than what stood at cut-over."""
    levels = {one.family: one.level for one in stood}
    return tuple(one for one in warned if one.level < levels.get(one.family, 9))


def answer_by(level: int, today: date, calendar: Calendar) -> date:
    """Until when somebody has to say what is true of it."""
    return calendar.add_workdays(today, ANSWER_WORKDAYS[level])


def _line(number: int, family: str, code: str, level: int, note: str, *conditions: Condition, shows: Any = ()) -> Line:
    return Line(number, family, conditions, {"code": code, "level": level, "shows": list(shows)}, note)


_RATIOS: Final = ("{0}", "{0}_before", "{0}_limit")
_LTV: Final = ("loan_to_value", "loan_to_value_before", "value", "value_before", "valued_on", "area")
# Findings of a visit that a bank acts on at once; every other remarkable answer is yellow.
_RED_FINDINGS: Final = ("fund_backflow", "seizure")

DEFAULT_LINES: Final[tuple[Line, ...]] = (
    _line(1, ARREARS, "ARREARS_91", RED, "逾期超过90天", Condition("days_past_due", ">=", 91),
          shows=("overdue_since",)),
    _line(2, ARREARS, "ARREARS_31", ORANGE, "逾期31天及以上", Condition("days_past_due", ">=", 31),
          shows=("overdue_since",)),
    _line(3, ARREARS, "ARREARS_AGAIN", YELLOW, "6个月内第二次逾期", Condition("days_past_due", ">=", 1),
          Condition("late_in_6_months", ">=", 2), shows=("overdue_since",)),
    _line(4, GRADE, "GRADE_HIGH", ORANGE, "未逾期而风险等级升为高", Condition("days_past_due", "=", 0),
          Condition("grade", "=", "HIGH"), Condition("grade_before", "in", ["LOW", "MEDIUM"]),
          shows=("credit_score", "loan_to_value", "late_in_24_months")),
    _line(5, GRADE, "GRADE_MEDIUM", YELLOW, "未逾期而风险等级由低升为中", Condition("days_past_due", "=", 0),
          Condition("grade", "=", "MEDIUM"), Condition("grade_before", "=", "LOW"),
          shows=("credit_score", "loan_to_value", "late_in_24_months")),
    _line(6, VALUE, "LOAN_TO_VALUE_100", RED, "估值后抵押率升破100%",
          Condition("loan_to_value_crossed", ">=", "100"), shows=_LTV),
    _line(7, VALUE, "LOAN_TO_VALUE_90", ORANGE, "估值后抵押率升破90%",
          Condition("loan_to_value_crossed", ">=", "90"), shows=_LTV),
    _line(8, VALUE, "LOAN_TO_VALUE_80", YELLOW, "估值后抵押率升破80%",
          Condition("loan_to_value_crossed", ">=", "80"), shows=_LTV),
    _line(9, AREA, "AREA_DOWN_10", YELLOW, "区域估值下降10%以上，抵押率已在80%以上而未升破下一档",
          Condition("area_change_percent", "<=", "-10"), Condition("loan_to_value", ">=", "80"),
          Condition("loan_to_value_crossed", "is_missing"), shows=_LTV),
    _line(10, INCOME, "INCOME_DOWN_40", ORANGE, "家庭月收入下降40%及以上",
          Condition("income_change_percent", "<=", "-40"), shows=("income_before", "income")),
    _line(11, INCOME, "INCOME_DOWN_20", YELLOW, "家庭月收入下降20%及以上",
          Condition("income_change_percent", "<=", "-20"), shows=("income_before", "income")),
    _line(12, DEBT, "DEBT_TO_INCOME_OVER", ORANGE, "总负债收入比升破限额", Condition("debt_to_income_over", ">", "0"),
          shows=[name.format("debt_to_income") for name in _RATIOS]),
    _line(13, PAYMENT, "PAYMENT_TO_INCOME_OVER", ORANGE, "月供收入比升破限额",
          Condition("payment_to_income_over", ">", "0"), shows=[name.format("payment_to_income") for name in _RATIOS]),
    _line(14, FINDING, "FINDING_*", RED, "回访发现资金回流或查封", Condition("key", "in", list(_RED_FINDINGS)),
          shows=("now",)),
    _line(15, FINDING, "FINDING_*", YELLOW, "回访发现异常情形", Condition("key", "!=", ""), shows=("now",)),
    _line(16, EVENT, "EVENT_*", RED, "回访核实属实的红色事项", Condition("event_level", "=", RED)),
    _line(17, EVENT, "EVENT_*", ORANGE, "回访核实属实的橙色事项", Condition("event_level", "=", ORANGE)),
    _line(18, EVENT, "EVENT_*", YELLOW, "回访核实属实的黄色事项", Condition("event_level", "=", YELLOW)),
)  # fmt: skip
