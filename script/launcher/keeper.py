"""The keeper: a detached process that parents one server for as long as anyone uses it.

Every user of a server holds a shared lock on NAME.users for its life. The keeper tries for the
exclusive lock; getting it means that all users are gone, however they ended. It then stops the
server while still holding the lock, so a newcomer waits and starts a fresh keeper instead of
finding a server that goes down under it. When the keeper itself is killed, the kernel tells the
server (children.py), and the next keeper clears what is left.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from launcher import children
from launcher.binaries import runnable
from launcher.locks import open_lock, try_lock, wait_lock
from launcher.servers import CLEAN_ENV, SERVERS, Server
from launcher.speech import Failure, Refusal
from launcher.state import State, servers_account

POLL_SECONDS = 0.2
STOP_PATIENCE = 60.0  # a fast shutdown writes a checkpoint
START_PATIENCE = 600.0  # recovery after a crash takes as long as it takes
RESTARTS, RESTART_WINDOW = 3, 60.0


def main(arguments: list[str]) -> int:
    """Run as `launcher keeper NAME ...`; tells the starter by a pipe how it went."""
    parser = argparse.ArgumentParser(prog="keeper")
    parser.add_argument("name", choices=sorted(SERVERS))
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--throwaway", action="store_true")
    parser.add_argument("--ready-fd", type=int, required=True)
    given = parser.parse_args(arguments)
    state = State(given.state, servers_account())
    alone = open_lock(state.folder / f"{given.name}.keeper")
    try:
        wait_lock(alone)
        server: Server = SERVERS[given.name](state, runnable(state, given.packages), throwaway=given.throwaway)
        keeper = Keeper(server, state)
        keeper.start()
    except (Refusal, OSError, subprocess.SubprocessError) as error:
        print(f"{time.strftime('%F %T')} {error}", flush=True)
        _tell(given.ready_fd, str(error))
        return 1
    _tell(given.ready_fd, "")
    return keeper.keep()


def _tell(fd: int, complaint: str) -> None:
    try:
        os.write(fd, json.dumps({"complaint": complaint}).encode())
        os.close(fd)
    except OSError:
        pass  # the starter is gone; its successor reads the port file


class Keeper:
    """One server's parent."""

    def __init__(self, server: Server, state: State) -> None:
        self.server = server
        self.state = state
        self.up = state.folder / f"{server.name}.json"
        self.log = state.log(server.name)
        self.child: subprocess.Popen[bytes] | None = None
        self.told_to_stop = False

    def start(self) -> None:
        """Clear leftovers of a crash and bring the server up on the remembered port or a new one."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self.up.unlink(missing_ok=True)
        clear_leftovers(self.server.folder)
        remembered = self.state.folder / f"{self.server.name}.port"
        wanted = int(remembered.read_text()) if remembered.exists() else 0
        for last_try in (False, False, True):
            port = wanted if wanted and is_free(wanted) else free_port()
            self.server.prepare(port)
            complaint = self._start_on(port)
            if not complaint:
                break
            if last_try or is_free(port):
                raise Failure(f"{self.server.name} did not start:\n{complaint}")
            wanted = 0  # somebody else took the port in between
        remembered.write_text(str(port))
        self.port = port
        self.server.furnish(port)
        self._announce()

    def _announce(self) -> None:
        assert self.child is not None
        draft = self.up.with_suffix(".new")
        draft.write_text(json.dumps({"port": self.port, "pid": self.child.pid, "keeper": os.getpid()}))
        draft.replace(self.up)

    def _start_on(self, port: int) -> str:
        """Empty when the server is ready, else what its log says."""
        with children.open_log(self.log) as log:
            since = self.log.stat().st_size
            self.child = children.spawn(
                self.server.command(port),
                env=CLEAN_ENV,
                cwd="/",
                output=log,
                dies_by=self.server.stop_signal,
                account=self.state.account,
            )
        until = time.monotonic() + START_PATIENCE
        while time.monotonic() < until and self.child.poll() is None and not self.told_to_stop:
            if self.server.is_ready(self.child.pid, port):
                return ""
            time.sleep(0.02)
        children.stop(self.child, self.server.stop_signal, patience=STOP_PATIENCE)
        return children.tail(self.log, since=since) or f"it ended with {self.child.returncode}"

    def keep(self) -> int:
        """Wait until the last user is gone, then stop the server; hold the lock to the very end."""
        users = open_lock(self.state.folder / f"{self.server.name}.users")
        crashes: list[float] = []
        while not try_lock(users) and not self.told_to_stop:
            time.sleep(POLL_SECONDS)
            assert self.child is not None
            if self.child.poll() is not None:
                crashes = [at for at in crashes if at > time.monotonic() - RESTART_WINDOW] + [time.monotonic()]
                if len(crashes) > RESTARTS or not self._revive():
                    break
        assert self.child is not None
        self.up.unlink(missing_ok=True)  # before, so that nobody joins a server that goes down
        children.stop(self.child, self.server.stop_signal, patience=STOP_PATIENCE)
        return 0

    def _revive(self) -> bool:
        """The server ended by itself while in use: bring it back where its users look for it."""
        print(f"{time.strftime('%F %T')} {self.server.name} ended by itself; starting it again", flush=True)
        for _ in range(20):  # orphaned sessions of a killed PostgreSQL need a moment to leave
            if self.told_to_stop:
                return False
            complaint = self._start_on(self.port)
            if not complaint:
                self._announce()
                return True
            time.sleep(0.5)
        print(complaint, file=sys.stderr, flush=True)
        return False

    def _on_signal(self, number: int, frame: object) -> None:
        self.told_to_stop = True


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
            trial.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port below the range that outgoing connections take theirs from."""
    for _ in range(200):
        port = random.randint(15_000, 32_000)
        if is_free(port):
            return port
    raise Failure("No free port was found between 15000 and 32000 on 127.0.0.1.")


def leftovers(folder: Path) -> list[int]:
    """Living servers of an earlier keeper: those whose working folder is the server's own."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            program = Path(os.readlink(entry / "exe")).name
            here = os.readlink(entry / "cwd") == str(folder.resolve())
            if here and program.startswith(("postgres", "valkey-server")):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def clear_leftovers(folder: Path) -> None:
    """After a crash: let an earlier server finish stopping, end it if it hangs, drop a stale pid file."""
    until = time.monotonic() + 15
    while (pids := leftovers(folder)) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if pids:
        time.sleep(0.5)
    if Path("/proc/self").exists():  # only where we have seen that nobody is left
        (folder / "postmaster.pid").unlink(missing_ok=True)
