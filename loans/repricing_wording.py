"""Words of a repricing: why a loan was held back (kept as a code with its figures), what is paid on the way."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from loans.models import RepricingItem

# Code → sentence, and what its figures are.
_SENTENCES = {
    "no_pricing": (_lazy("没有浮动利率的定价约定"), ()),
    "no_lpr": (_lazy("重定价日前没有已复核的 LPR"), ()),
    "rate_beyond_limits": (_lazy("新利率 %(rate)s%% 超出产品范围（0 至 %(most)s%%）"), ("rate", "most")),
    "cannot_run": (_lazy("按新利率算不出还款计划"), ()),
    "billed_since": (_lazy("重定价日之后已有期次出账（%(day)s 到期）"), ("day",)),
    "billing_behind": (_lazy("%(day)s 到期的一期尚未出账"), ("day",)),
    "charges_since": (_lazy("重定价日 %(day)s 之后已按原利率收取罚息或复利"), ("day",)),
    "loan_ended": (_lazy("贷款已结清、提前到期、核销或全部出账"), ()),
    "day_moved": (_lazy("重定价日由 %(before)s 变为 %(after)s"), ("before", "after")),
    "terms_changed": (_lazy("合同条款由第 %(before)s 版变为第 %(after)s 版"), ("before", "after")),
    "spread_changed": (_lazy("加点由 %(before)s 变为 %(after)s 个基点"), ("before", "after")),
    "lpr_changed": (_lazy("LPR 由 %(before)s%% 变为 %(after)s%%"), ("before", "after")),
    "cycle_changed": (_lazy("下次重定价日由 %(before)s 变为 %(after)s"), ("before", "after")),
    "plan_differs": (_lazy("重新计算的还款计划与试算不符"), ()),
    "cannot_preview": (_lazy("试算这笔贷款时出错，请运维核查"), ()),
    "preview_failed": (_lazy("批次试算未成"), ()),
    "run_rejected": (_lazy("批次已驳回"), ()),
    "run_cancelled": (_lazy("批次已撤回"), ()),
}


def held_words(reason: str) -> str:
    """The sentence of a stored reason; one that is not known is shown as it is."""
    code, *figures = reason.split(" ")
    sentence, names = _SENTENCES.get(code, (reason, ()))
    return str(sentence) % dict(zip(names, figures, strict=False)) if names else str(sentence)


_FAILURES = {
    "nothing_left": _lazy("区间内的贷款在试算时都已进入其他批次或不再重定价。"),
    "broken": _lazy("试算多次出错，已停止；区间内的贷款没有变化，可重新试算，或请运维查看日志。"),
}


def failure_words(failure: str) -> str:
    """Why a preview was given up."""
    return str(_FAILURES.get(failure, failure))


def split_words(item: RepricingItem) -> str:
    """How the period that the day splits is charged; empty where it is not split."""
    if item.period_from is None or item.first_due_on is None or item.old_rate_percent == item.new_rate_percent:
        return ""
    return _("%(before)d 天 × %(old)s%% + %(after)d 天 × %(new)s%%") % {
        "before": (item.effective_on - item.period_from).days,
        "old": rate_text(item.old_rate_percent),
        "after": (item.first_due_on - item.effective_on).days,
        "new": rate_text(item.new_rate_percent),
    }


def until_regular_words(item: RepricingItem) -> list[str]:
    """What is paid between the first installment at the new rate and the regular one, a sentence each."""
    return [_stretch_words(*each) for each in item.until_regular or ()]


def _stretch_words(first: int, last: int, first_on: str, last_on: str, amount: str, is_interest_only: bool) -> str:
    days = first_on if first == last else _("%(from)s 至 %(to)s") % {"from": first_on, "to": last_on}
    sentence = _("%(days)s 共 %(count)d 期，每期还款 %(amount)s 元")
    if is_interest_only:
        sentence = _("%(days)s 共 %(count)d 期，每期只还利息 %(amount)s 元")
    return sentence % {"days": days, "count": last - first + 1, "amount": f"{Decimal(amount):,.2f}"}


def rate_text(percent: Decimal) -> str:
    """3.20, 4.625: at least two decimals and no idle zeros."""
    whole, _dot, part = f"{percent:.4f}".rstrip("0").partition(".")
    return f"{whole}.{part.ljust(2, '0')}"
