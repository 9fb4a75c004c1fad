"""What is of a day as workbooks: an officer's visits in the field, the own digest, the notices told to a person."""

from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from followups.actions.desk_file import ListTooLong
from followups.actions.list_file import MOST_ROWS, Listed
from followups.models import ReassignRequest, SkipRequest
from followups.queries.alerts import ToldAlert, told_alerts
from followups.queries.day_plan import Visit
from followups.queries.notices import Told, told, waiting_reassigns, waiting_skips
from followups.signal_wording import signal_words
from followups.step_wording import told_words
from followups.views.day_plan import asked_plan
from followups.views.digest_links import Line
from followups.views.digests import asked_digest
from followups.views.list_file import ListFile, instant, level_words
from followups.views.notices import name_of, name_told
from followups.views.rows import DeskRow, name_for
from loans.statement_xlsx import Cell, Sheet
from people.models import Staff
from people.queries import may


class DayPlanFile(ListFile):
    """An officer's day in the field; the last column is for what came of it."""

    def listed(self, today: date) -> Listed:
        asked = asked_plan(self.request, self.staff, today)
        heads = [
            _("时间"), _("区"), _("地址"), _("客户"), _("借据号"), _("剩余时限"), _("应完成日"),
            pgettext("level", "预警"), _("为什么"), _("任务"), _("结果"),
        ]  # fmt: skip
        officer = f"{asked.officer.name} {asked.officer.staff_no}" if asked.officer else ""
        filters = [(_("主办人"), officer), (_("日期"), asked.day.isoformat())]
        rows = (_stop_cells(*stop) for stop in asked.stops)
        return Listed("day_plan", _("外访日程"), heads, rows, len(asked.stops), filters)


def _stop_cells(visit: Visit, row: DeskRow) -> list[Cell]:
    return [
        visit.at, visit.stop.district, visit.address, row.name, row.task.loan.loan_note_no, row.left.word,
        row.task.due_on, level_words(row.task.level), row.why, row.task.number, "",
    ]  # fmt: skip


class DigestFile(ListFile):
    """The own digest of a day, its figures as they stood."""

    def listed(self, today: date) -> Listed:
        asked = asked_digest(self.request, self.staff, today)
        heads = [_("事项"), _("数量"), _("其中")]
        made = instant(asked.digest.at) if asked.digest else ""
        filters = [(_("日期"), asked.day.isoformat()), (_("生成时间"), made)]
        return Listed("digest", _("每日摘要"), heads, map(_line_cells, asked.lines), len(asked.lines), filters)


def _line_cells(line: Line) -> list[Cell]:
    return [line.label, line.count, _("，").join(f"{share.name} {share.count}" for share in line.shares)]


class NoticesFile(ListFile):
    """What runs late and is told to the person; warnings and requests that wait for a decision on further sheets."""

    def listed(self, today: date) -> Listed:
        staff = self.staff
        rows, alerts = told(staff, today, MOST_ROWS + 1), told_alerts(staff, today, MOST_ROWS + 1)
        skips = list(waiting_skips(staff)[: MOST_ROWS + 1]) if may(staff, "followups.review") else []
        reassigns = list(waiting_reassigns(staff)[: MOST_ROWS + 1]) if may(staff, "followups.assign") else []
        if max(len(alerts), len(skips), len(reassigns)) > MOST_ROWS:
            raise ListTooLong(MOST_ROWS)
        heads = [
            _("新"), _("提示"), _("应完成日"), _("客户"), pgettext("level", "预警"), _("任务"), _("主办人"),
            _("告知"), _("机构"),
        ]  # fmt: skip
        beside = [
            Sheet(_("预警与新策略"), (), _alert_heads(), (_alert_cells(one, staff) for one in alerts), (), ()),
            Sheet(_("待批准的免访申请"), (), _request_heads(), (_request_cells(one, staff) for one in skips), (), ()),
            Sheet(_("待决定的改派申请"), (), _request_heads(), (_request_cells(one, staff) for one in reassigns), (),
                  ()),
        ]  # fmt: skip
        cells = (_notice_cells(one, staff) for one in rows)
        return Listed("notices", _("提示事项"), heads, cells, len(rows), beside=beside)


def _new(is_new: bool) -> str:
    return _("新") if is_new else ""


def _notice_cells(row: Told, staff: Staff) -> list[Cell]:
    notice, task = row.notice, row.notice.task
    return [
        _new(row.is_new), told_words(row),
        notice.due_on if task.closed_on or notice.is_of_step else task.due_on,
        name_told(row, staff), level_words(task.level), task.number,
        row.officer.name if row.officer else _("未分派"), str(notice.get_audience_display()),
        task.branch.name,
    ]  # fmt: skip


def _alert_heads() -> list[str]:
    return [_("新"), _("提示"), _("时限"), _("客户"), _("级别"), pgettext("one", "预警"), _("告知"), _("机构")]


def _alert_cells(row: ToldAlert, staff: Staff) -> list[Cell]:
    alert = row.alert
    signal, words = alert.signal, str(alert.get_code_display())
    what = ""
    if signal is not None:
        what = signal_words(signal.code)
    elif alert.regulation is not None:
        what = f"{alert.regulation.number} {alert.regulation.title}"
    elif alert.policy is not None:
        words = f"{words} v{alert.policy.version}"
        what = _("%(day)s 起执行，未办任务当晚按新策略调整") % {"day": alert.due_on.isoformat()}
    return [
        _new(row.is_new), words, alert.due_on, name_of(row, staff), level_words(signal.level if signal else None),
        what, str(alert.get_audience_display()), signal.loan.branch.name if signal else "",
    ]  # fmt: skip


def _request_heads() -> list[str]:
    return [_("客户"), _("任务"), _("机构"), _("申请人"), _("原因")]


def _request_cells(one: SkipRequest | ReassignRequest, staff: Staff) -> list[Cell]:
    return [name_for(staff, one.task), one.task.number, one.task.branch.name, one.asked_by.name, one.reason]
