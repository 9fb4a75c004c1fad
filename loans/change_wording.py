"""Puts the reasons of a change that is refused, has gone stale or waits into sentences."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loans import wording
from loans.models import FiveClass
from loans.rules.simulation_request import Reason

_SENTENCES = {
    # What was asked.
    "not_text": gettext_lazy("请填写文字。"),
    "nothing_asked": gettext_lazy("请至少填写一项变更内容。"),
    "not_a_spread": gettext_lazy("加点须为基点数，可带负号，最多两位小数。"),
    "effective_in_the_past": gettext_lazy("生效日不能早于营业日期 %(day)s。"),
    "effective_too_far_ahead": gettext_lazy("生效日最多提前 %(days)s 天约定。"),
    "effective_after_maturity": gettext_lazy("生效日须早于到期日 %(day)s。"),
    "settles_the_loan": gettext_lazy("该金额已是全部剩余本金，请改为提前结清。"),
    "below_the_minimum": gettext_lazy("提前还款本金不得低于 %(least)s 元。"),
    "larger_than_the_payoff": gettext_lazy("提前还款超过剩余本金 %(balance)s 元。"),
    "fee_not_agreed": gettext_lazy("没有约定提前还款费用及其金额，不得收取。"),
    "fee_above_agreed": gettext_lazy("费用超过约定的 %(most)s 元。"),
    "not_longer": gettext_lazy("展期后的期数须多于现剩余的 %(left)s 期。"),
    "too_many_in_all": gettext_lazy("现剩 %(left)s 期，加延长的 %(more)s 期共 %(total)s 期，超过最多 %(most)s 期。"),
    "nothing_would_change": gettext_lazy("按此办理，还款计划没有任何变化。"),
    "not_whole": gettext_lazy("请填整数。"),
    "beyond_the_longest_term": gettext_lazy("自放款日起总期限超过 %(months)s 个月（按签约日的规定）。"),
    "same_method": gettext_lazy("还款方式没有变化。"),
    "same_due_day": gettext_lazy("还款日没有变化。"),
    "same_spread": gettext_lazy("加点没有变化。"),
    "same_cycle": gettext_lazy("重定价周期没有变化。"),
    "first_due_not_ahead": gettext_lazy("新的首个还款日须晚于生效日 %(day)s。"),
    "first_due_too_late": gettext_lazy("新的首个还款日不得晚于 %(day)s。"),
    "rate_is_fixed": gettext_lazy("该合同不是浮动利率。"),
    "pause_in_the_past": gettext_lazy("停息不能早于生效日 %(day)s 开始。"),
    "no_principal_to_defer": gettext_lazy("按月付息的合同没有可延期的本金。"),
    # The loan as it stands.
    "loan_is_settled": gettext_lazy("贷款已结清。"),
    "loan_is_written_off": gettext_lazy("贷款已核销。"),
    "nothing_left_to_bill": gettext_lazy("贷款已全部到期，没有未到期的期次可以变更。"),
    "not_accelerated": gettext_lazy("贷款尚有未到期本金，须先宣布提前到期再核销。"),
    "nothing_to_write_off": gettext_lazy("贷款没有本金余额可以核销。"),
    "loan_is_in_arrears": gettext_lazy("贷款有欠款 %(owed)s 元，须先还清。"),
    # What changed since the simulation.
    "installment_billed": gettext_lazy("第 %(number)s 期已出账"),
    "terms_changed": gettext_lazy("合同条款由第 %(before)s 版变为第 %(after)s 版"),
    "unbilled_changed": gettext_lazy("未出账本金由 %(before)s 元变为 %(after)s 元"),
    "became_overdue": gettext_lazy("贷款自 %(since)s 起逾期"),
    "arrears_paid": gettext_lazy("逾期已还清"),
    "overdue_moved": gettext_lazy("逾期起始日由 %(before)s 变为 %(after)s"),
    "payment_received": gettext_lazy("收到还款，余额由 %(before)s 元变为 %(after)s 元"),
    "class_moved": gettext_lazy("风险分类由%(before)s变为%(after)s"),
    # What it still waits for.
    "waits_for_day": gettext_lazy("生效日 %(day)s 未到。"),
    "waits_for_billing": gettext_lazy("%(day)s 到期的一期要在当日日终出账，出账后自动生效。"),
    "unpaid_first": gettext_lazy("尚有已出账未还的款项 %(owed)s 元，须先还清。"),
    "money_short": gettext_lazy("截至 %(day)s 暂收款 %(there)s 元，生效需要 %(needed)s 元，还差 %(missing)s 元。"),
    # What a person should know before proposing.
    "pay_first": gettext_lazy("%(day)s 及以前到期的 %(amount)s 元须先还清，另行备款。"),
    "not_in_arrears": gettext_lazy("贷款没有逾期，请确认合同约定的提前到期事由。"),
    "rate_today": gettext_lazy("新的加点自生效日起计入利率；变更前执行年利率 %(rate)s%%。"),
    "counts_as_restructuring": gettext_lazy("按重组贷款管理：进入观察期，观察期内风险分类不优于%(class_floor)s。"),
}


def sentence(reason: Reason) -> str:
    """One reason in words."""
    if reason.code not in _SENTENCES:
        return wording.sentence(reason)
    params = {name: _grouped(name, value) for name, value in reason.params.items()}
    if reason.code in ("class_moved", "counts_as_restructuring"):
        params = {name: FiveClass(str(value)).label for name, value in params.items()}
    return str(_SENTENCES[reason.code]) % params


def _grouped(name: str, value: object) -> object:
    """An amount with its thousands apart: every decimal is one (rates come as text), and stored ones by name."""
    if isinstance(value, Decimal) or name == "amount":
        return f"{Decimal(str(value)):,.2f}"
    return value


def stale_sentence(reasons: Iterable[Reason]) -> str:
    """What moved since the simulation, in one sentence."""
    return _("自试算以来贷款已有变动：%(what)s。请重新试算。") % {"what": _("；").join(map(sentence, reasons))}
