"""Measures: opened by the approval of the report that proposes them, ended once with words.

What a measure asks for is done where it belongs (a change of contract, a revaluation, a letter); here stand who is
responsible, by when, and what became of it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import MeasureWrong
from followups.actions.tasks import checked_reason
from followups.models import Measure, MeasureState, ResponseMeasure, VisitReport, VisitTask
from followups.queries.measures import measures_visible_to
from followups.rules.correction import Opened
from followups.rules.correction import measures as changed
from followups.rules.measures import DEFAULT_MEASURES
from journal.actions import record
from loans.queries import hold_business_date, require_business_date
from people.actions import NotAllowed
from people.models import Staff
from people.queries import may


@transaction.atomic
def install_response_measures() -> None:
    """Adds kinds that the catalogue has not; what the bank changed is left alone."""
    ResponseMeasure.objects.bulk_create(
        (
            ResponseMeasure(
                code=code,
                name_zh=name,
                name_en=english,
                conclusions=list(conclusions),
                workdays=workdays,
                ordinal=place,
            )  # fmt: skip
            for place, (code, name, english, conclusions, workdays) in enumerate(DEFAULT_MEASURES, 1)
        ),
        ignore_conflicts=True,
    )


def open_measures(task: VisitTask, report: VisitReport, *, by: Staff, at: datetime) -> list[Measure]:
    """Opens what the report proposes, with its owners and dates; called in the approval."""
    return _open(task, report, report.content.get("measures", []), by=by, at=at)


def change_measures(task: VisitTask, report: VisitReport, *, by: Staff, at: datetime) -> tuple[list[int], list[int]]:
    """What an approved correction drops of the visit's open measures, and what it opens; what is done stays done."""
    every = Measure.objects.select_for_update(of=["self"]).filter(report__visit=report.visit_id)
    known = list(every.select_related("kind", "owner").order_by("id"))
    running = [
        Opened(one.pk, one.kind.code, one.owner.staff_no, one.due_on, one.words)
        for one in known
        if one.state == MeasureState.OPEN
    ]
    said = report.content.get("measures", [])
    # What an earlier correction dropped may come back; what a person has done does not.
    before = report.corrects.content.get("measures", []) if report.corrects else []
    stands = {one["code"] for one in before} | {one.kind.code for one in known if one.state == MeasureState.DONE}
    drop, wanted = changed(running, stands, said)
    words = _("报告第 %(version)s 版更正后不再需要") % {"version": report.version}
    for measure in known:
        if measure.pk in drop:
            _end(measure, MeasureState.DROPPED, words, by=by, at=at)
    opened = _open(task, report, [one for one in said if one["code"] in wanted], by=by, at=at)
    return drop, [measure.pk for measure in opened]


def _open(
    task: VisitTask, report: VisitReport, said: Sequence[Mapping[str, Any]], *, by: Staff, at: datetime
) -> list[Measure]:
    if not said:
        return []
    kinds = {kind.code: kind for kind in ResponseMeasure.objects.filter(code__in=[one["code"] for one in said])}
    named = Staff.objects.filter(staff_no__in=[one["owner"]["staff_no"] for one in said])
    people = {one.staff_no: one for one in named}
    return Measure.objects.bulk_create(
        Measure(
            report=report,
            loan_id=task.loan_id,
            branch_id=task.branch_id,
            kind=kinds[one["code"]],
            words=one["words"],
            owner=people[one["owner"]["staff_no"]],
            due_on=date.fromisoformat(one["due_on"]),
            opened_by=by,
            opened_at=at,
            opened_on=require_business_date(),
        )
        for one in said
    )


@transaction.atomic
def end_measure(*, measure_id: int, is_done: bool, words: str, by: Staff, at: datetime) -> Measure:
    """Says what became of a measure: by its owner, or who assigns work in the branch. Once."""
    hold_business_date()
    if not (may(by, "followups.record_visit") or may(by, "followups.assign")):
        raise NotAllowed(_("您的岗位不能办理处置措施。"))
    seen = measures_visible_to(by).get(pk=measure_id)
    measure = Measure.objects.select_for_update().get(pk=seen.pk)
    if measure.owner_id != by.pk and not may(by, "followups.assign"):
        raise MeasureWrong(_("该措施由%(name)s负责。") % {"name": seen.owner.name})
    if measure.state != MeasureState.OPEN:
        raise MeasureWrong(_("该措施已经了结。"), code="measure_ended")
    said = checked_reason(words, least=4, field="words")
    return _end(measure, MeasureState.DONE if is_done else MeasureState.DROPPED, said, by=by, at=at)


def _end(measure: Measure, state: str, words: str, *, by: Staff, at: datetime) -> Measure:
    day = require_business_date()
    fields = {"state": state, "ended_by": by, "ended_at": at, "ended_on": day, "ended_words": words}
    Measure.objects.filter(pk=measure.pk).update(**fields)
    for name, value in fields.items():
        setattr(measure, name, value)
    record(
        kind="followups.measure_ended",
        subject_type="measure",
        subject_id=measure.pk,
        loan_id=measure.loan_id,
        by=by.staff_no,
        at=at,
        business_date=day,
        data={"loan_id": measure.loan_id, "report_id": measure.report_id, "state": str(measure.state)},
    )
    return measure
