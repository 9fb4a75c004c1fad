"""Advisory file locks (flock): the kernel drops them however their holder ends, even by kill -9.

File descriptors are opened close-on-exec, so no child can hold a lock by accident.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.speech import say


def open_lock(path: Path) -> int:
    """A descriptor to lock on; the file is made when missing and never removed."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(fd: int, *, shared: bool = False) -> bool:
    """Whether the lock was taken now, without waiting."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_lock(fd: int, *, shared: bool = False, notice: str = "", notice_after: float = 1.0) -> None:
    """Take the lock, saying `notice` once when it takes longer than `notice_after` seconds."""
    said_at = time.monotonic() + notice_after
    while not try_lock(fd, shared=shared):
        if notice and time.monotonic() > said_at:
            say(notice)
            notice = ""
        time.sleep(0.02)


def is_held(path: Path) -> bool:
    """Whether some living process holds the lock exclusively."""
    if not path.exists():
        return False
    fd = open_lock(path)
    try:
        return not try_lock(fd, shared=True)
    finally:
        os.close(fd)


@contextmanager
def locked(path: Path, *, notice: str = "") -> Iterator[None]:
    """Hold the lock exclusively for a block."""
    fd = open_lock(path)
    try:
        wait_lock(fd, notice=notice)
        yield
    finally:
        os.close(fd)
