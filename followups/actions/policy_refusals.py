"""Why a step of a follow-up policy is refused. Each leaves everything as it was."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from followups.models.policy import FollowUpPolicy
from followups.rules.policy_draft import read_lines
from journal.errors import ActionRefused
from people.rules.policy import Line, PolicyError


class LinesUnreadable(ActionRefused):
    """What was sent is no line of a policy."""

    code = "policy_unreadable"


def read_sent(lines: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Lines from what was sent; LinesUnreadable names what cannot be read."""
    try:
        return read_lines(lines)
    except PolicyError as error:
        raise LinesUnreadable(_("无法读取：%(fault)s") % {"fault": error}, field="lines") from error


class PolicyWrongDate(ActionRefused):
    code = "policy_wrong_date"


class PolicyDatesOverlap(ActionRefused):
    code = "policy_dates_overlap"

    def __init__(self, other: FollowUpPolicy) -> None:
        told = {"version": other.version, "day": other.in_force.lower}
        super().__init__(_("v%(version)s 已批准自 %(day)s 起生效，新版本的生效日须晚于该日。") % told, field="from_on")


class PolicyNotFit(ActionRefused):
    code = "policy_not_fit"

    def __init__(self) -> None:
        super().__init__(_("检查发现须改正的问题，改正后才能提交复核。"))


class DryRunMissing(ActionRefused):
    code = "policy_dry_run_missing"

    def __init__(self) -> None:
        super().__init__(_("现有条文还没有试算，或试算后又有改动。请先试算全部贷款。"))


class DryRunRunning(ActionRefused):
    code = "policy_dry_run_running"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("该草案正在试算，请等待结束。"))


class OwnPolicy(ActionRefused):
    code = "own_policy"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("复核人须不同于拟稿人。"))


class PolicyChanged(ActionRefused):
    code = "policy_changed"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("草案已在别处改动。请看最新内容后再操作。"))


class TooManyLoans(ActionRefused):
    code = "policy_too_many_loans"

    def __init__(self, most: int) -> None:
        super().__init__(_("超过 %(most)s 笔的名单请用 CSV。") % {"most": f"{most:,}"})


class PolicyDecided(ActionRefused):
    code = "policy_decided"
    conflict = True

    def __init__(self, policy: FollowUpPolicy) -> None:
        words = {
            "DRAFT": _("v%(version)s 尚未提交复核。"),
            "SUBMITTED": _("v%(version)s 正在等待复核，不能修改。"),
            "APPROVED": _("v%(version)s 已批准，不能修改。"),
            "WITHDRAWN": _("v%(version)s 已撤回。"),
        }
        super().__init__(words[policy.state] % {"version": policy.version})
