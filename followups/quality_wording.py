"""Puts the lines of a quality score into words: what is scored, and the figures it rests on."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from followups.models import HintCode, ReportQuality
from followups.rules import quality as rules


def line_words(code: str) -> str:
    """What a line scores."""
    return {
        rules.COMPLETE: _("完整：问到的都核实了"),
        rules.PROOF: _("佐证：录音或照片"),
        rules.VERIFIED: _("变化有凭据"),
        rules.CONTACT: _("接通有记录"),
        rules.ON_TIME: _("按时提交"),
        rules.RETURNED: _("一次通过"),
        rules.ORIGINAL: _("不雷同"),
        rules.CARE: _("不走过场"),
    }[code]


def facts_words(code: str, facts: Mapping[str, Any]) -> str:
    """The figures that a line rests on."""
    hints = _("、").join(str(HintCode(one).label) for one in facts.get("hints", ()))
    if facts.get("needed") is False:
        return _("本方式不要求")
    if code == rules.COMPLETE:
        return _("问 %(asked)s 项，未核实 %(unverified)s 项") % facts
    if code == rules.VERIFIED:
        return _("变化 %(changes)s 项，仅口述 %(oral)s 项") % facts
    if code == rules.PROOF:
        if facts["recorded"]:
            return _("有录音")
        return _("附件 %(files)s 个") % facts + (_("，有不能拍照的原因") if facts["exit"] else "")
    if code == rules.CONTACT:
        return _("联系记录有本人接通") if facts["reached"] else _("联系记录没有本人接通")
    if code == rules.ON_TIME:
        return _("晚 %(late)s 个工作日") % facts if facts["late"] else _("时限内")
    if code == rules.RETURNED:
        return _("退回 %(returns)s 次") % facts
    return hints or _("无提示")


def quality_lines(quality: ReportQuality) -> list[dict[str, Any]]:
    """The stored lines with their words, and where the page shows what they rest on."""
    proofs = {rules.PROOF: "#evidence", rules.CONTACT: "#evidence", rules.ON_TIME: "#clock", rules.RETURNED: "#clock"}
    return [
        {
            **line,
            "words": line_words(line["code"]),
            "facts_words": facts_words(line["code"], line["facts"]),
            "href": proofs.get(line["code"], ""),
        }
        for line in quality.lines
    ]
