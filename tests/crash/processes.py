"""Processes of the rig: forked from one that has everything imported, on connections of their own."""

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

from django.db import connections

# Far above what anything takes, also where a machine's disk stands still for a minute; who reaches it is stuck.
PATIENCE = 240.0
_DIE_WITH_PARENT = 1


def fork(work: Callable[[], object], *, quiet: bool = False) -> int:
    """Forks a warm process that does the work; returns its id. It ends with 1 when the work raises."""
    connections["default"].close()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    # Whatever becomes of the rig, nothing of it stays.
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    try:
        connections["default"].connection = None
        work()
        status = 0
    except BaseException:
        if not quiet:
            traceback.print_exc()
            sys.stderr.flush()
    finally:
        os._exit(status)


def exit_of(child: int, patience: float | None = None) -> int | None:
    """How a process ended; None when it had to be killed because it did not end."""
    limit = time.monotonic() + (patience or PATIENCE)
    while time.monotonic() < limit:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    kill(child)
    return None


def kill(child: int) -> None:
    """Ends a process of ours the hard way and takes its status."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def is_alive(child: int) -> bool:
    return os.waitpid(child, os.WNOHANG) == (0, 0)


def wait_for(condition: Callable[[], object], patience: float = PATIENCE) -> bool:
    """False when it did not come true."""
    limit = time.monotonic() + patience
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True
