"""Works off repricing previews that were asked for; a Celery task and a command wake it, each without the other.

What waits is found in the database, so a lost call or a killed worker costs time only.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError

from config.isolation import reason_of
from loans.batch.previews import note_failure, preview_chunk, waiting_previews

logger = logging.getLogger(__name__)


def preview_waiting(*, at_clock: Callable[[], datetime], seconds: float | None = None) -> bool:
    """Previews what waits; False when the time was over before, and another spell is needed."""
    until = None if seconds is None else time.monotonic() + seconds
    for run_id in waiting_previews():
        while _next_chunk(run_id, at_clock):
            if until is not None and time.monotonic() > until:
                return False
    return True


def _next_chunk(run_id: int, at_clock: Callable[[], datetime]) -> bool:
    """One chunk; False when there is nothing more to do for the run. A fault of the database is the next spell's."""
    try:
        return preview_chunk(run_id=run_id, at=at_clock())
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("preview of repricing run %s failed", run_id)
        return not note_failure(run_id=run_id, error=reason_of(error), at=at_clock())
