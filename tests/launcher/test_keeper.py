"""The servers live exactly as long as somebody uses them, however that somebody ends."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from launcher import state as states
from launcher.join import Membership, join
from launcher.keeper import leftovers
from launcher.state import State

pytestmark = pytest.mark.crash
PACKAGES = Path(sysconfig.get_path("purelib"))
SCRIPT = Path(__file__).resolve().parents[2] / "script"
HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from launcher import state
from launcher.join import join
folder, packages, *names = map(str, sys.argv[2:])
held = join(state.State(Path(folder), state.servers_account()), names, Path(packages), throwaway=True)
print("up", flush=True)
time.sleep(120)
"""


@pytest.fixture
def bank_state() -> Iterator[State]:
    """A state of its own that the servers' account can reach (pytest's folders are closed)."""
    import shutil
    import tempfile

    account = states.servers_account()
    folder = Path(tempfile.mkdtemp(prefix="anju-test-")).resolve()
    if account and (closed := states.closed_parent(folder, account)):
        folder.rmdir()
        pytest.skip(f"the account of the servers cannot pass through {closed}")
    state = states.prepare(folder, account)
    yield state
    wait_until(lambda: not running(state), 20)
    shutil.rmtree(folder, ignore_errors=True)


def running(state: State) -> list[int]:
    """Servers with their working folder in this state."""
    return leftovers(state.folder / "pg" / "data") + leftovers(state.folder / "valkey")


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def hold(state: State, *names: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(SCRIPT), str(state.folder), str(PACKAGES), *names]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert holder.stdout is not None
    holder.stdout.close()


def test_servers_outlive_one_user_and_stop_after_the_last_is_killed(bank_state: State) -> None:
    first = hold(bank_state, "postgres", "valkey")
    second = hold(bank_state, "postgres", "valkey")
    servers = running(bank_state)
    assert servers
    end(first)
    time.sleep(0.7)
    assert set(running(bank_state)) & set(servers), "somebody still uses them"
    end(second)
    assert wait_until(lambda: not running(bank_state), 15)
    again = hold(bank_state, "postgres", "valkey")  # the data folder was left in order
    end(again)
    assert wait_until(lambda: not running(bank_state), 15)


def test_a_killed_keeper_takes_its_server_along_and_the_next_user_starts_anew(bank_state: State) -> None:
    membership: Membership = join(bank_state, ["valkey"], PACKAGES, throwaway=True)
    try:
        keeper = json.loads((bank_state.folder / "valkey.json").read_text())["keeper"]
        os.kill(keeper, signal.SIGKILL)
        assert wait_until(lambda: not running(bank_state), 10)
        fresh = join(bank_state, ["valkey"], PACKAGES, throwaway=True)
        assert running(bank_state)
        assert fresh.ports == membership.ports, "the port is remembered"
        fresh.leave()
    finally:
        membership.leave()
    assert wait_until(lambda: not running(bank_state), 10)
