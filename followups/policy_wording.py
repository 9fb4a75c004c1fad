"""Puts follow-up policies into words: facts, conditions, results, what the checker found."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from followups.models import Conclusion, Method
from followups.rules.checklist_items import CHECKLISTS
from followups.rules.default_policy import CYCLE_BOUNDS, FIRST_METHOD, FIRST_NODES, FIRST_TALK, OVERDUE, PERIODIC
from followups.rules.policy_check import Finding
from followups.rules.policy_facts import FACTS
from loans.models import Product
from people.rules.policy import Condition, Line
from risk.models import GradeLevel

KIND_WORDS = {
    FIRST_NODES: gettext_lazy("首次回访：检查日"),
    FIRST_TALK: gettext_lazy("首次回访：通话期限"),
    FIRST_METHOD: gettext_lazy("首次回访：方式"),
    OVERDUE: gettext_lazy("不定期回访：逾期"),
    PERIODIC: gettext_lazy("定期回访"),
    CYCLE_BOUNDS: gettext_lazy("定期回访：周期上下限"),
}
FACT_WORDS = {
    "grade": gettext_lazy("风险等级"),
    "principal_original": gettext_lazy("贷款金额"),
    "principal_balance": gettext_lazy("贷款余额"),
    "loan_to_value": gettext_lazy("抵押率"),
    "days_past_due": gettext_lazy("逾期天数"),
    "late_in_6_months": gettext_lazy("6个月内逾期次数"),
    "late_in_24_months": gettext_lazy("24个月内逾期次数"),
    "months_on_book": gettext_lazy("账龄（月）"),
    "remaining_months": gettext_lazy("剩余期限（月）"),
    "term_months": gettext_lazy("合同期限（月）"),
    "is_owner_occupied": gettext_lazy("自住"),
    "is_delivered": gettext_lazy("房屋已交付"),
    "district": gettext_lazy("区"),
    "sample_percentile": gettext_lazy("抽样百分位"),
    "product": gettext_lazy("产品"),
    "credit_score": gettext_lazy("信用评分"),
    "visit_score": gettext_lazy("综合评分"),
    "last_conclusion": gettext_lazy("上次回访结论"),
    "area_volatility": gettext_lazy("片区波动率"),
}
OP_WORDS = {
    "=": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥",
    "in": gettext_lazy("属于"), "is_missing": gettext_lazy("未知"),
}  # fmt: skip
LEVEL_WORDS = {
    "RED": gettext_lazy("红"), "ORANGE": gettext_lazy("橙"), "YELLOW": gettext_lazy("黄"), "NONE": gettext_lazy("无"),
}  # fmt: skip
STATE_WORDS = {
    "DRAFT": gettext_lazy("草案"), "SUBMITTED": gettext_lazy("待复核"),
    "APPROVED": gettext_lazy("已批准"), "WITHDRAWN": gettext_lazy("已撤回"),
}  # fmt: skip
RESULT_WORDS = {
    "days": gettext_lazy("天数"), "opens_day": gettext_lazy("开始日"), "method": gettext_lazy("方式"),
    "methods": gettext_lazy("轮换方式"), "months": gettext_lazy("周期（1 至 12 个月）"), "level": gettext_lazy("级别"),
    "limit_workdays": gettext_lazy("办理时限（工作日）"), "from_day": gettext_lazy("自逾期第几天"),
    "rule": gettext_lazy("逾期步骤"), "tier": gettext_lazy("分层代号"), "is_light": gettext_lazy("还清自动办结"),
    "call_list_from": gettext_lazy("列入电话名单日"), "opens_days_before": gettext_lazy("到期前几天可办"),
    "checklist": gettext_lazy("加查清单"), "role": gettext_lazy("办理岗位"),
    "least_months": gettext_lazy("周期最短（月）"), "most_months": gettext_lazy("周期最长（月）"),
}  # fmt: skip
CHANGE_WORDS = {
    "NEW": gettext_lazy("新增或后移"), "EARLIER": gettext_lazy("提前"),
    "METHOD": gettext_lazy("改方式"), "ASKS": gettext_lazy("改清单或岗位"), "GONE": gettext_lazy("取消"),
}  # fmt: skip


def fact_words(name: str) -> str:
    return str(FACT_WORDS.get(name, name))


def value_words(fact: str, value: Any) -> str:
    """A fact's value as people say it."""
    if value is None:
        return _("未知")
    if isinstance(value, list | tuple):
        return _("、").join(value_words(fact, each) for each in value)
    if fact == "grade" and value in GradeLevel.values:
        return str(GradeLevel(value).label)
    if fact == "product" and value in Product.values:
        return str(Product(value).label)
    if fact == "last_conclusion" and value in Conclusion.values:
        return str(Conclusion(value).label)
    if fact in ("is_owner_occupied", "is_delivered"):
        return _("是") if value else _("否")
    if fact in FACTS and FACTS[fact].kind == "PERCENT":
        return f"{value}%"
    if fact in FACTS and FACTS[fact].kind == "AMOUNT":
        return _("%(amount)s元") % {"amount": _grouped(value)}
    return str(value)


