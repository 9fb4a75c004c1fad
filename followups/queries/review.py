"""Whose turn a report is: what waits for a person, who else could decide, what speaks against deciding together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from followups.models import ReportHint, ReportOpening, ReportState, VisitReport
from followups.rules.review import RISK
from people.models import Staff
from people.queries import may

REVIEWS, REVIEWS_RED = "followups.review", "followups.review_red"
# Who may give the opinion that is due, the nearest first: own branch, upper branches, the whole bank; who is away last.
_REVIEWERS = """
SELECT s.id, s.staff_no, s.name, b.name, bool_or(%(red)s = ANY(r.permissions)) AS is_risk_head,
       EXISTS (SELECT FROM people_leave l WHERE l.staff_id = s.id AND l.cancelled_at IS NULL
                AND l.period @> %(today)s::date) AS is_away
  FROM people_staff s JOIN people_branch b ON b.id = s.branch_id
  JOIN people_staff_roles sr ON sr.staff_id = s.id JOIN people_role r ON r.id = sr.role_id
  JOIN people_branch h ON h.id = %(branch)s
 WHERE s.is_active AND NOT s.id = ANY(%(out)s)
 GROUP BY s.id, b.id, h.id
HAVING bool_or(%(permission)s = ANY(r.permissions))
   AND (bool_or(r.scope = 'ALL') OR bool_or(r.scope = 'SUBTREE') AND h.path LIKE b.path || '%%'
        OR bool_or(r.scope = 'BRANCH') AND b.id = h.id)
 ORDER BY is_away, is_risk_head, b.id <> h.id, h.path NOT LIKE b.path || '%%', length(b.path) DESC, s.staff_no
 LIMIT 5
"""


# Is there somebody today who gives a manager's opinion of report r of visit v: no maker of it, not away, no risk head?
HAS_MANAGER = f"""
EXISTS (SELECT FROM people_staff s JOIN people_branch b ON b.id = s.branch_id
          JOIN people_staff_roles sr ON sr.staff_id = s.id JOIN people_role o ON o.id = sr.role_id
          JOIN people_branch h ON h.id = r.branch_id
         WHERE s.is_active
           AND s.id <> ALL(array_remove(
               ARRAY[r.submitted_by_id, r.accompanied_by_id, v.lead_visitor_id, v.second_visitor_id], NULL))
           AND NOT EXISTS (SELECT FROM people_leave l WHERE l.staff_id = s.id AND l.cancelled_at IS NULL
                            AND l.period @> %(day)s::date)
         GROUP BY s.id, b.id, h.id
        HAVING bool_or('{REVIEWS}' = ANY(o.permissions)) AND NOT bool_or('{REVIEWS_RED}' = ANY(o.permissions))
           AND (bool_or(o.scope = 'ALL') OR bool_or(o.scope = 'SUBTREE') AND h.path LIKE b.path || '%%'
                OR bool_or(o.scope = 'BRANCH') AND b.id = h.id))
"""  # noqa: S608 - joined from constants
_WITHOUT_MANAGER = f"""
SELECT r.id FROM followups_visitreport r JOIN followups_visit v ON v.id = r.visit_id
 WHERE r.state = 'SUBMITTED' AND r.needs_risk_head AND r.endorsed_by_id IS NULL
   AND NOT {HAS_MANAGER.replace("%(day)s", "%s")}
"""  # noqa: S608 - joined from constants


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who may decide now."""

    pk: int
    staff_no: str
    name: str
    branch: str
    is_risk_head: bool
    is_away: bool


def makers_of(report: VisitReport) -> set[int]:
    """Who made the report: they neither endorse nor approve it."""
    visit = report.visit
    people = (report.submitted_by_id, report.accompanied_by_id, visit.lead_visitor_id, visit.second_visitor_id)
    made = {pk for pk in people if pk is not None}
    if report.corrects_id is not None:
        # Much of a correction is in the words of who made the versions before it.
        before = VisitReport.objects.filter(visit=report.visit_id, version__lt=report.version)
        made |= set(before.values_list("submitted_by", flat=True))
    return made


