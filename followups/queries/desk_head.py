"""What stands around the desk's list, read at once: own views, the week, neighbors, officers, branches, the bell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from collateral.models import Charge
from followups.models import Method, NoticesRead, SavedView, TaskState, VisitReport, VisitTask
from followups.queries.alerts import alerts_for
from followups.queries.assigning import given_visits
from followups.queries.corrections import corrections_to_make
from followups.queries.cover import held_by
from followups.queries.levelling import CEILING, DEFAULT_CEILING
from followups.queries.lists import lists_of
from followups.queries.merging import alone
from followups.queries.notices import MOST_COUNTED, every_notice_for
from followups.queries.results import untold_of
from followups.rules.estates import Home, neighbors
from loans.models import Parameter
from people.models import Staff
from people.queries import branch_ids_visible_to, branches_visible_to, may, sees_every_branch

RECORDS = "followups.record_visit"
TO_DO = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.RETURNED)
# Neighbors are looked for among so many visits of a person; nobody has more.
MOST_HELD = 400
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Week:
    """The own visits of this week and the next against the ceiling; `days` are the next week's, Monday to Friday."""

    ceiling: int
    done: int
    today: int
    this: int
    next: int
    days: tuple[tuple[date, int], ...]


@dataclass(frozen=True)
class Head:
    views: list[dict[str, Any]] = field(default_factory=list)
    officers: list[dict[str, Any]] = field(default_factory=list)
    branches: list[tuple[str, str]] = field(default_factory=list)
    # How many tasks, signals and rules have something new to tell; above 99 they are not counted on.
    bell: int = 0
    week: Week | None = None
    neighbors: Mapping[int, tuple[Home, ...]] = field(default_factory=dict)
    # Results that the customer is still to be told, and how many of them past their day; counted up to 99.
    untold: int = 0
    untold_late: int = 0
    # Approved reports that one has to correct.
    corrections: int = 0


def views_of(staff: Staff) -> QuerySet[SavedView]:
    """The views that a person keeps, the oldest first."""
    return SavedView.objects.filter(staff=staff).order_by("id")


def head_of(staff: Staff, today: date) -> Head:
    """One statement, after the branches one sees are known."""
    read = Subquery(NoticesRead.objects.filter(staff=staff).values("up_to")[:1])
    seen = Subquery(NoticesRead.objects.filter(staff=staff).values("alerts_up_to")[:1])
    warned = alerts_for(staff, today).filter(pk__gt=Coalesce(seen, 0)).values("signal_id", "policy_id").distinct()
    asked: dict[str, QuerySet[Any, Any]] = {
        "views": views_of(staff).values("id", "name", "query"),
        "alerts": warned[: MOST_COUNTED + 1],
        "untold": untold_of(staff)[: MOST_COUNTED + 1],
    }
    for place, told in enumerate(every_notice_for(staff, today)):
        new = told.filter(pk__gt=Coalesce(read, 0)).order_by().values("task_id").distinct()
        asked[f"bell_{place}"] = new[: MOST_COUNTED + 1]
    if may(staff, RECORDS):
        asked |= _own(staff, today)
        asked["corrections"] = corrections_to_make(staff).values("id")[: MOST_COUNTED + 1]
    if may(staff, "followups.assign") or may(staff, RECORDS):
        asked["officers"] = officers_of(staff, today)
    if sees_every_branch(staff) or len(branch_ids_visible_to(staff)) > 1:
        asked["branches"] = branches_visible_to(staff).values("code", "name")
    found = lists_of(asked)
    branches = [(row["code"], row["name"]) for row in found.get("branches", ())]
    return Head(
        found["views"],
        found.get("officers", []),
        branches if len(branches) > 1 else [],
        sum(len(rows) for name, rows in found.items() if name.startswith("bell")) + len(found["alerts"]),
        _week(found, today) if "days" in found else None,
        neighbors(_home(row) for row in found.get("homes", ())),
        len(found["untold"]),
        sum(row["tell_by"] < today.isoformat() for row in found["untold"]),
        len(found.get("corrections", ())),
    )


def officers_of(staff: Staff, today: date) -> QuerySet[Any, Any]:
    """Who makes visits in the branches one sees, by branch and name; `is_given`: may they be given new ones today?"""
    found = Staff.objects.filter(is_active=True, branch_id__in=branch_ids_visible_to(staff))
    found = found.filter(roles__permissions__contains=[RECORDS]).distinct().order_by("branch__code", "name", "id")
    found = found.annotate(is_given=ExpressionWrapper(given_visits(today), output_field=BooleanField()))
    return found.values(
        "id", "staff_no", "name", "is_given", branch_name=F("branch__name"), branch_code=F("branch__code")
    )


def _own(staff: Staff, today: date) -> dict[str, QuerySet[Any, Any]]:
    monday = today - timedelta(days=today.weekday())
    held = VisitTask.objects.filter(held_by(staff), closed_on__isnull=True, state__in=TO_DO, is_light=False)
    held = held.filter(alone())
    visits = held.filter(~Q(method=Method.OFF_SITE) | Q(evidence__isnull=False))
    made = VisitReport.objects.filter(submitted_by=staff, submitted_on__gte=monday, version=1)
    return {
        "days": visits.filter(due_on__lt=monday + 2 * _WEEK).order_by().values("due_on").annotate(count=Count("id")),
        "made": made.order_by().values("branch_id").annotate(count=Count("id")),
        "ceiling": Parameter.objects.filter(code=CEILING, in_force__contains=today).values("value"),
        "homes": homes_of(held),
    }


def homes_of(tasks: QuerySet[VisitTask]) -> QuerySet[Any, Any]:
    """Where the visits of these tasks go."""
    charges = Charge.objects.filter(loan_id=OuterRef("loan_id")).order_by("id")
    return (
        tasks.exclude(method=Method.OFF_SITE)
        .order_by("due_on", "id")
        .values("id", "due_on")
        .annotate(
            district=Subquery(charges.values("property__district")[:1]),
            address=Subquery(charges.values("property__address")[:1]),
        )[:MOST_HELD]
    )


def _home(row: Mapping[str, Any]) -> Home:
    return Home(row["id"], date.fromisoformat(row["due_on"]), row["district"] or "", row["address"] or "")


def _week(found: Mapping[str, list[dict[str, Any]]], today: date) -> Week:
    next_monday = today - timedelta(days=today.weekday()) + _WEEK
    counts = {date.fromisoformat(row["due_on"]): int(row["count"]) for row in found["days"]}
    done = sum(int(row["count"]) for row in found["made"])
    ceiling = int(found["ceiling"][0]["value"]) if found["ceiling"] else DEFAULT_CEILING
    days = tuple((day, counts.get(day, 0)) for day in (next_monday + timedelta(days=n) for n in range(5)))
    return Week(
        ceiling,
        done,
        sum(count for day, count in counts.items() if day <= today),
        done + sum(count for day, count in counts.items() if day < next_monday),
        sum(count for day, count in counts.items() if day >= next_monday),
        days,
    )
