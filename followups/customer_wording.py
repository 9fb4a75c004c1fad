"""What a customer is told of where a visit stands: whole sentences, nothing of what was found or who was at fault."""

from datetime import date

from django.utils.translation import gettext as _

from followups.models import TellChannel
from followups.queries.customer_status import VisitStatus
from followups.rules import customer_status as rules


def what(one: VisitStatus) -> str:
    """What it is about, to the customer."""
    if one.is_own:
        return _("您告知或申请的事项")
    return _("放款后首次回访") if one.kind == "FIRST" else _("贷后回访")


def words(one: VisitStatus) -> str:
    """Where it stands, in one or two sentences."""
    stage, status = one.status.stage, one.status
    day = {"day": _day(status.expected_on or status.since), "since": _day(status.since)}
    if status.is_late:
        return _joined(_STAGES[stage](), _("已超过原定时间，我们会尽快答复您。"))
    if stage == rules.TOLD:
        channel = str(TellChannel(one.channel).label) if one.channel else ""
        return _("已于 %(since)s 告知您结果（%(channel)s）。") % {**day, "channel": channel}
    expected = {
        rules.ARRANGED: _("客户经理将在 %(day)s 前与您联系。"),
        rules.TALKING: _("预计 %(day)s 前了解完毕。"),
        rules.CHECKING: _("最迟 %(day)s 有结果；需要告知您的，客户经理会与您联系。"),
        rules.DECIDED: _("客户经理将在 %(day)s 前告知您。"),
    }.get(stage, "")
    return _joined(_STAGES[stage](), expected % day) if expected else _STAGES[stage]()


_STAGES = {
    rules.ARRANGED: lambda: _("已安排。"),
    rules.TALKING: lambda: _("正在向您了解情况。"),
    rules.CHECKING: lambda: _("情况已收齐，正在核对。"),
    rules.DECIDED: lambda: _("已有结果。"),
    rules.TOLD: lambda: _("已告知您结果。"),
    rules.DONE: lambda: _("已完成，没有需要您办理的事项。"),
    rules.UNREACHED: lambda: _("未能与您取得联系，请与客户经理联系。"),
}


def _joined(where: str, next_word: str) -> str:
    """Two sentences one after the other, as the language has it."""
    return _("%(where)s%(next)s") % {"where": where, "next": next_word}


def _day(day: date) -> str:
    return day.isoformat()
