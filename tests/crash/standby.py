"""A primary and a streaming standby of the rig's own, from the programs of the wheel; a copy of a bank on them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from bench import bank as banks
from tests.crash.broker import SCRIPT
from tests.crash.processes import wait_for

# The standby waits no longer than this for a query that stands in the way of what it replays.
PATIENCE_MS = 100
_SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "wal_level": "replica",
    "max_connections": "40", "shared_buffers": "32MB", "hot_standby_feedback": "off", "log_statement": "all",
    "log_line_prefix": "%u ", "max_standby_streaming_delay": f"{PATIENCE_MS}ms", "wal_receiver_status_interval": "1s",
}  # fmt: skip


def programs(folder: Path) -> tuple[Path, dict[str, Any]]:
    """PostgreSQL's programs and the account they run as, which is never root."""
    sys.path.insert(0, str(SCRIPT))
    try:
        from launcher.binaries import runnable
        from launcher.state import State, servers_account
    finally:
        sys.path.remove(str(SCRIPT))
    account = servers_account()
    found = runnable(State(folder, account), Path(sysconfig.get_path("purelib"))).postgres
    return found, {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


class Server:
    """One server: its folder, port and log."""

    def __init__(self, pair: "Pair", name: str) -> None:
        self.pair, self.folder = pair, pair.folder / name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.log = pair.folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(self.pair.programs / "postgres"), "-D", str(self.folder), "-c", f"port={self.port}"]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **self.pair.identity)
        if not wait_for(self._is_ready, 60):
            raise RuntimeError(self.log.read_text()[-2000:])

    def _is_ready(self) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def kill(self) -> None:
        """Gone at once, like a host without power."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def ask(self, statement: str, database: str = "bank") -> Any:
        """What the superuser is told; None of a statement without rows."""
        link = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database)
        link.autocommit = True
        try:
            with link.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0] if cursor.description else None
        finally:
            link.close()

    def asked_by_the_bank(self) -> list[str]:
        """Statements of the application role, from the server's log."""
        words = self.log.read_text(errors="replace").split("\nanju_app ")
        return [word.split("statement: ", 1)[1] for word in words if "statement: " in word.split("\n", 1)[0]]


class Pair:
    """Primary and standby."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs, self.identity = programs(folder)
        if self.identity:
            for path in (folder, *folder.parents):
                if path.owner() == "root" and not path.stat().st_mode & 0o001:
                    path.chmod(path.stat().st_mode | 0o011)
            os.chown(folder, self.identity["user"], self.identity["group"])
        self.primary, self.standby = Server(self, "primary"), Server(self, "standby")

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, **self.identity)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr[-2000:]}")

    def make(self, database: str) -> None:
        """The primary with a copy of a database of the bank, then the standby, which follows."""
        self.run("initdb", "-D", self.primary.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
                 "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions")  # fmt: skip
        self.primary.start()
        self.primary.ask("CREATE ROLE anju_owner LOGIN", "postgres")
        self.primary.ask("CREATE ROLE anju_app LOGIN", "postgres")
        self.primary.ask("CREATE DATABASE bank OWNER anju_owner", "postgres")
        dumped = subprocess.run(
            [self.programs / "pg_dump", "-d", banks.url_of(database, owner=True)], check=True, capture_output=True
        )
        subprocess.run(
            [self.programs / "psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "postgres",
             "-d", "bank"], input=dumped.stdout, check=True, capture_output=True, cwd="/")  # fmt: skip
        self.run("pg_basebackup", "-D", self.standby.folder, "-R", "-X", "stream", "-c", "fast", "--no-sync",
                 "-h", "127.0.0.1", "-p", self.primary.port, "-U", "postgres")  # fmt: skip
        self.standby.start()

    def caught_up(self) -> bool:
        """Waits until the standby has replayed what the primary has written."""
        written = self.primary.ask("SELECT pg_current_wal_lsn()")
        return wait_for(lambda: self.standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"), 30)


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