def reviewers_of(report: VisitReport, today: date) -> list[Reviewer]:
    """Who may give the opinion that is due; an own report of a manager goes to the deputy or the upper branch."""
    is_risk = report.waits_for == RISK
    out = makers_of(report) | ({report.endorsed_by_id} if is_risk and report.endorsed_by_id else set())
    asked: dict[str, Any] = {
        "red": REVIEWS_RED,
        "permission": REVIEWS_RED if is_risk else REVIEWS,
        "branch": report.branch_id,
        "out": sorted(out),
        "today": today,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REVIEWERS, asked)
        return [Reviewer(*row) for row in cursor.fetchall()]


def turn_fault(report: VisitReport, staff: Staff, today: date) -> str:
    """Why this person may not give the opinion that is due; empty when it is theirs to give.

    Codes: decided, own, forbidden, endorsed, manager_first (the risk head speaks after a manager, if one is there).
    """
    if not report.waits_for:
        return "decided"
    if staff.pk in makers_of(report):
        return "own"
    if report.waits_for == RISK:
        if staff.pk == report.endorsed_by_id:
            return "endorsed"
        return "" if may(staff, REVIEWS_RED) else "forbidden"
    if not may(staff, REVIEWS):
        return "forbidden"
    if report.needs_risk_head and may(staff, REVIEWS_RED):
        others = reviewers_of(report, today)
        return "manager_first" if any(not one.is_risk_head and not one.is_away for one in others) else ""
    return ""


def waiting_for(staff: Staff, today: date) -> QuerySet[VisitReport]:
    """Visible reports whose next opinion this person may give: 待我审核.

    A red one of which no manager is there today waits for the risk heads at once, as `turn_fault` has it.
    """
    waiting = VisitReport.objects.visible_to(staff).filter(state=ReportState.SUBMITTED)
    own = Q(visit__lead_visitor=staff) | Q(visit__second_visitor=staff, visit__second_visitor__isnull=False)
    own |= Q(submitted_by=staff) | Q(accompanied_by=staff, accompanied_by__isnull=False)
    turn = Q(pk__in=[])
    if may(staff, REVIEWS):
        turn |= Q(needs_risk_head=False)
    if may(staff, REVIEWS_RED):
        turn |= Q(needs_risk_head=True, endorsed_by__isnull=False) & ~Q(endorsed_by=staff)
        if may(staff, REVIEWS):
            turn |= Q(needs_risk_head=True, endorsed_by__isnull=True, pk__in=RawSQL(_WITHOUT_MANAGER, [today]))
    elif may(staff, REVIEWS):
        turn |= Q(needs_risk_head=True, endorsed_by__isnull=True)
    return waiting.filter(turn).exclude(own)


def document_of(report: VisitReport, decision: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the PDF of an approved report is set from: the content and what review said of it, as they are kept; or as
    another `decision` would say it."""
    decision = decision or report.decision
    if decision is None and report.decided_by is not None and report.decided_at is not None:
        # Approved before more than one could review.
        decision = {
            "by": report.decided_by.name,
            "staff_no": report.decided_by.staff_no,
            "at": timezone.localtime(report.decided_at).strftime("%Y-%m-%d %H:%M:%S"),
            "note": report.decision_note,
        }
    shown = {key: value for key, value in (decision or {}).items() if key != "set_with"}
    return {**report.content, "content_sha256": report.content_sha256, **({"decision": shown} if shown else {})}


def with_openings(reports: QuerySet[VisitReport], staff: Staff) -> QuerySet[VisitReport]:
    """Adds `is_opened`: has this person had the report before the eyes?"""
    return reports.annotate(is_opened=Exists(ReportOpening.objects.filter(report=OuterRef("pk"), by=staff)))


def opened_by(staff: Staff, report_ids: Iterable[int]) -> set[int]:
    found = ReportOpening.objects.filter(by=staff, report_id__in=list(report_ids))
    return set(found.values_list("report_id", flat=True))


def hints_of(report_ids: Sequence[int]) -> dict[int, list[ReportHint]]:
    """Quality hints by report, in the order in which they were given; one statement for a page."""
    found: dict[int, list[ReportHint]] = {}
    rows = ReportHint.objects.filter(report_id__in=list(report_ids)).select_related("other__visit__task__loan")
    for hint in rows.defer("other__content", "other__visit__draft", "other__visit__known").order_by("id"):
        found.setdefault(hint.report_id, []).append(hint)
    return found