def _grouped(value: Any) -> str:
    try:
        return f"{Decimal(str(value)):,.2f}".removesuffix(".00")
    except ArithmeticError:
        return str(value)


def condition_words(condition: Condition) -> str:
    if condition.op == "is_missing":
        return _("%(fact)s未知") % {"fact": fact_words(condition.fact)}
    op = OP_WORDS.get(condition.op, condition.op)
    return f"{fact_words(condition.fact)} {op} {value_words(condition.fact, condition.value)}"


def conditions_words(line: Line) -> str:
    """All conditions in one sentence; a line without any answers for all that is left."""
    if not line.conditions:
        return _("其余全部")
    return _("，且").join(condition_words(each) for each in line.conditions)


def method_words(method: Any) -> str:
    return str(Method(method).label) if method in Method.values else str(method)


def checklist_words(code: Any) -> str:
    """The name of a list in the active language."""
    place = 2 if (get_language() or "").startswith("en") else 1
    return next((row[place] for row in CHECKLISTS if row[0] == code), str(code))


def result_words(line: Line) -> tuple[str, str]:
    """How, with what it asks and of whom; and how often or by when."""
    how, limit = _result_words(line)
    asks = []
    if line.result.get("checklist"):
        asks.append(checklist_words(line.result["checklist"]))
    if line.result.get("role"):
        asks.append(_("岗位%(role)s") % {"role": line.result["role"]})
    return _("，").join([how, *asks]), limit


def _result_words(line: Line) -> tuple[str, str]:
    told = line.result
    if line.kind == FIRST_NODES:
        days = _("、").join(str(day) for day in many(told.get("days")))
        return _("非现场，其中一次通话"), _("第 %(days)s 天，第 %(opens)s 天起可办") % {
            "days": days, "opens": told.get("opens_day")
        }  # fmt: skip
    if line.kind == FIRST_TALK:
        return "–", _("%(days)s 天内通话") % {"days": told.get("days")}
    if line.kind == FIRST_METHOD:
        return method_words(told.get("method")), _level_words(told) or "–"
    if line.kind == OVERDUE:
        level = LEVEL_WORDS.get(str(told.get("level")), told.get("level"))
        limit = _("%(days)s 个工作日，%(level)s") % {"days": told.get("limit_workdays"), "level": level}
        if told.get("is_light"):
            limit = _("%(limit)s，还清自动办结") % {"limit": limit}
        return method_words(told.get("method")), limit
    if line.kind == CYCLE_BOUNDS:
        return "–", _("%(least)s 至 %(most)s 个月") % {
            "least": told.get("least_months"),
            "most": told.get("most_months"),
        }
    methods = _("、").join(method_words(each) for each in many(told.get("methods")))
    limit = _("每 %(months)s 个月") % {"months": told.get("months")}
    if told.get("opens_days_before"):
        limit = _("%(limit)s，到期前 %(days)s 天可办") % {"limit": limit, "days": told["opens_days_before"]}
    if level := _level_words(told):
        limit = _("%(limit)s，%(level)s") % {"limit": limit, "level": level}
    return methods, limit


