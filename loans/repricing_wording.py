"""Puts why a loan was held back from repricing into a sentence; the reason is kept as a code with its figures."""

from django.utils.translation import gettext_lazy as _

# Code → sentence, and what its figures are.
_SENTENCES = {
    "no_pricing": (_("没有浮动利率的定价约定"), ()),
    "no_lpr": (_("重定价日前没有已复核的 LPR"), ()),
    "rate_beyond_limits": (_("新利率 %(rate)s%% 超出产品范围（0 至 %(most)s%%）"), ("rate", "most")),
    "cannot_run": (_("按新利率算不出还款计划"), ()),
    "billed_since": (_("重定价日之后已有期次出账（%(day)s 到期）"), ("day",)),
    "billing_behind": (_("%(day)s 到期的一期尚未出账"), ("day",)),
    "charges_since": (_("重定价日 %(day)s 之后已按原利率收取罚息或复利"), ("day",)),
    "loan_ended": (_("贷款已结清、提前到期、核销或全部出账"), ()),
    "day_moved": (_("重定价日由 %(before)s 变为 %(after)s"), ("before", "after")),
    "terms_changed": (_("合同条款由第 %(before)s 版变为第 %(after)s 版"), ("before", "after")),
    "spread_changed": (_("加点由 %(before)s 变为 %(after)s 个基点"), ("before", "after")),
    "lpr_changed": (_("LPR 由 %(before)s%% 变为 %(after)s%%"), ("before", "after")),
    "cycle_changed": (_("下次重定价日由 %(before)s 变为 %(after)s"), ("before", "after")),
    "plan_differs": (_("重新计算的还款计划与试算不符"), ()),
    "cannot_preview": (_("试算这笔贷款时出错，请运维核查"), ()),
    "preview_failed": (_("批次试算未成"), ()),
    "run_rejected": (_("批次已驳回"), ()),
    "run_cancelled": (_("批次已撤回"), ()),
}


def held_words(reason: str) -> str:
    """The sentence of a stored reason; one that is not known is shown as it is."""
    code, *figures = reason.split(" ")
    sentence, names = _SENTENCES.get(code, (reason, ()))
    return str(sentence) % dict(zip(names, figures, strict=False)) if names else str(sentence)


_FAILURES = {
    "nothing_left": _("区间内的贷款在试算时都已进入其他批次或不再重定价。"),
    "broken": _("试算多次出错，已停止；区间内的贷款没有变化，可重新试算，或请运维查看日志。"),
}


def failure_words(failure: str) -> str:
    """Why a preview was given up."""
    return str(_FAILURES.get(failure, failure))
