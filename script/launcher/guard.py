"""The guard of script/server: ends what outlives it when it was killed by kill -9.

Programs are told by the kernel to end with script/server, but one that was told may still hang: a
Celery worker whose broker went down at the same moment does. The guard hears of every program
through a pipe; when the pipe closes without a word, it gives them a few seconds and ends the rest.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

GRACE_SECONDS = 5.0


class Guard:
    """The side of script/server. The pipe is close-on-exec, so no program holds it open."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def watch(self, name: str, pid: int) -> None:
        """Remember the program and its group; a later one of the same name takes its place."""
        self._tell(f"{name} {pid}")

    def dismiss(self) -> None:
        """All has ended in order."""
        self._tell("dismissed")
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()


def main() -> int:
    """The side of the guard."""
    groups: dict[str, int] = {}
    for line in sys.stdin:
        words = line.split()
        if words == ["dismissed"]:
            return 0
        groups[words[0]] = int(words[1])
    time.sleep(GRACE_SECONDS)
    for group in groups.values():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
