"""The embedded servers live exactly as long as somebody uses them, and keep what was written.

Real servers in a state folder of their own; users are processes, so that they can be killed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from launcher.bank import addresses
from launcher.binaries import locate
from launcher.locks import is_held
from launcher.state import State, prepare, servers_account

from tests.launcher.conftest import SCRIPT

PACKAGES = Path(sysconfig.get_path("purelib"))
MISSING = [str(path) for path in (locate(PACKAGES).postgres / "postgres", locate(PACKAGES).valkey) if not path.exists()]
NAMES = ("postgres", "valkey")
# Says its ports, holds the servers until its standard input closes.
HOLDER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from launcher.join import join
from launcher.state import prepare, servers_account
membership = join(prepare(Path(sys.argv[2]), servers_account()), ["postgres", "valkey"], Path(sys.argv[3]))
print(json.dumps(membership.ports), flush=True)
sys.stdin.read()
"""

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(bool(MISSING), reason=f"the server programs are not installed: {', '.join(MISSING)}"),
]


@dataclass
class User:
    """A process that uses the servers."""

    process: subprocess.Popen[str]
    ports: dict[str, int]

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(15) == 0

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(15)


@contextlib.contextmanager
def user_of(state: State) -> Iterator[User]:
    command = [sys.executable, "-c", HOLDER, str(SCRIPT), str(state.folder), str(PACKAGES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said, f"the servers did not start; see {state.folder / 'log'}"
            yield User(process, json.loads(said))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def made(open_folder: Path) -> State:
    """A bank whose database was made; its servers are down."""
    state = prepare(open_folder / "bank", servers_account())
    with user_of(state) as user:
        user.end()
    wait_until_gone(state, {})
    return state


@pytest.fixture
def state(made: State) -> Iterator[State]:
    assert running(made) == {}
    yield made
    wait_until_gone(made, running(made))


def running(state: State) -> dict[str, int]:
    """Process ids of the servers that are announced."""
    found = {}
    for name in NAMES:
        with contextlib.suppress(FileNotFoundError):
            found[name] = json.loads((state.folder / f"{name}.json").read_text())["pid"]
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wait_until_gone(state: State, pids: dict[str, int], seconds: float = 15) -> None:
    """Servers and keepers both; fails when they are not within `seconds`."""
    until = time.monotonic() + seconds
    while True:
        left = [name for name, pid in pids.items() if is_alive(pid)]
        left += [f"keeper of {name}" for name in NAMES if is_held(state.folder / f"{name}.keeper")]
        if not left:
            return
        assert time.monotonic() < until, f"still there after {seconds} s: {', '.join(left)}"
        time.sleep(0.05)


def ask(state: State, ports: dict[str, int], *statements: str) -> list[tuple[object, ...]]:
    """Rows of the last statement, as the role that owns the database."""
    link = psycopg2.connect(addresses(ports, state.passwords())["DATABASE_OWNER_URL"], connect_timeout=10)
    try:
        with link, link.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        link.close()


def test_servers_go_when_their_only_user_is_killed(state: State) -> None:
    with user_of(state) as user:
        pids = running(state)
        assert sorted(pids) == list(NAMES) and all(map(is_alive, pids.values()))
        assert ask(state, user.ports, "SELECT 1") == [(1,)]
        user.kill()
        wait_until_gone(state, pids, seconds=15)
    assert running(state) == {}


def test_servers_stay_until_the_last_user_ends(state: State) -> None:
    with user_of(state) as first, user_of(state) as second:
        pids = running(state)
        assert first.ports == second.ports
        first.end()
        time.sleep(1)  # five looks of the keeper
        assert running(state) == pids and all(map(is_alive, pids.values()))
        assert ask(state, second.ports, "SELECT 1") == [(1,)]
        second.end()
        wait_until_gone(state, pids)


def test_second_start_keeps_what_was_written(state: State) -> None:
    with user_of(state) as user:
        ask(state, user.ports, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('安居')")
        pids = running(state)
        user.end()
        wait_until_gone(state, pids)
    with user_of(state) as user:
        assert running(state)["postgres"] != pids["postgres"]
        assert ask(state, user.ports, "SELECT word FROM kept") == [("安居",)]
        assert ask(state, user.ports, "SELECT extname FROM pg_extension WHERE extname IN ('pg_trgm', 'btree_gist')")
        user.end()
