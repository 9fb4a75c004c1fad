"""What to do after a visit is handed in: the next task of the same person."""

from followups.models import MergedTask, TaskState, VisitTask
from followups.rules.facts import OFF_SITE
from loans.queries import require_business_date
from people.models import Staff

_TO_DO = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.RETURNED)


def next_task(staff: Staff, after: VisitTask) -> VisitTask | None:
    """The most urgent task that the person may do today, red first, then by its limit; none when all is done."""
    merged = MergedTask.objects.filter(ended_at__isnull=True, lead__closed_on__isnull=True).values("task_id")
    found = VisitTask.objects.visible_to(staff).filter(
        assigned_to=staff, state__in=_TO_DO, closed_on__isnull=True, is_light=False,
        opens_on__lte=require_business_date(),
    )  # fmt: skip
    found = found.exclude(pk=after.pk).exclude(method=OFF_SITE, evidence__isnull=True).exclude(pk__in=merged)
    return found.order_by("level", "due_on", "id").first()
