"""Keeping the programs of script/server running: started, watched, restarted within bounds, stopped.

Each program is in a session of its own, so Ctrl-C reaches only script/server, which stops them in
order; each asks the kernel to end with script/server, so none outlives it.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from launcher import children
from launcher.guard import Guard
from launcher.speech import Failure, say
from launcher.state import CHECKOUT, State

RESTARTS, RESTART_WINDOW = 3, 60.0
PATIENCE = 15.0


@dataclass
class Program:
    """One long-running program and what became of it."""

    name: str
    command: Sequence[str]
    keep_fds: tuple[int, ...] = ()
    guard: Guard | None = None
    child: subprocess.Popen[bytes] | None = None
    log_start: int = 0
    deaths: list[float] = field(default_factory=list)

    def start(self, state: State, env: Mapping[str, str]) -> None:
        with children.open_log(state.log(self.name)) as log:
            self.log_start = state.log(self.name).stat().st_size
            self.child = children.spawn(
                self.command,
                env=env,
                cwd=CHECKOUT,
                output=log,
                # Quick, not graceful: when script/server was killed, its servers go as well.
                dies_by=signal.SIGQUIT,
                own_session=True,
                keep_fds=self.keep_fds,
            )
        if self.guard is not None:
            self.guard.watch(self.name, self.child.pid)

    def has_ended(self) -> bool:
        return self.child is not None and self.child.poll() is not None

    def signal_all(self, number: signal.Signals) -> None:
        """To the program and its own children, also those it left behind."""
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, number)

    def ask_to_end(self, number: signal.Signals) -> None:
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(number)


def look_after(program: Program, state: State, env: Mapping[str, str]) -> None:
    """Restart a program that ended by itself; too often in a minute is a failure."""
    if not program.has_ended():
        return
    assert program.child is not None
    program.signal_all(signal.SIGKILL)  # its workers must not stay behind with the port or a task
    now = time.monotonic()
    program.deaths = [at for at in program.deaths if at > now - RESTART_WINDOW] + [now]
    log = state.log(program.name)
    words = children.tail(log, since=program.log_start)
    say(f"{program.name} ended by itself ({describe(program.child.returncode)}). The end of {log}:\n{words}")
    if len(program.deaths) > RESTARTS:
        raise Failure(f"{program.name} ended {len(program.deaths)} times within a minute; stopping everything.")
    say(f"starting {program.name} again")
    program.start(state, env)


def describe(returncode: int) -> str:
    """An exit status in words."""
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"by signal {-returncode}"


def stop_all(programs: Sequence[Program], is_forced: Callable[[], bool]) -> None:
    """Ask all to finish what they are doing, then insist; a second Ctrl-C does not wait."""
    for program in programs:
        program.ask_to_end(signal.SIGTERM)
    began = time.monotonic()
    insisted = False
    while any(program.child and not program.has_ended() for program in programs):
        waited = time.monotonic() - began
        if is_forced() or waited > PATIENCE:
            break
        if waited > PATIENCE * 2 / 3 and not insisted:
            insisted = True
            for program in programs:
                program.ask_to_end(signal.SIGQUIT)
        time.sleep(0.05)
    for program in programs:
        program.signal_all(signal.SIGKILL)
        if program.child:
            program.child.wait()
