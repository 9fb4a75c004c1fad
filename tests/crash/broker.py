"""A broker of the rig's own (Valkey), to be killed, emptied, frozen and filled; real Celery workers and beats on it."""

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from config.celery import app
from tests.crash.processes import fork, kill, wait_for

SCRIPT = Path(__file__).resolve().parents[2] / "script"
QUEUE = "celery"


def _program() -> Path:
    sys.path.insert(0, str(SCRIPT))
    try:
        from launcher.binaries import locate
    finally:
        sys.path.remove(str(SCRIPT))
    return locate(Path(sysconfig.get_path("purelib"))).valkey


class Broker:
    """A Valkey that keeps nothing on disk: what it held is gone when it dies, which is the worst that may happen."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=2)

    def start(self) -> None:
        command = [str(_program()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [*command, "--dir", tempfile.gettempdir()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if not wait_for(self.answers, 20):
            raise RuntimeError("the broker does not start")

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def flush(self) -> None:
        self.client.flushall()

    def fill(self) -> None:
        """Nothing can be written any more."""
        self.client.config_set("maxmemory-policy", "noeviction")
        self.client.config_set("maxmemory", "1")

    def empty(self) -> None:
        self.client.config_set("maxmemory", "0")

    def waiting(self) -> int:
        try:
            return int(self.client.llen(QUEUE))  # type: ignore[arg-type]
        except redis.RedisError:
            return 0

    def send(self, task: str, times: int = 1) -> None:
        """Calls a task as beat does; a call that is lost is lost."""
        for _each in range(times):
            try:
                app.send_task(task, retry=False, ignore_result=True)
            except Exception:  # noqa: BLE001 - whatever the broker is at
                forget_connections()
                return


def forget_connections() -> None:
    """Celery's connections to a broker are opened anew."""
    app._after_fork()


@contextmanager
def broker_up() -> Iterator[Broker]:
    """Celery works with a broker of its own inside the block."""
    broker, before = Broker(), app.conf.broker_url
    broker.start()
    app.conf.broker_url = f"redis://127.0.0.1:{broker.port}/0"
    forget_connections()
    try:
        yield broker
    finally:
        app.conf.broker_url = before
        forget_connections()
        broker.kill()


WORDS = Path(tempfile.gettempdir()) / f"anju-crash-celery-{os.getuid()}.log"


def said(most: int = 1200) -> str:
    """The last that workers and beats said."""
    return WORDS.read_text(errors="replace")[-most:] if WORDS.exists() else ""


def _apart(work: Callable[[], Any]) -> int:
    """A process group of its own, so that it can be killed with its children; its words go to a file."""

    def begin() -> None:
        os.setsid()
        words = os.open(WORDS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(words, 1)
        os.dup2(words, 2)
        warnings.simplefilter("ignore")
        forget_connections()
        work()

    return fork(begin)


class Worker:
    """A real Celery worker with children."""

    def __init__(self, name: str, children: int = 2) -> None:
        self.name, self.children = name, children
        self.pid = 0

    def start(self) -> None:
        arguments = [
            "worker", f"--concurrency={self.children}", "--without-gossip", "--without-mingle", "--without-heartbeat",
            "--loglevel=ERROR", f"--hostname={self.name}@crash",
        ]  # fmt: skip
        self.pid = _apart(lambda: app.worker_main(arguments))

    def child_ids(self) -> list[int]:
        try:
            return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def kill_child(self, number: int) -> bool:
        """Kills one of its children; False when it has none."""
        if not (ids := self.child_ids()):
            return False
        os.kill(ids[number % len(ids)], signal.SIGKILL)
        return True

    def revive(self) -> None:
        """Starts it again when it ended, as whoever keeps it running does."""
        if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
            self.start()

    def kill(self, *, children_too: bool = True) -> None:
        """Kills the worker; its children too, or they are left to end what they are at."""
        if children_too:
            for child in self.child_ids():
                os.kill(child, signal.SIGKILL)
        kill(self.pid)

    def end(self) -> None:
        """Nothing of it is left."""
        with_group = self.pid
        self.kill()
        try:
            os.killpg(with_group, signal.SIGKILL)
        except ProcessLookupError:
            return


def beat() -> int:
    """A real beat, with the schedule that Celery is set to; its process."""
    return _apart(lambda: app.Beat(loglevel="ERROR", quiet=True).run())
