"""How PostgreSQL and Valkey are set up, started, seen to be ready, and stopped.

Both listen on the loopback address only and ask for a password; the password is never on a
command line. PostgreSQL has three roles: the superuser, `anju_owner` who migrates, and `anju_app`
who may do only what the migrations grant.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from launcher.binaries import Binaries
from launcher.speech import Failure
from launcher.state import State

DATABASE = "anju"
TEST_DATABASES = 4  # so many runs of the tests can go on beside each other
CLEAN_ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


class Server(Protocol):
    """What the keeper needs to know about a server."""

    name: str
    folder: Path
    stop_signal: signal.Signals

    def prepare(self, port: int) -> None: ...
    def command(self, port: int) -> list[str]: ...
    def is_ready(self, pid: int, port: int) -> bool: ...
    def furnish(self, port: int) -> None: ...


class Postgres:
    """The database: one cluster, one database, three roles."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __init__(self, state: State, binaries: Binaries, *, throwaway: bool) -> None:
        self.state = state
        self.programs = binaries.postgres
        self.throwaway = throwaway
        self.folder = state.folder / "pg" / "data"

    def prepare(self, port: int) -> None:
        """Make the cluster when there is none; a half-made one is made anew."""
        home = self.folder.parent
        _own_folder(home, self.state)
        if self.folder.exists():
            self._check_version()
            return
        draft = home / "new"
        shutil.rmtree(draft, ignore_errors=True)
        secret = home / "initial-password"
        secret.touch(mode=0o600)
        secret.write_text(self.state.passwords()["postgres"])
        if self.state.account:
            os.chown(secret, self.state.account.uid, self.state.account.gid)
        command = [str(self.programs / "initdb"), "-D", str(draft), "-U", "postgres", "-A", "scram-sha-256"]
        command += [f"--pwfile={secret}", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "-k"]
        command += ["--no-instructions"] + (["--no-sync"] if self.throwaway else [])
        try:
            _run(command, self.state, "The database could not be made")
        finally:
            secret.unlink()
        draft.rename(self.folder)

    def _check_version(self) -> None:
        has = (self.folder / "PG_VERSION").read_text().strip()
        said = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, text=True, check=True)
        runs = said.stdout.split()[2].split(".")[0]
        if has != runs:
            raise Failure(
                f"The database in {self.folder} is of PostgreSQL {has}, the installed one is {runs}.\n"
                "Dump it with the earlier version and restore it (docs/operations.md, backup)."
            )

    def command(self, port: int) -> list[str]:
        memory = machine_memory()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": f"{shared_buffers(memory, throwaway=self.throwaway)}MB",
            "effective_cache_size": f"{max(256, memory // 2)}MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": f"{max_wal_size(memory)}MB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            "max_locks_per_transaction": 256,
            "jit": "off",
        }
        if self.throwaway:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(self.programs / "postgres"), "-D", str(self.folder)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def is_ready(self, pid: int, port: int) -> bool:
        """PostgreSQL writes its own state into its pid file; no sign-in is needed to read it."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def furnish(self, port: int) -> None:
        """Roles, extensions and the database; once, and again when it was cut off half-way."""
        done = self.folder.parent / "furnished"
        if done.exists():
            return
        passwords = self.state.passwords()
        databases = [DATABASE]
        if self.throwaway:
            databases += [f"{DATABASE}_{number}" for number in range(2, TEST_DATABASES + 1)]
        sql = [_EXTENSIONS]
        for role, rights in (("anju_owner", "LOGIN CREATEDB"), ("anju_app", "LOGIN")):
            sql.append(f"SELECT 'CREATE ROLE {role}' WHERE to_regrole('{role}') IS NULL \\gexec")
            sql.append(f"ALTER ROLE {role} {rights} PASSWORD '{passwords[role]}';")
        for name in databases:
            missing = f"NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}')"
            sql.append(f"SELECT 'CREATE DATABASE {name} OWNER anju_owner' WHERE {missing} \\gexec")
        command = [str(self.programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]
        command += ["-p", str(port), "-U", "postgres", "-d", "template1"]
        _run(
            command,
            self.state,
            "The database could not be furnished",
            given="\n".join(sql),
            extra_env={"PGPASSWORD": passwords["postgres"]},
        )
        done.touch()


# In template1, so that every database made later (the tests' own, too) has them.
_EXTENSIONS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
"""


def machine_memory(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """In MB: of the machine, or what a container may have of it."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    try:
        return min(found, int(limit.read_text()) // 2**20)
    except (OSError, ValueError):
        return found


def shared_buffers(memory: int, *, throwaway: bool) -> int:
    """In MB, of the machine's: an eighth up to 4 GB.

    A quarter, as PostgreSQL's manual begins with, is for a server of its own; here web, workers and the files' cache
    share the machine. What a night of a million loans writes in one stage has to fit, or each page that makes room for
    another waits for the disk. The servers of the tests hold little and there may be several of them.
    """
    return max(64, min(256, memory // 16) if throwaway else min(4096, memory // 8))


def max_wal_size(memory: int) -> int:
    """In MB: the manual asks for more with larger shared buffers; a long night then has fewer checkpoints."""
    return max(2048, min(8192, 8 * shared_buffers(memory, throwaway=False)))


class Valkey:
    """Broker and cache, spoken to by the Redis protocol; losing its contents loses no fact."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, state: State, binaries: Binaries, *, throwaway: bool) -> None:
        self.state = state
        self.program = binaries.valkey
        self.throwaway = throwaway
        self.folder = state.folder / "valkey"

    def prepare(self, port: int) -> None:
        """The configuration is a file of the servers' account: it holds the password."""
        _own_folder(self.folder, self.state)
        lines = {
            "bind": "127.0.0.1",
            "port": port,
            "requirepass": self.state.passwords()["valkey"],
            "dir": f'"{self.folder}"',
            "appendonly": "no" if self.throwaway else "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        path = self.folder / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        if self.state.account:
            os.chown(path, self.state.account.uid, self.state.account.gid)

    def command(self, port: int) -> list[str]:
        return [str(self.program), str(self.folder / "valkey.conf")]

    def is_ready(self, pid: int, port: int) -> bool:
        """Only our own server accepts the password; while it still loads, it does not say PONG."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
                link.sendall(f"AUTH {self.state.passwords()['valkey']}\r\nPING\r\nQUIT\r\n".encode())
                answer = b""
                while piece := link.recv(1024):
                    answer += piece
        except OSError:
            return False
        return b"+PONG" in answer

    def furnish(self, port: int) -> None:
        """Nothing to set up inside."""


SERVERS: dict[str, type[Postgres] | type[Valkey]] = {"postgres": Postgres, "valkey": Valkey}


def _own_folder(folder: Path, state: State) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if state.account:
        os.chown(folder, state.account.uid, state.account.gid)


def _run(
    command: list[str], state: State, complaint: str, *, given: str = "", extra_env: Mapping[str, str] | None = None
) -> None:
    account = state.account
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    answer = subprocess.run(  # type: ignore[call-overload]
        command,
        input=given,
        env=CLEAN_ENV | dict(extra_env or {}),
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **identity,
    )
    if answer.returncode != 0:
        raise Failure(f"{complaint}:\n{answer.stdout.strip()}")
