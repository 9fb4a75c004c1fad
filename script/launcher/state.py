"""The state folder: everything a bank of this installation keeps, in one place, closed to others.

PostgreSQL refuses to run as root, so root's servers run as `nobody`, and the folder belongs to
that account. Its parents are never opened for it: where `nobody` cannot reach the checkout, the
state lives in /var/lib/anju instead.
"""

import os
import pwd
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.speech import Refusal

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SYSTEM_STATE = Path("/var/lib/anju")
MARKER = "anju-state"
ROLES = ("postgres", "anju_owner", "anju_app", "valkey")


@dataclass(frozen=True)
class Account:
    """An operating system account that servers run as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class State:
    """A prepared state folder, and the account its servers run as (None: the caller's own)."""

    folder: Path
    account: Account | None

    def secret_key(self) -> str:
        """Django's signing key; made once, so that sessions survive a restart."""
        return read_or_make(self.folder / "secret_key", secrets.token_urlsafe(64))

    def passwords(self) -> dict[str, str]:
        """One random password per database role and for Valkey; made once."""
        fresh = "".join(f"{role} {secrets.token_hex(24)}\n" for role in ROLES)
        text = read_or_make(self.folder / "passwords", fresh)
        return dict(line.split() for line in text.splitlines())

    def log(self, name: str) -> Path:
        """Path of one program's log."""
        return self.folder / "log" / f"{name}.log"


def servers_account() -> Account | None:
    """`nobody` for root, None for everyone else, who run servers as themselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise Refusal(
            "PostgreSQL cannot run as root and this machine has no account 'nobody'.\n"
            "Run as an ordinary user, or give DATABASE_URL and REDIS_URL of servers of your own."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def closed_parent(folder: Path, account: Account) -> Path | None:
    """The first parent that `account` may not pass through, or None when it can reach `folder`."""
    for parent in reversed(folder.parents):
        try:
            found = parent.stat()
        except FileNotFoundError:
            return None  # the rest will be made, open to pass through
        if found.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif found.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            return parent
    return None


def choose_folder(environ: Mapping[str, str], checkout: Path, account: Account | None) -> Path:
    """Where the state lives: ANJU_STATE, else var/ in the checkout, else /var/lib/anju."""
    named = environ.get("ANJU_STATE", "")
    folder = Path(os.path.abspath(Path(named).expanduser())) if named else checkout / "var"
    if account is None:
        return folder
    closed = closed_parent(folder, account)
    if closed is None:
        return folder
    if named:
        raise Refusal(
            f"The state folder {folder} cannot be used: as root the servers run as '{account.name}',\n"
            f"and that account may not pass through {closed}. Its permissions are yours and stay as they are.\n"
            f"Name a folder it can reach, for example ANJU_STATE={SYSTEM_STATE}."
        )
    return SYSTEM_STATE


def prepare(folder: Path, account: Account | None) -> State:
    """Make or check the folder; refuses one of somebody else, or one that holds other things."""
    try:
        _make(folder)
        _check_owner(folder, account)
        _adopt(folder, account)
        for name in ("log", "media", "static"):
            (folder / name).mkdir(exist_ok=True)
        if not os.access(folder / "log", os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise Refusal(
            f"The state folder {folder} cannot be used: {error.strerror}.\n"
            "Name another one with ANJU_STATE=/path/to/a/folder/of/yours."
        ) from error
    return State(folder, account)


def _make(folder: Path) -> None:
    missing = [parent for parent in reversed(folder.parents) if not parent.exists()]
    for parent in missing:
        parent.mkdir(exist_ok=True)
        parent.chmod(0o755)
    folder.mkdir(mode=0o700, exist_ok=True)


def _check_owner(folder: Path, account: Account | None) -> None:
    owner = folder.stat().st_uid
    fine = {0, account.uid} if account else {os.geteuid()}
    if owner in fine:
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"user {owner}"
    raise Refusal(
        f"The state folder {folder} belongs to {name}.\n"
        f"Run as {'root' if account is None and name == 'nobody' else name}, "
        "or name another folder with ANJU_STATE."
    )


def _adopt(folder: Path, account: Account | None) -> None:
    """Close the folder and mark it as ours; what holds other things is left alone."""
    marker = folder / MARKER
    if not marker.exists():
        others = sorted(entry.name for entry in folder.iterdir())
        if others:
            raise Refusal(
                f"The folder {folder} is not empty and holds no state of Anju (there is {others[0]}).\n"
                "Name an empty or a new folder with ANJU_STATE."
            )
        marker.touch(mode=0o644)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
    if account and folder.stat().st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)


def read_or_make(path: Path, fresh: str) -> str:
    """The text of a secret file, made with `fresh` when missing; two makers agree on one."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(fresh)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
