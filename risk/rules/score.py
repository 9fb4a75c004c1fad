"""The composite risk score of a loan (综合评分): points of ten parts by ordered policy lines, 0 to 100, more is safer.

Borrower 50, collateral 30, environment 20 (domain 4). Each part is a family of lines of which the first that matches
gives the points; what a part can give at most is its weight. Lines of LEVEL then say what the sum means; whatever the
sum, an open red signal is high risk. The facts, the version and the line of each part are enough to score again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Final

from people.rules.policy import Condition, Line, first_match

BORROWER, COLLATERAL, ENVIRONMENT, LEVEL = "BORROWER", "COLLATERAL", "ENVIRONMENT", "LEVEL"
DEBT_SERVICE, PAYMENT_RECORD, WORK_AND_INCOME, BUREAU = "DEBT_SERVICE", "PAYMENT_RECORD", "WORK_AND_INCOME", "BUREAU"
LOAN_TO_VALUE, REGISTRATION, CONDITION, INSURANCE = "LOAN_TO_VALUE", "REGISTRATION", "CONDITION", "INSURANCE"
AREA, PROJECT = "AREA", "PROJECT"
# Part → what it is about, in the order in which a report shows them.
PARTS: Final[Mapping[str, str]] = {
    DEBT_SERVICE: BORROWER, PAYMENT_RECORD: BORROWER, WORK_AND_INCOME: BORROWER, BUREAU: BORROWER,
    LOAN_TO_VALUE: COLLATERAL, REGISTRATION: COLLATERAL, CONDITION: COLLATERAL, INSURANCE: COLLATERAL,
    AREA: ENVIRONMENT, PROJECT: ENVIRONMENT,
}  # fmt: skip
WHOLE: Final = 100
# Below is medium, and high; the lines that a page draws. They stand in the LEVEL lines of the default policy too.
LOW_FROM, MEDIUM_FROM = 80, 60


@dataclass(frozen=True, slots=True)
class ScoreFacts:
    """What is known of a loan; None is unknown, which is not zero. Percentages as they are shown elsewhere."""

    # All debt service against income, or the installment alone where other debts are unknown.
    debt_service: Decimal | None = None
    days_past_due: int = 0
    late_in_24_months: int = 0
    # SAME, CHANGED or LOST; income in percent of what it was.
    work: str | None = None
    income_change_percent: Decimal | None = None
    # CLEAN or BAD, as the bureau said last; and the score the loan was granted with.
    bureau: str | None = None
    credit_score: int | None = None
    loan_to_value: Decimal | None = None
    # FORMAL, ADVANCE_NOTICE, NOT_RECORDED or LAPSED; SEIZED where somebody else has laid hands on it.
    registration: str | None = None
    condition: str | None = None
    insured_days: int | None = None
    # Of the area's index, over six months.
    area_change_percent: Decimal | None = None
    # NORMAL, SLOW, STALLED, ABANDONED, COMPLETED, DELIVERED or BANKRUPT; of a home that stands: DELIVERED.
    project: str | None = None
    red_signals: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one part gave, of how much, by which line, and what the line looked at."""

    code: str
    points: int
    most: int
    line: int
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scored:
    points: int
    level: str
    # Red signals made it high, whatever the points.
    is_forced: bool
    parts: tuple[Part, ...]


class ScoreGap(Exception):
    """A score policy must have a last line without conditions for every part, and weights of 100 together."""


def score(facts: ScoreFacts, lines: Sequence[Line]) -> Scored:
    """The parts with their points and the level; ScoreGap when the policy leaves something open."""
    known = asdict(facts)
    parts = tuple(_part(code, known, lines) for code in PARTS)
    if sum(part.most for part in parts) != WHOLE:
        raise ScoreGap(f"weights of {sum(part.most for part in parts)}")
    points = sum(part.points for part in parts)
    level = _line(LEVEL, {**known, "points": points}, lines)
    return Scored(points, str(level.result["level"]), bool(level.result.get("is_forced")), parts)


