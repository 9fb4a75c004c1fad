"""Measures: the catalogue as offered, what a draft proposes in words, what is open on a loan."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from followups.models import Measure, MeasureState, ResponseMeasure, VisitTask
from followups.rules.measures import faults, proposed
from loans.queries import require_business_date
from people.models import Staff
from people.queries import branch_ids_visible_to


def catalogue() -> list[ResponseMeasure]:
    """What may be proposed, in the bank's order."""
    return list(ResponseMeasure.objects.filter(is_active=True).order_by("ordinal", "id"))


def owners_for(task: VisitTask) -> QuerySet[Staff]:
    """Who may be made responsible: active members of the branch who visit or assign, and who holds the task."""
    wanted = Staff.objects.filter(is_active=True, branch_id=task.branch_id)
    able = wanted.filter(roles__permissions__contains=["followups.record_visit"])
    able |= wanted.filter(roles__permissions__contains=["followups.assign"])
    return able.distinct().order_by("name", "id")


def measure_faults(task: VisitTask, draft: Mapping[str, Any], approved: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with the measures of a draft; nothing is read while there are none.

    Of a correction those that were `approved` word for word are not judged again: their day may be past by now.
    """
    stood = proposed(approved) if approved and approved.get("conclusion") == draft.get("conclusion") else []
    kept: list[Mapping[str, str]] = []
    rows: list[Mapping[str, str]] = []
    for row in proposed(draft):
        (kept if row in stood and row not in kept else rows).append(row)
    if not rows:
        return []
    conclusion = str(draft.get("conclusion") or "")
    offered = [kind.code for kind in catalogue() if conclusion in kind.conclusions]
    owners = owners_for(task).values_list("staff_no", flat=True)
    return faults(rows, offered=offered, owners=owners, today=require_business_date(), kept=kept)


def measures_said(draft: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The proposed measures as the report says them: kind in both languages, owner, day, words."""
    rows = proposed(draft)
    if not rows:
        return []
    kinds = {kind.code: kind for kind in ResponseMeasure.objects.filter(code__in=[row.get("code") for row in rows])}
    people = dict(Staff.objects.filter(staff_no__in=[row.get("owner") for row in rows]).values_list("staff_no", "name"))
    return [
        {
            "code": row["code"],
            "label": {"zh": kinds[row["code"]].name_zh, "en": kinds[row["code"]].name_en},
            "owner": {"staff_no": row["owner"], "name": people[row["owner"]]},
            "due_on": row["due_on"],
            "words": str(row.get("words") or "").strip(),
        }
        for row in rows
        if row.get("code") in kinds and row.get("owner") in people and row.get("due_on")
    ]


def measures_of(loan_id: int) -> QuerySet[Measure]:
    """All measures of a loan, the newest first; the caller has checked that the loan is visible."""
    found = Measure.objects.filter(loan_id=loan_id).select_related("kind", "owner", "opened_by", "ended_by")
    return found.order_by("-id")


def measures_visible_to(staff: Staff) -> QuerySet[Measure]:
    """Measures of branches one sees."""
    found = Measure.objects.filter(branch_id__in=branch_ids_visible_to(staff))
    return found.select_related("kind", "owner", "branch", "loan__borrower", "report__visit")


def open_measures_visible_to(staff: Staff) -> QuerySet[Measure]:
    return measures_visible_to(staff).filter(state=MeasureState.OPEN)
