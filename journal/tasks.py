"""Celery tasks of the journal: wakes the runner of pending reactions."""

from celery import shared_task
from django.utils import timezone

from journal import batch


@shared_task(name="journal.run_pending")
def run_pending() -> dict[str, int]:
    return batch.run_pending(at=timezone.now())
