"""The visit register in words: its columns, why a follow-up is not closed, how a month is asked for."""

from collections.abc import Mapping
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followups.models import ContactOutcome, PauseReason, VisitTask
from followups.queries.review_figures import PARTS
from followups.queries.visit_register import OfficerLine, Register, Standing
from followups.rules.period import day_of
from journal.errors import ActionRefused
from loans.rules.dates import add_months


class MonthRefused(ActionRefused):
    """What the register is asked for cannot be: `code` says whether month, part, branch or officer."""

    code = "wrong_month"


def asked_register(given: Mapping[str, str], today: date) -> Register:
    """The month of the business date where none is named, or MonthRefused at the field that is at fault."""
    month = given.get("month", "") or f"{today:%Y-%m}"
    first = day_of(f"{month}-01")
    if first is None:
        raise MonthRefused(_("请填写有效月份，如 2026-10"), field="month")
    if first > today:
        raise MonthRefused(_("该月份还没有到。"), field="month")
    part = given.get("part", "") or PARTS[0]
    if part not in PARTS:
        raise MonthRefused(_("没有这种筛选。"), field="part", code="wrong_part")
    codes = {name: given.get(name, "").strip()[:20] for name in ("branch", "officer")}
    for name, code in codes.items():
        # No column of the database holds this character, and asking for it is an error there.
        if "\x00" in code:
            raise MonthRefused(_("没有这种筛选。"), field=name, code=f"wrong_{name}")
    last = add_months(first, 1) - timedelta(days=1)
    return Register(first, last, today, codes["branch"], codes["officer"], part)


def part_words() -> Mapping[str, str]:
    return {"due": _("应完成"), "done": _("已完成"), "open": _("在办"), "late": _("已超时限")}


def why_words() -> Mapping[str, str]:
    return {
        "IN_REVIEW": _("待审核"), "RETURNED": _("退回修改"), "PAUSED": _("计时暂停"), "UNDER_WAY": _("回访进行中"),
        "NOT_REACHED": _("未联系上"), "UNASSIGNED": _("未分派"), "NOT_BEGUN": _("未开始"),
    }  # fmt: skip


def heads() -> list[str]:
    """The columns of the register, on screen and paper."""
    return [
        _("应完成日"), _("任务编号"), _("借据号"), _("客户"), _("类型"), _("方式"), _("主办人"), _("提交日"),
        _("办结日"), _("超时限"), _("结论"), _("差异数"), _("报告编号"), _("未完成原因"),
    ]  # fmt: skip


def officer_heads() -> list[str]:
    return [_("主办人"), _("应完成"), _("已完成"), _("其中超时限完成"), _("在办"), _("已超时限"), _("未完成原因")]


def days_over(task: VisitTask, standing: Standing, today: date) -> int:
    """Calendar days by which the first report came, or is still missing, after the limit."""
    made_on = standing.submitted_on or task.closed_on or today
    return max(0, (made_on - task.due_on).days)


def why_open(standing: Standing) -> str:
    """Why a follow-up is not closed, with how often and how it was tried or why its clock stands."""
    if not standing.why:
        return ""
    words = why_words()[standing.why]
    if standing.pause_reason:
        return _("%(what)s（%(why)s）") % {"what": words, "why": PauseReason(standing.pause_reason).label}
    if standing.why == "NOT_REACHED":
        tried = ngettext("%(count)s 次，最近%(last)s", "%(count)s 次，最近%(last)s", standing.attempts)
        last = ContactOutcome(standing.last_outcome).label
        return _("%(what)s（%(why)s）") % {"what": words, "why": tried % {"count": standing.attempts, "last": last}}
    return words


def reasons_of(line: OfficerLine) -> str:
    """What is not closed, by why and how many."""
    words = why_words()
    return _("；").join(f"{words[why]} {count}" for why, count in line.unclosed.items())
