"""A primary and a streaming standby of the rig's own; a copy of a bank on them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from tests.crash.processes import wait_for
from tests.crash.servers import Home, Server

# The standby waits no longer than this for a query that stands in the way of what it replays.
PATIENCE_MS = 100
_SETTINGS = {
    "fsync": "off", "hot_standby_feedback": "off", "log_statement": "all", "log_line_prefix": "%u ",
    "max_standby_streaming_delay": f"{PATIENCE_MS}ms", "wal_receiver_status_interval": "1s",
}  # fmt: skip


class Pair:
    """Primary and standby."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.primary, self.standby = (Server(self.home, name, _SETTINGS) for name in ("primary", "standby"))

    def make(self, database: str) -> None:
        """The primary with a copy of a database of the bank, then the standby, which follows."""
        self.primary.make(database)
        self.home.run("pg_basebackup", "-D", self.standby.folder, "-R", "-X", "stream", "-c", "fast", "--no-sync",
                      "-h", "127.0.0.1", "-p", self.primary.port, "-U", "postgres")  # fmt: skip
        self.standby.start()

    def caught_up(self) -> bool:
        """Waits until the standby has replayed what the primary has written."""
        written = self.primary.ask("SELECT pg_current_wal_lsn()")
        return wait_for(lambda: self._asked(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"), 30)

    def resume(self) -> None:
        """Lets the standby replay again."""
        self._asked("SELECT pg_wal_replay_resume()")

    def _asked(self, statement: str) -> Any:
        """What the standby says; None where the question itself stood in the way of what is replayed."""
        try:
            return self.standby.ask(statement)
        except psycopg2.errors.SerializationFailure:
            return None


def asked_by_the_bank(server: Server) -> list[str]:
    """Statements of the application role, from the server's log."""
    words = server.log.read_text(errors="replace").split("\nanju_app ")
    return [word.split("statement: ", 1)[1] for word in words if "statement: " in word.split("\n", 1)[0]]


@contextmanager
def pair_of(database: str, folder: Path) -> Iterator[Pair]:
    """The two servers with a copy of the database; gone after the block."""
    pair = Pair(folder)
    try:
        pair.make(database)
        yield pair
    finally:
        for server in (pair.standby, pair.primary):
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
