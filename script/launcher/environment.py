"""The virtual environment: made when missing, brought up to the hashed locks, mended when half made.

A marker file holds the sha256 of each installed lock and the Python it was made with; it is
written last, so an environment that was cut off half-way is never mistaken for a good one.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.locks import locked
from launcher.speech import Failure, Refusal, say

MARKER = ".anju-installed"
UNDER_WAY = ".anju-installing"
LOCK = ".anju-lock"
PRODUCTION = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"


@dataclass(frozen=True)
class Environment:
    """A finished virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The site-packages folder, where the servers' binaries are."""
        found = sorted(self.folder.glob("lib/python3*/site-packages"))
        if not found:
            raise Failure(f"The environment {self.folder} has no site-packages folder; remove it and try again.")
        return found[-1]


def choose_folder(environ: Mapping[str, str], checkout: Path) -> Path:
    """ANJU_VENV, else .venv in the checkout."""
    named = environ.get("ANJU_VENV", "")
    return Path(os.path.abspath(Path(named).expanduser())) if named else checkout / ".venv"


def fingerprints(checkout: Path, *, development: bool) -> dict[str, str]:
    """sha256 of each lock that has to be installed."""
    names = [PRODUCTION, DEVELOPMENT] if development else [PRODUCTION]
    return {name: hashlib.sha256((checkout / name).read_bytes()).hexdigest() for name in names}


def read_marker(folder: Path) -> dict[str, str]:
    """What was installed here, or nothing when the environment is missing, foreign or half made."""
    try:
        marker = json.loads((folder / MARKER).read_text())
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def is_ready(folder: Path, wanted: Mapping[str, str]) -> bool:
    """Whether the environment holds these locks, made with the Python it still points to."""
    marker = read_marker(folder)
    python = folder / "bin" / "python"
    return (
        bool(marker)
        and os.access(python, os.X_OK)
        and marker.get("python") == os.path.realpath(python)
        and all(marker.get(name) == digest for name, digest in wanted.items())
        and not (folder / UNDER_WAY).exists()
    )


def ensure(environ: Mapping[str, str], checkout: Path, *, development: bool = False) -> Environment:
    """The environment with the locks installed; quick when nothing has to be done."""
    folder = choose_folder(environ, checkout)
    wanted = fingerprints(checkout, development=development)
    if not is_ready(folder, wanted):
        _refuse_foreign(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder / LOCK, notice="another launch is installing the environment; waiting for it"):
                if not is_ready(folder, wanted):
                    _bring_up(folder, checkout, wanted)
        except PermissionError as error:
            raise Refusal(
                f"The environment {folder} cannot be written: {error.strerror}.\n"
                "Name a folder of your own with ANJU_VENV=/path/to/it."
            ) from error
    return Environment(folder)


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or any((folder / name).exists() for name in ("pyvenv.cfg", LOCK)):
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise Refusal(f"{folder} is not a virtual environment, so it is left alone. Name another with ANJU_VENV.")


def _bring_up(folder: Path, checkout: Path, wanted: dict[str, str]) -> None:
    if (folder / DEVELOPMENT).exists() or DEVELOPMENT in read_marker(folder):
        wanted = fingerprints(checkout, development=True)  # keep both sets in step
    started = time.monotonic()
    if not _is_whole(folder):
        _make(folder)
    (folder / MARKER).unlink(missing_ok=True)
    (folder / UNDER_WAY).touch()
    _install(folder, checkout, list(wanted))
    marker = {**wanted, "python": os.path.realpath(folder / "bin" / "python")}
    draft = folder / f"{MARKER}.new"
    draft.write_text(json.dumps(marker, indent=1))
    draft.replace(folder / MARKER)
    (folder / UNDER_WAY).unlink()
    say(f"environment ready in {time.monotonic() - started:.1f} s ({folder})")


def _is_whole(folder: Path) -> bool:
    """Whether there is a usable environment to install into; a cut-off one is built anew."""
    python = folder / "bin" / "python"
    if (folder / UNDER_WAY).exists() or not os.access(python, os.X_OK):
        return False
    made_with = read_marker(folder).get("python")
    if made_with and made_with != os.path.realpath(python):
        return False
    trial = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return trial.returncode == 0


def _make(folder: Path) -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise Refusal(
            f"This Python ({sys.executable}) cannot make virtual environments ({missing[0]} is missing).\n"
            "On Debian or Ubuntu: apt-get install python3-venv"
        )
    for entry in folder.iterdir():
        if entry.name != LOCK:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    say(f"environment: making {folder}")
    (folder / UNDER_WAY).touch()
    made = subprocess.run([sys.executable, "-m", "venv", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        text = made.stdout.decode("utf-8", "replace").strip()
        raise Failure(f"The environment could not be made:\n{text}\nOn Debian or Ubuntu: apt-get install python3-venv")


def _install(folder: Path, checkout: Path, names: list[str]) -> None:
    """pip with hashes required; its own words are kept and shown only when it fails."""
    command: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--require-hashes", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    total = 0
    for name in names:
        command += ["-r", checkout / name]
        total += sum(line[:1].isalnum() and "==" in line for line in (checkout / name).read_text().splitlines())
    say(f"environment: installing {total} packages from {' and '.join(names)}")
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    words: list[str] = []
    looked_at = 0
    assert pip.stdout is not None
    for line in pip.stdout:
        words.append(line.rstrip())
        looked_at += line.startswith(("Collecting ", "Requirement already satisfied"))
        _show_progress(line, looked_at, total)
    _show_progress("", looked_at, total)
    if pip.wait() == 0:
        return
    if pip.returncode > 0:  # pip undoes what it began; only a killed one leaves half a package
        (folder / UNDER_WAY).unlink(missing_ok=True)
    raise Failure("pip could not install the requirements:\n" + "\n".join(words[-15:]))


def _show_progress(line: str, looked_at: int, total: int) -> None:
    """A moving count on a terminal; three lines in a log."""
    if line.startswith("Installing collected"):
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
        say("environment: unpacking")
    elif sys.stderr.isatty():
        count = f"anju: environment: {looked_at} of {total}" if line.startswith("Collecting ") else ""
        if count or not line:
            sys.stderr.write(f"\r\033[K{count}")
            sys.stderr.flush()
