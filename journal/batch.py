"""Runs pending reactions: claim, coalesce, react, delete; what raises backs off and stays visible.

Rows are claimed `FOR UPDATE SKIP LOCKED`, so any number of workers may run this at once. All rows
of one reaction run as one call over the distinct subjects; if that raises, each subject is tried
alone and only the failing ones stay, with their error and a later time.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.db import connection, transaction

from journal.models import Pending
from journal.passing import is_passing
from journal.queries import business_date_now
from journal.reactions import function_of

logger = logging.getLogger(__name__)
CLAIM = 2000
BACK_OFF_SECONDS = (30, 120, 600, 1800, 3600)


# Subjects that wait for a reaction for the first time; what failed once is left to `run_pending` and its later time.
_CLAIM_OF = """
DELETE FROM journal_pending WHERE id IN (
    SELECT id FROM journal_pending
    WHERE reaction = %(reaction)s AND attempts = 0 AND subject_id > %(after)s
      AND (%(up_to)s::bigint IS NULL OR subject_id <= %(up_to)s) FOR UPDATE SKIP LOCKED)
RETURNING subject_id
"""


def claim(reaction: str, *, after: int, up_to: int | None) -> list[int]:
    """Takes subjects of a reaction off the queue; whoever calls does its work for them in the same transaction.

    Above `after`, up to and including `up_to`. Called before their positions are locked, as `run_pending` does.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_OF, {"reaction": reaction, "after": after, "up_to": up_to})
        return sorted({row[0] for row in cursor.fetchall()})


def run_pending(*, at: datetime) -> dict[str, int]:
    """Runs everything due at `at`; returns counts {claimed, done, failed}."""
    total = {"claimed": 0, "done": 0, "failed": 0}
    while True:
        counts = _run_claim(at)
        for key, value in counts.items():
            total[key] += value
        if counts["claimed"] < CLAIM:
            return total


@transaction.atomic
def _run_claim(at: datetime) -> dict[str, int]:
    rows = list(
        Pending.objects.select_for_update(skip_locked=True)
        .filter(not_before__lte=at)
        .order_by("not_before", "id")[:CLAIM]
    )
    by_reaction: dict[str, list[Pending]] = defaultdict(list)
    for row in rows:
        by_reaction[row.reaction].append(row)
    done: list[int] = []
    failed = 0
    for name, claimed in by_reaction.items():
        errors = _react(name, sorted({row.subject_id for row in claimed if row.subject_id is not None}), at)
        for row in claimed:
            error = errors.get(row.subject_id)
            if error is None:
                done.append(row.pk)
            else:
                failed += 1
                _back_off(row, error, at)
    Pending.objects.filter(pk__in=done).delete()
    return {"claimed": len(rows), "done": len(done), "failed": failed}


def _react(name: str, subjects: list[int], at: datetime) -> dict[int | None, str]:
    """Errors by subject; empty when all went well. Each try stands in its own savepoint."""
    try:
        function = function_of(name)
    except KeyError:
        return dict.fromkeys([*subjects, None], f"no reaction named {name} is wired")
    as_of = business_date_now()

    def attempt(ids: list[int], tries: int = 3) -> str | None:
        try:
            with transaction.atomic():
                function(subject_ids=ids, as_of=as_of, at=at)
        except Exception as error:
            if connection.in_atomic_block and not connection.is_usable():
                raise
            if tries > 1 and is_passing(error):
                # A deadlock is no reaction's fault: waiting half a minute would carry it past the close of its date.
                return attempt(ids, tries - 1)
            logger.warning("reaction %s failed for %d subjects: %s", name, len(ids), error)
            return f"{type(error).__name__}: {error}"[:2000]
        return None

    error = attempt(subjects)
    if error is None:
        return {}
    if len(subjects) <= 1:
        return dict.fromkeys([*subjects, None], error)
    alone = {subject: attempt([subject]) for subject in subjects}
    return {subject: text for subject, text in alone.items() if text is not None}


def _back_off(row: Pending, error: str, at: datetime) -> None:
    wait = BACK_OFF_SECONDS[min(row.attempts, len(BACK_OFF_SECONDS) - 1)]
    Pending.objects.filter(pk=row.pk).update(
        attempts=row.attempts + 1, error=error, not_before=at + timedelta(seconds=wait)
    )
