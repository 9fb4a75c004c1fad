"""告知客户: the officer tells the customer the result of a visit and says how; a wrong entry is corrected."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import NotYours, WrongState
from followups.actions.tasks import add_event, checked_reason, locked_task, tell
from followups.models import (
    CustomerResult,
    EventKind,
    HeardBy,
    Outcome,
    ReportState,
    ResultTelling,
    TellChannel,
    VisitReport,
    VisitTask,
)
from followups.queries.cover import is_held_by
from followups.rules import telling as rules
from journal.errors import ActionRefused
from loans.queries import calendar, hold_business_date, parameter, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import may

TERMS = "visit_result_telling"
WORDS_LEAST = 4
_FURTHEST = timedelta(days=60)


class WrongTelling(ActionRefused):
    """What was entered of a telling cannot be."""

    code = "wrong_telling"


class AlreadyTold(ActionRefused):
    code = "already_told"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("结果已告知客户；登记有误的，先更正再登记。"))


class NotToldYet(ActionRefused):
    code = "not_told_yet"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("结果尚未告知客户。"))


def open_result(task: VisitTask, report: VisitReport, *, by: Staff, at: datetime) -> CustomerResult | None:
    """Where the approved result is to be told, from when and by when; called in the approval's transaction."""
    terms = rules.terms_from(parameter(TERMS, require_business_date(), {}))
    why = rules.reasons(
        method=report.visit.method,
        subject=task.subject,
        conclusion=report.conclusion,
        requests=len(report.content["requests"]),
        terms=terms,
    )
    return _opened(task, report, why, terms, by=by, at=at) if why else None


def tell_again(task: VisitTask, report: VisitReport, *, by: Staff, at: datetime) -> bool:
    """The conclusion is another one after a correction: what was told is undone, what is to be told runs anew; whether
    anything is. Called in the approval's transaction."""
    result = CustomerResult.objects.select_for_update().filter(task=task).first()
    if result is None:
        return open_result(task, report, by=by, at=at) is not None
    if result.told_id is None:
        # Nobody has told it yet: its time goes on.
        CustomerResult.objects.filter(pk=result.pk).update(report=report)
        return False
    today = require_business_date()
    terms = rules.terms_from(parameter(TERMS, today, {}))
    last = rules.tell_by(today, task.level, terms, calendar(today, today + _FURTHEST))
    words = _("报告第 %(version)s 版更正了结论，须重新告知") % {"version": report.version}
    ResultTelling.objects.create(
        result=result, undoes_id=result.told_id, words=words, by=by, at=at, business_date=today
    )
    CustomerResult.objects.filter(pk=result.pk).update(
        report=report, since=today, tell_by=last, told=None, told_on=None
    )
    add_event(task, EventKind.TO_TELL, by=by.staff_no, at=at, codes=list(result.why), tell_by=last.isoformat())
    return True


@transaction.atomic
def ask_for_result(*, task_id: int, by: Staff, at: datetime) -> CustomerResult:
    """The customer asked to be told a result that else need not be."""
    hold_business_date()
    task = _to_tell(task_id, by)
    found = CustomerResult.objects.filter(task=task).first()
    if found is not None:
        return found
    report = VisitReport.objects.filter(visit__task=task, state=ReportState.APPROVED).select_related("visit").first()
    if report is None or task.outcome != Outcome.APPROVED:
        raise WrongState(_("报告审核通过后才有结果。"))
    if not rules.may_be_told(method=report.visit.method, subject=task.subject):
        raise WrongState(_("非现场检查和楼盘回访没有需要告知客户的结果。"))
    terms = rules.terms_from(parameter(TERMS, require_business_date(), {}))
    made = _opened(task, report, [rules.ASKED], terms, by=by, at=at)
    tell(task, "followups.result_asked", by=by, at=at, tell_by=made.tell_by.isoformat())
    return made


def _opened(
    task: VisitTask, report: VisitReport, why: Sequence[str], terms: rules.Terms, *, by: Staff, at: datetime
) -> CustomerResult:
    today = require_business_date()
    last = rules.tell_by(today, task.level, terms, calendar(today, today + _FURTHEST))
    made = CustomerResult.objects.create(
        task=task, report=report, branch_id=task.branch_id, why=list(why), since=today, tell_by=last
    )
    add_event(task, EventKind.TO_TELL, by=by.staff_no, at=at, codes=list(why), tell_by=last.isoformat())
    return made


@transaction.atomic
def tell_result(
    *,
    task_id: int,
    channel: str,
    told_at: datetime,
    words: str,
    heard_by: str = HeardBy.BORROWER,
    by: Staff,
    at: datetime,
) -> ResultTelling:
    """Keeps that the customer was told: how, when, who heard it, what was said."""
    hold_business_date()
    task = _to_tell(task_id, by)
    result = _result_of(task)
    if result.told_id is not None:
        raise AlreadyTold
    if channel not in TellChannel.values:
        raise WrongTelling(_("请从所列告知方式中选择。"), field="channel", code="not_a_choice")
    if heard_by not in HeardBy.values:
        raise WrongTelling(_("只能告知借款人本人或受托代理人。"), field="heard_by", code="not_a_choice")
    decided_at = result.report.decided_at
    if told_at > at or (decided_at is not None and told_at < decided_at.replace(second=0, microsecond=0)):
        raise WrongTelling(_("告知时间须在审核通过之后、现在之前。"), field="told_at", code="wrong_hour")
    said = checked_reason(words, least=WORDS_LEAST, field="words", ask=_("请写明告知内容（至少 %(least)s 个字）。"))
    today = require_business_date()
    made = ResultTelling.objects.create(
        result=result, channel=channel, heard_by=heard_by, told_at=told_at, words=said, by=by, at=at,
        business_date=today,
    )  # fmt: skip
    CustomerResult.objects.filter(pk=result.pk).update(told=made, told_on=today)
    add_event(task, EventKind.TOLD, by=by.staff_no, at=at, channel=channel, telling_id=made.pk)
    tell(task, "followups.result_told", by=by, at=at, channel=channel, telling_id=made.pk)
    return made


@transaction.atomic
def undo_telling(*, task_id: int, reason: str, by: Staff, at: datetime) -> ResultTelling:
    """Corrects a telling that was not: the fact stays, another says that it does not hold, the clock runs again."""
    hold_business_date()
    task = _to_tell(task_id, by)
    result = _result_of(task)
    if result.told_id is None:
        raise NotToldYet
    words = checked_reason(reason, least=WORDS_LEAST)
    made = ResultTelling.objects.create(
        result=result, undoes_id=result.told_id, words=words, by=by, at=at, business_date=require_business_date()
    )
    CustomerResult.objects.filter(pk=result.pk).update(told=None, told_on=None)
    add_event(task, EventKind.TOLD_UNDONE, by=by.staff_no, at=at, reason=words, telling_id=made.undoes_id)
    tell(task, "followups.result_telling_undone", by=by, at=at, telling_id=made.undoes_id)
    return made


def _to_tell(task_id: int, by: Staff) -> VisitTask:
    """The task under its lock: who holds it tells the customer, or who assigns work."""
    assigns = may(by, "followups.assign")
    if not assigns:
        require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    if not assigns and not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    return task


def _result_of(task: VisitTask) -> CustomerResult:
    found = CustomerResult.objects.select_related("report").filter(task=task).first()
    if found is None:
        raise WrongState(_("该任务没有待告知客户的结果。"))
    return found
