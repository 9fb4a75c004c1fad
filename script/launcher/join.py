"""Joining the embedded servers: hold them for as long as this process lives, start them when down."""

import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from launcher import children
from launcher.locks import is_held, locked, open_lock, wait_lock
from launcher.speech import Failure, say
from launcher.state import State

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Membership:
    """The servers in use and the locks that keep them up; closing the locks lets them go."""

    ports: dict[str, int]
    fds: list[int]

    def survive_exec(self) -> None:
        """Hand the locks over to the program that replaces this one."""
        for fd in self.fds:
            os.set_inheritable(fd, True)

    def leave(self) -> None:
        """Let go; the servers stop when nobody else holds them."""
        while self.fds:
            os.close(self.fds.pop())


def join(state: State, names: Iterable[str], packages: Path, *, throwaway: bool = False) -> Membership:
    """Hold each named server, starting it when it is down."""
    names = list(names)
    fds = []
    for name in names:
        fd = open_lock(state.folder / f"{name}.users")
        wait_lock(fd, shared=True, notice=f"waiting for {name} to finish stopping")
        fds.append(fd)
    with locked(state.folder / "start.lock", notice="waiting for another command that is starting the servers"):
        state.passwords()
        pipes = {}
        for name in names:
            if not _is_up(state, name):
                pipes[name] = _start_keeper(state, name, packages, throwaway=throwaway)
        started = time.monotonic()
        complaints = [complaint for name, pipe in pipes.items() if (complaint := _await(state, name, pipe))]
        if complaints:
            raise Failure("\n".join(complaints))
        if pipes:
            say(f"{' and '.join(pipes)} up in {time.monotonic() - started:.1f} s")
    return Membership({name: _read(state, name)["port"] for name in names}, fds)


def is_kept(state: State, name: str) -> bool:
    """Whether a living keeper has announced the server."""
    return is_held(state.folder / f"{name}.keeper") and (state.folder / f"{name}.json").exists()


def _is_up(state: State, name: str) -> bool:
    """As `is_kept`, but waits for a keeper whose starter was killed while it was starting."""
    while is_held(state.folder / f"{name}.keeper"):
        if (state.folder / f"{name}.json").exists():
            return True
        time.sleep(0.05)
    return False


def _read(state: State, name: str) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((state.folder / f"{name}.json").read_text())
    except (OSError, ValueError):
        raise Failure(f"{name} went away right after its start; see {state.log('keeper')}") from None
    return found


def _start_keeper(state: State, name: str, packages: Path, *, throwaway: bool) -> int:
    """Fork twice, so that the keeper is nobody's child and in a session of its own."""
    reading, writing = os.pipe()
    command = [sys.executable, str(PACKAGE), "keeper", name, "--state", str(state.folder)]
    command += ["--packages", str(packages), "--ready-fd", str(writing)] + ["--throwaway"] * throwaway
    log = children.open_log(state.log("keeper"))
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if os.fork() > 0:
                os._exit(0)
            os.chdir("/")
            os.umask(0o022)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (log.fileno(), 1), (log.fileno(), 2)):
                os.dup2(source, target)
            os.set_inheritable(writing, True)
            os.execve(sys.executable, command, dict(os.environ))
        finally:
            os._exit(127)
    os.waitpid(child, 0)
    os.close(writing)
    log.close()
    return reading


def _await(state: State, name: str, pipe: int) -> str:
    """What the keeper complains about, or nothing when its server is up."""
    with os.fdopen(pipe, "rb") as answers:
        answer = answers.read()
    if not answer:
        return f"The keeper of {name} ended without a word:\n{children.tail(state.log('keeper'))}"
    complaint: str = json.loads(answer)["complaint"]
    return complaint
