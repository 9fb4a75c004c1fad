"""The schema baseline: what all migrations up to some day do to an empty database, as the SQL that they ran.

A first start, every database of the tests and every bank of a benchmark begin empty, and Django spends some twenty
seconds on making up, one migration after the other, statements that PostgreSQL carries out in one. So they are kept
in `baseline.sql`, each under its migration, and an empty database gets them as they stand; `migrate` then goes on with
what came later. A bank with tables is never touched by this: it is upgraded by its migrations.

The file is made by `script/manage write_baseline` and never by hand. Beside each migration stands a digest of its
source: where one was edited since, the baseline is not used at all. A test makes the file anew and compares.
"""

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder

from journal.history import application_role

BASELINE = Path(__file__).with_name("baseline.sql")
# Stands for the application role; where a bank has one role only, statements that name it are left out.
APPLICATION = ':"application"'
_TITLE = "-- What the migrations do to an empty database (config/baseline.py); made by: script/manage write_baseline\n"
_HEADING = re.compile(r"^-- (\w+)\.(\w+) ([0-9a-f]{16})$", re.MULTILINE)
_BETWEEN = "\n--\n"
# Looks at the database that a migration takes; they change nothing.
_LOOKS = re.compile(r"\s*(SELECT\s.*\sFROM\s|SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO)", re.DOTALL)


class CannotBeRecorded(Exception):
    """A migration does what cannot be kept as plain statements in one transaction."""


@dataclass(frozen=True)
class Part:
    """One migration: which it is, the digest of its source, and the statements it ran on an empty database."""

    app: str
    name: str
    digest: str
    statements: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.app, self.name


def written(parts: Sequence[Part]) -> str:
    """The file of a baseline."""
    blocks = [f"-- {p.app}.{p.name} {p.digest}\n{_BETWEEN.join(p.statements)}".rstrip() + "\n" for p in parts]
    return _TITLE + "\n" + "\n".join(blocks)


def read(text: str) -> list[Part]:
    """The parts of a baseline's file, in the order they were carried out."""
    pieces = _HEADING.split(text)[1:]
    return [
        Part(app, name, digest, tuple(body.strip().split(_BETWEEN)) if body.strip() else ())
        for app, name, digest, body in zip(pieces[0::4], pieces[1::4], pieces[2::4], pieces[3::4], strict=True)
    ]


def lay(connection: BaseDatabaseWrapper, parts: Sequence[Part]) -> bool:
    """Gives an empty database the baseline; False, and nothing done, where it is not empty or a migration differs."""
    with connection.cursor() as cursor:
        if connection.introspection.table_names(cursor, include_views=True):
            return False
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    if not parts or differing(parts, known):
        return False
    recorder = MigrationRecorder(connection)
    with transaction.atomic(using=connection.alias):
        recorder.ensure_schema()
        with connection.cursor() as cursor:
            for part in parts:
                if statements := for_role(part.statements, application_role()):
                    cursor.execute(";\n".join(statements))
        rows = [recorder.Migration(app=part.app, name=part.name) for part in parts]
        recorder.Migration.objects.using(connection.alias).bulk_create(rows)
    return True


def for_role(statements: Sequence[str], role: str) -> list[str]:
    """The statements as a bank with this application role runs them; without one, those about it are left out."""
    if not role:
        return [statement for statement in statements if APPLICATION not in statement]
    quoted = '"' + role.replace('"', '""') + '"'
    return [statement.replace(APPLICATION, quoted) for statement in statements]


def differing(parts: Sequence[Part], known: Mapping[tuple[str, str], Migration]) -> list[str]:
    """Migrations of a baseline that are gone, or whose source is another by now."""
    return [
        f"{part.app}.{part.name}"
        for part in parts
        if part.key not in known or digest_of(known[part.key]) != part.digest
    ]


def digest_of(migration: Migration) -> str:
    """Of the migration's source; the digest of a file changes with every change of it."""
    source = sys.modules[type(migration).__module__].__file__
    assert source is not None
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:16]


def recorded(connection: BaseDatabaseWrapper) -> list[Part]:
    """Runs every migration on an empty database and keeps what each one said to it, in their order."""
    role = application_role()
    if not role:
        raise CannotBeRecorded("a baseline is recorded on a bank with two roles")
    spoken: dict[tuple[str, str], list[str]] = {}
    order: list[Migration] = []

    def progress(action: str, *about: Any) -> None:
        if action == "apply_start":
            order.append(about[0])
            spoken[order[-1].app_label, order[-1].name] = []

    def listen(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if order:
            text = context["cursor"].mogrify(sql, params).decode() if params else str(sql)
            if not _LOOKS.match(text) and '"django_migrations"' not in text:
                spoken[order[-1].app_label, order[-1].name].append(plain(text, role))
        return execute(sql, params, many, context)

    executor = MigrationExecutor(connection, progress)
    with connection.execute_wrapper(listen):
        executor.migrate(executor.loader.graph.leaf_nodes())
    if unsafe := [str(migration) for migration in order if not migration.atomic]:
        raise CannotBeRecorded(f"not in one transaction: {', '.join(unsafe)}")
    return [
        Part(each.app_label, each.name, digest_of(each), tuple(spoken[each.app_label, each.name])) for each in order
    ]


def plain(statement: str, role: str) -> str:
    """A statement as the file keeps it: without its last semicolon, and with a stand-in for the role's name."""
    text = statement.strip().rstrip(";").rstrip().replace(f'"{role}"', APPLICATION)
    if _BETWEEN in f"\n{text}\n" or _HEADING.search(text):
        raise CannotBeRecorded(f"a statement holds what divides the file: {text[:200]}")
    return text


@contextmanager
def empty_database(name: str) -> Iterator[BaseDatabaseWrapper]:
    """A database of its own, made by the owner and dropped at the end; meanwhile it is Django's default one."""
    usual = connections["default"]
    maker = _beside(usual, "postgres")
    drop = f"DROP DATABASE IF EXISTS {maker.ops.quote_name(name)}"
    with maker.cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(f"CREATE DATABASE {maker.ops.quote_name(name)}")
    found = _beside(usual, name)
    connections["default"] = found
    try:
        yield found
    finally:
        connections["default"] = usual
        found.close()
        with maker.cursor() as cursor:
            cursor.execute(drop)
        maker.close()


def _beside(usual: BaseDatabaseWrapper, name: str) -> Any:
    """A connection as the owner, by itself, to another database of the same server."""
    owner = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    signed = {"USER": owner["USER"], "PASSWORD": owner.get("PASSWORD", "")}
    return type(usual)({**usual.settings_dict, **signed, "NAME": name}, alias="default")
