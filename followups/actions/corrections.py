"""更正 of an approved report: a reviewer opens it with a reason, the officer mends the answers, review decides.

The task stays closed; `require_writable` is the one guard by which the steps of a visit let a correction through. What
is typed lies with the correction until its version is approved (`actions.correcting`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from followups.actions.refusals import (
    CorrectionEnded,
    CorrectionNotYours,
    CorrectionRefused,
    NotYours,
    OwnReport,
    ReasonMissing,
    WrongState,
)
from followups.actions.tasks import add_event, checked_reason, locked_task, require_to_do, tell
from followups.models import (
    AttachmentRemoval,
    Audience,
    CorrectionReason,
    CorrectionState,
    EventKind,
    Notice,
    NoticeCode,
    ReportCorrection,
    ReportState,
    ReturnReason,
    TaskState,
    Visit,
    VisitReport,
    VisitTask,
)
from followups.models.corrections import WORDS_LEAST
from followups.queries.attachments import attachments_of
from followups.queries.corrections import (
    later_report,
    live_correction,
    makes,
    may_withdraw,
    officer_for,
    open_correction,
    speaks_for_others,
    was_corrected,
)
from followups.queries.cover import is_held_by
from followups.queries.review import REVIEWS, makers_of
from followups.rules import step_limits
from followups.rules.report import content_sha256
from followups.rules.report_masking import hidden_in
from loans.queries import calendar, hold_business_date, parameter
from people.actions import require
from people.models import Staff

_FURTHEST = timedelta(days=60)


def require_writable(task: VisitTask) -> ReportCorrection | None:
    """Refuses unless the visit is still to be made or mended, or its approved report is being corrected: then by
    that correction."""
    found = open_correction(task)
    if found is None and task.state == TaskState.CLOSED and was_corrected(task):
        raise CorrectionEnded
    if found is None:
        require_to_do(task)
    return found


def require_corrector(correction: ReportCorrection, by: Staff) -> None:
    if not makes(correction, by):
        raise NotYours(correction.officer.name)


def require_writer(task: VisitTask, by: Staff) -> None:
    """Refuses who may not write on the visit now: who holds the task writes, of a correction who makes it."""
    correction = require_writable(task)
    if correction is not None:
        require_corrector(correction, by)
    elif not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")


def may_move_file(correction: ReportCorrection | None, added_at: datetime) -> bool:
    """What the approved report lists stays where it is; only what came for the correction is moved or taken out."""
    return correction is None or added_at >= correction.opened_at


@transaction.atomic
def open_report_correction(*, report_id: int, code: str, words: str, by: Staff, at: datetime) -> ReportCorrection:
    """Opens the correction of the report in force, with a coded reason and words; the officer of the visit makes it."""
    require(by, REVIEWS)
    today = hold_business_date()
    task_id = VisitReport.objects.visible_to(by).values_list("visit__task_id", flat=True).get(pk=report_id)
    task = locked_task(task_id, by)
    report = VisitReport.objects.select_related("visit__lead_visitor").get(pk=report_id)
    report.visit.task = task
    _require_correctable(report, task, by)
    if code not in CorrectionReason.values:
        raise ReasonMissing(_("请选择更正原因。"), field="code", code="not_a_choice")
    said = hidden_in(report.content, checked_reason(words, least=WORDS_LEAST, field="words"))
    officer = officer_for(report)
    if officer is None:
        raise CorrectionRefused(_("主办人和管户客户经理都不能办理更正，请先移交该贷款。"))
    if officer.pk == by.pk:
        raise OwnReport
    workdays = step_limits.workdays(step_limits.REPORT, parameter(step_limits.REPORT, today, None), task.level)
    visit = report.visit
    made = ReportCorrection.objects.create(
        visit=visit, branch_id=report.branch_id, corrects=report, after_version=visit.reports.count(),
        code=code, words=said, opened_by=by, opened_at=at,
        opened_on=today, officer=officer, due_on=calendar(today, today + _FURTHEST).add_workdays(today, workdays),
        before=visit.draft, draft=visit.draft,
    )  # fmt: skip
    _outdate_tabs(visit.pk)
    facts = {"report_id": report.pk, "version": report.version, "code": code}
    add_event(task, EventKind.CORRECTION_OPENED, by=by.staff_no, at=at, reason=said, **facts)
    tell(task, "followups.correction_opened", by=by, at=at, correction_id=made.pk, officer=officer.staff_no, **facts)
    _ring(made, task, NoticeCode.CORRECT, at)
    return made


def _ring(correction: ReportCorrection, task: VisitTask, code: NoticeCode, at: datetime) -> None:
    """Rings the bell of who makes the correction, once each; `queries.notices` shows it while it is to be made."""
    notice = Notice(
        task=task, branch_id=correction.branch_id, code=code, audience=Audience.OFFICER, due_on=correction.due_on,
        raised_on=(today := hold_business_date()), tell_on=today, at=at,
    )  # fmt: skip
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def _require_correctable(report: VisitReport, task: VisitTask, by: Staff) -> None:
    if report.state == ReportState.CORRECTED:
        raise CorrectionRefused(_("该版本已被更正，请打开现行版本。"), code="already_corrected")
    if report.state != ReportState.APPROVED or task.state != TaskState.CLOSED:
        raise CorrectionRefused(_("只有审核通过的报告可以更正。"), code="not_in_force")
    if by.pk in makers_of(report):
        raise OwnReport
    if live_correction(report.visit_id) is not None:
        raise CorrectionRefused(_("该报告正在更正，不能再发起。"), code="correction_open")
    if speaks_for_others(task):
        raise CorrectionRefused(
            _("楼盘走访报告和同户合并报告涉及其他借据，不能更正，请另行回访。"), code="shared_report"
        )
    require_last_word(report, task)
    if content_sha256(report.visit.draft) != report.content["answers_sha256"]:
        raise CorrectionRefused(_("回访内容与报告不一致，不能更正。"), code="answers_differ")


def require_last_word(report: VisitReport, task: VisitTask) -> None:
    """Refuses where another visit of the loan has reported since the version in force, or is about to."""
    later = later_report(report, task.loan_id)
    if later == "approved":
        words = _("该贷款已有更新的回访报告，不能更正本报告；请以新的报告为准，或另行回访。")
        raise CorrectionRefused(words, code="overtaken")
    if later:
        raise CorrectionRefused(_("该贷款另有报告待审核，请先审核该报告。"), code="another_in_review")


def _outdate_tabs(visit_id: int) -> None:
    """What was typed for one correction is not saved into another, nor after its end."""
    Visit.objects.filter(pk=visit_id).update(version=F("version") + 1)


def keep_corrected(visit: Visit, draft: Mapping[str, Any], *, by: Staff, at: datetime) -> Visit:
    """Keeps the answers of a correction; those of the approved version stay with the visit."""
    assert visit.correction is not None
    ReportCorrection.objects.filter(pk=visit.correction.pk).update(draft=dict(draft))
    Visit.objects.filter(pk=visit.pk).update(version=F("version") + 1, saved_at=at, saved_by=by.staff_no)
    visit.draft, visit.version, visit.saved_at, visit.saved_by = dict(draft), visit.version + 1, at, by.staff_no
    visit.correction.draft = dict(draft)
    return visit


def hand_in_correction(task: VisitTask, correction: ReportCorrection, *, by: Staff, at: datetime, **facts: Any) -> None:
    """The correction goes to review with the version that was just made of it (`require_amended`)."""
    ReportCorrection.objects.filter(pk=correction.pk).update(state=CorrectionState.SUBMITTED)
    add_event(task, EventKind.CORRECTION_SUBMITTED, by=by.staff_no, at=at, **facts)


def require_amended(correction: ReportCorrection, task: VisitTask, content: Mapping[str, Any]) -> None:
    """Refuses what another visit has overtaken, and a correction that says what the version in force says: nothing
    would take its place but its date."""
    require_last_word(correction.corrects, task)
    if not content["amendments"]:
        raise CorrectionRefused(
            _("与原报告没有不同，不能提交；请修改后提交，无须更正的请发起人撤回。"), code="nothing_amended"
        )


def give_back(task: VisitTask, report: VisitReport, *, at: datetime) -> None:
    """A returned version opens its correction again, and who makes it is told."""
    for made in ReportCorrection.objects.filter(visit=report.visit_id, state=CorrectionState.SUBMITTED):
        ReportCorrection.objects.filter(pk=made.pk).update(state=CorrectionState.OPEN)
        _ring(made, task, NoticeCode.CORRECT_BACK, at)


@transaction.atomic
def withdraw_correction(*, correction_id: int, words: str, by: Staff, at: datetime) -> ReportCorrection:
    """Ends a correction that is not approved yet; the approved version stands as it is.

    By who opened it, or another reviewer where that one can no longer. A version that waits for review goes back
    with these words, and files that came for the correction are taken out of the visit again.
    """
    require(by, REVIEWS)
    hold_business_date()
    seen = ReportCorrection.objects.visible_to(by).select_related("opened_by", "visit").get(pk=correction_id)
    task = locked_task(seen.visit.task_id, by)
    correction = ReportCorrection.objects.select_for_update().get(pk=correction_id)
    if correction.state not in (CorrectionState.OPEN, CorrectionState.SUBMITTED):
        raise WrongState(_("该更正已办结或已撤回。"))
    if not may_withdraw(correction, by):
        raise CorrectionNotYours(seen.opened_by.name)
    said = hidden_in(correction.corrects.content, checked_reason(words, least=WORDS_LEAST, field="words"))
    made = VisitReport.objects.filter(corrects=correction.corrects_id, visit=correction.visit_id)
    for waiting in made.select_for_update().filter(state=ReportState.SUBMITTED):
        if by.pk == waiting.endorsed_by_id or by.pk in makers_of(waiting):
            raise WrongState(_("您已对该版本签署意见或参与办理，须由审核人退回。"))
        VisitReport.objects.filter(pk=waiting.pk).update(
            state=ReportState.RETURNED, decided_by=by, decided_at=at, decision_note=said, return_code=ReturnReason.OTHER
        )
    taken_out = _take_out_files(seen.visit, correction, by=by, at=at)
    _outdate_tabs(correction.visit_id)
    ReportCorrection.objects.filter(pk=correction.pk).update(
        state=CorrectionState.WITHDRAWN, ended_by=by, ended_at=at, ended_words=said
    )
    facts = {"report_id": correction.corrects_id, "removed": taken_out}
    add_event(task, EventKind.CORRECTION_WITHDRAWN, by=by.staff_no, at=at, reason=said, **facts)
    tell(task, "followups.correction_withdrawn", by=by, at=at, correction_id=correction.pk, **facts)
    return ReportCorrection.objects.get(pk=correction.pk)


def _take_out_files(visit: Visit, correction: ReportCorrection, *, by: Staff, at: datetime) -> list[int]:
    came = list(attachments_of(visit).filter(at__gte=correction.opened_at))
    AttachmentRemoval.objects.bulk_create(AttachmentRemoval(attachment=row, by=by, at=at) for row in came)
    return [row.pk for row in came]