def _level_words(told: Mapping[str, Any]) -> str:
    """A priority of the line's own; empty where it has none."""
    level = told.get("level")
    return "" if level in (None, "NONE") else str(LEVEL_WORDS.get(str(level), level))


def many(value: Any) -> list[Any]:
    """A list as it was sent; a draft may hold something else in its place."""
    return list(value) if isinstance(value, list | tuple) else []


def finding_words(finding: Finding) -> str:
    """What was found, with the numbers of its lines in words."""
    told: Mapping[str, Any] = finding.params
    first = finding.lines[0] if finding.lines else 0
    words = {"line": first, "others": _("、").join(str(each) for each in finding.lines[1:]), **told}
    if "fact" in told:
        words["fact"] = fact_words(told["fact"])
    if "kind" in told:
        words["kind"] = KIND_WORDS.get(told["kind"], told["kind"])
    if "name" in told:
        words["name"] = RESULT_WORDS.get(told["name"], told["name"])
    if "example" in told:
        each = [_("%(fact)s %(value)s") % {"fact": fact_words(f), "value": value_words(f, v)}
                for f, v in told["example"].items()]  # fmt: skip
        words["example"] = _("、").join(each) or _("任何贷款")
    if "worse" in told:
        words |= {name: value_words("grade", told[name]) for name in ("worse", "better")}
    return str(_SAID[finding.code]) % words


_SAID = {
    "NUMBERS": gettext_lazy("行号不连续。"),
    "KIND": gettext_lazy("第 %(line)s 行：没有“%(kind)s”这一类。"),
    "NOTE_MISSING": gettext_lazy("第 %(line)s 行没有写理由。"),
    "FACT": gettext_lazy("第 %(line)s 行：没有“%(fact)s”这个字段。"),
    "OPERATOR": gettext_lazy("第 %(line)s 行：%(fact)s不能这样比较。"),
    "VALUE": gettext_lazy("第 %(line)s 行：%(fact)s的值不能这样写。"),
    "RANGE": gettext_lazy("第 %(line)s 行：%(fact)s的值超出可能范围。"),
    "RESULT": gettext_lazy("第 %(line)s 行：%(name)s缺少、多余或超出范围。"),
    "NEVER": gettext_lazy("第 %(line)s 行的条件互相矛盾，没有贷款能符合。"),
    "UNREACHABLE": gettext_lazy("第 %(line)s 行不可达：被第 %(others)s 行全部截走。"),
    "OVERLAP": gettext_lazy("第 %(line)s 行与第 %(others)s 行有重叠，按先命中归前面的行。"),
    "GAP": gettext_lazy("空档：%(kind)s没有一行适用于%(example)s的贷款。"),
    "WORSE_IS_LATER": gettext_lazy(
        "%(worse)s按第 %(line)s 行是 %(later)s，%(better)s按第 %(others)s 行是 %(sooner)s：等级更差不得更晚。"
    ),
    "WORSE_IS_LOOSER": gettext_lazy(
        "第 %(line)s 行：周期上下限使%(worse)s（%(later)s）晚于%(better)s（%(sooner)s）：等级更差不得更晚。"
    ),
    "WORSE_IS_LIGHTER": gettext_lazy("%(worse)s按第 %(line)s 行的方式轻于%(better)s按第 %(others)s 行。"),
    "FIRST_TOO_LATE": gettext_lazy("第 %(line)s 行：首次回访在第 %(day)s 天，不得晚于第 %(most)s 天。"),
    "NODES_ORDER": gettext_lazy("第 %(line)s 行：检查日须从早到晚。"),
    "OPENS_LATE": gettext_lazy("第 %(line)s 行：开始日 %(day)s 晚于首个检查日 %(first)s。"),
    "TALK_AFTER_NODES": gettext_lazy(
        "第 %(line)s 行：通话期限 %(day)s 天晚于最后检查日 %(last)s，将在最后检查日通话。"
    ),
    "ROLE": gettext_lazy("第 %(line)s 行：没有办理回访的岗位“%(role)s”。"),
    "NO_TALK": gettext_lazy("第 %(line)s 行：首次回访须有一次与借款人通话或面谈，不能是非现场。"),
}
