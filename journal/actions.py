"""Writes of the journal: a fact with the reactions it wakes, a stored file, a subject held back."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any

from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from journal.errors import ActionRefused
from journal.models import Entry, Exhibit, HeldBack, Pending
from journal.reactions import reactions_to
from journal.request_id import current as current_request_id

logger = logging.getLogger(__name__)
_wakes_nobody: ContextVar[bool] = ContextVar("wakes_nobody", default=False)


def record(
    *,
    kind: str,
    subject_type: str,
    subject_id: int | None,
    by: str,
    at: datetime,
    business_date: date | None,
    data: Mapping[str, Any] | None = None,
    loan_id: int | None = None,
    request_id: str = "",
) -> Entry:
    """Records one fact in the caller's transaction and queues the reactions wired to its kind.

    A reaction's subject is the loan when there is one, else the fact's own subject.
    """
    entry = Entry(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        loan_id=loan_id,
        actor=by,
        at=at,
        business_date=business_date,
        data=dict(data or {}),
        request_id=request_id or current_request_id.get(),
    )
    record_many([entry])
    return entry


def record_many(entries: Iterable[Entry]) -> None:
    """Records facts with one INSERT and their reactions with one more."""
    rows = list(entries)
    if len(rows) < 2:
        for entry in rows:
            _record_one(entry)
        return
    with transaction.atomic(savepoint=False):
        Entry.objects.bulk_create(rows, batch_size=2000)
        waiting = [
            Pending(
                reaction=name,
                subject_id=entry.loan_id if entry.loan_id is not None else entry.subject_id,
                not_before=entry.at,
                recorded_at=entry.at,
            )
            for entry in rows
            for name in reactions_to(entry.kind)
        ]
        if waiting:
            Pending.objects.bulk_create(waiting, batch_size=2000)
            transaction.on_commit(_nudge, robust=True)


_INSERT_ONE = """
INSERT INTO journal_entry (kind, subject_type, subject_id, loan_id, actor, at, business_date, data, request_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s) RETURNING id
"""
_INSERT_ITS_REACTIONS = """
INSERT INTO journal_pending (reaction, subject_id, attempts, not_before, error, recorded_at)
SELECT name, %(subject)s, 0, %(at)s, '', %(at)s FROM unnest(%(names)s::text[]) WITH ORDINALITY AS u(name, n) ORDER BY n
"""


def _record_one(entry: Entry) -> None:
    """As `record_many` does, in plain statements: every step of a person is one fact."""
    row = [
        entry.kind, entry.subject_type, entry.subject_id, entry.loan_id, entry.actor, entry.at, entry.business_date,
        json.dumps(entry.data), entry.request_id,
    ]  # fmt: skip
    names = list(reactions_to(entry.kind))
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(_INSERT_ONE, row)
        entry.pk = cursor.fetchone()[0]
        entry._state.adding, entry._state.db = False, connection.alias
        if names:
            subject = entry.loan_id if entry.loan_id is not None else entry.subject_id
            cursor.execute(_INSERT_ITS_REACTIONS, {"subject": subject, "at": entry.at, "names": names})
            transaction.on_commit(_nudge, robust=True)


_INSERT_OF_LOANS = """
INSERT INTO journal_entry (kind, subject_type, subject_id, loan_id, actor, at, business_date, data, request_id)
SELECT %(kind)s, 'loan', u.id, u.id, %(by)s, %(at)s, %(day)s, u.data, ''
FROM unnest(%(ids)s, %(data)s::jsonb[]) AS u(id, data)
"""
_INSERT_REACTIONS = """
INSERT INTO journal_pending (reaction, subject_id, attempts, not_before, error, recorded_at)
SELECT name, id, 0, %(at)s, '', %(at)s FROM unnest(%(ids)s) AS id, unnest(%(names)s::text[]) AS name
"""


def record_of_loans(
    *,
    kind: str,
    facts: Sequence[tuple[int, Mapping[str, Any]]],
    by: str,
    at: datetime,
    business_date: date,
) -> None:
    """Records one fact of each of very many loans: as `record_many` does, by the database."""
    if not facts:
        return
    values: dict[str, Any] = {"kind": kind, "by": by, "at": at, "day": business_date}
    values["names"] = list(reactions_to(kind))
    values["ids"], values["data"] = [loan_id for loan_id, _told in facts], [json.dumps(told) for _id, told in facts]
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(_INSERT_OF_LOANS, values)
        if values["names"]:
            cursor.execute(_INSERT_REACTIONS, values)
            transaction.on_commit(_nudge, robust=True)


@contextmanager
def waking_nobody() -> Iterator[None]:
    """Inside, facts wake no worker: who runs the reactions itself, as day end does, needs no broker."""
    before = _wakes_nobody.set(True)
    try:
        yield
    finally:
        _wakes_nobody.reset(before)


def _nudge() -> None:
    _wake("journal.run_pending")


def wake_after_commit(task: str) -> None:
    """Wakes a worker once the caller's transaction stands; a lost call costs seconds, for a sweep finds the work."""
    if not _wakes_nobody.get():
        transaction.on_commit(lambda: _wake(task), robust=True)


def _wake(task: str) -> None:
    if _wakes_nobody.get():
        return
    try:
        current_app.send_task(task, retry=False, ignore_result=True)
    except OperationalError as error:
        logger.warning("no nudge, the sweep will find the work: %s", error)


_INSERT_EXHIBIT = """
INSERT INTO journal_exhibit (sha256, media_type, size, path, stored_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (sha256) DO NOTHING RETURNING id
"""


def store_exhibit(*, content: bytes, media_type: str, at: datetime) -> Exhibit:
    """Keeps a file's bytes under their SHA-256; the same bytes are kept once."""
    digest = hashlib.sha256(content).hexdigest()
    path = f"exhibits/{digest[:2]}/{digest}"
    if not default_storage.exists(path):
        default_storage.save(path, ContentFile(content))
    exhibit = Exhibit(sha256=digest, media_type=media_type, size=len(content), path=path, stored_at=at)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_EXHIBIT, [digest, media_type, len(content), path, at])
        row = cursor.fetchone()
    if row is None:
        return Exhibit.objects.get(sha256=digest)
    exhibit.pk, exhibit._state.adding, exhibit._state.db = row[0], False, connection.alias
    return exhibit


def hold_back(*, stage: str, subject_id: int, reason: str, since: date) -> None:
    """Sets a subject aside in a batch so that the others go on; counts the attempts."""
    held, created = HeldBack.objects.get_or_create(
        stage=stage, subject_id=subject_id, defaults={"reason": reason[:2000], "since": since}
    )
    if not created:
        held.reason = reason[:2000]
        held.attempts += 1
        held.save(update_fields=["reason", "attempts"])


def release(*, stage: str, subject_ids: Iterable[int]) -> None:
    """Forgets that subjects were held back, once they went through."""
    HeldBack.objects.filter(stage=stage, subject_id__in=list(subject_ids)).delete()


class PendingIsGone(ActionRefused):
    code = "pending_is_gone"
    conflict = True


@transaction.atomic
def retry(*, pending_id: int, by: str, at: datetime) -> None:
    """Lets a stuck reaction run at the next sweep; PendingIsGone when it has run meanwhile."""
    changed = Pending.objects.filter(pk=pending_id).update(not_before=at)
    if not changed:
        raise PendingIsGone(_("该事项已处理完毕。"))
    record(kind="journal.retry_asked", subject_type="pending", subject_id=pending_id, by=by, at=at, business_date=None)
    transaction.on_commit(_nudge, robust=True)
