"""Points at which a process can be made to die: each SQL statement, each COPY, each COMMIT, each call to a broker.

A point's label is where it is (a stage, a use case) and the statement without its values, so that the same statement
is known again on another evening. Points are counted from 1; a process dies before it does what the point is about, so
that "before the one after" is "after". What may happen there: `exit` (the process is gone), `sever` (the database ends
its session, the process lives on), `deadlock` (the database says 40P01).
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.errors
from celery import current_app
from django.db import connection
from django.db.backends.utils import CursorWrapper

from bench import bank
from config import day_end
from config.night import chunks
from tests.crash.ground import here

DIED = 137
KINDS = ("exit", "sever", "deadlock")
_VALUES = re.compile(r"'[^']*'|\b\d+\b|s\d+_x\d+")
_ROWS = re.compile(r"\([^()]*(%s|\?)[^()]*\)(, \([^()]*(%s|\?)[^()]*\))+|(%s, )+%s")


def named(statement: str) -> str:
    """A statement without its values."""
    return _ROWS.sub("?", _VALUES.sub("?", " ".join(statement.split())))[:300]


class Deadlock(psycopg2.errors.DeadlockDetected):
    """What the driver says; Django makes its own of it, as of the driver's."""

    pgcode = "40P01"


class Points:
    """Counts points; at the one asked for something happens."""

    def __init__(self, at: int = 0, kind: str = "exit", place: str = "") -> None:
        self.at, self.kind, self.place = at, kind, place
        self.labels: list[tuple[str, str]] = []

    def reach(self, what: str) -> None:
        self.labels.append((self.place, what))
        if len(self.labels) == self.at:
            self._strike()

    def _strike(self) -> None:
        if self.kind == "exit":
            os._exit(DIED)
        if self.kind == "deadlock":
            if connection.in_atomic_block:
                raise Deadlock("deadlock detected")
            return
        if connection.connection is not None and not connection.connection.closed:
            link = psycopg2.connect(bank.url_of(here()))
            try:
                with link, link.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
            finally:
                link.close()

    def _statement(self, execute: Any, statement: str, values: Any, many: bool, context: Any) -> Any:
        with connection.wrap_database_errors:
            self.reach(named(statement))
        return execute(statement, values, many, context)

    @contextmanager
    def watching(self) -> Iterator["Points"]:
        """Inside the block every point counts. Calls to the broker are points and go nowhere."""
        commit, plan, work = connection._commit, chunks._plan, chunks._work
        had = "copy_expert" in CursorWrapper.__dict__

        def committing() -> Any:
            with connection.wrap_database_errors:
                self.reach("COMMIT")
            return commit()

        def planning(stage: Any, *given: Any, **named: Any) -> Any:
            self.place = stage.name
            return plan(stage, *given, **named)

        def working(stage: Any, *given: Any, **named: Any) -> Any:
            self.place = stage.name
            return work(stage, *given, **named)

        def copying(cursor: Any, statement: str, *given: Any) -> Any:
            self.reach(named(statement))
            with cursor.db.wrap_database_errors:
                return cursor.cursor.copy_expert(statement, *given)

        def sending(task: str, *_given: Any, **_named: Any) -> None:
            self.reach(f"publish {task}")

        def reacting(**given: Any) -> Any:
            self.place = "close"
            return react(**given)

        send, react = current_app.send_task, day_end.run_pending
        connection._commit = committing  # type: ignore[method-assign]
        chunks._plan, chunks._work, day_end.run_pending = planning, working, reacting
        CursorWrapper.copy_expert = copying  # type: ignore[attr-defined]
        current_app.send_task = sending
        try:
            with connection.execute_wrapper(self._statement):
                yield self
        finally:
            connection._commit = commit  # type: ignore[method-assign]
            chunks._plan, chunks._work, day_end.run_pending = plan, work, react
            current_app.send_task = send
            if not had:
                del CursorWrapper.copy_expert  # type: ignore[attr-defined]
