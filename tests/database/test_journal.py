"""The journal: facts stand, reactions run once for all subjects, failures back off and stay visible."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg2
import pytest
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from journal import actions, batch, queries, reactions
from journal.models import Entry, Pending

NUDGE = actions._nudge


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[int]]]:
    seen: list[list[int]] = []

    def reaction(*, subject_ids, as_of, at) -> None:
        seen.append(list(subject_ids))
        if 13 in subject_ids:
            raise ValueError("thirteen")

    before = (dict(reactions._by_kind), dict(reactions._functions))
    reactions.install({"test.happened": ["notice"]}, {"notice": reaction})
    monkeypatch.setattr(actions, "_nudge", lambda: None)
    yield seen
    reactions.install(*before)


def happened(subject: int, at: datetime) -> Entry:
    return actions.record(
        kind="test.happened", subject_type="test", subject_id=subject, by="S1", at=at, business_date=None
    )


def test_a_reaction_runs_once_for_all_distinct_subjects(db, calls, at) -> None:
    for subject in (3, 1, 3, 2):
        happened(subject, at)
    assert Pending.objects.count() == 4
    assert batch.run_pending(at=at) == {"claimed": 4, "done": 4, "failed": 0}
    assert calls == [[1, 2, 3]]
    assert Pending.objects.count() == 0


def test_one_bad_subject_does_not_stop_the_others(db, calls, at) -> None:
    for subject in (1, 13, 2):
        happened(subject, at)
    assert batch.run_pending(at=at) == {"claimed": 3, "done": 2, "failed": 1}
    left = Pending.objects.get()
    assert (left.subject_id, left.attempts, left.error) == (13, 1, "ValueError: thirteen")
    assert left.not_before == at + timedelta(seconds=30)
    assert list(queries.stuck_reactions()) == [left]
    assert batch.run_pending(at=at) == {"claimed": 0, "done": 0, "failed": 0}


def test_back_off_grows_and_retry_runs_at_once(db, calls, at) -> None:
    happened(13, at)
    later = at
    for seconds in (30, 120, 600, 1800, 3600, 3600):
        assert batch.run_pending(at=later)["failed"] == 1
        row = Pending.objects.get()
        assert row.not_before == later + timedelta(seconds=seconds)
        later = row.not_before
    actions.retry(pending_id=row.pk, by="S1", at=at)
    assert Pending.objects.get().not_before == at
    with pytest.raises(actions.PendingIsGone):
        actions.retry(pending_id=row.pk + 1, by="S1", at=at)


def test_a_reaction_that_nobody_wired_is_kept_with_its_error(db, calls, at) -> None:
    Pending.objects.create(reaction="gone", subject_id=1, not_before=at, recorded_at=at)
    assert batch.run_pending(at=at)["failed"] == 1
    assert "no reaction named gone" in Pending.objects.get().error


def test_a_fact_rolled_back_leaves_no_reaction(db, calls, at) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        happened(1, at)
        raise RuntimeError
    assert (Entry.objects.filter(kind="test.happened").count(), Pending.objects.count()) == (0, 0)


def test_a_row_claimed_by_one_worker_is_skipped_by_another(fresh_bank, django_db_blocker, calls, at) -> None:
    with django_db_blocker.unblock():
        happened(1, at)
        other = psycopg2.connect(fresh_bank.env["DATABASE_URL"])
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM journal_pending FOR UPDATE")
            assert batch.run_pending(at=at)["claimed"] == 0
        other.rollback()
        other.close()
        assert batch.run_pending(at=at)["done"] == 1
    assert calls == [[1]]


@pytest.mark.parametrize("statement", ["UPDATE journal_entry SET kind = 'x'", "DELETE FROM journal_entry"])
def test_history_is_refused_to_the_application(db, at, statement: str) -> None:
    actions.record(kind="k", subject_type="t", subject_id=1, by="S1", at=at, business_date=None)
    with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


HISTORY = [
    "journal_entry",
    "journal_exhibit",
    "loans_posting",
    "loans_ledger_line",
    "loans_terms",
    "people_financialprofile",
    "collateral_valuation",
    "followups_taskevent",
    "followups_difference",
    "followups_checklist",
]


@pytest.mark.parametrize("table", HISTORY)
def test_no_history_table_can_be_emptied_by_its_owner(owner_cursor, table: str) -> None:
    with pytest.raises(psycopg2.Error, match="history is added to"):
        owner_cursor.execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", HISTORY)
def test_the_application_holds_no_right_to_change_history(db, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(current_user, %s, 'UPDATE'), has_table_privilege(current_user, %s, 'DELETE'),"
            " has_table_privilege(current_user, %s, 'TRUNCATE'), has_table_privilege(current_user, %s, 'INSERT')",
            [table] * 4,
        )
        assert cursor.fetchone() == (False, False, False, True)


def test_the_application_owns_nothing(db) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert cursor.fetchone() == (0,)


def test_the_same_bytes_are_kept_once(db, at) -> None:
    first = actions.store_exhibit(content=b"report", media_type="application/pdf", at=at)
    again = actions.store_exhibit(content=b"report", media_type="application/pdf", at=at)
    assert first.pk == again.pk
    assert queries.exhibit_bytes(first) == b"report"


@pytest.fixture
def nudges(calls, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tasks that were sent to the broker."""
    seen: list[str] = []
    monkeypatch.setattr(actions, "_nudge", NUDGE)
    monkeypatch.setattr(actions.current_app, "send_task", lambda name, **_how: seen.append(name))
    return seen


def test_a_fact_wakes_a_worker_and_day_end_none(db, nudges, at, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        happened(1, at)
    assert nudges == ["journal.run_pending"]
    with actions.waking_nobody(), django_capture_on_commit_callbacks(execute=True):
        happened(2, at)
    assert nudges == ["journal.run_pending"] and Pending.objects.count() == 2


def test_a_broker_that_is_down_holds_nobody_up(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """One refused connection, no second try: with the library's own patience it was six seconds a fact."""
    slept: list[float] = []
    for library in ("kombu.utils.functional", "redis.retry"):
        monkeypatch.setattr(f"{library}.sleep", slept.append)
    from celery import Celery

    app = Celery("down", broker="redis://127.0.0.1:1/0")
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with pytest.raises(OperationalError):
        app.send_task("journal.run_pending", retry=False, ignore_result=True)
    assert slept == []
