"""Reports read from a replica where there is one; nothing else does, and nothing is written there."""

from typing import Any

import pytest
from django.conf import settings
from django.db import router

from config.settings import REPLICA_OPTIONS, _database
from journal.replica import report_database, reporting
from loans.models import Figure, Loan


def test_without_a_replica_everything_is_in_one_place() -> None:
    with reporting():
        assert report_database() == router.db_for_read(Figure) == router.db_for_write(Figure) == "default"


def test_a_report_reads_from_the_replica_and_writes_where_everything_is(monkeypatch: pytest.MonkeyPatch) -> None:
    here: dict[str, Any] = settings.DATABASES
    monkeypatch.setattr(settings, "DATABASES", {**here, "replica": here["default"]})
    assert report_database() == "replica"
    assert router.db_for_read(Loan) == "default"
    with reporting():
        assert router.db_for_read(Loan) == "replica" and router.db_for_write(Loan) == "default"
    assert router.db_for_read(Loan) == "default"
    assert router.allow_migrate("replica", "loans") is False and router.allow_migrate("default", "loans") is True


def test_what_the_url_says_of_the_connection_stays() -> None:
    found = _database("postgres://a:b@db:5432/anju?sslmode=verify-full", **REPLICA_OPTIONS)
    assert (found["HOST"], found["OPTIONS"]["sslmode"], found["OPTIONS"]["connect_timeout"]) == ("db", "verify-full", 2)
    assert "default_transaction_read_only=on" in found["OPTIONS"]["options"]
    assert "options" not in _database("postgres://a@db/anju")["OPTIONS"]
