"""The parts of a new bank's seed, each idempotent: what is there already is left alone."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import chinese_calendar
import holidays
from psycopg2.extras import DateRange

from correspondence.batch import install_first_templates
from followups.actions import install_default_checklist, install_response_measures
from followups.batch import install_default_policy as install_follow_up_policy
from followups.batch.regulations import install_regulations
from loans.actions.pricing import price_book
from loans.models import LprRate, Parameter, Workday
from people.actions import install_roles, root_branch
from risk.batch import install_default_policy as install_grade_policy
from risk.batch import install_score_policy, install_signal_policy

FIRST_YEAR, LAST_YEAR = 2020, 2035
_D = date
# (code, value, from, to, source): domain 2.11. Percentages and amounts as strings.
PARAMETERS: tuple[tuple[str, object, date, date | None, str], ...] = (
    ("max_term_months", 360, _D(2004, 1, 1), _D(2026, 8, 28), "个人住房贷款管理办法 1998"),
    ("max_term_months", 480, _D(2026, 8, 28), None, "银发〔2026〕171号"),
    ("max_first_period_days", 92, _D(2000, 1, 1), None, "本行默认：放款至首个还款日最多天数"),
    ("pti_housing_max", "50.0", _D(2004, 1, 1), None, "银监发〔2004〕57号"),
    ("pti_total_max", "55.0", _D(2004, 1, 1), _D(2026, 8, 28), "银监发〔2004〕57号"),
    ("pti_total_max", "60.0", _D(2026, 8, 28), None, "个人住房贷款管理办法（试行）2026 第10条"),
    ("ltv_alerts", {"yellow": "80.0", "orange": "90.0", "red": "100.0"}, _D(2000, 1, 1), None, "本行默认"),
    ("revaluation_max_months", 12, _D(2017, 1, 1), None, "银监发〔2017〕16号"),
    ("advance_notice_days", 90, _D(2021, 1, 1), None, "民法典 221"),
    ("grace_days", 3, _D(2000, 1, 1), None, "合同默认"),
    ("penalty_multiplier_overdue", "1.5", _D(2004, 1, 1), None, "银发〔2003〕251号：1.3 至 1.5 倍；合同默认"),
    ("penalty_multiplier_misuse", "2.0", _D(2004, 1, 1), None, "银发〔2003〕251号：1.5 至 2 倍；合同默认"),
    ("principal_first_dpd", 90, _D(2000, 1, 1), None, "合同默认：逾期超过 90 天先还本金"),
    (
        "allocation_order",
        ["penalty", "compound", "interest", "principal"],
        _D(2000, 1, 1),
        None,
        "合同默认：费用、罚息、复利、利息、本金",
    ),
    ("non_accrual_dpd", 90, _D(2000, 1, 1), None, "逾期超过 90 天利息转表外"),
    (
        "contract_fees",
        ["REGISTRATION", "NOTARY", "COPY", "POST", "LEGAL"],
        _D(2000, 1, 1),
        None,
        "合同默认：没有明示表的贷款只收合同列明的费用",
    ),
    ("cost_disclosure_required", True, _D(2026, 8, 1), None, "金规〔2026〕2号"),
    ("repricing_cycles", [12], _D(2019, 10, 8), _D(2024, 11, 1), "央行公告〔2019〕30号"),
    ("repricing_cycles", [3, 6, 12], _D(2024, 11, 1), None, "央行公告〔2024〕11号"),
    ("rate_split_variant", "SPLIT_BY_DAYS", _D(2000, 1, 1), None, "本行默认：分段计息"),
    ("spread_gap_bp", 30, _D(2024, 11, 1), None, "央行公告〔2024〕11号"),
    ("new_loan_average_spread_bp", "-30", _D(2024, 11, 1), None, "本行统计，按季更新"),
    ("max_rate_percent", "24.0", _D(2000, 1, 1), None, "本行产品上限"),
    (
        "change_authority",
        {"BRANCH_MANAGER": "3000000.00", "RISK_MANAGER": None},
        _D(2000, 1, 1),
        None,
        "本行默认：按贷款余额授权；重组、提前到期、核销由风险部门审批",
    ),
    ("prepayment_quote_days", 15, _D(2000, 1, 1), None, "本行默认：报价有效天数"),
    ("prepayment_minimum", "10000.00", _D(2000, 1, 1), None, "合同默认"),
    (
        "restructure_observation",
        {"periods": 2, "months": 12},
        _D(2023, 7, 1),
        None,
        "银保监会/央行令〔2023〕1号",
    ),
    (
        "upgrade_observation",
        {"periods": 2, "months": 6},
        _D(2023, 7, 1),
        None,
        "银保监会/央行令〔2023〕1号：不良上调",
    ),
    (
        "interest_subsidy",
        {"rate_percent": "1.0", "years": 5, "principal": "1000000.00", "area": "120", "price": "1500000.00"},
        _D(2026, 10, 1),
        _D(2027, 10, 1),
        "首套房贷贴息，试行一年",
    ),
    ("overdue_grace_days", 0, _D(2000, 1, 1), None, "本行默认：逾期认定不含宽限期"),
    ("holiday_rule", "NEXT_WORKDAY", _D(2000, 1, 1), None, "民法典 203"),
    ("class_thresholds", [1, 91, 271, 361], _D(2023, 7, 1), None, "银保监会/央行令〔2023〕1号"),
    ("record_retention_years", 10, _D(2025, 1, 1), None, "反洗钱法 34"),
    ("visit_first_days", {"HIGH": 30, "MEDIUM": 60, "LOW": 90}, _D(2000, 1, 1), None, "本行默认"),
    ("reminder_days_before", 3, _D(2000, 1, 1), None, "本行默认：还款日前几天早上提醒"),
    ("reminder_overdue_days", [1, 7, 15, 30], _D(2000, 1, 1), None, "本行默认：逾期第几天提醒"),
    (
        "contact_hours",
        {"from": "09:00", "to": "20:00"},
        _D(2000, 1, 1),
        None,
        "本行默认；不得在 22:00 至 8:00 联系（GB/T 45251-2025）",
    ),
    ("bank_name", "安居银行", _D(2000, 1, 1), None, "本行名称，写在短信开头"),
    ("bank_hotline", "400-000-0000", _D(2000, 1, 1), None, "示例号码：开业前改为本行客服电话"),
    ("off_site_sample_percent", 5, _D(2000, 1, 1), None, "本行默认"),
    ("bureau_summary_max_months", 12, _D(2000, 1, 1), None, "本行默认：更早的征信摘要视为未记录"),
    ("visit_hours", {"phone": "0.5", "field": "2.7"}, _D(2000, 1, 1), None, "本行默认：一次回访的人工小时，实地含两人"),
    ("visit_week_ceiling", 8, _D(2000, 1, 1), None, "本行默认：每人每周回访户数上限"),
    ("visit_week_reserve", 3, _D(2000, 1, 1), None, "本行默认：每人每周上限中为随时产生的回访预留的户数"),
    ("visit_gap_days", 30, _D(2000, 1, 1), None, "本行默认：两次回访至少间隔天数，红色除外"),
    ("certificate_warning_days", 90, _D(2000, 1, 1), None, "本行默认：上线后仅提示无证人员的天数"),
    ("second_opinion_required", True, _D(2000, 1, 1), None, "本行默认：实地走访和红色任务由协办人另签意见"),
    ("visit_file_megabytes", 10, _D(2000, 1, 1), None, "本行默认：回访附件单个文件上限（MB）"),
    ("visit_pause_workdays", 10, _D(2000, 1, 1), None, "本行默认：客户经理自行暂停计时的工作日合计上限"),
    ("unreachable_attempts", 3, _D(2000, 1, 1), None, "本行默认：不同日、不同时段未接通次数"),
    (
        "visit_hints",
        {
            "quick_seconds": 60,
            "late_from": 22,
            "late_until": 6,
            "month_end_workdays": 3,
            "month_end_reports": 8,
            "similar_percent": 80,
        },
        _D(2000, 1, 1),
        None,
        "本行默认：质量提示的界限（走过场）",
    ),
    ("approval_workdays", {"1": 1, "9": 2}, _D(2000, 1, 1), None, "本行默认：报告审核的工作日，红色一天"),
    ("report_workdays", 2, _D(2000, 1, 1), None, "本行默认：回访开始至提交报告、退回至重新提交的工作日"),
    (
        "visit_result_telling",
        {"every": False, "workdays": {"1": 1, "2": 2, "3": 3, "9": 5}},
        _D(2000, 1, 1),
        None,
        "本行默认：有发现、有诉求或客户要求时告知回访结果，审核通过后按级别的工作日",
    ),
    ("talk_merge_days", 45, _D(2000, 1, 1), None, "本行默认：同一客户或房屋的回访，应完成日相差多少天以内并为一次"),
    ("letter_days", 10, _D(2000, 1, 1), None, "本行默认：整改和催收通知书给借款人的天数（3 至 60 天）"),
)
# (tenor, published on, percent a year): domain 2.9; what is published later is entered and approved in the bank.
_CENTER = "全国银行间同业拆借中心公告"
LPR_RATES: tuple[tuple[str, date, str], ...] = (
    ("Y1", _D(2024, 2, 20), "3.45"),
    ("Y1", _D(2024, 7, 22), "3.35"),
    ("Y1", _D(2024, 10, 21), "3.10"),
    ("Y1", _D(2025, 5, 20), "3.00"),
    ("Y5", _D(2024, 2, 20), "3.95"),
    ("Y5", _D(2024, 7, 22), "3.85"),
    ("Y5", _D(2024, 10, 21), "3.60"),
    ("Y5", _D(2025, 5, 20), "3.50"),
)


def seed_roles(at: datetime) -> None:
    install_roles()
    root_branch(at=at)


def seed_calendar(at: datetime) -> None:
    """Weekends, holidays and make-up workdays; years after the last published notice are marked unconfirmed."""
    if Workday.objects.exists():
        return
    country = holidays.country_holidays("CN", years=range(FIRST_YEAR, LAST_YEAR + 1))
    make_up = set(country.weekend_workdays)
    rows = []
    day = date(FIRST_YEAR, 1, 1)
    while day.year <= LAST_YEAR:
        is_workday = day in make_up or (day.weekday() < 5 and day not in country)
        confirmed = _is_confirmed(day, is_workday)
        rows.append(
            Workday(day=day, is_workday=is_workday, name=str(country.get(day) or "")[:40], is_confirmed=confirmed)
        )
        day += timedelta(days=1)
    Workday.objects.bulk_create(rows, ignore_conflicts=True)


def _is_confirmed(day: date, is_workday: bool) -> bool:
    """True where a second source agrees; no source knows years whose notice is not out."""
    try:
        return bool(chinese_calendar.is_workday(day)) == is_workday
    except NotImplementedError:
        return False


def seed_parameters(at: datetime) -> None:
    """A code that the bank has already is the bank's own; a code that is new in this version is added."""
    known = set(Parameter.objects.values_list("code", flat=True))
    Parameter.objects.bulk_create(
        Parameter(code=code, value=value, in_force=DateRange(start, end, "[)"), source=source)
        for code, value, start, end, source in PARAMETERS
        if code not in known
    )


