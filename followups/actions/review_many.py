"""批量通过: up to twenty clean phone reports in one step, each of which this person has had before the eyes.

All or none: a report that another has decided meanwhile, or that is not clean, is named and nothing is approved.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import NotClean, StaleReport
from followups.actions.review import approve_held, prepare_approvals, require_turn
from followups.actions.tasks import guard, locked_task
from followups.models import TaskState, VisitReport
from followups.queries.review import REVIEWS, opened_by
from followups.rules.review import MOST_AT_ONCE
from journal.actions import record
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff


@transaction.atomic
def approve_clean(*, reports: Mapping[int, str], by: Staff, at: datetime) -> list[VisitReport]:
    """Approves these reports, {id: content hash as it was read}; one of another branch is one that is not there."""
    require(by, REVIEWS)
    day = hold_business_date()
    if not reports:
        raise NotClean(_("没有选择报告。"), code="none_chosen")
    if len(reports) > MOST_AT_ONCE:
        raise NotClean(_("一次最多批量通过 %(most)s 份。") % {"most": MOST_AT_ONCE}, code="too_many")
    found = list(_held(reports, by))
    unopened = {one.pk for one in found} - opened_by(by, reports)
    for report in found:
        _require_clean(report, by, is_opened=report.pk not in unopened)
        if report.content_sha256 != reports[report.pk]:
            raise StaleReport
    prepare_approvals(found, "", by=by, at=at)
    for report in found:
        guard(report.visit.task, TaskState.CLOSED)
        approve_held(report.visit.task, report, "", by=by, at=at)
    record(
        kind="followups.reports_approved_together",
        subject_type="staff",
        subject_id=by.pk,
        by=by.staff_no,
        at=at,
        business_date=day,
        data={"reports": [report.pk for report in found]},
    )
    return found


def _held(reports: Mapping[int, str], by: Staff) -> list[VisitReport]:
    """The reports with their tasks held, in one order whoever asks."""
    visible = VisitReport.objects.visible_to(by).filter(pk__in=list(reports))
    places = sorted(visible.values_list("visit__task_id", "pk"))
    if len(places) != len(reports):
        raise NotClean(_("所选报告中有的不存在，请刷新后再选。"), code="not_there")
    held = []
    for task_id, pk in places:
        task = locked_task(task_id, by)
        report = VisitReport.objects.select_for_update().get(pk=pk)
        report.visit.task = task
        held.append(report)
    return held


def _require_clean(report: VisitReport, by: Staff, *, is_opened: bool) -> None:
    require_turn(report, by)
    if not report.is_clean:
        raise NotClean(
            _("报告 %(number)s 不能批量通过：只限无异常的电话回访；实地、橙色、红色和有变化的须逐份审核。")
            % {"number": report.number}
        )
    if not is_opened:
        raise NotClean(_("报告 %(number)s 尚未打开看过，不能批量通过。") % {"number": report.number}, code="not_opened")
