"""How the composite score is worded: its parts, and the figures each of them looked at."""

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.rules import score

_GROUPS = {
    score.BORROWER: gettext_lazy("借款人"),
    score.COLLATERAL: gettext_lazy("押品"),
    score.ENVIRONMENT: gettext_lazy("市场环境"),
}
_PARTS = {
    score.DEBT_SERVICE: gettext_lazy("偿债负担"),
    score.PAYMENT_RECORD: gettext_lazy("还款记录"),
    score.WORK_AND_INCOME: gettext_lazy("就业与收入"),
    score.BUREAU: gettext_lazy("征信"),
    score.LOAN_TO_VALUE: gettext_lazy("当前抵押率"),
    score.REGISTRATION: gettext_lazy("抵押登记"),
    score.CONDITION: gettext_lazy("房屋状况"),
    score.INSURANCE: gettext_lazy("房屋保险"),
    score.AREA: gettext_lazy("区域房价"),
    score.PROJECT: gettext_lazy("楼盘与开发商"),
}
_WORDS = {
    ("work", "SAME"): gettext_lazy("无变动"),
    ("work", "CHANGED"): gettext_lazy("工作变动"),
    ("work", "LOST"): gettext_lazy("失业"),
    ("bureau", "CLEAN"): gettext_lazy("无不良"),
    ("bureau", "BAD"): gettext_lazy("有不良"),
    ("registration", "FORMAL"): gettext_lazy("正式抵押"),
    ("registration", "ADVANCE_NOTICE"): gettext_lazy("预告登记"),
    ("registration", "NOT_RECORDED"): gettext_lazy("未登记"),
    ("registration", "SEIZED"): gettext_lazy("已查封"),
    ("registration", "LAPSED"): gettext_lazy("登记失效"),
    ("condition", "GOOD"): gettext_lazy("完好"),
    ("condition", "ALTERED"): gettext_lazy("有改建"),
    ("condition", "DAMAGED"): gettext_lazy("有损坏"),
    ("project", "NORMAL"): gettext_lazy("正常在建"),
    ("project", "SLOW"): gettext_lazy("进度缓慢"),
    ("project", "STALLED"): gettext_lazy("停工"),
    ("project", "ABANDONED"): gettext_lazy("烂尾"),
    ("project", "BANKRUPT"): gettext_lazy("开发商破产"),
    ("project", "COMPLETED"): gettext_lazy("已竣工"),
    ("project", "DELIVERED"): gettext_lazy("已交付"),
}


def group_words(code: str) -> str:
    return str(_GROUPS[code])


def part_words(code: str) -> str:
    return str(_PARTS[code])


def input_words(part: str, inputs: Mapping[str, str]) -> str:
    """The figures of a part in one line; 未知 where there were none."""
    said = [words for name, value in inputs.items() if (words := _said(name, value))]
    return _("，").join(said) if said else _("未知")


def _said(name: str, value: str) -> str:
    if found := _WORDS.get((name, value)):
        return str(found)
    if name in ("debt_service", "loan_to_value"):
        return f"{Decimal(value):.1f}%"
    if name == "days_past_due":
        return _("逾期 %(days)s 天") % {"days": value} if int(value) else ""
    if name == "late_in_24_months":
        return _("24 个月内逾期 %(count)s 次") % {"count": value}
    if name == "income_change_percent":
        if not Decimal(value):
            return ""
        return _("收入较初始 %(percent)s%%") % {"percent": f"{Decimal(value):+.1f}".replace("-", "−")}
    if name == "credit_score":
        return _("信用评分 %(score)s") % {"score": value}
    if name == "insured_days":
        return _insured(int(value))
    if name == "area_change_percent":
        return _("半年 %(percent)s%%") % {"percent": f"{Decimal(value):+.1f}".replace("-", "−")}
    return value


def _insured(days: int) -> str:
    return _("还有 %(days)s 天到期") % {"days": days} if days >= 0 else _("已到期 %(days)s 天") % {"days": -days}
