"""How warning signals are worded: what each warns of, and the figures it looked at."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from followups.rules.checklist import DEFAULT_ITEMS
from followups.rules.events import BY_CODE
from risk.models import GradeLevel

SIGNALS = {
    "ARREARS_91": gettext_lazy("逾期超过90天"),
    "ARREARS_31": gettext_lazy("逾期31天及以上"),
    "ARREARS_AGAIN": gettext_lazy("6个月内第二次逾期"),
    "GRADE_HIGH": gettext_lazy("风险等级升为高"),
    "GRADE_MEDIUM": gettext_lazy("风险等级升为中"),
    "LOAN_TO_VALUE_100": gettext_lazy("抵押率升破100%"),
    "LOAN_TO_VALUE_90": gettext_lazy("抵押率升破90%"),
    "LOAN_TO_VALUE_80": gettext_lazy("抵押率升破80%"),
    "AREA_DOWN_10": gettext_lazy("区域估值下降10%以上"),
    "INCOME_DOWN_40": gettext_lazy("收入下降40%及以上"),
    "INCOME_DOWN_20": gettext_lazy("收入下降20%及以上"),
    "DEBT_TO_INCOME_OVER": gettext_lazy("总负债收入比超限"),
    "PAYMENT_TO_INCOME_OVER": gettext_lazy("月供收入比超限"),
}
_INPUTS = {
    "days_past_due": gettext_lazy("逾期天数"),
    "late_in_6_months": gettext_lazy("6个月内逾期次数"),
    "late_in_24_months": gettext_lazy("24个月内逾期次数"),
    "overdue_since": gettext_lazy("逾期起始日"),
    "grade": gettext_lazy("风险等级"),
    "grade_before": gettext_lazy("原风险等级"),
    "credit_score": gettext_lazy("信用评分"),
    "loan_to_value": gettext_lazy("抵押率"),
    "loan_to_value_before": gettext_lazy("原抵押率"),
    "loan_to_value_crossed": gettext_lazy("升破档位"),
    "value": gettext_lazy("房产价值"),
    "value_before": gettext_lazy("原房产价值"),
    "valued_on": gettext_lazy("估值日"),
    "area": gettext_lazy("区域"),
    "area_change_percent": gettext_lazy("区域估值变动"),
    "income": gettext_lazy("月收入"),
    "income_before": gettext_lazy("原月收入"),
    "income_change_percent": gettext_lazy("家庭月收入变动"),
    "debt_to_income": gettext_lazy("总负债收入比"),
    "debt_to_income_before": gettext_lazy("原总负债收入比"),
    "debt_to_income_limit": gettext_lazy("限额"),
    "debt_to_income_over": gettext_lazy("超出（百分点）"),
    "payment_to_income": gettext_lazy("月供收入比"),
    "payment_to_income_before": gettext_lazy("原月供收入比"),
    "payment_to_income_limit": gettext_lazy("限额"),
    "payment_to_income_over": gettext_lazy("超出（百分点）"),
}
_PERCENT = ("loan_to_value", "percent", "_to_income", "_to_income_before", "_limit")
_AMOUNT = ("value", "value_before", "income", "income_before")
_LABELS = {item["key"]: item["label"] for item in DEFAULT_ITEMS}
# Said by the name of the signal already.
_SAID = ("key", "event_level", "now")


def _event_words(code: str) -> str:
    """The name of an event; read from the rule, for reads of events import these words."""
    kind = BY_CODE.get(code)
    if kind is None:
        return code
    return kind.en if (get_language() or "").startswith("en") else kind.zh


def signal_words(code: str) -> str:
    """What a signal warns of, in the active language."""
    if code.startswith("FINDING_"):
        label = _LABELS.get(code.removeprefix("FINDING_"), {})
        language = "en" if (get_language() or "").startswith("en") else "zh"
        return _("回访发现：%(what)s") % {"what": label.get(language, code)}
    if code.startswith("EVENT_"):
        return _("事项属实：%(what)s") % {"what": _event_words(code.removeprefix("EVENT_"))}
    return str(SIGNALS.get(code, code))


def inputs_words(inputs: Mapping[str, str | None]) -> str:
    """The figures that a rule looked at, as one line."""
    return _("；").join(
        _("%(name)s %(value)s") % {"name": _INPUTS.get(name, name), "value": _value(name, value)}
        for name, value in inputs.items()
        if name not in _SAID and value is not None
    )


def _value(name: str, value: str) -> str:
    if name in ("grade", "grade_before") and value in GradeLevel.values:
        return str(GradeLevel(value).label)
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if name in _AMOUNT:
        return f"{number:,.2f}"
    if name.endswith("_over"):
        return f"{number.normalize():f}"
    if any(part in name for part in _PERCENT):
        return f"{round(number, 2).normalize():f}%"
    return value
