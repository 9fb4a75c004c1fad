"""Reads of merging: what a visit does along, what could be done along with it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import DateField, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from collateral.models import Charge
from followups.models import MergedTask, TaskState, VisitTask
from followups.rules.facts import OFF_SITE
from followups.rules.talks import DAYS, DEFAULT_DAYS
from loans import sql
from people.models import Staff
from people.queries import branch_ids_visible_to, sees_every_branch
from people.queries.relations import related_ids

# Tasks due within this many days of each other are done in one visit: of the bank on its open day, no statement more.
WITHIN_DAYS = f"""coalesce((SELECT greatest(0, (p.value #>> '{{}}')::int) FROM loans_parameter p
    JOIN loans_businessdate b ON b.is_open AND p.in_force @> b.day WHERE p.code = '{DAYS}'), {DEFAULT_DAYS})"""  # noqa: S608
# Untouched talks. What is made of a development talks to no borrower; what a policy line gives to a role is joined by
# nobody but a person, who sees whether the other has it.
OPEN_TALK = """{0}.closed_on IS NULL AND {0}.state = 'PLANNED' AND NOT {0}.is_pinned AND {0}.paused_until IS NULL
       AND NOT {0}.is_light AND {0}.method <> 'OFF_SITE' AND {0}.subject = 'LOAN' AND {0}.rule <> 'PROJECT'
       AND {0}.role = ''"""
# Of a task t: no other open visit does it along. The same as a condition of querysets is `alone`. Looked up row by row,
# by key: as a join it is as dear as both tables together wherever nobody has counted their rows yet.
ALONE = """coalesce((SELECT (SELECT v.closed_on IS NOT NULL OR v.method = 'OFF_SITE' FROM followups_visittask v
                              WHERE v.id = k.lead_id)
                     FROM followups_mergedtask k WHERE k.task_id = t.id AND k.ended_at IS NULL), true)"""

# Loans of the same people, of who belongs together with them, and of the same homes; one step.
BESIDE = """
    SELECT a.id AS root, m.id FROM asked a JOIN loans_loan l ON l.id = a.id
      JOIN loans_loan m ON m.borrower_id = l.borrower_id
    UNION
    SELECT a.id, m.id FROM asked a JOIN loans_loan l ON l.id = a.id
      JOIN people_partyrelation r ON r.ended_on IS NULL AND l.borrower_id IN (r.party_id, r.other_id)
      JOIN loans_loan m ON m.borrower_id = CASE r.party_id WHEN l.borrower_id THEN r.other_id ELSE r.party_id END
    UNION
    SELECT a.id, d.loan_id FROM asked a JOIN collateral_charge c ON c.loan_id = a.id
      JOIN collateral_charge d ON d.property_id = c.property_id
"""

_IS_LINKED = "SELECT 1 FROM followups_mergedtask WHERE task_id = %(task)s AND ended_at IS NULL LIMIT 1"


def joined(task: str = "pk", **more: Any) -> Exists:
    """Condition of tasks that another open visit does along: one talk is one piece of work."""
    links = MergedTask.objects.filter(task=OuterRef(task), ended_at__isnull=True, lead__closed_on__isnull=True)
    return Exists(links.filter(**more).exclude(lead__method=OFF_SITE))


def alone(reader: Staff | None = None) -> Q:
    """Condition of tasks that are work of their own: for a reader also where the visit lies in a branch they do not
    see, or nothing of their task would ever be late to them."""
    return ~Q(joined(**_seen(reader)))


def told_elsewhere(reader: Staff, **more: Any) -> Exists:
    """Condition of notices of tasks that another visit does along which the reader sees."""
    return joined("task_id", **_seen(reader), **more)


def _seen(reader: Staff | None) -> dict[str, Any]:
    if reader is None or sees_every_branch(reader):
        return {}
    return {"lead__branch__in": branch_ids_visible_to(reader)}


def members_of(task: VisitTask) -> list[VisitTask]:
    """The tasks that this visit does along with a joint report."""
    links = MergedTask.objects.filter(lead=task, ended_at__isnull=True, mode="JOINT")
    # Most visits do nothing along, and then the wide rows are not asked for.
    ids = list(links.values_list("task_id", flat=True))
    if not ids:
        return []
    found = VisitTask.objects.filter(pk__in=ids, state=TaskState.PLANNED)
    return list(found.select_related("loan__position").order_by("due_on", "id"))


def links_of(task: VisitTask) -> list[MergedTask]:
    """The tasks merged into this one, of either mode."""
    found = MergedTask.objects.filter(lead=task, ended_at__isnull=True)
    return list(found.select_related("task__loan__borrower", "task__assigned_to").order_by("task__due_on", "id"))


def seen_by(links: Iterable[MergedTask], staff: Staff) -> list[MergedTask]:
    """Of these links those whose tasks the person sees: of another branch's nothing is told, not even that it is."""
    seen = set(branch_ids_visible_to(staff))
    return [link for link in links if link.task.branch_id in seen]


def lead_of(task: VisitTask) -> MergedTask | None:
    """The link under which this task is done by another visit that is still open."""
    # Most tasks stand in no merge, and then nothing wide is asked for.
    if not sql.rows(_IS_LINKED, {"task": task.pk}):
        return None
    found = MergedTask.objects.filter(task=task, ended_at__isnull=True, lead__closed_on__isnull=True)
    found = found.exclude(lead__method=OFF_SITE)
    return found.select_related("lead__loan").first()


def companions(task: VisitTask, staff: Staff) -> list[VisitTask]:
    """Untouched talks of the same customer, spouse, co-borrower or home due near this one (`WITHIN_DAYS`), visible
    and not merged yet."""
    if task.closed_on is not None or task.is_light:
        return []
    homes = Charge.objects.filter(loan_id=task.loan_id).values("property_id")
    same_home = Charge.objects.filter(property_id__in=homes).values("loan_id")
    found = _mergeable(VisitTask.objects.visible_to(staff)).filter(
        Q(loan_id=task.loan_id)
        | Q(loan__borrower_id__in=[task.loan.borrower_id, *related_ids(task.loan.borrower_id)])
        | Q(loan_id__in=same_home),
        due_on__gte=_day_off(task.due_on, "-"),
        due_on__lte=_day_off(task.due_on, "+"),
    )
    return list(found.exclude(pk=task.pk).select_related("loan__borrower", "assigned_to").order_by("due_on", "id"))


def within_days() -> int:
    """How many days may lie between the limits of what is done in one visit today."""
    ((days,),) = sql.rows(f"SELECT {WITHIN_DAYS}")
    return int(days)


def _day_off(day: date, sign: str) -> RawSQL:
    return RawSQL(f"(%s::date {sign} {WITHIN_DAYS})", [day], output_field=DateField())  # noqa: S611 - constants


def _mergeable(tasks: QuerySet[VisitTask]) -> QuerySet[VisitTask]:
    """Untouched talks that stand in no merge of open tasks."""
    links = MergedTask.objects.filter(ended_at__isnull=True)
    return (
        tasks.filter(state=TaskState.PLANNED, is_light=False)
        .exclude(method=OFF_SITE)
        .exclude(pk__in=links.filter(lead__closed_on__isnull=True).values("task_id"))
        .exclude(pk__in=links.values("lead_id"))
    )
