"""A keeper that is killed leaves no server behind, and the next user finds one in order."""

import json
import os
import shutil
import signal
import sysconfig
import tempfile
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


@pytest.fixture
def bank_state() -> Iterator[State]:
    """A state of its own that the servers' account can reach (pytest's folders are closed)."""
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
