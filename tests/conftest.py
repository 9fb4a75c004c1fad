"""Fixtures: a seeded database reached as the application role, and banks of their own to crash.

The test database is made by the owner role, migrated and seeded once; tests then connect as the
application role, so whatever the application may not do, a test may not do either. `fresh_bank`
clones that database, so that a test can commit, run subprocesses and kill them.
"""

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import hypothesis
import psycopg2
import pytest
from django.conf import settings
from django.db import connections
from django.utils import translation

# The same examples in every run; HYPOTHESIS_PROFILE=search looks for new ones.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.register_profile("search", max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

NOW = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def _owner_parameters(name: str) -> dict[str, Any]:
    import environ

    config = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    return {
        "host": config["HOST"],
        "port": config["PORT"] or 5432,
        "user": config["USER"],
        "password": config.get("PASSWORD", ""),
        "dbname": name,
    }


def _as_owner(name: str, *statements: str) -> None:
    connection = psycopg2.connect(**_owner_parameters(name))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The owner makes and migrates the test database."""
    import environ

    database = settings.DATABASES["default"]
    owner = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    connection = connections["default"]
    for target in (database, connection.settings_dict):
        target["APP_USER"], target["APP_PASSWORD"] = database["USER"], database.get("PASSWORD", "")
    for target in (database, connection.settings_dict):
        target["USER"], target["PASSWORD"] = owner["USER"], owner.get("PASSWORD", "")
        target["CONN_MAX_AGE"] = 0


@pytest.fixture(scope="session")
def django_db_setup(
    request: Any, django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """Makes, migrates and seeds the test database, then hands the connection to the application role.

    Made whatever tests were picked: pytest-django's own fixture makes none when no picked test is marked
    for the database, and a bank of `fresh_bank` would then be a copy of the developer's.
    """
    from django.core.management import call_command
    from django.test.utils import setup_databases, teardown_databases

    keep = bool(request.config.getvalue("reuse_db"))
    connection = connections["default"]
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"}, keepdb=keep)
        owner = (connection.settings_dict["USER"], connection.settings_dict["PASSWORD"])
        connection.close()
        _become(connection, connection.settings_dict["APP_USER"], connection.settings_dict["APP_PASSWORD"])
        call_command("seed", verbosity=0)
        connection.close()
    yield
    with django_db_blocker.unblock():
        connection.close()
        _become(connection, *owner)
        if not keep:
            teardown_databases(made, verbosity=0)


def _become(connection: Any, user: str, password: str) -> None:
    connection.settings_dict["USER"], connection.settings_dict["PASSWORD"] = user, password


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: Any) -> str:
    return str(tmp_path_factory.mktemp("static"))


@pytest.fixture(autouse=True)
def _plain_settings(settings: Any, tmp_path: Any, empty_folder: str) -> None:
    # A request in English leaves its language to the thread.
    translation.deactivate()
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.STATIC_ROOT = empty_folder
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
    settings.CELERY_TASK_ALWAYS_EAGER = False


@pytest.fixture
def owner_cursor(db: None) -> Iterator[Any]:
    """A cursor of the owner role on the test database, outside the test's transaction."""
    connection = psycopg2.connect(**_owner_parameters(connections["default"].settings_dict["NAME"]))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@dataclass
class FreshBank:
    """A database of its own: `env` starts a subprocess on it, `name` is the database."""

    name: str
    env: dict[str, str]


@pytest.fixture
def fresh_bank(django_db_setup: None, django_db_blocker: Any, tmp_path: Any) -> Iterator[FreshBank]:
    """Clones the seeded database; commits are real, and it is dropped afterwards."""
    connection = connections["default"]
    template = connection.settings_dict["NAME"]
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    with django_db_blocker.unblock():
        connection.close()
        _as_owner("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        connection.settings_dict["NAME"] = name
        try:
            yield FreshBank(name=name, env=environment_on(name, connection.settings_dict, tmp_path))
        finally:
            for each in connections.all(initialized_only=True):
                each.close()
            connection.settings_dict["NAME"] = template
            _drop(name)


def _drop(name: str) -> None:
    """Drops a database once the last connection of a killed process or ended thread is gone."""
    for _attempt in range(100):
        try:
            _as_owner("postgres", f'DROP DATABASE "{name}"')
        except psycopg2.errors.ObjectInUse:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{name} is still in use")


def environment_on(name: str, config: dict[str, Any], tmp_path: Any) -> dict[str, str]:
    """What a child process is told, so that it works on a database with a state of its own."""
    owner = _owner_parameters(name)
    password = f":{config['PASSWORD']}" if config.get("PASSWORD") else ""
    owner_password = f":{owner['password']}" if owner["password"] else ""
    place = f"{config['HOST']}:{config['PORT'] or 5432}/{name}"
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{config['USER']}{password}@{place}",
        "DATABASE_OWNER_URL": f"postgres://{owner['user']}{owner_password}@{place}",
        "ANJU_STATE": str(tmp_path / "state"),
        "DEBUG": "1",
    }


@pytest.fixture
def at() -> datetime:
    """An instant of the first open business date of most tests."""
    return NOW
