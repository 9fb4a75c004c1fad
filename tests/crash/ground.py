"""Databases of the rig: copies of a seeded bank, each trial's own or one bank's whole life; dropped at the end."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2.errors
from django.db import connections

from bench import bank

# Copied through the log, a small database is there sooner than file by file. But its sequences may then go back behind
# its rows when the server dies before its next checkpoint: they come with what the original had in hand, 32 numbers of
# which nothing is logged any more (a fault of PostgreSQL 15 to 18). Where the server dies, copy file by file.
THROUGH_LOG, FILE_BY_FILE = "wal_log", "file_copy"


class Ground:
    """Where trials happen; `empty` is a migrated and seeded database that nobody is connected to."""

    def __init__(self, empty: str, strategy: str = THROUGH_LOG) -> None:
        self.empty, self.strategy = empty, strategy
        self._prefix = f"{empty[:30]}_crash_{os.getpid()}_{uuid.uuid4().hex[:4]}"
        self._made: list[str] = []

    def copy(self, template: str, word: str) -> str:
        """A copy of a database; its name."""
        leave()
        name = f"{self._prefix}_{word}"[:63]
        _drop(name)
        connection = bank.connect("postgres", owner=True)
        connection.cursor().execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY {self.strategy}')
        connection.close()
        self._made.append(name)
        return name

    def copy_here(self, word: str) -> str:
        """A copy of the database that Django works on."""
        return self.copy(here(), word)

    def drop(self, name: str) -> None:
        leave()
        _drop(name)
        self._made.remove(name)

    @contextmanager
    def on(self, name: str) -> Iterator[str]:
        """Django works on this database inside the block."""
        settings = connections["default"].settings_dict
        before = settings["NAME"]
        leave()
        settings["NAME"] = name
        try:
            yield name
        finally:
            leave()
            settings["NAME"] = before

    @contextmanager
    def trial(self, template: str, word: str = "trial") -> Iterator[str]:
        """A copy to work on, gone after the block."""
        name = self.copy(template, word)
        try:
            with self.on(name):
                yield name
        finally:
            self.drop(name)

    def clear(self) -> None:
        for name in list(self._made):
            self.drop(name)


_OTHERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"


def _drop(name: str) -> None:
    """Sessions of killed processes end within moments; one that does not is ended by its own role."""
    connection = bank.connect("postgres", owner=True)
    try:
        connection.cursor().execute(f'DROP DATABASE IF EXISTS "{name}"')
    except psycopg2.errors.ObjectInUse:
        end_sessions(name)
        connection.cursor().execute(f'DROP DATABASE IF EXISTS "{name}"')
    finally:
        connection.close()


def end_sessions(name: str) -> None:
    """Ends what is connected to a database as the application's role. A drop would wait five seconds for it first."""
    application = bank.connect("postgres")
    application.cursor().execute(_OTHERS, [name])
    application.close()


def leave() -> None:
    """Ends this process's connection, so that the database may be copied or dropped."""
    connections["default"].close()


def here() -> str:
    """The database that Django works on."""
    return str(connections["default"].settings_dict["NAME"])
