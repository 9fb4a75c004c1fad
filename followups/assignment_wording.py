"""Says in words why a task went to somebody, from the codes that its events keep."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups.models import EventKind, NoticeCode, TaskEvent, VisitTask

_WORDS = {
    "OWNER": gettext_lazy("管户客户经理"),
    "TERRITORY": gettext_lazy("熟悉该区域"),
    "LEAST_LOAD": gettext_lazy("本周任务最少"),
    "OVER_CEILING": gettext_lazy("本周已到上限"),
    "ROLE": gettext_lazy("回访策略要求的岗位"),
    "AWAY_COVERED": gettext_lazy("休假中，由代管人办理"),
    "APPROVER": gettext_lazy("贷款审批人不能单独回访"),
    "NOT_CERTIFIED": gettext_lazy("尚无回访证书"),
    "NOBODY": gettext_lazy("无人可派"),
    "SECOND": gettext_lazy("另派独立协办人"),
    "NO_SIGHT": gettext_lazy("主办人不能查看该任务的机构"),
    "ONE_TALK": gettext_lazy("与同户的任务一并办理"),
    "NO_SECOND": gettext_lazy("暂无合适的协办人"),
}


def assignment_words(codes: Iterable[str] | str) -> str:
    """The reasons in the order they were decided; one alone may stand by itself."""
    return _("；").join(str(_WORDS.get(code, code)) for code in ([codes] if isinstance(codes, str) else codes))


def why_assigned(task: VisitTask) -> str:
    """Why the task is with whom it is: what a person wrote, what the rule found, or that the loan is theirs."""
    if task.assigned_to_id is None:
        return ""
    event = TaskEvent.objects.filter(task=task, kind=EventKind.ASSIGNED).order_by("-id").first()
    return why_of(task, event.data if event else None)


def why_of(task: VisitTask, told: Mapping[str, Any] | None) -> str:
    """The same from what the newest assignment says of itself."""
    if task.assigned_to_id is None:
        return ""
    if told is not None and told.get("reason"):
        return str(told["reason"])
    if told is not None and told.get("why"):
        return assignment_words(told["why"])
    if told is not None and told.get("hand_over"):
        return _("管户移交")
    return str(_WORDS["OWNER"]) if task.loan.portfolio_officer_id == task.assigned_to_id else ""


def alarm_words(code: str) -> str:
    return str(NoticeCode(code).label) if code in NoticeCode.values else code
