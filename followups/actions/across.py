"""跨机构同户: who sees both branches has one visit made of two talks, or leaves them apart with a reason.

The visit is the one that `merging` makes, with a report for each branch, and 拆开 undoes it.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.merging import MergeRefused, merge_tasks
from followups.actions.refusals import ReasonMissing, WrongOfficer
from followups.actions.tasks import assign, checked_reason, lock_together
from followups.models import AcrossPair, MergedTask, MergeMode, VisitTask
from followups.queries.across import ASSIGNS, able_for, to_decide
from followups.queries.merging import lead_of, links_of
from followups.rules.facts import IRREGULAR, WEIGHT
from journal.actions import record
from journal.errors import ActionRefused
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff

REASON_MOST = 200


class PairStale(ActionRefused):
    """Begun, moved, given away or decided since the list was shown."""

    code = "across_pair_stale"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("名单已有变化：任务已开始、改动或已有决定，请刷新后再看。"))


@transaction.atomic
def visit_together(*, pair_id: int, officer: Staff | None, by: Staff, at: datetime) -> VisitTask:
    """Has the officer make one visit of both; pressed again for the same officer nothing changes. The visit's task."""
    require(by, ASSIGNS)
    pair = _locked(pair_id, by)
    made = _made_of(pair)
    if made is not None:
        if officer is None or made.lead.assigned_to_id != officer.pk:
            raise PairStale
        return made.lead
    found = to_decide(by, pair_id).first()
    if found is None:
        raise PairStale
    able = able_for([found], by=by, as_of=require_business_date())[found.pk]
    if officer is None or officer.pk not in {one.pk for one in able}:
        raise WrongOfficer(_("请从名单中选择主办人：能查看两处机构、可接新的回访任务，且不是任一贷款的审批人。"))
    lead, member = _lead_of(found)
    assign(task_id=lead.pk, officer=officer, reason=_("跨机构同户，一并办理"), by=by, at=at)
    merge_tasks(lead_id=lead.pk, task_ids=[member.pk], mode=MergeMode.EACH, by=by, at=at)
    lead.refresh_from_db()
    return lead


@transaction.atomic
def leave_apart(*, pair_id: int, reason: str, by: Staff, at: datetime) -> AcrossPair:
    """Keeps that each branch makes its own visit; said again by the same person in the same words nothing changes."""
    require(by, ASSIGNS)
    pair = _locked(pair_id, by)
    words = checked_reason(reason, least=2)
    if len(words) > REASON_MOST:
        raise ReasonMissing(
            _("文字过长，最多 %(most)s 个字。") % {"most": REASON_MOST}, field="reason", code="too_long"
        )
    if pair.left_on is not None and (pair.left_by_id, pair.reason) == (by.pk, words):
        return pair
    if not to_decide(by, pair_id).exists():
        raise PairStale
    today = require_business_date()
    pair.left_by, pair.left_on, pair.left_at, pair.reason = by, today, at, words
    pair.save(update_fields=["left_by", "left_on", "left_at", "reason"])
    record(
        kind="followups.pair_left_apart", subject_type="across_pair", subject_id=pair.pk, by=by.staff_no, at=at,
        business_date=today, data={"tasks": [pair.one_id, pair.other_id]},
    )  # fmt: skip
    return pair


def _locked(pair_id: int, by: Staff) -> AcrossPair:
    """The pair, its tasks and what their visits do along, in the order in which everybody locks tasks;
    AcrossPair.DoesNotExist where the person does not see both branches."""
    pair = AcrossPair.objects.visible_to(by).get(pk=pair_id)
    ends = (pair.one_id, pair.other_id)
    along = MergedTask.objects.filter(lead__in=ends, ended_at__isnull=True).values_list("task_id", flat=True)
    lock_together([*ends, *along])
    return AcrossPair.objects.select_for_update().get(pk=pair_id)


def _made_of(pair: AcrossPair) -> MergedTask | None:
    """The one visit that is already made of both."""
    for task_id, lead_id in ((pair.one_id, pair.other_id), (pair.other_id, pair.one_id)):
        link = lead_of(VisitTask.objects.get(pk=task_id))
        if link is not None and link.lead_id == lead_id:
            return link
    return None


def _lead_of(pair: AcrossPair) -> tuple[VisitTask, VisitTask]:
    """Which of the two is made and which is done along: what does others along already leads, else the more urgent."""
    leading = {task.pk: bool(links_of(task)) for task in (pair.one, pair.other)}
    if all(leading.values()):
        raise MergeRefused(_("两项任务都已一并办理其他任务，请先拆开其中一项。"))
    lead, member = sorted(
        (pair.one, pair.other),
        key=lambda task: (
            not leading[task.pk], task.level, task.kind != IRREGULAR, -WEIGHT[task.method], task.due_on, task.pk,
        ),
    )  # fmt: skip
    return lead, member
