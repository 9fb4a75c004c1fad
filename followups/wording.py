"""Puts reasons into words: why a task exists and why on that day, in the reader's language.

A reason is stored as a code with parameters, never as a sentence, so that an old task reads well
in another language and after a change of wording. Notes of policy lines are data of the policy.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from followups.event_wording import kind_words, outside_words
from followups.models import Method, VisitTask
from followups.policy_wording import checklist_words, fact_words, value_words
from followups.rules.events import BY_CODE
from followups.rules.facts import Reason
from followups.rules.outside import BUREAU_CLEAN
from loans.models import FiveClass
from risk.models import GradeLevel

# Reasons as stored on a task, or as the pure planner gives them (`plan`, `explain`).
Reasons = Sequence[Mapping[str, Any] | Reason]

_OFF_SITE_ITEMS = {
    "REPAYMENT": gettext_lazy("近12个月还款"),
    "ARREARS": gettext_lazy("当前逾期"),
    "FIVE_CLASS": gettext_lazy("五级分类"),
    "REGISTRATION": gettext_lazy("抵押登记"),
    "INSURANCE": gettext_lazy("房屋保险"),
    "VALUATION": gettext_lazy("押品估值"),
    "LOAN_TO_VALUE": gettext_lazy("当前抵押率"),
    "WARNINGS": gettext_lazy("未了结预警"),
    "BUREAU": gettext_lazy("征信摘要"),
    "FUNDS": gettext_lazy("资金到账"),
    "PLAN": gettext_lazy("还款计划执行"),
}
_OFF_SITE_RESULTS = {
    "OK": gettext_lazy("正常"),
    "EXCEPTION": gettext_lazy("异常"),
    "BASELINE_MISSING": gettext_lazy("基线缺失"),
    "NOT_RECORDED": gettext_lazy("未记录"),
    "NOT_DUE": gettext_lazy("尚未到期"),
}
_SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "=", "!=": "≠", "in": "∈"}


def why(task: VisitTask | Reasons) -> str:
    """One sentence: the reasons in the order that decided, joined by semicolons."""
    words = [_reason(reason) for reason in _reasons_of(task) if reason["code"] != "POLICY_LINE"]
    return _("；").join(word for word in words if word)


def why_lines(task: VisitTask | Reasons) -> list[str]:
    """Every reason as a line of its own, the policy lines that chose it last."""
    reasons = _reasons_of(task)
    facts = [_reason(reason) for reason in reasons if reason["code"] != "POLICY_LINE"]
    lines = [_reason(reason) for reason in reasons if reason["code"] == "POLICY_LINE"]
    return [line for line in [*facts, *lines] if line]


def evidence_lines(evidence: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The rows of an off-site evidence sheet: {code, item, result, detail}, `result` in words."""
    if not evidence:
        return []
    return [
        {
            "code": str(item["result"]),
            "item": str(_OFF_SITE_ITEMS.get(item["code"], item["code"])),
            "result": str(_OFF_SITE_RESULTS.get(item["result"], item["result"])),
            "detail": _evidence_detail(item["code"], item["params"]),
        }
        for item in evidence["items"]
    ]


def _reasons_of(task: VisitTask | Reasons) -> list[Mapping[str, Any]]:
    if isinstance(task, VisitTask):
        return list(task.reason)
    return [reason.as_json() if isinstance(reason, Reason) else reason for reason in task]


def _reason(reason: Mapping[str, Any]) -> str:
    say = _BY_CODE.get(reason["code"])
    return "" if say is None else say(reason["params"])


def _is_english() -> bool:
    return (get_language() or "").startswith("en")


def _policy_line(params: Mapping[str, Any]) -> str:
    if _is_english():
        # The note is data of the policy, in the bank's language; the facts it met stand beside it in words.
        if "version" not in params:
            return _("第 %(line)s 行") % params
        return _("策略 v%(version)s 第 %(line)s 行") % params
    if "version" not in params:
        return _("第 %(line)s 行：%(note)s") % params
    return _("策略 v%(version)s 第 %(line)s 行：%(note)s") % params


def _talk_by(params: Mapping[str, Any]) -> str:
    grade = _grade(params["grade"]) if params["grade"] else _("未评级")
    return _("%(grade)s%(days)s天内通话") % {"grade": grade, "days": params["days"]}


def _cycle(params: Mapping[str, Any]) -> str:
    return _("满%(months)s个月") % params


def _tier_clean(params: Mapping[str, Any]) -> str:
    if params["method"] == Method.OFF_SITE:
        return _("清洁类每年非现场")
    return _("清洁类每年一次，轮到%(method)s") % {"method": Method(params["method"]).label}


def _handed_to_person(params: Mapping[str, Any]) -> str:
    # Tasks handed over before it was asked name nothing that is missing.
    missing = params.get("missing", [])
    if not params["exceptions"] and not missing:
        return _("非现场检查抽中复核")
    said = []
    if params["exceptions"]:
        said.append(_("非现场检查异常：%(items)s") % {"items": _off_site_items(params["exceptions"])})
    if missing:
        said.append(_("非现场检查未记录：%(items)s") % {"items": _off_site_items(missing)})
    return _("；").join(said)


def _off_site_items(codes: Sequence[str]) -> str:
    return _("、").join(str(_OFF_SITE_ITEMS.get(code, code)) for code in codes)


def _fact(params: Mapping[str, Any]) -> str:
    say = _BY_FACT.get(params["fact"])
    sign = _SIGNS.get(params["op"], params["op"])
    if say is None:
        found, limit = (value_words(params["fact"], params[name]) for name in ("value", "limit"))
        said = f"{fact_words(params['fact'])} {found}"
        return said if params["op"] in ("=", "in", "is_missing") else f"{said} {sign} {limit}"
    return say({**params, "sign": sign})


