"""What warns of a loan: each family's worst line, with what it looked at; what stood before warns nobody."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from followups.rules.warning_facts import figures, findings
from loans.rules.calendar import Calendar
from risk.rules import signals
from risk.rules.signals import DEFAULT_LINES, LIMITS, RED, YELLOW, crossed, known_before, moved_past, warnings

D = Decimal


def codes(facts: dict[str, object], *families: str) -> list[tuple[str, int]]:
    return [(one.code, one.level) for one in warnings(facts, DEFAULT_LINES, families)]


# S2.16
@pytest.mark.parametrize(
    ("family", "facts", "expected"),
    [
        ("ARREARS", {"days_past_due": 91, "late_in_6_months": 4}, [("ARREARS_91", 1)]),
        ("ARREARS", {"days_past_due": 31, "late_in_6_months": 1}, [("ARREARS_31", 2)]),
        ("ARREARS", {"days_past_due": 1, "late_in_6_months": 2}, [("ARREARS_AGAIN", 3)]),
        ("ARREARS", {"days_past_due": 1, "late_in_6_months": 1}, []),
        ("ARREARS", {"days_past_due": 0, "late_in_6_months": 3}, []),
        ("GRADE", {"days_past_due": 0, "grade": "HIGH", "grade_before": "MEDIUM"}, [("GRADE_HIGH", 2)]),
        ("GRADE", {"days_past_due": 0, "grade": "MEDIUM", "grade_before": "LOW"}, [("GRADE_MEDIUM", 3)]),
        ("GRADE", {"days_past_due": 0, "grade": "MEDIUM", "grade_before": "HIGH"}, []),
        ("GRADE", {"days_past_due": 40, "grade": "HIGH", "grade_before": "LOW"}, []),
        ("LOAN_TO_VALUE", {"loan_to_value_crossed": D(100)}, [("LOAN_TO_VALUE_100", 1)]),
        ("LOAN_TO_VALUE", {"loan_to_value_crossed": D(90)}, [("LOAN_TO_VALUE_90", 2)]),
        ("LOAN_TO_VALUE", {"loan_to_value_crossed": D(80)}, [("LOAN_TO_VALUE_80", 3)]),
        ("LOAN_TO_VALUE", {"loan_to_value": D(95), "loan_to_value_crossed": None}, []),
        ("AREA", {"area_change_percent": D(-12), "loan_to_value": D(85), "loan_to_value_crossed": None},
         [("AREA_DOWN_10", 3)]),
        ("AREA", {"area_change_percent": D(-12), "loan_to_value": D(92), "loan_to_value_crossed": D(90)}, []),
        ("AREA", {"area_change_percent": D(-9), "loan_to_value": D(85), "loan_to_value_crossed": None}, []),
        ("INCOME", {"income_change_percent": D("-40.0")}, [("INCOME_DOWN_40", 2)]),
        ("INCOME", {"income_change_percent": D("-20.0")}, [("INCOME_DOWN_20", 3)]),
        ("INCOME", {"income_change_percent": D("-19.9")}, []),
        ("DEBT_TO_INCOME", {"debt_to_income_over": D("0.1")}, [("DEBT_TO_INCOME_OVER", 2)]),
        ("DEBT_TO_INCOME", {"debt_to_income_over": None}, []),
        ("FINDING", {"key": "fund_backflow", "now": "YES"}, [("FINDING_fund_backflow", 1)]),
        ("FINDING", {"key": "occupancy", "now": "LET"}, [("FINDING_occupancy", 3)]),
        ("EVENT", {"key": "JOB_LOSS", "event_level": 2}, [("EVENT_JOB_LOSS", 2)]),
    ],
)  # fmt: skip
def test_a_family_gives_its_worst_line(family: str, facts: dict[str, object], expected: list[Any]) -> None:
    assert codes(facts, family) == expected


def test_a_signal_says_what_its_line_looked_at() -> None:
    facts = {"income_change_percent": D("-50.0"), "income": D("9000.00"), "income_before": D("18000.00"), "other": "x"}
    (one,) = warnings(facts, DEFAULT_LINES, ("INCOME",))
    assert one.line == 10
    assert dict(one.inputs) == {"income_change_percent": "-50", "income_before": "18000", "income": "9000"}
    (finding,) = warnings({"key": "occupancy", "now": "LET"}, DEFAULT_LINES, ("FINDING",))
    assert (finding.family, dict(finding.inputs)) == ("FINDING_occupancy", {"key": "occupancy", "now": "LET"})


def test_lines_that_need_what_is_not_known_are_silent() -> None:
    families = [name for name in {line.kind for line in DEFAULT_LINES} if name not in signals.MANY]
    assert codes({"days_past_due": 0}, *families) == []


def test_limits_are_crossed_on_the_way_up_only() -> None:
    assert crossed(D("79.9"), D(80)) == D(80)
    assert crossed(D("79.9"), D("100.1")) == D(100)
    assert crossed(D("91"), D("95")) is None
    assert crossed(D("95"), D("85")) is None
    assert crossed(None, D(95)) is None
    assert moved_past(D(95), D(85), LIMITS) and not moved_past(D(91), D(95), LIMITS)


def test_what_stood_at_cut_over_warns_only_when_it_gets_worse() -> None:
    stood = warnings({"days_past_due": 40, "late_in_6_months": 2}, DEFAULT_LINES, ("ARREARS",))
    later = warnings({"days_past_due": 60, "late_in_6_months": 2}, DEFAULT_LINES, ("ARREARS",))
    worse = warnings({"days_past_due": 91, "late_in_6_months": 4}, DEFAULT_LINES, ("ARREARS",))
    assert known_before(later, stood) == ()
    assert [one.code for one in known_before(worse, stood)] == ["ARREARS_91"]
    assert known_before(later, ()) == later


def test_who_has_to_answer_by_when() -> None:
    days = Calendar.of([])
    friday = date(2026, 10, 30)
    assert signals.answer_by(RED, friday, days) == date(2026, 11, 2)
    assert signals.answer_by(YELLOW, friday, days) == date(2026, 11, 6)


def report(**more: Any) -> dict[str, Any]:
    rows = [
        {"key": "monthly_income", "state": "CHANGED", "before": "20000.00", "now": "9000.00"},
        {"key": "occupancy", "state": "FINDING", "before": "", "now": "LET"},
        {"key": "event_7", "state": "FINDING", "before": "", "now": "CONFIRMED"},
        {"key": "event_8", "state": "ANSWERED", "before": "", "now": "NOT_CONFIRMED"},
    ]
    ratio = {"code": "debt_to_income", "before": "39.2", "after": "75.0", "limit": "60.0", "is_over": True}
    return {
        "income_change_percent": "-55.0",
        "ratios": [{**ratio, **more}],
        "sections": [{"items": rows}],
        "conclusion": {"reasons": ["income_dropped", "finding:occupancy", "finding:event_7"]},
    }


def test_a_report_warns_of_what_is_new_in_it() -> None:
    facts = figures(report())
    assert facts["debt_to_income_over"] == D("15.0") and facts["income_before"] == D("20000.00")
    assert findings(report(), [(7, "JOB_LOSS"), (8, "MARITAL")]) == [
        {"key": "occupancy", "now": "LET"}, {"key": "JOB_LOSS", "event_level": 2},
    ]  # fmt: skip


def test_a_ratio_that_has_long_been_over_warns_nobody_again() -> None:
    assert figures(report(before="70.0"))["debt_to_income_over"] is None
    assert figures(report(before=""))["debt_to_income_over"] == D("15.0")
