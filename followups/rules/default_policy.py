"""Decides the follow-up policy that a new bank starts with: version 1, as data.

The numbers come from a workload simulation: with three human first visits and a visit on the first
day of every arrears an officer would need 17 hours a week, with these lines 5.5. Kinds of lines:

- FIRST_NODES   on which days after disbursement a loan is looked at, and when the window opens
- FIRST_TALK    by which of those days one look is a talk with the borrower
- FIRST_METHOD  how that talk is held
- OVERDUE       what an overdue loan asks for; only the worst step that holds is wanted
- PERIODIC      the cycle and the rotation of methods, most severe tier first, no gap at the end
- CYCLE_BOUNDS  the least and most months of a cycle, whatever the tier says; a loan may have none

A result's `methods` are taken in turn, cycle by cycle, from an offset that differs by loan, so
that "one year in five by phone" is a fifth of the book every year.
"""

from people.rules.policy import Condition, Line

VERSION = 1
NAME = "默认回访策略"

FIRST_NODES, FIRST_TALK, FIRST_METHOD, OVERDUE, PERIODIC, CYCLE_BOUNDS = (
    "FIRST_NODES",
    "FIRST_TALK",
    "FIRST_METHOD",
    "OVERDUE",
    "PERIODIC",
    "CYCLE_BOUNDS",
)
KINDS = (FIRST_NODES, FIRST_TALK, FIRST_METHOD, OVERDUE, PERIODIC, CYCLE_BOUNDS)

_LARGE = Condition("principal_original", ">=", "3000000.00")
_HIGH = Condition("grade", "=", "HIGH")
_OFF_PHONE = ["OFF_SITE", "PHONE"]
# A fifth of the book a year is spoken with or answers by itself, in turn.
_OFF_SITE_FOUR_TIMES = ["OFF_SITE"] * 4
_TWO_CALLS_ONE_VISIT = ["PHONE", "PHONE", "FIELD"]
# Every six months for four years; the field visit is the last of the eight.
_FIELD_EVERY_FOURTH_YEAR = [*_OFF_PHONE, *_OFF_PHONE, *_OFF_PHONE, "OFF_SITE", "FIELD"]


def _step(rule: str, method: str, level: str, limit_workdays: int, from_day: int, **more: object) -> dict[str, object]:
    return {
        "rule": rule,
        "method": method,
        "level": level,
        "limit_workdays": limit_workdays,
        "from_day": from_day,
        **more,
    }


def _tier(name: str, months: int, methods: list[str], **more: object) -> dict[str, object]:
    return {"tier": name, "months": months, "methods": methods, **more}


def _days_past_due(op: str, days: int) -> Condition:
    return Condition("days_past_due", op, days)


def _loan_to_value(op: str, percent: str) -> Condition:
    return Condition("loan_to_value", op, percent)