def seed_lpr(at: datetime) -> None:
    """Rates up to the last one known here; a bank that has its own table keeps it."""
    if not LprRate.objects.exists():
        LprRate.objects.bulk_create(
            LprRate(tenor=tenor, published_on=day, rate_percent=Decimal(rate), source=_CENTER, is_approved=True)
            for tenor, day, rate in LPR_RATES
        )


def seed_pricing(at: datetime) -> None:
    """Loans of a bank from before there was pricing."""
    price_book(by="system", at=at)


def seed_regulations(at: datetime) -> None:
    install_regulations(at=at)


def seed_policies(at: datetime) -> None:
    install_grade_policy(at=at)
    install_signal_policy(at=at)
    install_score_policy(at=at)
    install_follow_up_policy(at=at)


def seed_templates(at: datetime) -> None:
    install_first_templates(at=at)


def seed_checklist(at: datetime) -> None:
    install_default_checklist(at=at)
    install_response_measures()


PARTS: tuple[tuple[str, Callable[[datetime], None]], ...] = (
    ("roles", seed_roles),
    ("calendar", seed_calendar),
    ("parameters", seed_parameters),
    ("lpr", seed_lpr),
    ("pricing", seed_pricing),
    ("policies", seed_policies),
    ("regulations", seed_regulations),
    ("checklist", seed_checklist),
    ("templates", seed_templates),
)
