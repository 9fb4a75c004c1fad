"""The schema baseline does what the migrations do, no more and no less, and only to an empty database."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from config import baseline
from config.baseline import Part
from tests.conftest import _owner_parameters

RENEW = "the migrations do something else than config/baseline.sql says; renew it: script/manage write_baseline"


@pytest.fixture
def empty(django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty database as the owner's, Django's default one meanwhile."""
    name = f"{connections['default'].settings_dict['NAME']}_baseline"
    monkeypatch.setitem(settings.DATABASES["default"], "USER", _owner_parameters(name)["user"])
    with django_db_blocker.unblock(), baseline.empty_database(name) as connection:
        yield connection


def kept() -> list[Part]:
    return baseline.read(baseline.BASELINE.read_text(encoding="utf-8"))


def dumped(connection: Any) -> Counter[str]:
    """Every line of a dump; not in their order, for a later migration may come to stand before an earlier one."""
    owner = _owner_parameters(connection.settings_dict["NAME"])
    command = ["pg_dump", "-h", owner["host"], "-p", str(owner["port"]), "-U", owner["user"], "-d", owner["dbname"]]
    command += ["--exclude-table-data=django_migrations*"]
    env = {**os.environ, "PGPASSWORD": owner["password"]}
    text = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    return Counter(
        line.rstrip(",") for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
    )


def finish(connection: Any) -> None:
    """What came after the baseline, one migration by one."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def emptied(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP OWNED BY CURRENT_USER CASCADE; CREATE SCHEMA IF NOT EXISTS public")


def tables(connection: Any) -> list[str]:
    return list(connection.introspection.table_names())


def test_the_baseline_is_what_the_migrations_say_and_leave(empty: Any) -> None:
    now = {part.key: part for part in baseline.recorded(empty)}
    assert {p.key: p.digest for p in kept()} == {p.key: now[p.key].digest for p in kept() if p.key in now}, RENEW
    differing = [f"{part.app}.{part.name}" for part in kept() if part.statements != now[part.key].statements]
    assert differing == [], RENEW
    by_migrations = dumped(empty)
    emptied(empty)
    assert baseline.lay(empty, kept())
    finish(empty)
    by_baseline = dumped(empty)
    assert (by_migrations - by_baseline, by_baseline - by_migrations) == (Counter(), Counter()), RENEW
    assert sum(by_migrations.values()) > 5000


def test_a_bank_with_one_role_gets_what_its_migrations_leave(empty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATABASE_APP_ROLE", "")
    finish(empty)
    by_migrations = dumped(empty)
    emptied(empty)
    assert baseline.lay(empty, kept())
    finish(empty)
    assert dumped(empty) == by_migrations, RENEW


def test_migrate_gives_an_empty_database_the_baseline_and_then_what_came_later(empty: Any, capsys: Any) -> None:
    call_command("migrate", no_input=True, verbosity=1)
    assert f"{len(kept())} migrations from the baseline" in capsys.readouterr().out
    assert ContentType.objects.filter(app_label="loans", model="loan").exists()
    executor = MigrationExecutor(empty)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    call_command("migrate", no_input=True, verbosity=1)
    assert "baseline" not in capsys.readouterr().out


def test_a_database_with_a_table_keeps_what_it_has(empty: Any) -> None:
    with empty.cursor() as cursor:
        cursor.execute("CREATE TABLE somebody_else (id int)")
    assert not baseline.lay(empty, kept())
    assert tables(empty) == ["somebody_else"]


@pytest.mark.parametrize("change", [{"digest": "0" * 16}, {"name": "0001_gone"}])
def test_an_edited_or_lost_migration_is_no_longer_taken_from_the_baseline(empty: Any, change: dict[str, str]) -> None:
    first, *others = kept()
    assert not baseline.lay(empty, [replace(first, **change), *others])
    assert tables(empty) == []


def test_a_baseline_that_fails_leaves_the_database_empty(empty: Any) -> None:
    *others, last = kept()
    with pytest.raises(DatabaseError):
        baseline.lay(empty, [*others, replace(last, statements=(*last.statements, "SELECT FROM nowhere"))])
    assert tables(empty) == []


def test_what_is_written_is_read_again() -> None:
    parts = [Part("loans", "0001_initial", "0" * 16, ("CREATE TABLE a (b int)", "-- said\nDROP TABLE a")),
             Part("loans", "0002_nothing", "1" * 16, ())]  # fmt: skip
    assert baseline.read(baseline.written(parts)) == parts
    assert baseline.written(kept()) == baseline.BASELINE.read_text(encoding="utf-8")


def test_a_role_is_named_in_the_statements_or_they_are_left_out() -> None:
    statements = ("CREATE TABLE a (b int)", 'GRANT SELECT ON a TO :"application"')
    assert baseline.plain(' GRANT SELECT ON a TO "bank";\n', "bank") == statements[1]
    assert baseline.for_role(statements, 'the "bank"') == [statements[0], 'GRANT SELECT ON a TO "the ""bank"""']
    assert baseline.for_role(statements, "") == [statements[0]]


def test_a_statement_that_would_divide_the_file_is_refused() -> None:
    with pytest.raises(baseline.CannotBeRecorded):
        baseline.plain("DROP TABLE a\n--\nDROP TABLE b", "bank")
