"""Lists of work as workbooks: the review desk's queue, warnings, measures, what customers are to be told, and the
events of a loan. Each row says what the page says, names masked where they are on it."""

from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from followups.actions.list_file import Listed
from followups.models import Conclusion, CustomerResult, Measure, MeasureState, Method, TaskKind
from followups.queries.events import EventRow, events_of
from followups.queries.signals import Chain, chains
from followups.views.list_file import ListFile, filters_of, in_parts, instant, level_words
from followups.views.measures import ORDER as MEASURES_ORDER
from followups.views.measures import asked_measures
from followups.views.results import asked_results, result_rows, states
from followups.views.review_queue import QUEUE_ORDER, QueueRow, asked_queue, queue_rows
from followups.views.signals import NEWEST, asked_signals
from loans.models import Loan
from loans.queries.names import borrower_name
from loans.statement_xlsx import Cell
from people.models import Staff
from people.web import visible_or_404


def _yes(is_so: bool) -> str:
    return _("是") if is_so else ""


class ReviewFile(ListFile):
    """The queue of the review desk, with the tab that is open."""

    permission = "followups.review"

    def listed(self, today: date) -> Listed:
        narrowed = asked_queue(self.request, self.staff, today)
        count, rows = in_parts(
            narrowed.qs.defer("content"), QUEUE_ORDER.columns,
            lambda reports: map(_report_cells, queue_rows(reports, staff=self.staff, today=today)),
        )  # fmt: skip
        heads = [
            _("剩余时限"), _("审核时限"), pgettext("level", "预警"), _("客户"), _("借据号"), _("类型"), _("方式"),
            _("结论"), _("差异"), _("主办人"), _("协办人"), _("提交时间"), _("质量提示"), _("已看"), _("版本"),
            _("报告编号"),
        ]  # fmt: skip
        return Listed("review", _("审核台"), heads, rows, count, filters_of(narrowed))


def _report_cells(row: QueueRow) -> list[Cell]:
    report, visit = row.report, row.report.visit
    return [
        row.left.word, report.decide_by, level_words(report.level), row.name, visit.task.loan.loan_note_no,
        str(TaskKind(visit.task.kind).label), str(Method(visit.method).label),
        str(Conclusion(report.conclusion).label), report.difference_count, visit.lead_visitor.name,
        visit.second_visitor.name if visit.second_visitor else "", instant(report.submitted_at), row.hint,
        _yes(row.is_opened), report.version, report.number,
    ]  # fmt: skip


class SignalsFile(ListFile):
    """Warnings of the branches one sees."""

    def listed(self, today: date) -> Listed:
        narrowed = asked_signals(self.request, self.staff)
        count, rows = in_parts(
            narrowed.qs, NEWEST.columns,
            lambda signals: (_signal_cells(chain, self.staff) for chain in chains(signals, today)),
        )  # fmt: skip
        heads = [
            _("发现日"), pgettext("one", "预警"), _("级别"), _("依据"), _("客户"), _("借据号"), _("状态"), _("结果"),
            _("时限"), _("已超时限"), _("关闭日"), _("管户"), _("机构"),
        ]  # fmt: skip
        return Listed("signals", _("预警"), heads, rows, count, filters_of(narrowed))


def _signal_cells(chain: Chain, staff: Staff) -> list[Cell]:
    signal, loan = chain.signal, chain.signal.loan
    return [
        signal.raised_on, chain.what, level_words(signal.level), chain.inputs, borrower_name(loan, staff),
        loan.loan_note_no, str(signal.get_state_display()),
        str(signal.get_outcome_display()) if signal.outcome else "", signal.answer_by, _yes(chain.is_late),
        signal.closed_on, loan.portfolio_officer.name if loan.portfolio_officer else "", loan.branch.name,
    ]  # fmt: skip


class MeasuresFile(ListFile):
    """Measures of the branches one sees."""

    def listed(self, today: date) -> Listed:
        narrowed = asked_measures(self.request, self.staff)
        count, rows = in_parts(
            narrowed.qs, MEASURES_ORDER.columns,
            lambda measures: (_measure_cells(one, self.staff, today) for one in measures),
        )  # fmt: skip
        heads = [
            _("措施"), _("客户"), _("借据号"), _("报告"), _("说明"), _("负责人"), _("完成日"), _("已超时限"),
            _("状态"), _("办理结果"), _("机构"),
        ]  # fmt: skip
        return Listed("measures", _("处置措施"), heads, rows, count, filters_of(narrowed))


def _measure_cells(measure: Measure, staff: Staff, today: date) -> list[Cell]:
    is_late = measure.state == MeasureState.OPEN and measure.due_on < today
    return [
        measure.kind.name_zh, borrower_name(measure.loan, staff), measure.loan.loan_note_no, measure.report.number,
        measure.words, measure.owner.name, measure.due_on, _yes(is_late), str(measure.get_state_display()),
        measure.ended_words, measure.branch.name,
    ]  # fmt: skip


class ResultsFile(ListFile):
    """What customers are to be told, or were told."""

    def listed(self, today: date) -> Listed:
        asked = asked_results(self.request, self.staff, today)
        count, rows = in_parts(
            asked.found, asked.order.columns,
            lambda results: map(_result_cells, result_rows(results, self.staff, today)),
        )  # fmt: skip
        heads = [
            _("剩余时限"), _("告知时限"), _("客户"), _("借据号"), _("任务"), _("类型"), _("方式"), _("结论"),
            _("为何告知"), _("审核通过"), _("主办人"), _("告知渠道"), _("告知时间"),
        ]  # fmt: skip
        filters = [
            (_("状态"), dict(states())[asked.state]), (_("范围"), _("我的") if asked.is_mine else _("机构全部")),
        ]  # fmt: skip
        return Listed("results", _("告知客户"), heads, rows, count, filters)


def _result_cells(row: dict[str, Any]) -> list[Cell]:
    result: CustomerResult = row["result"]
    task, told = result.task, result.told
    return [
        "" if told else row["left"].word, result.tell_by, row["name"], task.loan.loan_note_no, task.number,
        str(TaskKind(task.kind).label), str(Method(task.method).label), str(result.report.get_conclusion_display()),
        row["why"], result.since, task.assigned_to.name if task.assigned_to else "",
        str(told.get_channel_display()) if told else "", instant(told.told_at) if told else "",
    ]  # fmt: skip


class LoanEventsFile(ListFile):
    """Events of a loan, its borrower and its homes."""

    def listed(self, today: date) -> Listed:
        loan = visible_or_404(Loan.objects.visible_to(self.staff).select_related("borrower"), pk=self.kwargs["pk"])
        rows = events_of(loan, most=None)
        heads = [
            _("发生日"), _("事项"), _("级别"), _("情况"), _("证据"), _("来源"), _("回访"), _("结果"), _("结果说明"),
            _("未结"),
        ]  # fmt: skip
        return Listed(
            "events", _("事项"), heads, map(_event_cells, rows), len(rows), [(_("借据号"), loan.loan_note_no)],
            loan_id=loan.pk,
        )  # fmt: skip


def _event_cells(row: EventRow) -> list[Cell]:
    event, end = row.event, row.end
    visits = [f"{link.task.number}{_('附注') if link.is_note else ''}" for link in row.visits]
    return [
        event.happened_on, row.what, level_words(event.level), event.words, event.evidence,
        str(event.get_feed_display() if event.feed else event.get_source_display()),
        _("、").join(visits) or (_("期初已存在") if event.is_baseline else _("待生成")),
        str(end.get_finding_display()) if end else "", end.words if end else "", _yes(row.is_open),
    ]  # fmt: skip
