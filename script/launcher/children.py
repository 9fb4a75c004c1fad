"""Starting child processes that cannot outlive their parent.

Linux sends a child the signal of its choice when its parent ends, however that happens
(prctl PR_SET_PDEATHSIG). Elsewhere children end by the ordinary means only.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from launcher.state import Account

_PR_SET_PDEATHSIG = 1
# Loaded here: after a fork it is too late to load a library safely.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
LOG_LIMIT = 10 * 1024 * 1024


def dying_with_parent(number: signal.Signals) -> Callable[[], None]:
    """What a new child runs before its program: ask for `number` when this process ends.

    A shell starts background jobs with SIGINT and SIGQUIT ignored, and children inherit that; a
    child that ignores the signal it is to end by would stay, so they start with the defaults.
    """
    parent = os.getpid()

    def ask() -> None:
        for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_DFL)
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the request was in place
            os._exit(1)

    return ask


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | str | None = None,
    output: IO[bytes] | int | None = None,
    dies_by: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    own_session: bool = False,
    keep_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process; as `account` when root must step down."""
    identity: dict[str, object] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [str(part) for part in command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        preexec_fn=dying_with_parent(dies_by),
        start_new_session=own_session,
        pass_fds=tuple(keep_fds),
        **identity,
    )


def open_log(path: Path) -> IO[bytes]:
    """The log to append to; a large one of earlier starts moves aside, once."""
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab", buffering=0)


def tail(path: Path, *, lines: int = 15, since: int = 0) -> str:
    """The last lines of a log, from byte `since` on, for a person who must see what went wrong."""
    try:
        with path.open("rb") as log:
            log.seek(max(since, path.stat().st_size - 20_000))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def stop(child: subprocess.Popen[bytes], number: signal.Signals, *, patience: float) -> None:
    """Ask a child to end, and end it when it does not within `patience` seconds."""
    if child.poll() is None:
        child.send_signal(number)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