def _overdue(days: object, params: Mapping[str, Any]) -> str:
    """Days past due with the day that they are of: on a list the days of today stand beside."""
    if on := str(params.get("on") or ""):
        return _("逾期%(days)s天（%(on)s）") % {"days": days, "on": on[5:]}
    return _("逾期%(days)s天") % {"days": days}


def _loan_to_value(params: Mapping[str, Any]) -> str:
    if params["op"] == "is_missing" or params["value"] is None:
        return _("抵押率未知")
    return _("抵押率%(value)s%%%(sign)s%(limit)s%%") % params


def _amount(params: Mapping[str, Any]) -> str:
    return _("贷款金额%(sign)s%(limit)s元") % {**params, "limit": str(params["limit"]).removesuffix(".00")}


def _occupancy(params: Mapping[str, Any]) -> str:
    return _("自住") if params["value"] else _("非自住")


def _grade(value: object) -> str:
    return str(GradeLevel(value).label) if value in GradeLevel.values else str(value)


def _evidence_detail(code: str, params: Mapping[str, Any]) -> str:
    if code == "REPAYMENT":
        return _("逾期%(late)s次") % params
    if code == "ARREARS":
        return _("逾期%(days)s天") % params
    if code == "FIVE_CLASS":
        return str(FiveClass(params["class"]).label)
    if code == "VALUATION" and "valued_on" in params:
        return _("估值日%(valued_on)s") % params
    if code == "INSURANCE" and "until" in params:
        return _("保险至%(until)s") % params
    if code == "BUREAU" and "told" in params:
        return _("%(what)s，%(on)s") % {"what": _told_words(params["told"]), "on": params["on"]}
    if code == "BUREAU" and "last" in params:
        return _("上次%(last)s，已过期") % params
    if code == "FUNDS" and "on" in params:
        return str(params["on"])
    if code == "PLAN":
        return _("到期%(due)s期，已还%(paid)s期") % params
    if code == "WARNINGS":
        return _("%(open)s 项") % params
    if code == "LOAN_TO_VALUE" and "limit" in params:
        return _("%(percent)s%%，升破%(limit)s%%") % params
    if code == "LOAN_TO_VALUE" and "percent" in params:
        return f"{params['percent']}%"
    return ""


def _told_words(code: str) -> str:
    return outside_words(code) if code == BUREAU_CLEAN else kind_words(code)


def _event(params: Mapping[str, Any]) -> str:
    kind = BY_CODE.get(str(params["event"]))
    if kind is None:
        return str(params["event"])
    what = kind.en if _is_english() else kind.zh
    return _("；").join([what, str(params["area"])]) if params.get("area") else what


_Say = Callable[[Mapping[str, Any]], str]
_BY_CODE: Mapping[str, _Say] = {
    "DISBURSED_DAY": lambda p: _("放款第%(day)s天") % p,
    "TALK_BY": _talk_by,
    "TALK_MOVED": lambda p: _("第%(days)s天已过，顺延至最近节点") % p,
    "OFF_SITE_NODE": lambda p: _("第%(days)s天非现场检查") % p,
    "CYCLE": _cycle,
    "BASELINE_SPREAD": lambda p: _("期初存量，%(months)s个月内摊排") % p,
    "TIER_CLEAN": _tier_clean,
    "CYCLE_BOUNDED": lambda p: _("周期上下限：%(tier)s个月改为%(months)s个月") % p,
    "EVENT": _event,
    "OVERDUE_DAYS": lambda p: _overdue(p["days"], p),
    "CALL_LIST": lambda p: _("第%(from_day)s天起列入电话名单") % p,
    "BASELINE_ARREARS": lambda p: _("期初已逾期"),
    "HANDED_TO_PERSON": _handed_to_person,
    "FACT": _fact,
    "PROPERTY_VISIT": lambda p: _("仅查押品：%(reason)s") % p,
    "PROJECT_VISIT": lambda p: _("楼盘走访：%(estate)s，%(loans)s 笔贷款，%(reason)s") % p,
    "PROJECT_SHARED": lambda p: _("楼盘走访共享：%(estate)s，报告 %(report)s") % p,
    "CHECKLIST": lambda p: _("清单：%(list)s") % {"list": checklist_words(p["checklist"])},
    "ROLE": lambda p: _("须由%(role)s办理") % {"role": p.get("name") or p["role"]},
    "POLICY_LINE": _policy_line,
}
_BY_FACT: Mapping[str, _Say] = {
    "grade": lambda p: _grade(p["value"]),
    "loan_to_value": _loan_to_value,
    "days_past_due": lambda p: _overdue(p["value"], p),
    "late_in_6_months": lambda p: _("6个月内逾期%(value)s次") % p,
    "late_in_24_months": lambda p: _("24个月内逾期%(value)s次") % p,
    "months_on_book": lambda p: _("账龄%(value)s个月%(sign)s%(limit)s个月") % p,
    "remaining_months": lambda p: _("剩余期限%(value)s个月%(sign)s%(limit)s个月") % p,
    "principal_original": _amount,
    "principal_balance": _amount,
    "is_owner_occupied": _occupancy,
    "is_delivered": lambda p: _("房屋已交付") if p["value"] else _("房屋未交付"),
    "district": lambda p: str(p["value"]),
    "sample_percentile": lambda p: _("抽样%(limit)s%%") % p,
}