def _part(code: str, known: Mapping[str, object], lines: Sequence[Line]) -> Part:
    line = _line(code, known, lines)
    most = max(int(each.result["points"]) for each in lines if each.kind == code)
    names = dict.fromkeys(condition.fact for each in lines if each.kind == code for condition in each.conditions)
    inputs = {name: text_of(known[name]) for name in names if known[name] is not None}
    return Part(code, int(line.result["points"]), most, line.number, inputs)


def _line(kind: str, known: Mapping[str, object], lines: Sequence[Line]) -> Line:
    line = first_match(lines, kind, known)
    if line is None:
        raise ScoreGap(f"no line of {kind} for {known}")
    return line


def text_of(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def facts_as_json(facts: ScoreFacts) -> dict[str, str | None]:
    """The facts as they are kept with a score."""
    return {name: None if value is None else text_of(value) for name, value in asdict(facts).items()}


def facts_from(kept: Mapping[str, str | None]) -> ScoreFacts:
    """The facts of a kept score, to score it again."""
    found: dict[str, Any] = {}
    for field in fields(ScoreFacts):
        text = kept.get(field.name)
        if text is None:
            continue
        kind = str(field.type)
        found[field.name] = Decimal(text) if "Decimal" in kind else int(text) if "int" in kind else text
    return ScoreFacts(**found)


def _is(fact: str, op: str, value: Any = None) -> Condition:
    return Condition(fact, op, value)


def _lines(*rows: tuple[str, int, str, tuple[Condition, ...]]) -> tuple[Line, ...]:
    return tuple(
        Line(number, kind, conditions, {"points": points}, note)
        for number, (kind, points, note, conditions) in enumerate(rows, 1)
    )


_GIVEN: Final = _lines(
    (DEBT_SERVICE, 8, "收入或负债未知", (_is("debt_service", "is_missing"),)),
    (DEBT_SERVICE, 15, "35% 及以下", (_is("debt_service", "<=", "35"),)),
    (DEBT_SERVICE, 12, "45% 及以下", (_is("debt_service", "<=", "45"),)),
    (DEBT_SERVICE, 8, "55% 及以下", (_is("debt_service", "<=", "55"),)),
    (DEBT_SERVICE, 4, "70% 及以下", (_is("debt_service", "<=", "70"),)),
    (DEBT_SERVICE, 0, "70% 以上", ()),
    (PAYMENT_RECORD, 0, "逾期 31 天及以上", (_is("days_past_due", ">=", 31),)),
    (PAYMENT_RECORD, 3, "24 个月内逾期 6 次及以上", (_is("late_in_24_months", ">=", 6),)),
    (PAYMENT_RECORD, 6, "当前逾期", (_is("days_past_due", ">=", 1),)),
    (PAYMENT_RECORD, 10, "24 个月内逾期 3 次及以上", (_is("late_in_24_months", ">=", 3),)),
    (PAYMENT_RECORD, 16, "24 个月内曾逾期", (_is("late_in_24_months", ">=", 1),)),
    (PAYMENT_RECORD, 20, "24 个月内无逾期", ()),
    (WORK_AND_INCOME, 0, "失业", (_is("work", "=", "LOST"),)),
    (WORK_AND_INCOME, 0, "收入下降 40% 及以上", (_is("income_change_percent", "<=", "-40"),)),
    (WORK_AND_INCOME, 4, "收入下降 20% 及以上", (_is("income_change_percent", "<=", "-20"),)),
    (WORK_AND_INCOME, 7, "工作变动", (_is("work", "=", "CHANGED"),)),
    (WORK_AND_INCOME, 5, "就业与收入未知", (_is("work", "is_missing"),)),
    (WORK_AND_INCOME, 10, "就业与收入稳定", ()),
    (BUREAU, 0, "征信有不良", (_is("bureau", "=", "BAD"),)),
    (BUREAU, 5, "征信无不良", (_is("bureau", "=", "CLEAN"),)),
    (BUREAU, 5, "信用评分 720 及以上", (_is("credit_score", ">=", 720),)),
    (BUREAU, 3, "信用评分 640 及以上", (_is("credit_score", ">=", 640),)),
    (BUREAU, 2, "征信未知", (_is("credit_score", "is_missing"),)),
    (BUREAU, 1, "信用评分 640 以下", ()),
    (LOAN_TO_VALUE, 5, "押品价值未知", (_is("loan_to_value", "is_missing"),)),
    (LOAN_TO_VALUE, 15, "60% 以下", (_is("loan_to_value", "<", "60"),)),
    (LOAN_TO_VALUE, 12, "70% 以下", (_is("loan_to_value", "<", "70"),)),
    (LOAN_TO_VALUE, 9, "80% 以下", (_is("loan_to_value", "<", "80"),)),
    (LOAN_TO_VALUE, 5, "90% 以下", (_is("loan_to_value", "<", "90"),)),
    (LOAN_TO_VALUE, 2, "100% 以下", (_is("loan_to_value", "<", "100"),)),
    (LOAN_TO_VALUE, 0, "100% 及以上", ()),
    (REGISTRATION, 0, "查封或登记失效", (_is("registration", "in", ["SEIZED", "LAPSED"]),)),
    (REGISTRATION, 8, "正式抵押", (_is("registration", "=", "FORMAL"),)),
    (REGISTRATION, 5, "预告登记", (_is("registration", "=", "ADVANCE_NOTICE"),)),
    (REGISTRATION, 2, "登记未知", ()),
    (CONDITION, 4, "完好", (_is("condition", "=", "GOOD"),)),
    (CONDITION, 3, "有改建", (_is("condition", "=", "ALTERED"),)),
    (CONDITION, 0, "有损坏", (_is("condition", "=", "DAMAGED"),)),
    (CONDITION, 2, "房屋状况未知", ()),
    (INSURANCE, 1, "保险未知", (_is("insured_days", "is_missing"),)),
    (INSURANCE, 3, "保险有效", (_is("insured_days", ">=", 0),)),
    (INSURANCE, 0, "保险已到期", ()),
    (AREA, 5, "区域无指数", (_is("area_change_percent", "is_missing"),)),
    (AREA, 10, "半年降幅小于 2%", (_is("area_change_percent", ">", "-2"),)),
    (AREA, 7, "半年降幅小于 5%", (_is("area_change_percent", ">", "-5"),)),
    (AREA, 3, "半年降幅小于 10%", (_is("area_change_percent", ">", "-10"),)),
    (AREA, 0, "半年降幅 10% 及以上", ()),
    (PROJECT, 0, "烂尾或开发商破产", (_is("project", "in", ["ABANDONED", "BANKRUPT"]),)),
    (PROJECT, 2, "停工", (_is("project", "=", "STALLED"),)),
    (PROJECT, 6, "进度缓慢", (_is("project", "=", "SLOW"),)),
    (PROJECT, 9, "正常在建", (_is("project", "=", "NORMAL"),)),
    (PROJECT, 10, "已竣工或已交付", (_is("project", "in", ["COMPLETED", "DELIVERED"]),)),
    (PROJECT, 5, "楼盘状态未知", ()),
)
DEFAULT_LINES: Final[tuple[Line, ...]] = (
    *_GIVEN,
    Line(
        len(_GIVEN) + 1, LEVEL, (_is("red_signals", ">=", 1),), {"level": "HIGH", "is_forced": True}, "有未结红色预警"
    ),
    Line(len(_GIVEN) + 2, LEVEL, (_is("points", ">=", LOW_FROM),), {"level": "LOW"}, "80 分及以上"),
    Line(len(_GIVEN) + 3, LEVEL, (_is("points", ">=", MEDIUM_FROM),), {"level": "MEDIUM"}, "60 分及以上"),
    Line(len(_GIVEN) + 4, LEVEL, (), {"level": "HIGH"}, "60 分以下"),
)
