"""PostgreSQL servers of the rig's own, from the programs of the wheel, each with a bank: to be killed, or to lag."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg2
from django.db import connections

from bench import bank as banks
from tests.crash.broker import SCRIPT
from tests.crash.ground import leave
from tests.crash.processes import wait_for

BANK = "bank"
_SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "wal_level": "replica", "max_connections": "40",
    "shared_buffers": "32MB",
}  # fmt: skip
# As a bank has it: what was committed is on the disk.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_ROLES = ("CREATE ROLE anju_owner LOGIN CREATEDB", "CREATE ROLE anju_app LOGIN")


def _programs(folder: Path) -> tuple[Path, dict[str, Any]]:
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


class Home:
    """A folder for servers, and the account that runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs, self.identity = _programs(folder)
        if self.identity:
            for path in (folder, *folder.parents):
                if path.owner() == "root" and not path.stat().st_mode & 0o001:
                    path.chmod(path.stat().st_mode | 0o011)
            os.chown(folder, self.identity["user"], self.identity["group"])

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, **self.identity)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr[-2000:]}")


class Server:
    """One server: its folder, port and log."""

    def __init__(self, home: Home, name: str, settings: Mapping[str, str]) -> None:
        self.home, self.folder = home, home.folder / name
        self.settings = {**_SETTINGS, **settings}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.log = home.folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def make(self, database: str) -> None:
        """A new server with a copy of a database of the bank."""
        self.home.run("initdb", "-D", self.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
                      "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions")  # fmt: skip
        self.start()
        for statement in (*_ROLES, f"CREATE DATABASE {BANK} OWNER anju_owner"):
            self.ask(statement, "postgres")
        programs = self.home.programs
        dumped = subprocess.run(
            [programs / "pg_dump", "-d", banks.url_of(database, owner=True)], check=True, capture_output=True
        )
        subprocess.run(
            [programs / "psql", "-Xq1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", BANK],
            input=dumped.stdout, check=True, capture_output=True, cwd="/",
        )  # fmt: skip

    def start(self) -> None:
        command = [str(self.home.programs / "postgres"), "-D", str(self.folder), "-c", f"port={self.port}"]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **self.home.identity)
        if not wait_for(self._is_ready, 60):
            raise RuntimeError(self.log.read_text()[-2000:])

    def _is_ready(self) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def quit(self) -> None:
        """What `pg_ctl stop -m immediate` sends; whoever started it still has to take its status."""
        os.kill(int((self.folder / "postmaster.pid").read_text().splitlines()[0]), signal.SIGQUIT)

    def answers(self) -> bool:
        with socket.socket() as found:
            return found.connect_ex(("127.0.0.1", self.port)) == 0

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

    def ask(self, statement: str, database: str = BANK) -> Any:
        """What the superuser is told; None of a statement without rows."""
        link = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database)
        link.autocommit = True
        try:
            with link.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0] if cursor.description else None
        finally:
            link.close()


@contextmanager
def server_of(database: str, folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """A server with a copy of the database; gone after the block."""
    folder.mkdir(exist_ok=True)
    server = Server(Home(folder), "server", settings)
    try:
        server.make(database)
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def default_at(port: int, name: str = BANK) -> Iterator[None]:
    """Django, and what is told by the environment, work on a server of the rig's inside the block."""
    urls = {
        "DATABASE_URL": f"postgres://anju_app@127.0.0.1:{port}/{name}",
        "DATABASE_OWNER_URL": f"postgres://anju_owner@127.0.0.1:{port}/{name}",
    }
    here = connections["default"].settings_dict
    before = dict(here)
    leave()
    here.update(HOST="127.0.0.1", PORT=port, NAME=name, USER="anju_app", PASSWORD="")
    try:
        with patch.dict(os.environ, urls):
            yield
    finally:
        leave()
        here.clear()
        here.update(before)
