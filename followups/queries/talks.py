"""What others than the plan made of a talk's date: joint visits, levelled weeks."""

from collections.abc import Sequence
from datetime import date

from django.db.models import Max

from followups.models import EventKind, TaskEvent


def set_days(task_ids: Sequence[int]) -> dict[int, date]:
    """The business day on which each task was last brought forward, of those that were."""
    if not task_ids:
        return {}
    forward = TaskEvent.objects.filter(
        task__in=task_ids, kind__in=(EventKind.BROUGHT_FORWARD, EventKind.LEVELLED)
    ).order_by()
    return dict(forward.values_list("task").annotate(Max("business_date")))
