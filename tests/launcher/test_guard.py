"""A program that hangs when it is told to end goes all the same when script/server was killed."""

import os
import signal
import subprocess
import sys
import time

import pytest
from launcher.guard import Guard

from tests.launcher.conftest import SCRIPT

pytestmark = pytest.mark.crash
HOLDER = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from launcher.guard import Guard
stubborn = "import signal, time; signal.signal(signal.SIGQUIT, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True)
guard = Guard()
guard.watch("stubborn", child.pid)
print(child.pid, guard.process.pid, flush=True)
sys.stdin.read()
"""


def is_running(pid: int) -> bool:
    """Whether it still does anything; an ended process that nobody waited for does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_hanging_program_ends_after_its_server_was_killed() -> None:
    command = [sys.executable, "-c", HOLDER, str(SCRIPT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pids = [int(word) for word in holder.stdout.readline().split()]
        assert len(pids) == 2 and all(map(is_running, pids))
        holder.send_signal(signal.SIGKILL)
    until = time.monotonic() + 15
    while any(map(is_running, pids)):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_dismissed_guard_ends_at_once_and_touches_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as program:
        guard = Guard()
        guard.watch("program", program.pid)
        guard.dismiss()
        assert guard.process.returncode == 0
        assert program.poll() is None
        program.kill()
