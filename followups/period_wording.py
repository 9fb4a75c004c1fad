"""What period figures are asked for, or in words why that cannot be answered; for pages, files and the API."""

from collections.abc import Collection, Mapping
from datetime import date

from django.utils.translation import gettext as _

from followups.rules.period import Asked, WrongPeriod, asked_of
from journal.errors import ActionRefused


class PeriodRefused(ActionRefused):
    code = "wrong_period"


def asked_period(given: Mapping[str, str], today: date, groups: Collection[str]) -> Asked:
    """The period and grouping, or PeriodRefused at the field that is at fault."""
    try:
        return asked_of(given, today, groups)
    except WrongPeriod as wrong:
        words = {
            "no_day": _("请填写有效日期，如 2026-10-30"),
            "no_group": _("没有这种汇总方式。"),
            "runs_back": _("开始日不能晚于结束日。"),
            "too_long": _("一次最多汇总两年。"),
        }
        raise PeriodRefused(words[wrong.fault], field=wrong.field) from wrong