LINES: tuple[Line, ...] = (
    Line(
        1,
        FIRST_NODES,
        (),
        {"days": [30, 60, 90], "opens_day": 15},
        "放款后第30、60、90天各检查一次，其中一次与借款人面谈或通话",
    ),
    Line(2, FIRST_TALK, (_HIGH,), {"days": 30}, "高风险：30天内通话"),
    Line(3, FIRST_TALK, (Condition("grade", "=", "MEDIUM"),), {"days": 60}, "中风险：60天内通话"),
    Line(4, FIRST_TALK, (Condition("grade", "=", "LOW"),), {"days": 90}, "低风险：90天内通话"),
    Line(5, FIRST_TALK, (), {"days": 30}, "未评级：按高风险，30天内通话"),
    Line(
        6,
        FIRST_METHOD,
        (_HIGH,),
        {"method": "FIELD", "checklist": "CAPACITY"},
        "高风险：首次回访实地走访，偿债能力加查",
    ),
    Line(7, FIRST_METHOD, (_LARGE,), {"method": "FIELD"}, "贷款金额300万元及以上：首次回访实地走访"),
    Line(
        8,
        FIRST_METHOD,
        (Condition("is_owner_occupied", "=", False),),
        {"method": "FIELD"},
        "非自住：首次回访实地走访",
    ),
    Line(
        9,
        FIRST_METHOD,
        (Condition("is_delivered", "=", False),),
        {"method": "FIELD", "checklist": "OFF_PLAN"},
        "房屋未交付：首次回访实地走访，核实工程进度",
    ),
    Line(
        10,
        FIRST_METHOD,
        (Condition("sample_percentile", "<", 10),),
        {"method": "FIELD"},
        "抽样10%：首次回访实地走访",
    ),
    Line(11, FIRST_METHOD, (), {"method": "PHONE"}, "其余首次回访：电话"),
    Line(
        12,
        OVERDUE,
        (_days_past_due(">=", 91),),
        _step("OVERDUE_91", "FIELD", "RED", 2, 91),
        "逾期91天及以上：红色，2个工作日内实地走访",
    ),
    Line(
        13,
        OVERDUE,
        (_days_past_due(">=", 31),),
        _step("OVERDUE_31", "FIELD", "ORANGE", 3, 31),
        "逾期31至90天：橙色，3个工作日内实地走访",
    ),
    Line(
        14,
        OVERDUE,
        (_days_past_due(">=", 8),),
        _step("OVERDUE_8", "PHONE", "YELLOW", 5, 8),
        "逾期8天：黄色，5个工作日内不定期回访",
    ),
    Line(
        15,
        OVERDUE,
        (_days_past_due(">=", 1), Condition("late_in_6_months", ">=", 2)),
        _step("OVERDUE_8", "PHONE", "YELLOW", 5, 1),
        "6个月内第二次逾期：黄色，5个工作日内不定期回访",
    ),
    Line(
        16,
        OVERDUE,
        (_days_past_due(">=", 1),),
        _step("OVERDUE_1", "PHONE", "YELLOW", 5, 1, is_light=True, call_list_from=4),
        "逾期第1天：逾期跟踪，第4天列入电话名单，还清即自动办结",
    ),
    Line(
        17,
        PERIODIC,
        (_days_past_due(">", 90),),
        _tier("OVER_90", 6, ["FIELD"]),
        "逾期90天以上：转清收，每半年实地走访",
    ),
    Line(
        18,
        PERIODIC,
        (_days_past_due(">=", 31),),
        _tier("OVER_30", 2, _TWO_CALLS_ONE_VISIT),
        "逾期31至90天：每年4次电话、2次实地",
    ),
    Line(
        19,
        PERIODIC,
        (_HIGH,),
        _tier("HIGH_RISK", 4, _TWO_CALLS_ONE_VISIT, checklist="CAPACITY"),
        "高风险：每年2次电话、1次实地",
    ),
    Line(
        20,
        PERIODIC,
        (_loan_to_value(">=", "90"),),
        _tier("LOAN_TO_VALUE_90", 6, _FIELD_EVERY_FOURTH_YEAR),
        "抵押率90%及以上：每半年非现场与电话轮换，第四年实地",
    ),
    Line(
        21,
        PERIODIC,
        (Condition("late_in_24_months", ">=", 2), _loan_to_value(">=", "80")),
        _tier("LATE_AND_LOAN_TO_VALUE_80", 6, _FIELD_EVERY_FOURTH_YEAR),
        "有逾期史且抵押率80%及以上：每半年非现场与电话轮换，第四年实地",
    ),
    Line(
        22,
        PERIODIC,
        (Condition("months_on_book", "<", 24),),
        _tier("YOUNG", 12, _OFF_PHONE),
        "账龄不满24个月：每年一次，非现场与电话轮换",
    ),
    Line(23, PERIODIC, (_LARGE,), _tier("LARGE", 12, _OFF_PHONE), "贷款金额300万元及以上：每年一次，非现场与电话轮换"),
    Line(
        24,
        PERIODIC,
        (_loan_to_value(">=", "80"),),
        _tier("LOAN_TO_VALUE_80", 12, _OFF_PHONE),
        "抵押率80%及以上：每年一次，非现场与电话轮换",
    ),
    Line(
        25,
        PERIODIC,
        (_loan_to_value("<", "80"),),
        _tier("CLEAN", 12, [*_OFF_SITE_FOUR_TIMES, "PHONE", *_OFF_SITE_FOUR_TIMES, "SELF_SERVICE"]),
        "清洁类：每年非现场，其中轮换20%电话或自助",
    ),
    Line(
        26,
        PERIODIC,
        (),
        _tier("LOAN_TO_VALUE_UNKNOWN", 12, _OFF_PHONE),
        "抵押率未知（未记录估值）：每年一次，非现场与电话轮换",
    ),
)
