"""Puts the reasons of a refused simulation into sentences, in the reader's language."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from loans.rules.simulation import Errors, Reason

_SENTENCES = {
    "required": _("此项必填。"),
    "unknown_field": _("没有这个字段。"),
    "not_an_object": _("请给出一个 JSON 对象。"),
    "not_a_list": _("请给出一个数组。"),
    "too_many": _("最多 %(limit)s 项。"),
    "amount_not_text": _('金额请用字符串，例如 "3204.71"。'),
    "not_an_amount": _("金额须为最多 13 位整数、最多两位小数的数字。"),
    "amount_not_positive": _("金额须大于零。"),
    "rate_not_text": _('利率请用字符串，例如 "3.60"。'),
    "not_a_rate": _("利率须为百分数，最多四位小数，不带符号。"),
    "rate_beyond_limit": _("年利率须在 0 至 %(limit)s%% 之间。"),
    "not_whole": _("请填整数。"),
    "out_of_range": _("请填 %(low)s 至 %(high)s 的整数。"),
    "not_a_day": _("日期请写成 YYYY-MM-DD。"),
    "no_such_day": _("没有这一天。"),
    "year_out_of_range": _("日期须在 %(low)s 年至 %(high)s 年之间。"),
    "not_a_choice": _("可选：%(choices)s。"),
    "first_due_not_after_disbursement": _("首次还款日须在放款日之后。"),
    "not_on_the_due_day": _("首次还款日与还款日（每月 %(due_day)s 日）不符。"),
    "first_period_required": _("首期不是整一个月，请指明 first_period：ONE_MONTH、BY_DAYS 或 MONTH_PLUS_DAYS。"),
    "shorter_than_a_month": _("首期不足一个月，不能按整月加天数计息。"),
    "ends_too_late": _("最后还款日晚于 %(year)s 年。"),
    "only_equal_installment": _("只有等额本息可以指定每期金额。"),
    "below_the_interest": _("每期金额低于第 %(number)s 期利息 %(interest)s 元。"),
    "never_repays": _("按此每期金额，到 %(year)s 年仍还不清。"),
    "before_disbursement": _("日期早于放款日。"),
    "after_last_due_date": _("日期须早于最后还款日 %(day)s。"),
    "same_day_twice": _("同一天不能有两次。"),
    "overlaps": _("与另一段停息期重叠。"),
    "ends_before_start": _("结束日早于开始日。"),
    "mixed_variants": _("同一期内的利率变动须用同一种分段方式。"),
    "larger_than_the_payoff": _("提前还款超过当日剩余本金 %(balance)s 元。"),
}


def sentence(reason: Reason) -> str:
    """One reason in words."""
    return str(_SENTENCES[reason.code]) % reason.params


def errors_in_words(errors: Errors) -> Mapping[str, list[str]]:
    """Every field with its reasons in words."""
    return {name: [sentence(reason) for reason in reasons] for name, reasons in errors.items()}
