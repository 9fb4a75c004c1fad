"""Works off dry runs of follow-up policies that were asked for; a Celery task and a command wake it, alone or together.

What waits is found in the database, so a lost call or a killed worker costs a range of loans, and two that are awake
share the book between them.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError

from followups.actions.policy_runs import give_up, waiting_runs, work_dry_run

logger = logging.getLogger(__name__)


def try_waiting(*, at_clock: Callable[[], datetime], seconds: float | None = None) -> bool:
    """Tries what waits; False when the time was over before, and another spell is needed."""
    until = None if seconds is None else time.monotonic() + seconds
    for run_id in waiting_runs():
        while _next_range(run_id, at_clock):
            if until is not None and time.monotonic() > until:
                return False
    return True


def _next_range(run_id: int, at_clock: Callable[[], datetime]) -> bool:
    """One range; False when there is nothing more to do for the run. A fault of the database is the next spell's."""
    try:
        return work_dry_run(run_id=run_id, at=at_clock())
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("dry run %s failed", run_id)
        return not give_up(run_id=run_id, at=at_clock())
