"""What the launcher decides without starting anything."""

import errno
import json
import os
import socket
from pathlib import Path

import pytest
from launcher import bank, chromium, environment, manage, serve, state
from launcher.environment import Environment
from launcher.speech import Refusal
from launcher.state import Account

STRANGER = Account("stranger", 64_321, 64_321)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that anyone may pass through; pytest's own base folder is closed."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    return tmp_path


@pytest.fixture
def venv(tmp_path: Path) -> Environment:
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(os.path.realpath("/bin/sh"))
    return Environment(folder)


def test_a_closed_parent_is_named(open_folder: Path) -> None:
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    assert state.closed_parent(closed / "checkout" / "var", STRANGER) == closed


def test_an_open_path_has_no_closed_parent(open_folder: Path) -> None:
    assert state.closed_parent(open_folder / "checkout" / "var", STRANGER) is None


def test_default_state_moves_away_from_a_checkout_the_servers_cannot_reach(open_folder: Path) -> None:
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    assert state.choose_folder({}, closed, STRANGER) == state.SYSTEM_STATE
    assert state.choose_folder({}, closed, None) == closed / "var"


def test_a_named_state_the_servers_cannot_reach_is_refused_with_the_way_out(open_folder: Path) -> None:
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    with pytest.raises(Refusal, match=r"may not pass through .*home[\s\S]*ANJU_STATE=/var/lib/anju"):
        state.choose_folder({"ANJU_STATE": str(closed / "bank")}, open_folder, STRANGER)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("x")
    before = tmp_path.stat().st_mode
    with pytest.raises(Refusal, match="thesis.odt"):
        state.prepare(tmp_path, None)
    assert tmp_path.stat().st_mode == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.odt"]


def test_a_new_state_is_closed_and_its_secrets_stay_the_same(tmp_path: Path) -> None:
    made = state.prepare(tmp_path / "bank", None)
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert made.secret_key() == state.prepare(tmp_path / "bank", None).secret_key()
    assert made.passwords() == made.passwords()
    assert (made.folder / "passwords").stat().st_mode & 0o777 == 0o600
    assert len(set(made.passwords().values())) == 4


def test_a_state_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bank").write_text("")
    with pytest.raises(Refusal, match="cannot be used"):
        state.prepare(tmp_path / "bank", None)


def test_an_environment_is_ready_only_with_the_same_lock_and_python(venv: Environment) -> None:
    wanted = {"requirements.txt": "abc"}
    assert not environment.is_ready(venv.folder, wanted)
    marker = venv.folder / environment.MARKER
    marker.write_text(json.dumps({**wanted, "python": os.path.realpath(venv.python)}))
    assert environment.is_ready(venv.folder, wanted)
    assert not environment.is_ready(venv.folder, {"requirements.txt": "changed"})
    assert not environment.is_ready(venv.folder, {**wanted, "requirements-dev.txt": "x"})
    (venv.folder / environment.UNDER_WAY).touch()
    assert not environment.is_ready(venv.folder, wanted), "an install that was cut off"


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("x")
    with pytest.raises(Refusal, match="not a virtual environment"):
        environment.ensure({"ANJU_VENV": str(tmp_path)}, state.CHECKOUT)


def test_a_taken_port_is_said_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(Refusal, match=rf"Port {port} on 127.0.0.1 is taken[\s\S]*--port {port + 1}") as refused:
            serve.listen("127.0.0.1", port)
    assert refused.value.status == 2
    assert "script/server --port 8000" in serve.cannot_listen("127.0.0.1", 80, OSError(errno.EACCES, "denied"))


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("bank.example", "http://bank.example:80")],
)
def test_the_address_can_be_typed_into_a_browser(host: str, shown: str) -> None:
    assert serve.web_address(host, 80) == shown


def test_addresses_name_the_two_roles_and_one_database_per_slot() -> None:
    passwords = {"anju_app": "a", "anju_owner": "o", "valkey": "v", "postgres": "p"}
    assert bank.addresses({"postgres": 1, "valkey": 2}, passwords, slot=3) == {
        "DATABASE_URL": "postgres://anju_app:a@127.0.0.1:1/anju_3",
        "DATABASE_OWNER_URL": "postgres://anju_owner:o@127.0.0.1:1/anju_3",
        "REDIS_URL": "redis://:v@127.0.0.1:2/2",
    }


def test_only_servers_without_an_address_are_embedded() -> None:
    assert bank.embedded_names({}) == ["postgres", "valkey"]
    assert bank.embedded_names({"DATABASE_URL": "postgres://x"}) == ["valkey"]
    assert bank.embedded_names({"DATABASE_URL": "postgres://x", "REDIS_URL": "redis://y"}) == []
    with pytest.raises(Refusal, match="without DATABASE_URL"):
        bank.embedded_names({"DATABASE_OWNER_URL": "postgres://x"})


def test_django_gets_what_the_caller_set_and_the_rest_from_us(venv: Environment, tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgres://mine", "SECRET_KEY": "mine", "LOG_LEVEL": "DEBUG", "ANJU_DEMO": "1"}
    env = bank.django_environment(given, venv, tmp_path, "ours", {"REDIS_URL": "redis://ours"})
    assert env["SECRET_KEY"] == "mine"
    assert env["DATABASE_OWNER_URL"] == env["DATABASE_URL"] == "postgres://mine"
    assert env["REDIS_URL"] == "redis://ours"
    assert env["LOG_LEVEL"] == "DEBUG"
    assert env["DJANGO_SETTINGS_MODULE"] == "config.settings"
    assert "ANJU_DEMO" not in env, "only a demo database of our own is marked as one"


@pytest.mark.parametrize(
    "command", ["", "help", "check --deploy", "makemigrations", "day_end --help", "import_loans -h"]
)
def test_commands_without_a_database(command: str) -> None:
    assert not manage.needs_database(command.split())


@pytest.mark.parametrize("command", ["day_end --through 2026-12-31", "shell", "import_loans help"])
def test_commands_with_a_database(command: str) -> None:
    assert manage.needs_database(command.split())


def test_a_named_chromium_must_be_a_program(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="not a program"):
        chromium.find({"ANJU_CHROMIUM": str(tmp_path / "missing")})
    assert chromium.find({"PATH": str(tmp_path)}) == ""
