"""Puts a step that is past its own limit into words: 修改已超时限1个工作日."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from followups.models import Notice
from followups.queries.late_steps import LateStep
from followups.queries.notices import Told
from followups.rules.clock import CORRECTING, REVIEWING, VISITING
from followups.rules.escalation import STEP_CODES

_STEP_OF_CODE: Mapping[str, str] = {code: step for step, code in STEP_CODES.items()}


def late_words(step: str, workdays: int) -> str:
    """Which step is how many workdays past its limit, as a sentence."""
    said = {
        VISITING: _("回访已超时限%(days)s个工作日"),
        CORRECTING: _("修改已超时限%(days)s个工作日"),
        REVIEWING: _("审核已超时限%(days)s个工作日"),
    }
    return said[step] % {"days": workdays}


def late_step_words(one: LateStep | None) -> str:
    return "" if one is None else late_words(one.step, one.late.workdays)


def short_late_words(one: LateStep) -> str:
    """The same in the width of a column."""
    days = one.late.workdays
    said = {
        VISITING: _("回访超%(days)s天"),
        CORRECTING: _("修改超%(days)s天"),
        REVIEWING: _("审核超%(days)s天"),
    }
    return said[one.step] % {"days": days}


def told_words(row: Told) -> str:
    """What is told: of a late step with its days, as long as it is late; of a correction with why."""
    if row.correction is not None:
        return _("%(what)s：%(why)s") % {
            "what": row.notice.get_code_display(), "why": row.correction.get_code_display(),
        }  # fmt: skip
    return _notice_words(row.notice, row.late_workdays)


def _notice_words(notice: Notice, late_workdays: int) -> str:
    step = _STEP_OF_CODE.get(notice.code)
    return late_words(step, late_workdays) if step and late_workdays else str(notice.get_code_display())
