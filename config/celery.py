"""Celery only wakes work that a query on PostgreSQL finds; it never carries a fact of its own.

Late acknowledgement alone loses a task when the child is killed, so rejection on worker loss
stands beside it; the hard limit stays below the visibility timeout, so that no task runs twice
because it was slow; the restore throttle of 1 brings back a lost worker's task within seconds.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from config.garbage import keep_what_is_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("anju")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def settle(**_signal: Any) -> None:
    """A worker's child has loaded all it needs when it begins."""
    keep_what_is_loaded()
