"""When an environment counts as installed: the locks' hashes, the Python it was made with, nothing half done."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from launcher import environment as environments
from launcher.environment import DEVELOPMENT, MARKER, PRODUCTION, UNDER_WAY, ensure, fingerprints, is_ready
from launcher.speech import Refusal


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / PRODUCTION).write_text("django==1\n")
    (folder / DEVELOPMENT).write_text("pytest==1\n")
    return folder


@pytest.fixture
def installed(checkout: Path) -> Path:
    """What a finished installation of the production lock leaves behind."""
    folder = checkout / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    (folder / "bin" / "python").symlink_to(sys.executable)
    write_marker(folder, fingerprints(checkout, development=False))
    return folder


def write_marker(folder: Path, locks: dict[str, str], python: str = sys.executable) -> None:
    (folder / MARKER).write_text(json.dumps({**locks, "python": os.path.realpath(python)}))


def test_fingerprint_is_the_hash_of_each_lock(checkout: Path) -> None:
    production = {PRODUCTION: hashlib.sha256(b"django==1\n").hexdigest()}
    assert fingerprints(checkout, development=False) == production
    both = {**production, DEVELOPMENT: hashlib.sha256(b"pytest==1\n").hexdigest()}
    assert fingerprints(checkout, development=True) == both


def test_installed_locks_are_ready(checkout: Path, installed: Path) -> None:
    assert is_ready(installed, fingerprints(checkout, development=False))


def test_tests_need_their_lock_too(checkout: Path, installed: Path) -> None:
    assert not is_ready(installed, fingerprints(checkout, development=True))
    write_marker(installed, fingerprints(checkout, development=True))
    assert is_ready(installed, fingerprints(checkout, development=True))
    assert is_ready(installed, fingerprints(checkout, development=False))


def test_changed_lock_is_not_ready(checkout: Path, installed: Path) -> None:
    (checkout / PRODUCTION).write_text("django==2\n")
    assert not is_ready(installed, fingerprints(checkout, development=False))


def test_another_python_is_not_ready(checkout: Path, installed: Path) -> None:
    locks = fingerprints(checkout, development=False)
    write_marker(installed, locks, python="/usr/bin/python3.10")
    assert not is_ready(installed, locks)


def test_python_that_went_away_is_not_ready(checkout: Path, installed: Path) -> None:
    (installed / "bin" / "python").unlink()
    (installed / "bin" / "python").symlink_to(checkout / "removed" / "python")
    assert not is_ready(installed, fingerprints(checkout, development=False))


def test_installation_under_way_is_not_ready(checkout: Path, installed: Path) -> None:
    (installed / UNDER_WAY).touch()
    assert not is_ready(installed, fingerprints(checkout, development=False))


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_broken_marker_is_not_ready(checkout: Path, installed: Path, text: str) -> None:
    (installed / MARKER).write_text(text)
    assert environments.read_marker(installed) == {}
    assert not is_ready(installed, fingerprints(checkout, development=False))


def test_ready_environment_starts_no_program(checkout: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert ensure({}, checkout).folder == installed


def test_folder_that_is_no_environment_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear")
    with pytest.raises(Refusal, match="ANJU_VENV"):
        ensure({"ANJU_VENV": str(mine)}, checkout)
    assert [entry.name for entry in mine.iterdir()] == ["letter.txt"]
