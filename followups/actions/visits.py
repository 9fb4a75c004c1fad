"""Making a visit: start, keep the draft, look at the report, submit it.

What is known of the loan is frozen when the visit starts, and what the officer enters is compared
with that. A draft is one row with a version; a form that is not the latest is refused, naming who
saved in between. Submitting turns the draft into a report version whose content never changes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from followups.actions.attempts import last_contact, note_call
from followups.actions.corrections import (
    hand_in_correction,
    keep_corrected,
    require_amended,
    require_corrector,
    require_writable,
)
from followups.actions.hints import note_hints
from followups.actions.leases import require_own_window
from followups.actions.merging import carry_over
from followups.actions.pauses import end_pause
from followups.actions.quality import keep_quality, score_again
from followups.actions.refusals import (
    AlreadySubmitted,
    ApproverAlone,
    DraftTooLarge,
    InvalidAnswers,
    LightItem,
    MissingAnswers,
    NotYours,
    OpinionMissing,
    SecondVisitorWrong,
    StaleVersion,
    WrongState,
)
from followups.actions.report_risk import keep_score_of, warn_of
from followups.actions.tasks import (
    TO_DO,
    add_event,
    change_task,
    guard,
    locked_task,
    locked_with_members,
    require_certificate,
    require_on_its_own,
    require_to_do,
    take,
    tell,
    with_loan,
)
from followups.models import (
    Checklist,
    Difference,
    EventKind,
    Method,
    TaskState,
    Visit,
    VisitReport,
    VisitTask,
)
from followups.queries.assigning import is_kept_from_visits, not_independent, went_along
from followups.queries.attachments import photos_among
from followups.queries.content import Beside, ReportParts, beside_of, build_content, content_seen, known_for
from followups.queries.corrections import amended, can_act
from followups.queries.cover import is_held_by
from followups.queries.form import asked_of, field_label
from followups.queries.measures import measure_faults
from followups.queries.opinions import answers_sha256, opinion_of
from followups.rules import checklist, review, step_limits
from followups.rules.correction import fixed_faults
from followups.rules.report import conclusion_draft, content_sha256
from loans.queries import calendar, hold_business_date, lock_positions, parameter, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import branch_ids_visible_to, may

_FURTHEST_DECISION = timedelta(days=60)


@dataclass(frozen=True)
class ReportContent:
    """A report as it would be submitted now: nothing is written. `missing` and `faults` stand in its way."""

    content: dict[str, Any]
    sha256: str
    missing: list[str]
    faults: dict[str, list[str]]
    drafted_text: str


@transaction.atomic
def start_visit(*, task_id: int, by: Staff, at: datetime) -> Visit:
    """Begins the visit with the current checklist and what is known; started again it is the same visit.

    An unassigned task is claimed; one assigned to somebody else is refused.
    """
    require(by, "followups.record_visit")
    hold_business_date()
    task = with_loan(locked_with_members(task_id, by))
    require_to_do(task)
    if task.is_light:
        raise LightItem
    require_on_its_own(task)
    if task.assigned_to is not None and not is_held_by(task, by):
        raise NotYours(task.assigned_to.name)
    # A visit is what takes a task out of the plan, and nothing brings it back there.
    if task.state != TaskState.PLANNED:
        visit = Visit.objects.filter(task=task).select_related("checklist", "lead_visitor", "second_visitor").first()
        if visit is not None:
            return _led_by(visit, by)
    guard(task, TaskState.IN_PROGRESS)
    if task.method == Method.OFF_SITE and task.evidence is None:
        raise WrongState(_("系统尚未完成取证，取证后如有异常再由人员核对。"))
    if task.assigned_to is None:
        take(task, by, at=at)
    questions = Checklist.objects.order_by("-version").first()
    if questions is None:
        raise WrongState(_("尚未安装回访清单。"))
    draft, second = _first_draft(task, by)
    visit = Visit.objects.create(
        task=task,
        checklist=questions,
        method=task.method,
        lead_visitor=by,
        started_at=at,
        known=known_for(task),
        draft=draft,
        second_visitor=second,
        saved_at=at,
        saved_by=by.staff_no,
    )
    change_task(task, state=TaskState.IN_PROGRESS)
    add_event(task, EventKind.STARTED, by=by.staff_no, at=at, method=task.method)
    tell(task, "followups.visit_started", by=by, at=at, method=task.method)
    return visit


def _first_draft(task: VisitTask, lead: Staff) -> tuple[dict[str, Any], Staff | None]:
    """An empty form but for a call that came through today; where two have to go, with the second visitor that the
    assignment rule proposed, if that person may still go. The officer may choose another."""
    draft: dict[str, Any] = {"answers": {}}
    if outcome := last_contact(task):
        draft["contact_outcome"] = outcome
    proposed = task.proposed_second
    if proposed is None or not checklist.needs_pair(task.method, task.level):
        return draft, None
    second = _partner({"second_visitor": proposed.staff_no}, task, lead)
    return (draft if second is None else {**draft, "second_visitor": second.staff_no}), second


@transaction.atomic
def save_draft(
    *, task_id: int, version: int, draft: Mapping[str, Any], tab: str = "", by: Staff, at: datetime
) -> Visit:
    """Keeps a half-filled form; `version` is the one the form was made from, `tab` the window that holds the visit."""
    require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    visit = _own_visit(task, by)
    require_own_window(visit, tab, by, at)
    require_version(visit, version)
    _require_shape(visit, draft, asked_of(visit))
    if visit.correction is not None:
        return keep_corrected(visit, draft, by=by, at=at)
    second = _partner(draft, task, visit.lead_visitor)
    if second is not None and _is_new_beside(second, task, visit):
        # Kept as it was typed; nobody is named before the certificate is there, and handing in says so.
        second = None if is_kept_from_visits(second.pk, require_business_date()) else second
    return _keep(visit, draft, by=by, at=at, second=second)


def preview(*, task_id: int, draft: Mapping[str, Any] | None, by: Staff) -> ReportContent:
    """The report as it would look now (of the stored draft when none is given); writes nothing."""
    require(by, "followups.record_visit")
    task = (
        VisitTask.objects.visible_to(by)
        .select_related("loan__borrower", "loan__branch", "loan__position", "branch")
        .get(pk=task_id)
    )
    visit = visit_of(task)
    read = beside_of(task, visit)
    items = asked_of(visit, read.behind)
    if draft is not None:
        _require_shape(visit, draft, items)
    used = dict(visit.draft if draft is None else draft)
    absent, faults = _obstacles(task, visit, items, used, read)
    second = _partner(used, task, visit.lead_visitor) if visit.correction is None else visit.second_visitor
    shown = _without_faults(used, faults)
    content = build_content(ReportParts(task, visit, shown, read.next_version(visit), second, None, read))
    seen = content_seen(content, task, by)
    return ReportContent(seen, content_sha256(content), absent, faults, conclusion_draft(seen, _language()))


@transaction.atomic
def submit_visit(
    *, task_id: int, version: int, draft: Mapping[str, Any], tab: str = "", by: Staff, at: datetime
) -> VisitReport:
    """Makes the next version of the report and hands it to review.

    Refused when anything is missing (all of it listed), invalid, or saved by somebody in between.
    """
    require(by, "followups.record_visit")
    hold_business_date()
    loan_id = VisitTask.objects.visible_to(by).values_list("loan_id", flat=True).get(pk=task_id)
    lock_positions([loan_id])
    task = with_loan(locked_with_members(task_id, by))
    visit = _own_visit(task, by)
    if visit.correction is None:
        guard(task, TaskState.SUBMITTED)
    require_own_window(visit, tab, by, at)
    require_version(visit, version)
    read = beside_of(task, visit)
    items = asked_of(visit, read.behind)
    _require_shape(visit, draft, items)
    absent, faults = _obstacles(task, visit, items, draft, read)
    labels = _labels(items)
    if absent:
        raise MissingAnswers(absent, [labels.get(key) or field_label(key) for key in absent])
    if faults:
        raise InvalidAnswers(faults, {**{key: field_label(key) for key in faults}, **labels})
    second = _second_visitor(draft, task, visit, by) if visit.correction is None else visit.second_visitor
    if second is None and task.loan.approver_id == by.pk:
        raise ApproverAlone
    _require_opinion(task, visit, draft, second)
    if visit.correction is not None:
        return _make_report(task, keep_corrected(visit, draft, by=by, at=at), read, by=by, at=at)
    visit = _keep(visit, draft, by=by, at=at, second=second)
    note_call(task, visit, by=by, at=at)
    end_pause(task, by=by, at=at)
    report = _make_report(task, visit, read, by=by, at=at)
    if read.behind.has_links:
        carry_over(task, visit, begin=start_visit, keep=save_draft, by=by, at=at)
    return report


def _make_report(task: VisitTask, visit: Visit, read: Beside, *, by: Staff, at: datetime) -> VisitReport:
    number, today = read.next_version(visit), require_business_date()
    content = build_content(ReportParts(task, visit, visit.draft, number, visit.second_visitor, at, read))
    if visit.correction is not None:
        require_amended(visit.correction, task, content)
    report = VisitReport.objects.create(
        visit=visit,
        branch_id=task.branch_id,
        version=number,
        conclusion=content["conclusion"]["code"],
        suggested_class=content["conclusion"]["class_chosen"]["code"],
        difference_count=len(content["differences"]),
        level=task.level,
        accompanied_by=visit.second_visitor,
        needs_risk_head=review.needs_risk_head(task.level),
        is_clean=_is_clean(content, task, visit, number),
        content=content,
        content_sha256=content_sha256(content),
        submitted_by=by,
        submitted_at=at,
        submitted_on=today,
        decide_by=_decide_by(today, task.level),
        corrects=visit.correction.corrects if visit.correction else None,
    )
    Difference.objects.bulk_create(_differences(report))
    facts = {"report_id": report.pk, "version": number, "conclusion": report.conclusion}
    if visit.correction is None:
        # What a correction warns of and scores counts once it is approved; until then the version in force does.
        warn_of(report, task, by=by, at=at)
        keep_score_of(report, task, by=by, at=at)
        change_task(task, state=TaskState.SUBMITTED)
        add_event(task, EventKind.SUBMITTED, by=by.staff_no, at=at, **facts)
    else:
        hand_in_correction(task, visit.correction, by=by, at=at, **facts)
    hints = note_hints(report, task, visit, read.files, at=at)
    keep_quality(report, task, {hint.code for hint in hints if hint.report_id == report.pk}, at=at)
    later = [hint.report_id for hint in hints if hint.report_id != report.pk]
    if later:
        score_again(later, at=at)
    tell(
        task,
        "followups.correction_submitted" if visit.correction else "followups.visit_submitted",
        by=by,
        at=at,
        content_sha256=report.content_sha256,
        differences=report.difference_count,
        hints=[hint.code for hint in hints if hint.report_id == report.pk],
        **facts,
    )
    return report


def _is_clean(content: Mapping[str, Any], task: VisitTask, visit: Visit, number: int) -> bool:
    conclusion = content["conclusion"]
    return review.is_clean(
        method=visit.method,
        level=task.level,
        version=number,
        conclusion=conclusion["code"],
        differences=len(content["differences"]),
        requests=len(content["requests"]),
        keeps_class=conclusion["class_now"]["code"] == conclusion["class_chosen"]["code"],
    )


def _differences(report: VisitReport) -> list[Difference]:
    return [
        Difference(
            report=report,
            section=row["section"],
            item=row["key"],
            before=row["before"][:300],
            before_source=row["before_source"][:60],
            before_on=row["before_on"] or None,
            after=row["now"],
            verified_by=row["verified_by"],
        )
        for row in report.content["differences"]
    ]


def _decide_by(today: date, level: int) -> date:
    workdays = step_limits.workdays(step_limits.APPROVAL, parameter(step_limits.APPROVAL, today, None), level)
    days = calendar(today, today + _FURTHEST_DECISION)
    return days.add_workdays(today, workdays)


def visit_of(task: VisitTask) -> Visit:
    visit = (
        Visit.objects.filter(task=task).select_related("checklist", "lead_visitor", "second_visitor").first()
    )  # fmt: skip
    if visit is None:
        raise WrongState(_("回访尚未开始。"))
    visit.task = task
    return amended(visit, task)


def _own_visit(task: VisitTask, by: Staff) -> Visit:
    """The visit, to be changed by this person now."""
    if task.state == TaskState.SUBMITTED and is_held_by(task, by):
        raise AlreadySubmitted
    require_writable(task)
    visit = visit_of(task)
    if visit.correction is not None:
        require_corrector(visit.correction, by)
        return visit
    if not is_held_by(task, by):
        raise NotYours(visit.lead_visitor.name)
    assert task.state in TO_DO
    return _led_by(visit, by)


def _led_by(visit: Visit, by: Staff) -> Visit:
    """The visit led by who holds its task now: a deputy goes on where the officer stopped, and the other way round."""
    if visit.lead_visitor_id == by.pk:
        visit.lead_visitor = by
        return visit
    if visit.second_visitor_id == by.pk:
        raise SecondVisitorWrong(_("协办人不能同时为主办人。"))
    Visit.objects.filter(pk=visit.pk).update(lead_visitor=by)
    visit.lead_visitor = by
    return visit


def require_version(visit: Visit, version: int) -> None:
    if visit.version != version:
        saver = Staff.objects.filter(staff_no=visit.saved_by).first()
        raise StaleVersion(saver.name if saver else visit.saved_by, visit.saved_at, visit.version)


def _require_shape(visit: Visit, draft: Mapping[str, Any], items: list[checklist.Item]) -> None:
    try:
        size = len(json.dumps(draft, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError, RecursionError):
        raise InvalidAnswers({"draft": ["not_an_object"]}, {"draft": field_label("draft")}) from None
    if size > checklist.DRAFT_BYTES_LIMIT:
        raise DraftTooLarge
    faults = checklist.shape_faults(items, draft)
    if not faults and visit.correction is not None:
        faults = {key: ["not_corrected"] for key in fixed_faults(visit.correction.before, draft)}
    if faults:
        raise InvalidAnswers(faults, {**{key: field_label(key) for key in faults}, **_labels(items)})


def _language() -> str:
    return "en" if (get_language() or "").startswith("en") else "zh"


def _labels(items: list[checklist.Item]) -> dict[str, str]:
    return {item["key"]: item["label"][_language()] for item in items}


def _keep(visit: Visit, draft: Mapping[str, Any], *, by: Staff, at: datetime, second: Staff | None = None) -> Visit:
    Visit.objects.filter(pk=visit.pk).update(
        draft=dict(draft), version=visit.version + 1, saved_at=at, saved_by=by.staff_no, second_visitor=second
    )
    visit.draft, visit.version, visit.saved_at, visit.saved_by = dict(draft), visit.version + 1, at, by.staff_no
    visit.second_visitor = second
    return visit


def _obstacles(
    task: VisitTask, visit: Visit, items: list[checklist.Item], draft: Mapping[str, Any], read: Beside
) -> tuple[list[str], dict[str, list[str]]]:
    """What is missing and what is wrong. A conclusion has to speak about what the figures show."""
    absent = checklist.missing(items, draft, method=visit.method, photos=photos_among(read.files))
    faults = checklist.validate(items, draft, visit.known, method=visit.method)
    if found := measure_faults(task, draft, visit.correction.before if visit.correction else None):
        faults["measures"] = found
    words = str(draft.get("conclusion_text") or "").strip()
    if not absent and not faults and len(words) < checklist.CONCLUSION_TEXT_LEAST:
        content = build_content(ReportParts(task, visit, draft, 1, None, None, read))
        if content["conclusion"]["reasons"]:
            absent = ["conclusion_text"]
    return absent, faults


def _without_faults(draft: Mapping[str, Any], faults: Mapping[str, Any]) -> dict[str, Any]:
    """The draft without what cannot be computed with; a preview shows the rest."""
    answers = {key: answer for key, answer in (draft.get("answers") or {}).items() if key not in faults}
    rest = {key: value for key, value in draft.items() if key != "answers" and key not in faults}
    return {**rest, "answers": answers}


def _second_visitor(draft: Mapping[str, Any], task: VisitTask, visit: Visit, by: Staff) -> Staff | None:
    """The person named, None when nobody is; one sentence for every wrong name, which tells nothing of the name."""
    if not str(draft.get("second_visitor") or "").strip():
        return None
    second = _partner(draft, task, by)
    if second is None:
        raise SecondVisitorWrong(_("协办人须为该贷款所属机构另一名在岗的回访人员，请从名单中选择。"))
    if _is_new_beside(second, task, visit):
        require_certificate(second, is_second=True)
    return second


def _is_new_beside(second: Staff, task: VisitTask, visit: Visit) -> bool:
    """Is the person newly named? Who went along is not sent away for a certificate that ran out meanwhile."""
    return second.pk not in (task.proposed_second_id, visit.second_visitor_id)


def _require_opinion(task: VisitTask, visit: Visit, draft: Mapping[str, Any], second: Staff | None) -> None:
    """The second visitor's own opinion, signed over these very answers, where the bank asks for it; of a correction it
    is not asked of who can no longer sign."""
    is_gone = second is not None and not can_act(second, "followups.record_visit", task.branch_id)
    if visit.correction is not None and is_gone:
        return
    if not checklist.needs_pair(visit.method, task.level):
        return
    if not parameter("second_opinion_required", require_business_date(), False):
        return
    if second is None:
        raise MissingAnswers(["second_visitor"], [field_label("second_visitor")])
    opinion = opinion_of(visit, second)
    if opinion is None or opinion.answers_sha256 != answers_sha256(draft):
        raise OpinionMissing(second.name, is_stale=opinion is not None)


def _partner(draft: Mapping[str, Any], task: VisitTask, lead: Staff) -> Staff | None:
    """Who is named as second visitor, if one of those who may be: as offered by the page, seeing the branch. Of the
    branch, or one who went along with the visit of another branch that made this one too."""
    staff_no = str(draft.get("second_visitor") or "").strip()
    offered = Staff.objects.filter(Q(branch_id=task.branch_id) | Q(pk__in=went_along(task)), is_active=True)
    offered = offered.exclude(pk__in=[lead.pk, *not_independent(task.loan)])
    second = offered.filter(staff_no=staff_no).first() if staff_no else None
    if second is None or not may(second, "followups.record_visit"):
        return None
    return second if task.branch_id in branch_ids_visible_to(second) else None
